/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe: a reader that another process feeds at known times, and a writer of a full one that it drains. */
#include <fcntl.h>
#include "ledger.h"

int main(void)
{
	struct tally t = {0};
	char page[4096] = {0}, c;
	int fds[2], full[2];
	pid_t child;

	MUST(pipe(fds) == 0 && pipe(full) == 0);
	MUST(fcntl(full[1], F_SETPIPE_SZ, 4096) >= 4096);
	child = must_fork();
	if (child == 0) {
		close(fds[0]);
		for (int i = 0; i < 10; i++) {
			nap(20);
			MUST(write(fds[1], "x", 1) == 1);
		}
		close(fds[1]);
		for (int i = 0; i < 5; i++) {
			nap(30);
			MUST(read(full[0], page, sizeof(page)) == sizeof(page));
		}
		return 0;
	}
	close(fds[1]);
	while (BLOCKED(&t, read(fds[0], &c, 1)) == 1)
		;
	for (int i = 0; i < 5; i++)
		MUST(BLOCKED(&t, write(full[1], page, sizeof(page))) == sizeof(page));
	ledger_wait("pipe", &t, "pipe");
	must_reap(child);
	return 0;
}
