/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until another thread signals: condition variable, semaphore, barrier, eventfd, each signalled 20 ms later. */
#include <semaphore.h>
#include <sys/eventfd.h>
#include "ledger.h"

#define TIMES 5

pthread_mutex_t work_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t work_ready = PTHREAD_COND_INITIALIZER;
sem_t work_items;
pthread_barrier_t together;
static int n_work, event_fd;

static void *waiter(void *arg)
{
	struct tally condition = {0}, semaphore = {0}, barrier = {0}, event = {0};
	uint64_t value;

	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		pthread_mutex_lock(&work_lock);
		while (!n_work)
			BLOCKED(&condition, pthread_cond_wait(&work_ready, &work_lock));
		n_work--;
		pthread_mutex_unlock(&work_lock);
	}
	for (int i = 0; i < TIMES; i++)
		BLOCKED(&semaphore, sem_wait(&work_items));
	for (int i = 0; i < TIMES; i++)
		BLOCKED(&barrier, pthread_barrier_wait(&together));
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&event, read(event_fd, &value, sizeof(value))) == sizeof(value));
	ledger_wait("sync", &condition, "work_ready");
	ledger_wait("sync", &semaphore, "work_items");
	/* A barrier's word counts arrivals. When that count is 2, only a stack could tell the wait from that for a lock. */
	ledger_wait("sync+lock", &barrier, "together");
	ledger_wait("sync", &event, "eventfd");
	return NULL;
}

int main(void)
{
	uint64_t one = 1;
	pthread_t thread;

	sem_init(&work_items, 0, 0);
	pthread_barrier_init(&together, NULL, 2);
	MUST((event_fd = eventfd(0, EFD_CLOEXEC)) >= 0);
	thread = must_thread(waiter, NULL);
	for (int i = 0; i < TIMES; i++) {
		nap(20);
		pthread_mutex_lock(&work_lock);
		n_work++;
		pthread_mutex_unlock(&work_lock);
		pthread_cond_signal(&work_ready);
	}
	for (int i = 0; i < TIMES; i++) {
		nap(20);
		sem_post(&work_items);
	}
	for (int i = 0; i < TIMES; i++) {
		nap(20);
		pthread_barrier_wait(&together);
	}
	for (int i = 0; i < TIMES; i++) {
		nap(20);
		MUST(write(event_fd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_join(thread, NULL);
	ledger("threads 2");
	return 0;
}
