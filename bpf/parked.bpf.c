// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks that could not be unwound because user space has not told us yet what is mapped: while a program starts, loads a library, or
 * user space itself gets no CPU. They are left to user space, with the top of the stack's memory: by the time it looks, a short wait is long
 * over, and what was sampled has gone on anyway.
 */
#include "stacks.bpf.h"

/*
 * Stacks that one thread may park with their memory while it runs one program: more than waits of a millisecond fill the time with in which
 * user space gets no CPU. Each counts as a wait of its own, and where code never becomes known (made at run time, or a stack that is none),
 * all of it is in vain: there it ends.
 */
#define PARKED_MAX 1024

#define USER_ADDRESS_BITS 47

/* Whether a list of mappings that is not there yet may be what the unwinding lacked. */
static __always_inline bool may_lack_mappings(const struct walk *walk)
{
	if (!walk->generation)
		return walk->frames;
	/* Beyond a frame that was followed blindly garbage is likelier than a new library. */
	if (walk->stop != UNWIND_STOP_NO_MAPPING || walk->framed)
		return false;
	return walk->ip >= PAGE_BYTES && !(walk->ip >> USER_ADDRESS_BITS);
}

/* Whether the memory may go along. Half of the ring is for everything else. */
static __always_inline bool is_affordable(struct task_struct *task, const struct thread *t)
{
	struct stack_cache *cache = bpf_task_storage_get(&stack_caches, task, 0, 0);

	if (!cache || bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) >= RING_BYTES / 2)
		return false;
	if (cache->image != t->image) {
		cache->image = t->image;
		cache->parked = 0;
	}
	if (cache->parked >= PARKED_MAX)
		return false;
	cache->parked++;
	return true;
}

/* Copies the stack from sp on, page by page, to the scratch: the last one may not be there. Returns how many bytes. */
__noinline u32 parked_memory(u64 sp)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 bytes = 0, step;

	if (!scratch)
		return 0;
#pragma unroll
	for (u32 i = 0; i < PARKED_PAGES; i++) {
		step = PAGE_BYTES - ((sp + bytes) & (PAGE_BYTES - 1));
		barrier_var(step); /* or the test is left out, and the verifiers do not see the bound */
		if (step > PAGE_BYTES || bpf_probe_read_user(scratch->bytes + bytes, step, (void *)(sp + bytes)))
			break;
		bytes += step;
	}
	return bytes;
}

__noinline u64 stack_park(struct thread *t, u64 kernel, u32 sampled)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct stack_scratch *scratch = stack_scratch();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u64 id, bytes = 0;

	if (!t || !scratch || !may_lack_mappings(&scratch->walk) || !is_worth_room())
		return 0;
	if (is_affordable(task, t))
		bytes = parked_memory(regs->sp);
	/* Then what was unwound says more, or as much. */
	if (!bytes && (scratch->walk.generation || sampled))
		return 0;
	barrier_var(bytes);
	if (bytes > PARKED_BYTES)
		return 0;
	id = parked_fill(&scratch->parked, t, task, regs, kernel);
	scratch->parked.bytes = bytes;
	if (sampled) {
		/* It goes on at once, and may be met again before it waits. */
		scratch->parked.switches = PARKED_RUNNING;
		id = stack_mix(id, scratch->parked.time_ns);
		scratch->parked.id = id;
	}
	if (bpf_ringbuf_output(
		&records, &scratch->parked, sizeof(scratch->parked) + bytes,
		bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > RING_BYTES / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP)) {
		lose(LOSS_STACK_UNDELIVERED);
		return 0;
	}
	return id;
}
