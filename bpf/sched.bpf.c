// SPDX-License-Identifier: GPL-2.0-only
/* The account's clockwork: a thread leaves a CPU, gets one, is woken. */
#include "stacks.bpf.h"

/*
 * Events can be missed: older kernels refuse nested access to task storage, and some do not run programs at all while certain tasks
 * are current (seen: those of a hypervisor's agent), so that a wake-up by them, or a switch from them, goes unseen. Then the kernel's
 * own account of the same moment is taken: sched_info has when a task was queued and when it arrived, on the run queues' clock.
 * How far that clock is from ours is seen now and then, at switch-outs of threads whose switch-in was seen.
 */
static volatile s64 clock_offset;

static __always_inline void clock_compare(struct thread *t, struct task_struct *prev)
{
	if ((t->voluntary + t->involuntary) % 64 == 0 && t->in_ns)
		clock_offset = t->in_ns - prev->sched_info.last_arrival;
}

/* At a switch-in after a wake-up that was not seen. */
static __always_inline void repair_wake(struct thread *t, struct task_struct *next)
{
	u64 queued = next->sched_info.last_queued;

	if (!queued || !clock_offset)
		return; /* counted as lost by record_split */
	account_wake(&t->account, queued + clock_offset);
	t->waker = 0;
	lose(LOSS_WAKE_REPAIRED);
}

/* Keeps what a switch-in (or a closed interval) found out: whole waits, by cause. */
static __always_inline void record_split(struct thread *t, const struct account_split *split)
{
	if (!t->begun)
		return;
	if (split->blocked) {
		if (split->lost_wake) {
			t->lost_wakes++;
			lose(LOSS_WAKE_LOST);
		}
		t->open.waker = split->lost_wake ? 0 : t->waker;
		wait_record(t, split->blocked_ns);
	}
	if (split->queued)
		stats_add(split->queue == CLASS_WOKEN ? &t->queue[1] : &t->queue[0], split->queued_ns);
	if (with_timeline && (split->blocked || split->queued))
		episode_add(t, t->account.since_ns - split->queued_ns - split->blocked_ns, split->blocked_ns, split->queued_ns,
			    split->blocked ? split->class : split->queue);
}

__noinline int thread_begin(struct thread *t, u64 now, u64 faults)
{
	if (!t || !has_started(now))
		return 0;
	account_rebase(&t->account, start_ns);
	t->voluntary = 0;
	t->involuntary = 0;
	t->syscalls = 0;
	t->connects = 0;
	t->lost_wakes = 0;
	t->wakes = 0;
	t->self_ns = 0;
	t->stacks_same = 0;
	t->faults = faults;
	t->begun = BEGUN_TIME;
	return 0;
}

/*
 * At the first switch since the thread's account began. The kernel's own account is right at switches only: its run time is brought up
 * to date before, its count of switches has this one. `out`: the thread leaves its CPU, where it has been since the begin, or since it was
 * switched in.
 */
static __always_inline void begin_at_switch(struct thread *t, struct task_struct *task, u64 now, bool out)
{
	u64 since, ran;

	if (t->begun != BEGUN_TIME)
		return;
	audit_read(&t->base, task);
	if (out) {
		since = t->in_ns > t->account.begin_ns ? t->in_ns : t->account.begin_ns;
		ran = now > since ? now - since : 0;
		t->base.switches--;
		t->base.exec_ns = t->base.exec_ns > ran ? t->base.exec_ns - ran : 0;
	}
	t->begun = BEGUN;
}

/* At the first event of a running thread that was not seen to get the CPU. */
__noinline int repair_switch_in(struct thread *t, u64 now)
{
	struct task_struct *prev = bpf_get_current_task_btf();
	u64 in = prev->sched_info.last_arrival + clock_offset, delay;
	struct account_split split;

	if (!t)
		return 0;
	delay = prev->sched_info.run_delay - t->run_delay_out;
	if (!clock_offset || in > now)
		in = now;
	if (!t->account.wake_ns &&
	    (t->account.phase == PHASE_BLOCKED || (t->account.phase == PHASE_MARKED && t->account.found == FOUND_BLOCKED)))
		account_wake(&t->account, in - delay);
	account_switch_in(&t->account, in, &split);
	record_split(t, &split);
	t->in_ns = in;
	lose(LOSS_SWITCH_REPAIRED);
	return 0;
}

