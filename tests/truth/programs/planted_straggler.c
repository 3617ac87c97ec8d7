/* SPDX-License-Identifier: Apache-2.0 */
/* Three workers have 20 ms of work each; the last one's share takes so many more. All wait for it. */
#include "planted.h"

static unsigned int more_ms;

OWN_FUNCTION void do_share(void)
{
	COMPUTE(20);
}

OWN_FUNCTION void do_the_rest(void)
{
	COMPUTE(more_ms);
}

static void *worker(void *arg)
{
	do_share();
	if (arg) {
		MUST(pthread_setname_np(pthread_self(), "straggler") == 0);
		do_the_rest();
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t workers[3];

	more_ms = dose(argc, argv);
	for (int i = 0; i < 3; i++)
		workers[i] = must_thread(worker, i == 2 ? &more_ms : NULL);
	for (int i = 0; i < 3; i++)
		MUST(pthread_join(workers[i], NULL) == 0);
	return 0;
}
