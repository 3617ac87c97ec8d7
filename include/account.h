/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The account: where every nanosecond of one thread's life went. Pure C, compiled into BPF and into host tests.
 *
 * A thread is always in exactly one phase since `since_ns`. Each event closes the open interval, charges it to one class (two at a
 * switch-in after a wait: blocked until the wake-up, runnable from then on), and opens the next. `since_ns` never moves
 * backwards, whatever the clocks of different CPUs say, and every charge moves it by what it charges. Hence, always:
 *
 *     sum of ns[] == since_ns - begin_ns
 *
 * Who writes: all fields but wake_ns belong to the thread itself (its syscalls, its switches; the scheduler orders those across
 * CPUs). wake_ns is written by whoever wakes the thread, at any moment, also while the thread is still running towards its
 * switch-out. `seq` is odd while the owner updates, so that a reader on another CPU can tell a torn copy.
 *
 * All times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef CONCPROF_ACCOUNT_H
#define CONCPROF_ACCOUNT_H

#include "abi.h"

#define ACCOUNT_FN static inline __attribute__((always_inline))

/* x86-64 keeps loads and stores in order (TSO); only the compiler must be kept from moving them. */
#define account_barrier() __asm__ __volatile__("" ::: "memory")

/* What one switch-in found out about the interval that it ended. */
struct account_split {
	__u64 blocked_ns; /* from the switch-out to the wake-up; meaningful if `blocked` */
	__u64 queued_ns;  /* runnable without a CPU, up to now */
	__u8 blocked;     /* the thread had been blocked, in class `class` */
	__u8 class;       /* class of the blocked part */
	__u8 queued;      /* the thread had been runnable, in class `queue` */
	__u8 queue;       /* CLASS_PREEMPTED or CLASS_WOKEN */
	__u8 lost_wake;   /* no wake-up was seen: all of it counts as blocked */
};

/*
 * Task states that mean: not runnable. TASK_WAKING (0x200) is among them: a waker sets it on a thread that is still on its way
 * out, and that thread did block. Left out, as they only qualify: TASK_WAKEKILL 0x100, TASK_NOLOAD 0x400, TASK_NEW 0x800 (also
 * the report bit of older kernels), TASK_FREEZABLE 0x2000, __TASK_FREEZABLE_UNSAFE 0x4000 (include/linux/sched.h, 5.15 to 6.18).
 */
#define ACCOUNT_STATE_BLOCKED 0x92ff

/*
 * Does the thread that leaves its CPU block? `prev_state` is the tracepoint's argument, `task_state` the task's own field, read
 * in the tracepoint: a signal that came in time makes the thread runnable again after the former was taken.
 */
ACCOUNT_FN int account_blocks(int preempt, __u64 prev_state, __u64 task_state)
{
	return !preempt && (prev_state & ACCOUNT_STATE_BLOCKED) && (task_state & ACCOUNT_STATE_BLOCKED);
}

ACCOUNT_FN void account_write_begin(struct account *a)
{
	a->seq++;
	account_barrier();
}

ACCOUNT_FN void account_write_end(struct account *a)
{
	account_barrier();
	a->seq++;
}

/* A reader on another CPU: seq = account_read_begin(a); copy; if account_read_retry(a, seq), the copy is torn: try again. */
ACCOUNT_FN __u32 account_read_begin(const struct account *a)
{
	__u32 seq = *(const volatile __u32 *)&a->seq;

	account_barrier();
	return seq;
}

ACCOUNT_FN int account_read_retry(const struct account *a, __u32 seq)
{
	account_barrier();
	return (seq & 1) || *(const volatile __u32 *)&a->seq != seq;
}

/* Charges the time from since_ns up to `until` to `class` and moves since_ns there. Returns what was charged. */
ACCOUNT_FN __u64 account_charge(struct account *a, __u64 until, __u32 class)
{
	__u64 ns = 0;

	if (until > a->since_ns) {
		ns = until - a->since_ns;
		a->since_ns = until;
		a->ns[class % CLASS_SLOTS] += ns;
	}
	return ns;
}

/*
 * A marked thread's first event: since the mark it was on a CPU, or else blocked or runnable, as it was found. A wake-up since then
 * says that it had been blocked. What it did on the CPU before its first syscall boundary is not known.
 */
ACCOUNT_FN void account_resolve(struct account *a, int on_cpu)
{
	if (a->phase != PHASE_MARKED)
		return;
	if (on_cpu) {
		a->phase = PHASE_ON_CPU;
		a->side = CLASS_CPU;
	} else if (a->found == FOUND_BLOCKED || (a->found == FOUND_ON_CPU && a->wake_ns)) {
		a->phase = PHASE_BLOCKED;
	} else {
		a->phase = PHASE_PREEMPTED;
	}
}

/*
 * Closes the open interval at `now`, as a switch-in does. The phase stays: the caller sets it. Returns 0 if the account is not
 * open (before its begin, after its end): then no event may open it.
 */
