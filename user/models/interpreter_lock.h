/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interpreter lock that works as CPython's does (3.2 and later): who waits longer than the switch interval asks the holder to
 * drop the lock; the holder looks for such a request between steps, and having dropped the lock it waits until another thread
 * really has it (the forced switch), or it would take it back before the other one is awake.
 */
#ifndef CONCPROF_MODELS_INTERPRETER_LOCK_H
#define CONCPROF_MODELS_INTERPRETER_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * All words that a thread may block on lie in this one struct, so that a profiler can name them by the object that holds them.
 * `mutex` guards every field but the last two conditions' own.
 */
struct interpreter_lock {
	pthread_mutex_t mutex;
	pthread_cond_t released;  /* the lock is free; waited for with the switch interval as timeout */
	pthread_cond_t taken;     /* last_holder changed; waited for by a thread that was made to drop the lock */
	atomic_bool drop_request; /* somebody's patience is over; read by the holder without the mutex */
	bool locked;
	bool dropped_by_request; /* the latest release was */
	const void *last_holder;
	uint64_t interval_ns;
	uint64_t handoffs, forced; /* as in struct ledger */
};

/* A thread's side of the lock; its address is the thread's identity. */
struct lock_user {
	uint64_t wait_ns; /* how long it has been without the lock while it wanted it */
};

/*
 * The model's lock: an exported data object, because its name is how a profiler knows the lock. A test build gives it another
 * name to see that nothing else depends on it.
 */
#ifndef INTERPRETER_LOCK_SYMBOL
#define INTERPRETER_LOCK_SYMBOL interpreter_lock
#endif
extern struct interpreter_lock INTERPRETER_LOCK_SYMBOL;

int interpreter_lock_init(struct interpreter_lock *lock, unsigned int interval_us);
void interpreter_lock_destroy(struct interpreter_lock *lock);

void interpreter_lock_take(struct interpreter_lock *lock, struct lock_user *self);
void interpreter_lock_drop(struct interpreter_lock *lock, struct lock_user *self);
/* Drops the lock because it was requested, waits until another thread has it, and takes it again. */
void interpreter_lock_yield(struct interpreter_lock *lock, struct lock_user *self);

/* What the holder does between two steps: the "eval breaker". */
static inline void interpreter_lock_check(struct interpreter_lock *lock, struct lock_user *self)
{
	if (__builtin_expect(atomic_load_explicit(&lock->drop_request, memory_order_relaxed), false))
		interpreter_lock_yield(lock, self);
}

#endif
