/* SPDX-License-Identifier: Apache-2.0 */
/* Joining threads that sleep. */
#include "ledger.h"

static void *worker(void *arg)
{
	struct tally t = {0};

	BLOCKED(&t, usleep((useconds_t)(uintptr_t)arg));
	ledger_wait("sleep", &t, "-");
	return NULL;
}

int main(void)
{
	struct tally t = {0};

	for (uintptr_t i = 1; i <= 5; i++) {
		pthread_t thread = must_thread(worker, (void *)(i * 20000));

		BLOCKED(&t, pthread_join(thread, NULL));
	}
	ledger_wait("sync", &t, "join");
	ledger("threads 6");
	return 0;
}
