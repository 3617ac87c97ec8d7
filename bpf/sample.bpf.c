// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where threads are on a CPU: a clock's interrupt on every CPU takes the current thread's stack. Samples divide a thread's exact time
 * among its stacks; they measure nothing themselves.
 */
#include "stacks.bpf.h"

struct bpf_perf_event_data; /* the context: registers at the interrupt, first of all (uapi/asm-generic/bpf_perf_event.h) */

static __always_inline void count(struct thread *t, u64 stack)
{
	struct sample_key key = {.thread = t->serial, .stack = stack};
	u64 one = 1, *known = bpf_map_lookup_elem(&samples, &key);

	if (known)
		__sync_fetch_and_add(known, 1);
	else if (bpf_map_update_elem(&samples, &key, &one, BPF_ANY))
		lose(LOSS_SAMPLE_LOST);
}

/* A thread that was found at attach and not heard of since is on a CPU if it is interrupted there. */
static __always_inline bool is_interrupted(const struct thread *t)
{
	return t->account.phase == PHASE_ON_CPU || t->account.phase == PHASE_MARKED;
}

SEC("?perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	struct pt_regs *at = (struct pt_regs *)ctx, *user;
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = task->pid ? thread_of(task) : NULL;
	struct stack_scratch *scratch = stack_scratch();
	u64 kernel = 0, ip, sp, bp, di, stack, now;
	long bytes = 0;

	if (!t || !scratch || !is_interrupted(t))
		return 0;
	now = bpf_ktime_get_ns();
	/* A thread without an event since the begin has not begun, and yet its time counts from there. */
	if (!has_started(now) || is_over(now))
		return 0;
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING))
		return 0;
	if (at->cs & 3) {
		ip = at->ip;
		sp = at->sp;
		bp = at->bp;
		di = at->di;
	} else {
		user = (struct pt_regs *)bpf_task_pt_regs(task);
		ip = user->ip;
		sp = user->sp;
		bp = user->bp;
		di = user->di;
		bytes = bpf_get_stack(ctx, scratch->kernel, sizeof(scratch->kernel), 0);
		if (bytes > 0)
			kernel = stack_kernel_side(t, bytes / 8);
	}
	unwind_user(t, ip, sp, bp, di);
	stack = stack_park(t, kernel, 1);
	if (!stack) {
		unwind_count();
		stack = stack_user_side(t, kernel);
	}
	if (!stack)
		return 0;
	count(t, stack);
	if (with_timeline)
		moment_add(t, now, stack);
	return 0;
}
