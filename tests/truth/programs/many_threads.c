/* SPDX-License-Identifier: Apache-2.0 */
/* Two thousand threads, created and ended as fast as it goes; each sleeps a little and burns a little. */
#include <stdatomic.h>
#include "ledger.h"

#define THREADS 2000
#define AT_ONCE 50

static _Atomic uint64_t slept_ns, burnt_ns;

static void *worker(void *arg)
{
	struct tally t = {0};

	(void)arg;
	BLOCKED(&t, usleep(2000));
	burn(20);
	atomic_fetch_add(&slept_ns, t.ns);
	atomic_fetch_add(&burnt_ns, cpu_ns());
	return NULL;
}

int main(void)
{
	uint64_t start = now_ns();

	for (int done = 0; done < THREADS; done += AT_ONCE) {
		pthread_t threads[AT_ONCE];

		for (int i = 0; i < AT_ONCE; i++)
			threads[i] = must_thread(worker, NULL);
		for (int i = 0; i < AT_ONCE; i++)
			pthread_join(threads[i], NULL);
	}
	ledger("# took %llu ms", (unsigned long long)((now_ns() - start) / MS));
	ledger("total sleep %llu %d", (unsigned long long)slept_ns, THREADS);
	ledger("threads %d", THREADS + 1);
	ledger("processes 1");
	return 0;
}
