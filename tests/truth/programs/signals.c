/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a signal that another process sends after a known time. */
#include <signal.h>
#include "ledger.h"

static void on_alarm(int sig)
{
	(void)sig;
}

int main(void)
{
	struct tally t = {0};
	sigset_t set, none;
	pid_t parent = getpid(), child;
	int sig;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	MUST(signal(SIGUSR2, on_alarm) != SIG_ERR && sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	child = must_fork();
	if (child == 0) {
		for (int i = 0; i < 6; i++) {
			nap(30);
			MUST(kill(parent, i < 4 ? SIGUSR1 : SIGUSR2) == 0);
		}
		return 0;
	}
	sigdelset(&set, SIGUSR2);
	for (int i = 0; i < 2; i++)
		MUST(BLOCKED(&t, sigwait(&set, &sig)) == 0);
	for (int i = 0; i < 2; i++)
		MUST(BLOCKED(&t, sigwaitinfo(&set, NULL)) == SIGUSR1);
	for (int i = 0; i < 2; i++)
		BLOCKED(&t, sigsuspend(&none));
	ledger_wait("other", &t, "-");
	must_reap(child);
	return 0;
}
