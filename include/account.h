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

/* x86-64 keeps stores in order (TSO); only the compiler must be kept from moving them. */
#define account_barrier() __asm__ __volatile__("" ::: "memory")

/* What one switch-in found out about the interval that it ended. */
struct account_split {
	__u64 blocked_ns; /* from the switch-out to the wake-up; meaningful if `blocked` */
	__u64 queued_ns;  /* runnable without a CPU, up to now */
	__u8 blocked;     /* the thread had been blocked, in class `class` */
	__u8 class;       /* class of the blocked part */
	__u8 queue;       /* CLASS_PREEMPTED or CLASS_WOKEN: class of the queued part */
	__u8 lost_wake;   /* no wake-up was seen: all of it counts as blocked */
};

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

/* Closes the open interval at `now`, as a switch-in does. The phase stays: the caller sets it. */
ACCOUNT_FN void account_settle(struct account *a, __u64 now, struct account_split *split)
{
	__u64 wake = a->wake_ns;

	split->blocked = 0;
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
		split->queue = CLASS_PREEMPTED;
		split->queued_ns = account_charge(a, now, CLASS_PREEMPTED);
		break;
	case PHASE_WOKEN:
		split->queued_ns = account_charge(a, now, CLASS_WOKEN);
		break;
	case PHASE_BLOCKED:
		/* A wake-up older than the switch-out cancels the wait (it raced with it): blocked for 0 ns. */
		split->blocked = 1;
		split->lost_wake = wake == 0;
		if (wake == 0 || wake > now)
			wake = now;
		split->blocked_ns = account_charge(a, wake, a->class);
		split->queued_ns = account_charge(a, now, CLASS_WOKEN);
		break;
	default:
		break;
	}
}

/* Starts the account at `now`, in `phase`; `side` is the on-CPU class to charge when it runs. */
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

/* The thread leaves its CPU: blocked in `class`, or still runnable. */
ACCOUNT_FN void account_switch_out(struct account *a, __u64 now, int blocked, __u8 class, struct account_split *split)
{
	account_write_begin(a);
	account_settle(a, now, split);
	a->class = class;
	a->phase = blocked ? PHASE_BLOCKED : PHASE_PREEMPTED;
	account_write_end(a);
}

/* The thread gets a CPU. Wake-ups up to here have done their work: they are dropped. */
ACCOUNT_FN void account_switch_in(struct account *a, __u64 now, struct account_split *split)
{
	account_write_begin(a);
	account_settle(a, now, split);
	a->wake_ns = 0;
	a->phase = PHASE_ON_CPU;
	account_write_end(a);
}

/* Somebody wakes the thread. Only the latest wake-up before the switch-in counts. */
ACCOUNT_FN void account_wake(struct account *a, __u64 now)
{
	a->wake_ns = now;
}

/* The running thread enters or leaves a syscall; from now on its CPU time goes to `side`. */
ACCOUNT_FN void account_side(struct account *a, __u64 now, __u8 side)
{
	account_write_begin(a);
	if (a->phase == PHASE_ON_CPU)
		account_charge(a, now, a->side);
	a->side = side;
	account_write_end(a);
}

/* The thread's last moment, or the end of the measurement (on a copy). The account is closed for good. */
ACCOUNT_FN void account_end(struct account *a, __u64 now, struct account_split *split)
{
	account_write_begin(a);
	account_settle(a, now, split);
	a->phase = PHASE_DEAD;
	account_write_end(a);
}

#endif
