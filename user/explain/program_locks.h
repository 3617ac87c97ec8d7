/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks that a program makes itself, of whatever wakes a thread: a database's row lock is a poll set or a semaphore to the kernel. Only
 * the names of its functions tell.
 */
#ifndef CONCPROF_EXPLAIN_PROGRAM_LOCKS_H
#define CONCPROF_EXPLAIN_PROGRAM_LOCKS_H

#include "profile/run.h"

struct program_locks;

/* Refers to the run, which must outlive it. 0 or -ENOMEM. */
int program_locks_open(const struct run *run, struct program_locks **ret);
void program_locks_close(struct program_locks *locks); /* NULL is fine */

/*
 * Which function of the program waits for such a lock: of those next to each other on the stack that do, the outermost, which says best
 * what for ("XactLockTableWait", not "ProcSleep"). NULL: none, or what is waited for is no wake-up (a disk, a CPU).
 */
const struct run_frame *program_lock_of(const struct program_locks *locks, const struct run_wait *wait);

#endif
