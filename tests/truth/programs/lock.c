/* SPDX-License-Identifier: Apache-2.0 */
/* Four threads compete for `orders_lock`, which each holds for 50 ms at a time. Each measures what it waited. */
#include "ledger.h"

pthread_mutex_t orders_lock = PTHREAD_MUTEX_INITIALIZER;

static void *clerk(void *arg)
{
	struct tally wait = {0}, nap = {0};

	(void)arg;
	for (int i = 0; i < 4; i++) {
		BLOCKED(&wait, pthread_mutex_lock(&orders_lock));
		BLOCKED(&nap, usleep(50000));
		pthread_mutex_unlock(&orders_lock);
		BLOCKED(&nap, usleep(1000)); /* so that another gets it */
	}
	ledger_wait("lock", &wait, "orders_lock");
	ledger_wait("sleep", &nap, "-");
	ledger("free %d socket", gettid());
	return NULL;
}

int main(void)
{
	pthread_t threads[4];
	struct tally join = {0};

	for (int i = 0; i < 4; i++)
		threads[i] = must_thread(clerk, NULL);
	for (int i = 0; i < 4; i++)
		BLOCKED(&join, pthread_join(threads[i], NULL));
	ledger_wait("sync", &join, "join");
	ledger("threads 5");
	return 0;
}
