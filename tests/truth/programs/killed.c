/* SPDX-License-Identifier: Apache-2.0 */
/* Killed by a signal in mid-run: a child while it burns CPU with a second thread asleep, then the program itself. */
#include <signal.h>
#include "ledger.h"

static void *sleeper(void *arg)
{
	(void)arg;
	sleep(100);
	return NULL;
}

int main(void)
{
	struct tally t = {0};
	int status;
	pid_t child = must_fork();

	if (child == 0) {
		must_thread(sleeper, NULL);
		burn(100000000);
	}
	BLOCKED(&t, usleep(200000));
	MUST(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	ledger_wait("sleep", &t, "-");
	ledger("threads 3");
	ledger("processes 2");
	raise(SIGTERM);
	return 0;
}
