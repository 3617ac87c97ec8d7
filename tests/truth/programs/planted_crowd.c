/* SPDX-License-Identifier: Apache-2.0 */
/* So many threads compute at once, all on one CPU, each as much as any: whoever has the CPU keeps the others from it. */
#include <sched.h>
#include "planted.h"

#define MOST 16

OWN_FUNCTION void crunch(void)
{
	COMPUTE(50);
}

static void *worker(void *arg)
{
	crunch();
	return arg;
}

int main(int argc, char **argv)
{
	unsigned int n = dose(argc, argv);
	pthread_t workers[MOST];
	cpu_set_t one;

	MUST(n <= MOST);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	MUST(sched_setaffinity(0, sizeof(one), &one) == 0);
	for (unsigned int i = 0; i < n; i++)
		workers[i] = must_thread(worker, NULL);
	for (unsigned int i = 0; i < n; i++)
		MUST(pthread_join(workers[i], NULL) == 0);
	return 0;
}
