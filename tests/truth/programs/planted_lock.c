/* SPDX-License-Identifier: Apache-2.0 */
/* Four clerks serve orders in parallel, but for the books, which each keeps under `orders_lock`: for so many ms at a time. */
#include "planted.h"

static pthread_mutex_t orders_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int hold_ms;

OWN_FUNCTION void serve(void)
{
	COMPUTE(2);
}

OWN_FUNCTION void keep_books(void)
{
	COMPUTE(hold_ms);
}

static void *clerk(void *arg)
{
	for (int i = 0; i < 10; i++) {
		serve();
		pthread_mutex_lock(&orders_lock);
		keep_books();
		pthread_mutex_unlock(&orders_lock);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t clerks[4];

	hold_ms = dose(argc, argv);
	for (int i = 0; i < 4; i++)
		clerks[i] = must_thread(clerk, NULL);
	for (int i = 0; i < 4; i++)
		MUST(pthread_join(clerks[i], NULL) == 0);
	return 0;
}
