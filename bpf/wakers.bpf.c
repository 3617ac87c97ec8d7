// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who ends a wait. A wake-up comes from a thread, or from an interrupt that happens to run on top of one. On loopback, data arrives in a
 * soft interrupt within the sender's own system call: there the sender is the one, if it talks to the very socket that is waited for.
 */
#include "concprof.bpf.h"
#include "waits.h"

#define THREAD_STACK_BYTES 16384                 /* arch/x86/include/asm/page_64_types.h: THREAD_SIZE */
#define KSOFTIRQD          0x71726974666f736bULL /* "ksoftirq", as a word of memory */

/*
 * Whether the current task's own stack is in use. Interrupts have one of their own; but for those from user mode, which find the task's
 * empty. (The preemption count would say it, too; kernels without CONFIG_KALLSYMS_ALL do not give its address.) Small, so that the frame
 * is on the kernel's stack: large ones are put elsewhere since 6.13.
 */
__noinline int is_on_own_stack(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 distance;

	/* From the task's struct to here. A frame's address is none to calculate with; the difference of two pointers is a number. */
	asm volatile("%0 = r10\n%0 -= %1" : "=&r"(distance) : "r"(task));
	return bpf_get_current_task() + distance - (u64)task->stack < THREAD_STACK_BYTES;
}

#define NR_CLOSE      3
#define NR_CLOSE_I386 6

/* The descriptor that the system call in progress works on; -1: none that could be a socket. */
static __always_inline s32 fd_of_call(struct pt_regs *regs, bool i386)
{
	switch (wait_how(regs->orig_ax, i386)) {
	case HOW_FD:
	case HOW_SENDFILE:
		return i386 ? (u32)regs->bx : regs->di;
	case HOW_SPLICE:
		return i386 ? (u32)regs->dx : regs->dx;
	default:
		return -1;
	}
}

/* Whether what is sent on a socket with the ports `sender` arrives at the one with `receiver` (struct thread.ports). */
static __always_inline bool is_peer(u32 sender, u32 receiver)
{
	u16 from = sender >> 16, to = sender, at = receiver >> 16, of = receiver;

	if (!sender)
		return false;
	if (receiver == WAIT_PORTS_MANY)
		return true;
	/* A socket without a peer sends to anyone; one that listens, or has no peer, hears anyone. */
	return (!to || to == at) && (!of || of == from);
}

/* In a soft interrupt on top of a followed thread: whether that thread has caused it. */
static __always_inline bool is_senders(struct thread *sender, struct thread *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool i386 = task->thread_info.status & TS_COMPAT;
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct fd_view view = {};
	s32 fd;

	if (!t->ports || sender == t || sender->account.phase != PHASE_ON_CPU || sender->account.side == CLASS_USER)
		return false;
	/* A socket that is closed is no longer among the descriptors: all that can be seen is that one is being closed. */
	if (task->flags & PF_EXITING || regs->orig_ax == (i386 ? NR_CLOSE_I386 : NR_CLOSE))
		return true;
	fd = fd_of_call(regs, i386);
	return fd >= 0 && fd_look(fd, &view) == FD_SOCKET && is_peer(view.ports, t->ports);
}

/*
 * What one thread gives free within a page fault while another waits for it. Pages of files are not among it: it is the disk that they come
 * from, and its interrupts may find the CPU in any thread's user code.
 */
static __always_inline bool is_of_faults(u8 class)
{
	return class == CLASS_KLOCK || class == CLASS_FAULT || class == CLASS_MEMORY;
}

/* Whether the current task did not call for what happens now. */
static __always_inline bool is_interrupt(struct task_struct *task, struct thread *t)
{
	struct pt_regs *regs;

	if (!is_on_own_stack() || !task->pid)
		return true;
	if (task->flags & PF_KTHREAD)
		return *(u64 *)task->comm == KSOFTIRQD;
	if (task->flags & (PF_EXITING | PF_IO_WORKER | PF_USER_WORKER))
		return false;
	/* The entry code leaves -1 there for interrupts and faults from user mode. */
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	return (s64)regs->orig_ax < 0 && !is_of_faults(t->open.class);
}

/*
 * An interrupt that ends a timed wait is its timer's, if the time has come: the kernel took its begin a little before we did. Where nothing
 * but a timer or another thread can end the wait, no time is kept.
 */
static __always_inline bool is_timers(struct thread *t)
{
	const u64 earlier_ns = 100000;

	return t->timed && (!t->deadline_ns || bpf_ktime_get_ns() + earlier_ns >= t->deadline_ns);
}

__noinline u64 who_wakes(struct thread *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *waker;
	u64 other;

	if (!t)
		return 0;
	waker = thread_of(task);
	if (is_interrupt(task, t)) {
		if (is_timers(t))
			return WAKER_TIMER;
		return waker && is_senders(waker, t) ? WAKER_THREAD | waker->serial : WAKER_INTERRUPT;
	}
	if (waker)
		return WAKER_THREAD | waker->serial;
	other = WAKER_OTHER | (u32)task->tgid;
	if (t->waker != other)
		object_task_met(t, task->tgid);
	return other;
}
