// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timeline: each time that a thread was off its CPU, and each sample. Episodes are gathered on their CPU and delivered together: a place in
 * the ring for each would cost more than all else about them. They have a ring of their own, so that they cost the account nothing.
 */
#include "stacks.bpf.h"

static __always_inline int deliver(void *record, u64 bytes)
{
	u64 waiting = bpf_ringbuf_query(&timeline, BPF_RB_AVAIL_DATA);

	return bpf_ringbuf_output(&timeline, record, bytes,
				  waiting > TIMELINE_BYTES / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/*
 * At a switch-in: the thread went off its CPU at out_ns, was blocked, then waited for a CPU. What for says t->cause (0: not known). Who is in here stays
 * on this CPU until he is done (tracing programs are not preempted), and interrupts add none.
 */
__noinline int episode_add(struct thread *t, u64 out_ns, u64 blocked_ns, u64 queued_ns, u64 class)
{
	u32 zero = 0;
	struct record_episodes *batch;
	struct episode *episode;
	u64 count;

	if (!t)
		return 0;
	batch = bpf_map_lookup_elem(&episode_batches, &zero);
	if (!batch)
		return 0;
	count = batch->count;
	if (count >= EPISODES_BATCH)
		count = 0; /* never: for the verifier */
	episode = &batch->episode[count];
	episode->thread = t->serial;
	episode->class = class;
	episode->out_ns = out_ns;
	episode->blocked_ns = blocked_ns;
	episode->queued_ns = queued_ns;
	episode->cause = t->cause;
	batch->count = count + 1;
	if (count + 1 < EPISODES_BATCH)
		return 0;
	batch->kind = RECORD_EPISODES;
	if (deliver(batch, sizeof(*batch)))
		__sync_fetch_and_add(&losses[LOSS_EPISODE_UNDELIVERED], EPISODES_BATCH);
	batch->count = 0;
	return 0;
}

__noinline int moment_add(struct thread *t, u64 at_ns, u64 stack)
{
	struct record_moment record = {.kind = RECORD_MOMENT, .at_ns = at_ns, .stack = stack};

	if (!t)
		return 0;
	record.thread = t->serial;
	/* Samples that are missing leave other samples: nothing is wrong without them. */
	if (deliver(&record, sizeof(record)))
		lose(LOSS_SAMPLE_LOST);
	return 0;
}
