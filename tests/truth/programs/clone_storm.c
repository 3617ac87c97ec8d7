/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creates threads as fast as it can, from several threads at once; all stay. usage: clone_storm N. When there are N, it says so on standard
 * output, and waits to be killed. Half of them wait, the others look around now and then.
 */
#include <sys/syscall.h>

#include "ledger.h"

static volatile int created, wanted;

static void *stay(void *arg)
{
	while (arg)
		usleep(50000);
	nap(1000000);
	return NULL;
}

static void *create(void *arg)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	while (__sync_add_and_fetch(&created, 1) <= wanted)
		MUST(pthread_create(&thread, &small, stay, created % 2 ? &small : NULL) == 0);
	nap(1000000);
	return arg;
}

int main(int argc, char **argv)
{
	MUST(argc == 2);
	wanted = (int)strtol(argv[1], NULL, 10);
	for (int i = 0; i < 3; i++)
		must_thread(create, NULL);
	while (created < wanted + 3)
		usleep(1000);
	printf("there\n");
	fflush(stdout);
	nap(1000000);
	return 0;
}
