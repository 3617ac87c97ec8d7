/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of every kind, each held for a known time by a thread named "keeper" while one named "waiter" wants it. */
#include <sys/prctl.h>
#include "ledger.h"

#define TIMES   4
#define HELD_MS 25

pthread_mutex_t orders_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t bins_lock[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
				PTHREAD_MUTEX_INITIALIZER};
pthread_mutex_t inherit_lock;
pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_rwlock_t index_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_once_t config_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t *heap_lock;
static pthread_barrier_t taken, given;
static int keeper_tid;

/* The function that a lock without a name is called by. */
static __attribute__((noinline)) int take_stock(pthread_mutex_t *lock)
{
	int result = pthread_mutex_lock(lock);

	__asm__ volatile("" ::: "memory"); /* no tail call: this function stays on the stack */
	return result;
}

static int lock_orders(void)
{
	return pthread_mutex_lock(&orders_lock);
}

static int unlock_orders(void)
{
	return pthread_mutex_unlock(&orders_lock);
}

static int lock_bin(void)
{
	return pthread_mutex_lock(&bins_lock[2]);
}

static int unlock_bin(void)
{
	return pthread_mutex_unlock(&bins_lock[2]);
}

static int lock_inherit(void)
{
	return pthread_mutex_lock(&inherit_lock);
}

static int unlock_inherit(void)
{
	return pthread_mutex_unlock(&inherit_lock);
}

static int lock_heap(void)
{
	return take_stock(heap_lock);
}

static int unlock_heap(void)
{
	return pthread_mutex_unlock(heap_lock);
}

static int write_table(void)
{
	return pthread_rwlock_wrlock(&table_lock);
}

static int read_table(void)
{
	return pthread_rwlock_rdlock(&table_lock);
}

static int unlock_table(void)
{
	return pthread_rwlock_unlock(&table_lock);
}

static int write_index(void)
{
	return pthread_rwlock_wrlock(&index_lock);
}

static int unlock_index(void)
{
	return pthread_rwlock_unlock(&index_lock);
}

static const struct {
	int (*keep)(void), (*give)(void), (*want)(void), (*leave)(void);
	const char *cause;
	int has_holder; /* the lock itself says who holds it */
} locks[] = {
    {lock_orders, unlock_orders, lock_orders, unlock_orders, "orders_lock", 1},
    {lock_bin, unlock_bin, lock_bin, unlock_bin, "bins_lock+80", 1},
    {lock_inherit, unlock_inherit, lock_inherit, unlock_inherit, "inherit_lock", 1},
    {lock_heap, unlock_heap, lock_heap, unlock_heap, "mutex_of_take_stock()", 1},
    {write_table, unlock_table, read_table, unlock_table, "rwlock_table_lock_(to_read)", 0},
    {write_index, unlock_index, write_index, unlock_index, "rwlock_index_lock_(to_write)", 0},
};
#define LOCKS (int)(sizeof(locks) / sizeof(*locks))

static void configure(void)
{
	nap(HELD_MS);
}

static void *keep(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "keeper");
	keeper_tid = gettid();
	for (int i = 0; i < LOCKS * TIMES; i++) {
		MUST(locks[i / TIMES].keep() == 0);
		pthread_barrier_wait(&taken);
		nap(HELD_MS);
		MUST(locks[i / TIMES].give() == 0);
		pthread_barrier_wait(&given);
	}
	pthread_barrier_wait(&taken);
	pthread_once(&config_once, configure);
	return NULL;
}

static void *want(void *arg)
{
	struct tally waits[LOCKS] = {0}, once = {0};

	(void)arg;
	prctl(PR_SET_NAME, "waiter");
	for (int i = 0; i < LOCKS * TIMES; i++) {
		pthread_barrier_wait(&taken);
		MUST(BLOCKED(&waits[i / TIMES], locks[i / TIMES].want()) == 0);
		MUST(locks[i / TIMES].leave() == 0);
		pthread_barrier_wait(&given);
	}
	pthread_barrier_wait(&taken);
	nap(2);
	BLOCKED(&once, pthread_once(&config_once, configure));
	for (int i = 0; i < LOCKS; i++) {
		ledger_wait("lock", &waits[i], locks[i].cause);
		ledger("waker %d %s keeper/%d", gettid(), locks[i].cause, keeper_tid);
		if (locks[i].has_holder)
			ledger("holder %d %s keeper/%d", gettid(), locks[i].cause, keeper_tid);
	}
	ledger_wait("lock", &once, "once_config_once");
	return NULL;
}

int main(void)
{
	pthread_mutexattr_t inherit;
	pthread_t keeper, waiter;

	pthread_mutexattr_init(&inherit);
	MUST(pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT) == 0);
	MUST(pthread_mutex_init(&inherit_lock, &inherit) == 0);
	MUST(heap_lock = malloc(sizeof(*heap_lock)));
	pthread_mutex_init(heap_lock, NULL);
	pthread_barrier_init(&taken, NULL, 2);
	pthread_barrier_init(&given, NULL, 2);
	nap(100); /* for the compilation of unwind tables, which the first waits would be without */
	keeper = must_thread(keep, NULL);
	waiter = must_thread(want, NULL);
	pthread_join(keeper, NULL);
	pthread_join(waiter, NULL);
	ledger("threads 3");
	return 0;
}
