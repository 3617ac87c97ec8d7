/* SPDX-License-Identifier: Apache-2.0 */
/* Reads its input for so many ms, alone; only then can two threads work on it. */
#include "planted.h"

OWN_FUNCTION void load_input(unsigned int ms)
{
	COMPUTE(ms);
}

OWN_FUNCTION void work_on_part(void)
{
	COMPUTE(60);
}

static void *worker(void *arg)
{
	work_on_part();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t workers[2];

	load_input(dose(argc, argv));
	for (int i = 0; i < 2; i++)
		workers[i] = must_thread(worker, NULL);
	for (int i = 0; i < 2; i++)
		MUST(pthread_join(workers[i], NULL) == 0);
	return 0;
}
