/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/program_locks.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * THE table of parts of names of functions that mean a wait for a lock inside the program. Each stands at the begin of a word of the name
 * ("lock_wait" is no part of "clock_wait"). To teach concprof another program's lock: add a line, of the function that waits itself or
 * one of its callers. What every program has (pthread_mutex_lock, a futex) is told by profile/entry.h, and what also waits for
 * other things ("WaitLatch", "futex_wait") is none.
 */
static const char *const names[] = {
    "LockAcquire",       /* PostgreSQL: src/backend/storage/lmgr/lock.c */
    "LWLockAcquire",     /* lwlock.c */
    "ProcSleep",         /* proc.c: asleep until a heavyweight lock is granted */
    "WaitOnLock",        /* lock.c */
    "XactLockTableWait", /* lmgr.c: until another transaction ends, which has the row */
    "LockTuple",         /* lmgr.c */
    "LockRelation",      /* lmgr.c */
    "SpeculativeInsertionWait",
    "lock_wait",                            /* InnoDB: storage/innobase/lock/lock0wait.cc */
    "MDL_wait::timed_wait",                 /* MySQL, MariaDB: sql/mdl.cc */
    "PointLockManager::AcquireWithTimeout", /* RocksDB */
    "__lock_get",                           /* Berkeley DB: src/lock/lock.c */
    "ObjectMonitor::enter",                 /* HotSpot: src/hotspot/share/runtime/objectMonitor.cpp; which object is not known */
    "ObjectMonitor::EnterI",
    "ObjectMonitor::ReenterI",   /* after Object.wait() */
    "sqliteDefaultBusyCallback", /* SQLite: sleeps until another connection unlocks the file */
};

/* So many frames may lie between the function that waits and the kernel: latches, event sets, semaphores, the C library. */
#define WAIT_FRAMES_MAX 8
/* Of a stack that many frames are looked at: those of locks are next to each other. */
#define FRAMES_MAX 32

struct program_locks {
	const struct run *run;
	bool *is_lock; /* by position of the frame */
};

static bool is_word_begin(const char *name, const char *at)
{
	return at == name || !isalnum((unsigned char)at[-1]);
}

static bool is_lock_function(const char *function)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (const char *at = function; (at = strstr(at, names[i])); at++)
			if (is_word_begin(function, at))
				return true;
	return false;
}

int program_locks_open(const struct run *run, struct program_locks **ret)
{
	struct program_locks *locks = calloc(1, sizeof(*locks));

	if (!locks)
		return -ENOMEM;
	locks->run = run;
	locks->is_lock = calloc(run->n_frames + 1, sizeof(*locks->is_lock));
	if (!locks->is_lock) {
		program_locks_close(locks);
		return -ENOMEM;
	}
	for (size_t i = 0; i < run->n_frames; i++)
		locks->is_lock[i] = run->frames[i].kind == FRAME_USER && is_lock_function(run->frames[i].function);
	*ret = locks;
	return 0;
}

void program_locks_close(struct program_locks *locks)
{
	if (!locks)
		return;
	free(locks->is_lock);
	free(locks);
}

/* Whether another thread may end it: a function that takes a lock also reads files, and loses its CPU. */
static bool can_be_lock(const struct run_wait *wait)
{
	switch (wait->class) {
	case CLASS_FUTEX:
	case CLASS_POLL:
	case CLASS_SELFWAKE:
	case CLASS_EVENTFD:
	case CLASS_PIPE:
	case CLASS_SYSV:
	case CLASS_SIGNAL:
	case CLASS_SLEEP:
		return !wait->unattributed;
	default:
		return false;
	}
}

const struct run_frame *program_lock_of(const struct program_locks *locks, const struct run_wait *wait)
{
	const struct run_frame *found = NULL;
	uint64_t stack = wait->stack;
	int user = 0;

	if (!can_be_lock(wait))
		return NULL;
	for (int i = 0; stack && i < FRAMES_MAX; i++, stack = locks->run->stacks[stack - 1].parent) {
		uint64_t frame = locks->run->stacks[stack - 1].frame - 1;

		if (locks->run->frames[frame].kind != FRAME_USER)
			continue;
		if (locks->is_lock[frame])
			found = &locks->run->frames[frame];
		else if ((found && locks->run->frames[frame].function[0]) || ++user > WAIT_FRAMES_MAX)
			break; /* static functions of a stripped program, between those that it exports, have no names */
	}
	return found;
}
