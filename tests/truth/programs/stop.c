/* SPDX-License-Identifier: Apache-2.0 */
/* A child is stopped and continued while it sleeps and while it polls: the stop interrupts the wait, restart_syscall goes on. */
#include <poll.h>
#include <signal.h>
#include "ledger.h"

/* The child measures its waits as a whole; what it was stopped, only the parent knows. */
static void stop_and_continue(pid_t pid, struct tally *stopped)
{
	int status;

	MUST(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	BLOCKED(stopped, usleep(80000));
	MUST(kill(pid, SIGCONT) == 0 && waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
}

int main(void)
{
	struct tally stopped = {0};
	pid_t pid = must_fork();

	if (pid == 0) {
		struct tally whole = {0};
		uint64_t parts;

		for (int i = 0; i < 2; i++)
			BLOCKED(&whole, i ? poll(NULL, 0, 300) : usleep(300000));
		parts = whole.ns;
		ledger("sum %d sleep+stopped %llu %d", gettid(), (unsigned long long)parts, 4);
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		nap(i ? 220 : 100);
		stop_and_continue(pid, &stopped);
	}
	must_reap(pid);
	ledger("wait %d stopped %llu %llu -", pid, (unsigned long long)stopped.ns, (unsigned long long)stopped.count);
	return 0;
}
