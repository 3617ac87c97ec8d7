// SPDX-License-Identifier: GPL-2.0-only
/* Inside or outside a syscall; and the few syscalls whose success changes what we know. */
#include "concprof.bpf.h"

/* x86-64 numbers */
#define NR_CONNECT       42
#define NR_EPOLL_CREATE  213
#define NR_EPOLL_WAIT    232
#define NR_EPOLL_CTL     233
#define NR_EPOLL_CREATE1 291

#define ETIMEDOUT 110

SEC("?tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	struct thread *t = thread_of(bpf_get_current_task_btf());
	u64 now;

	if (!t || t->account.phase == PHASE_OFF)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_over(now))
		return 0;
	if (t->account.phase != PHASE_ON_CPU)
		repair_switch_in(t, now);
	account_side(&t->account, now, CLASS_KERNEL);
	t->slot_last = 0;
	t->syscalls++;
	if (nr == NR_CONNECT)
		t->connects++;
	self_add(t, t->syscalls, now);
	return 0;
}

/* The last wait of a syscall ended by its timeout: futex says so by ETIMEDOUT, poll and its kin by 0. */
static __always_inline void note_timeout(struct thread *t, long result)
{
	u32 slot = (t->slot_last - 1) & (WAIT_SLOTS - 1);
	u8 class = t->slot[slot].key.class;

	if (class == CLASS_FUTEX
		? result == -ETIMEDOUT
		: result == 0 && (class == CLASS_POLL || class == CLASS_PIPE || class == CLASS_TTY || class == CLASS_SLEEP))
		t->slot[slot].stats.timed_out++;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
	struct thread *t = thread_of(bpf_get_current_task_btf());
	u64 now, nr;

	if (!t || t->account.phase == PHASE_OFF)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_over(now))
		return 0;
	if (t->account.phase != PHASE_ON_CPU)
		repair_switch_in(t, now);
	if (t->slot_last) {
		note_timeout(t, result);
		t->slot_last = 0;
	}
	nr = regs->orig_ax;
	if (nr == NR_EPOLL_CTL && result == 0)
		epoll_changed(regs->di, regs->si, regs->dx);
	else if ((nr == NR_EPOLL_CREATE || nr == NR_EPOLL_CREATE1) && result >= 0)
		epoll_created(result);
	account_side(&t->account, now, CLASS_USER);
	self_add(t, t->syscalls, now);
	return 0;
}
