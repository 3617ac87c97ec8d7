/* SPDX-License-Identifier: Apache-2.0 */
/* Three threads that only compute, on however many CPUs there are: their CPU time by their own clocks. */
#include "ledger.h"

static void *worker(void *arg)
{
	volatile uint64_t x = 1;

	(void)arg;
	while (cpu_ns() < 250 * MS)
		for (int i = 0; i < 100000; i++)
			x = x * 6364136223846793005ull + 1;
	ledger("share %d user 97", gettid());
	ledger("cpu %d %llu", gettid(), (unsigned long long)cpu_ns());
	return NULL;
}

int main(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		threads[i] = must_thread(worker, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ledger("threads 4");
	return 0;
}
