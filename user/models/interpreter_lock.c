/* SPDX-License-Identifier: Apache-2.0 */
#include "models/interpreter_lock.h"

#include <errno.h>
#include <time.h>

#include "models/clock.h"

struct interpreter_lock INTERPRETER_LOCK_SYMBOL;

int interpreter_lock_init(struct interpreter_lock *lock, unsigned int interval_us)
{
	pthread_condattr_t attr;
	int rc;

	*lock = (struct interpreter_lock){.interval_ns = interval_us * 1000ull};
	rc = pthread_condattr_init(&attr);
	if (rc)
		return -rc;
	/* Patience is not a matter of the calendar. */
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&lock->mutex, NULL);
	pthread_cond_init(&lock->released, &attr);
	pthread_cond_init(&lock->taken, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

void interpreter_lock_destroy(struct interpreter_lock *lock)
{
	pthread_cond_destroy(&lock->taken);
	pthread_cond_destroy(&lock->released);
	pthread_mutex_destroy(&lock->mutex);
}

static void set_request(struct interpreter_lock *lock, bool value)
{
	atomic_store_explicit(&lock->drop_request, value, memory_order_relaxed);
}

/* Waits, mutex held, until the lock is free. A switch that is seen in the meantime starts the patience afresh. */
static void wait_until_free(struct interpreter_lock *lock)
{
	while (lock->locked) {
		uint64_t handoffs = lock->handoffs, until = now_ns() + lock->interval_ns;
		struct timespec deadline = {.tv_sec = until / NSEC_PER_SEC, .tv_nsec = until % NSEC_PER_SEC};
		int rc = pthread_cond_timedwait(&lock->released, &lock->mutex, &deadline);

		if (rc == ETIMEDOUT && lock->locked && lock->handoffs == handoffs)
			set_request(lock, true);
	}
}

/* Takes the lock, mutex held. */
static void take(struct interpreter_lock *lock, struct lock_user *self)
{
	wait_until_free(lock);
	lock->locked = true;
	if (lock->last_holder != self) {
		lock->handoffs += lock->last_holder != NULL;
		lock->forced += lock->dropped_by_request;
		lock->last_holder = self;
		pthread_cond_broadcast(&lock->taken);
	}
	lock->dropped_by_request = false;
	/* Whatever was asked, was asked of the former holder. */
	set_request(lock, false);
}

static void release(struct interpreter_lock *lock, bool by_request)
{
	lock->locked = false;
	lock->dropped_by_request = by_request;
	pthread_cond_signal(&lock->released);
}

void interpreter_lock_take(struct interpreter_lock *lock, struct lock_user *self)
{
	uint64_t begin = now_ns();

	pthread_mutex_lock(&lock->mutex);
	take(lock, self);
	pthread_mutex_unlock(&lock->mutex);
	self->wait_ns += now_ns() - begin;
}

void interpreter_lock_drop(struct interpreter_lock *lock, struct lock_user *self)
{
	(void)self;
	pthread_mutex_lock(&lock->mutex);
	release(lock, false);
	pthread_mutex_unlock(&lock->mutex);
}

void interpreter_lock_yield(struct interpreter_lock *lock, struct lock_user *self)
{
	uint64_t begin = now_ns();

	pthread_mutex_lock(&lock->mutex);
	release(lock, true);
	/* Who asked is still waiting for `released`, and cannot leave without the lock: this ends. */
	while (lock->last_holder == self)
		pthread_cond_wait(&lock->taken, &lock->mutex);
	take(lock, self);
	pthread_mutex_unlock(&lock->mutex);
	self->wait_ns += now_ns() - begin;
}