/*
 * The steps of the account; global, so that their phases do not multiply with the hook's own branches when verified, and what they need of
 * the stack is not there while the classification runs, which goes deepest (tests/cli/bpf_frames.py).
 */
__noinline int step_out(struct thread *t, u64 now, u32 blocked)
{
	struct account_split split;

	if (!t)
		return 0;
	account_switch_out(&t->account, now, blocked, t->open.class, &split);
	return 0;
}

__noinline int step_in(struct thread *t, u64 now)
{
	struct account_split split;

	if (!t)
		return 0;
	account_switch_in(&t->account, now, &split);
	record_split(t, &split);
	t->in_ns = now;
	return 0;
}

__noinline int step_last(struct thread *t, u64 now)
{
	struct account_split split;

	if (!t)
		return 0;
	account_resolve(&t->account, 1);
	account_end(&t->account, now, &split);
	return thread_ended(t, now);
}

static __always_inline void switched_out(const void *ctx, struct thread *t, struct task_struct *prev, bool preempt,
					 u32 prev_state, u64 now)
{
	bool blocked = account_blocks(preempt, prev_state, prev->__state);

	if (t->account.phase == PHASE_OFF) {
		t->account.begin_ns = 0;
		return;
	}
	if (is_over(now)) {
		if (prev_state & TASK_DEAD) {
			if (!t->begun)
				thread_begin(t, now, prev->min_flt + prev->maj_flt);
			thread_ended(t, now);
		}
		return;
	}
#ifdef CONCPROF_TEST_SKIP_SWITCH /* for a test that shows that the check of the counts can fail */
	if (now % 997 == 0)
		return;
#endif
	if (!t->begun)
		thread_begin(t, now, prev->min_flt + prev->maj_flt);
	if (t->account.phase == PHASE_ON_CPU)
		clock_compare(t, prev);
	else if (!is_running(t))
		repair_switch_in(t, now);
	if (t->begun != BEGUN)
		begin_at_switch(t, prev, now, true);
	t->run_delay_out = prev->sched_info.run_delay;
	/* The kernel counts a switch as voluntary by the state that schedule() was entered with. */
	if (!preempt && prev_state)
		t->voluntary++;
	else
		t->involuntary++;
	if (prev_state & TASK_DEAD) {
		step_last(t, now);
		return;
	}
	if (blocked) {
		wait_classify(t, prev_state);
		if (with_stacks) {
			stack_anchor(ctx);
			stack_take(t);
		}
	}
	step_out(t, now, blocked);
}

static __always_inline void switched_in(struct thread *t, struct task_struct *next, u64 now)
{
	if (t->account.phase == PHASE_OFF) {
		t->account.begin_ns = now;
		t->in_ns = now;
		audit_read(&t->base, next);
		return;
	}
	if (is_over(now))
		return;
	if (!t->begun)
		thread_begin(t, now, next->min_flt + next->maj_flt);
	if (t->begun != BEGUN)
		begin_at_switch(t, next, now, false);
	if (t->account.phase == PHASE_BLOCKED && !t->account.wake_ns)
		repair_wake(t, next);
	step_in(t, now);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	/* The idle tasks have pid 0. */
	struct thread *out = prev->pid ? thread_of(prev) : NULL;
	struct thread *in = next->pid ? thread_of(next) : NULL;
	u64 now = 0;

	if (out) {
		now = bpf_ktime_get_ns();
		switched_out(ctx, out, prev, preempt, prev_state, now);
	}
	if (in) {
		if (!now)
			now = bpf_ktime_get_ns();
		switched_in(in, next, now);
		self_add(in, in->voluntary + in->involuntary, now);
	} else if (out && out->account.phase != PHASE_DEAD) {
		self_add(out, out->voluntary + out->involuntary, now);
	}
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	struct thread *t = thread_of(task);
	u64 now;

	if (!t)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_over(now))
		return 0;
	account_wake(&t->account, now);
	t->waker = who_wakes(t);
	t->wakes++;
	self_add(t, t->wakes, now);
	return 0;
}
