/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a signal that another process sends after a known time. */
#include <signal.h>
#include "ledger.h"

/* Real-time signals, for of the others two that are pending at once become one, and who waits for the second waits for ever. */
#define WAITED  SIGRTMIN
#define HANDLED (SIGRTMIN + 1)

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

int main(void)
{
	struct tally t = {0};
	sigset_t set, none;
	pid_t parent = getpid(), child;
	int sig;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, WAITED);
	sigaddset(&set, HANDLED);
	MUST(signal(HANDLED, on_signal) != SIG_ERR && sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	child = must_fork();
	if (child == 0) {
		for (int i = 0; i < 6; i++) {
			nap(30);
			MUST(kill(parent, i < 4 ? WAITED : HANDLED) == 0);
		}
		return 0;
	}
	sigdelset(&set, HANDLED);
	for (int i = 0; i < 2; i++)
		MUST(BLOCKED(&t, sigwait(&set, &sig)) == 0);
	for (int i = 0; i < 2; i++)
		MUST(BLOCKED(&t, sigwaitinfo(&set, NULL)) == WAITED);
	while (handled < 2)
		BLOCKED(&t, sigsuspend(&none));
	ledger_wait("other", &t, "-");
	must_reap(child);
	return 0;
}
