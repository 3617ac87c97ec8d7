// SPDX-License-Identifier: GPL-2.0-only
/* Inside or outside a syscall; and the few syscalls whose success changes what we know. */
#include "concprof.bpf.h"

/* The syscalls whose success changes what we know, by convention. */
enum { NR_CONNECT, NR_EPOLL_CREATE, NR_EPOLL_CREATE1, NR_EPOLL_CTL, NR_COUNT };
static const u32 nr_x86_64[NR_COUNT] = {42, 213, 291, 233};
static const u32 nr_i386[NR_COUNT] = {362, 254, 329, 255};

static __always_inline const u32 *numbers_of(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT ? nr_i386 : nr_x86_64;
}

#define ETIMEDOUT 110

SEC("?tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_of(task);
	u64 now;

	if (!t || t->account.phase == PHASE_OFF)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_over(now))
		return 0;
	if (!t->begun)
		thread_begin(t, now, task->min_flt + task->maj_flt);
	if (!is_running(t))
		repair_switch_in(t, now);
	account_side(&t->account, now, CLASS_KERNEL);
	t->slot_last = 0;
	t->syscalls++;
	if (nr == numbers_of(task)[NR_CONNECT])
		t->connects++;
	self_add(t, t->syscalls, now);
	return 0;
}

/* The last wait of a syscall ended by its timeout: futex says so by ETIMEDOUT, poll and its kin by 0. */
static __always_inline void note_timeout(struct thread *t, long result)
{
	u8 class = t->open.class;

	if (!t->timed)
		return;
	if (class == CLASS_FUTEX
		? result == -ETIMEDOUT
		: result == 0 && (class == CLASS_POLL || class == CLASS_PIPE || class == CLASS_TTY || class == CLASS_SLEEP))
		wait_timed_out(t);
}

static __always_inline void epoll_ctl_done(struct pt_regs *regs, bool i386)
{
	if (i386)
		epoll_changed(regs->bx, regs->cx, regs->dx);
	else
		epoll_changed(regs->di, regs->si, regs->dx);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_of(task);
	const u32 *numbers;
	u64 now, nr;

	if (!t || t->account.phase == PHASE_OFF)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_over(now))
		return 0;
	if (!t->begun)
		thread_begin(t, now, task->min_flt + task->maj_flt);
	if (!is_running(t))
		repair_switch_in(t, now);
	if (t->slot_last) {
		note_timeout(t, result);
		t->slot_last = 0;
	}
	nr = regs->orig_ax;
	numbers = numbers_of(task);
	if (nr == numbers[NR_EPOLL_CTL] && result == 0)
		epoll_ctl_done(regs, numbers == nr_i386);
	else if ((nr == numbers[NR_EPOLL_CREATE] || nr == numbers[NR_EPOLL_CREATE1]) && result >= 0)
		epoll_created(result);
	account_side(&t->account, now, CLASS_USER);
	self_add(t, t->syscalls, now);
	return 0;
}
