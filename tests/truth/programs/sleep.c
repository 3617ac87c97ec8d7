/* SPDX-License-Identifier: Apache-2.0 */
/* A timer alone, by every call that can wait for one. With an argument: not by epoll, whose sets are known through its syscalls. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include "ledger.h"

int main(int argc, char **argv)
{
	struct timespec ms20 = {0, 20 * (long)MS}, at;
	struct epoll_event event;
	struct tally t = {0};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)argv;
	for (int i = 0; i < 3; i++) {
		struct timeval tv = {0, 20000};

		BLOCKED(&t, nanosleep(&ms20, NULL));
		BLOCKED(&t, usleep(20000));
		BLOCKED(&t, clock_nanosleep(CLOCK_MONOTONIC, 0, &ms20, NULL));
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += 20 * (long)MS;
		at.tv_sec += at.tv_nsec / (1000 * (long)MS);
		at.tv_nsec %= 1000 * (long)MS;
		BLOCKED(&t, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL));
		BLOCKED(&t, poll(NULL, 0, 20));
		BLOCKED(&t, ppoll(NULL, 0, &ms20, NULL));
		BLOCKED(&t, select(0, NULL, NULL, NULL, &tv));
		BLOCKED(&t, pselect(0, NULL, NULL, NULL, &ms20, NULL));
		if (argc == 1)
			BLOCKED(&t, epoll_wait(epoll, &event, 1, 20));
	}
	ledger_wait("sleep", &t, "-");
	ledger("threads 1");
	return 0;
}
