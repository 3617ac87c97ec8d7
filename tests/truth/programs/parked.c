/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads parked at the end of call chains that are hard to unwind: deep recursion, a signal handler, a library's callback, a realigned
 * stack, memory from alloca. Compiled without frame pointers, like all of Debian.
 */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HARD __attribute__((noinline, noclone))

static volatile int depth_reached;

HARD static void park(void)
{
	pause();
	depth_reached++;
}

HARD static void recurse(int depth)
{
	if (depth)
		recurse(depth - 1);
	else
		park();
	depth_reached++;
}

static void on_signal(int number)
{
	(void)number;
	park();
	depth_reached++;
}

static int compare(const void *a, const void *b)
{
	park();
	return *(const int *)a - *(const int *)b;
}

/* The compiler aligns the stack pointer here, and finds the caller's frame through a register saved on the stack. */
HARD static void realigned(int n)
{
	_Alignas(64) volatile char buffer[256];
	char *more = alloca(n);

	memset(more, n, n);
	buffer[0] = more[n - 1];
	park();
	depth_reached += buffer[0];
}

static void *deep(void *unused)
{
	(void)unused;
	recurse(30);
	return NULL;
}

static void *signalled(void *unused)
{
	(void)unused;
	signal(SIGUSR1, on_signal);
	pthread_kill(pthread_self(), SIGUSR1);
	return NULL;
}

static void *sorting(void *unused)
{
	int numbers[] = {3, 1, 2};

	(void)unused;
	qsort(numbers, 3, sizeof(numbers[0]), compare);
	return NULL;
}

static void *aligning(void *unused)
{
	(void)unused;
	realigned(1000);
	return NULL;
}

int main(void)
{
	void *(*const chains[])(void *) = {deep, signalled, sorting, aligning};
	pthread_t thread;

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (pthread_create(&thread, NULL, chains[i], NULL))
			return 1;
	recurse(100);
	return 0;
}
