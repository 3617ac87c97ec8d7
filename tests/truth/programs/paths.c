/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways into one wait that differ in nothing but a return address: the same instruction blocks, with the same stack pointer and the
 * same frame. Who takes the second stack for the first, because it looks the same, is found out by the counts: 3 times by `path_often`
 * for each time by `path_seldom`, in an order without a period.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HARD __attribute__((noinline, noclone))

static volatile unsigned int done;

HARD static void wait_here(void)
{
	const struct timespec pause = {.tv_nsec = 200000};

	nanosleep(&pause, NULL);
	done++;
}

HARD static void middle(void)
{
	wait_here();
	done++;
}

HARD static void path_often(void)
{
	middle();
	done++;
}

/* Not the same code, or the compiler would make one function of the two. */
HARD static void path_seldom(void)
{
	middle();
	done += 3;
}

int main(void)
{
	uint32_t random = 1;

	for (int i = 0; i < 400; i++) {
		/* Numerical Recipes' generator; its upper bits are good enough. */
		random = random * 1664525 + 1013904223;
		if (random >> 30)
			path_often();
		else
			path_seldom();
	}
	return done == 0;
}
