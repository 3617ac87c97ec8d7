/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the time as the first thing that it does, and ends. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec) < 0;
}