ACCOUNT_FN int account_settle(struct account *a, __u64 now, struct account_split *split)
{
	__u64 wake = a->wake_ns;

	split->blocked = 0;
	split->queued = 0;
	split->lost_wake = 0;
	split->blocked_ns = 0;
	split->queued_ns = 0;
	split->class = a->class;
	split->queue = CLASS_WOKEN;
	switch (a->phase) {
	case PHASE_ON_CPU:
		account_charge(a, now, a->side);
		break;
	case PHASE_PREEMPTED:
		split->queued = 1;
		split->queue = CLASS_PREEMPTED;
		split->queued_ns = account_charge(a, now, CLASS_PREEMPTED);
		break;
	case PHASE_WOKEN:
		split->queued = 1;
		split->queued_ns = account_charge(a, now, CLASS_WOKEN);
		break;
	case PHASE_BLOCKED:
		/* A wake-up older than the switch-out cancels the wait (it raced with it): blocked for 0 ns. */
		split->blocked = 1;
		split->lost_wake = wake == 0;
		split->queued = wake != 0;
		if (wake == 0 || wake > now)
			wake = now;
		split->blocked_ns = account_charge(a, wake, a->class);
		split->queued_ns = account_charge(a, now, CLASS_WOKEN);
		break;
	default:
		return 0;
	}
	return 1;
}

/* Starts the account at `now`, in `phase` (if blocked: set a->class first); `side` is the on-CPU class to charge when it runs. */
ACCOUNT_FN void account_begin(struct account *a, __u64 now, __u8 phase, __u8 side)
{
	account_write_begin(a);
	a->begin_ns = now;
	a->since_ns = now;
	a->wake_ns = 0;
	a->phase = phase;
	a->side = side;
	account_write_end(a);
}

/*
 * Starts the account of a thread that lives already, on another CPU perhaps: nobody else sees the account yet. `side`: where it goes
 * on if it is not on a CPU; `class`: what it waits for if it is blocked.
 */
ACCOUNT_FN void account_mark(struct account *a, __u64 now, __u8 found, __u8 side, __u8 class)
{
	account_begin(a, now, PHASE_MARKED, side);
	a->found = found;
	a->class = class;
}

/*
 * The measurement began at `start`: what was charged before is dropped. Called before anything is charged beyond `start`. Who had
 * been woken by then was waiting for a CPU, no more for what it had waited for.
 */
ACCOUNT_FN void account_rebase(struct account *a, __u64 start)
{
	account_write_begin(a);
	for (int i = 0; i < CLASS_SLOTS; i++)
		a->ns[i] = 0;
	a->begin_ns = start;
	a->since_ns = start;
	if (a->wake_ns && a->wake_ns <= start &&
	    (a->phase == PHASE_BLOCKED || (a->phase == PHASE_MARKED && a->found == FOUND_BLOCKED)))
		a->phase = PHASE_WOKEN;
	account_write_end(a);
}

/* The thread leaves its CPU: blocked in `class`, or still runnable. */
ACCOUNT_FN void account_switch_out(struct account *a, __u64 now, int blocked, __u8 class, struct account_split *split)
{
	account_write_begin(a);
	account_resolve(a, 1);
	if (account_settle(a, now, split)) {
		a->class = class;
		a->phase = blocked ? PHASE_BLOCKED : PHASE_PREEMPTED;
	}
	account_write_end(a);
}

/* The thread gets a CPU. Wake-ups up to here have done their work: they are dropped. */
ACCOUNT_FN void account_switch_in(struct account *a, __u64 now, struct account_split *split)
{
	account_write_begin(a);
	account_resolve(a, 0);
	if (account_settle(a, now, split))
		a->phase = PHASE_ON_CPU;
	a->wake_ns = 0;
	account_write_end(a);
}

/* Somebody wakes the thread. Only the latest wake-up before the switch-in counts. */
ACCOUNT_FN void account_wake(struct account *a, __u64 now)
{
	a->wake_ns = now;
}

/*
 * The running thread enters or leaves a syscall; from now on its CPU time goes to `side`. A wake-up from before belonged to a
 * wait that was given up without a switch: were it kept, and the next wake-up lost, that wait would count as none.
 */
ACCOUNT_FN void account_side(struct account *a, __u64 now, __u8 side)
{
	account_write_begin(a);
	account_resolve(a, 1);
	if (a->phase == PHASE_ON_CPU) {
		account_charge(a, now, a->side);
		a->wake_ns = 0;
	}
	a->side = side;
	account_write_end(a);
}

/*
 * The thread's last moment, or the end of the measurement (on a copy). The account is closed for good. The end of the measurement
 * is one timestamp for all: the caller drops the events at or after it, and reads the clock BEFORE it reads whether an end is set,
 * so that who still sees none has a time before it. Wake-ups after the end may be seen; they do not matter.
 */
ACCOUNT_FN void account_end(struct account *a, __u64 now, struct account_split *split)
{
	account_write_begin(a);
	account_resolve(a, a->found == FOUND_ON_CPU);
	account_settle(a, now, split);
	a->phase = PHASE_DEAD;
	account_write_end(a);
}

#endif
