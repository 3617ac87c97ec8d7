/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits at many different stacks: each number up to N is a way through 17 calls, left or right by its bits. usage: many_stacks N
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define DEPTH 17
#define HARD  __attribute__((noinline, noclone))

static volatile unsigned int done;

HARD static void go(unsigned int number, int depth);

HARD static void left(unsigned int number, int depth)
{
	go(number, depth);
	done++;
}

HARD static void right(unsigned int number, int depth)
{
	go(number, depth);
	done += 2;
}

HARD static void go(unsigned int number, int depth)
{
	const struct timespec pause = {.tv_nsec = 20000};

	if (depth == DEPTH)
		nanosleep(&pause, NULL);
	else if (number >> depth & 1)
		right(number, depth + 1);
	else
		left(number, depth + 1);
	done++;
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;

	prctl(PR_SET_TIMERSLACK, 1);
	for (unsigned int i = 0; i < n; i++)
		go(i, 0);
	return done == 0;
}
