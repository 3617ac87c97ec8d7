/* SPDX-License-Identifier: Apache-2.0 */
/* Reading from a terminal at which someone types at known times. */
#include <pty.h>
#include "ledger.h"

int main(void)
{
	struct tally t = {0};
	int keyboard, terminal;
	pid_t child;
	char line[16];

	MUST(openpty(&keyboard, &terminal, NULL, NULL, NULL) == 0);
	child = must_fork();
	if (child == 0) {
		for (int i = 0; i < 8; i++) {
			nap(25);
			MUST(write(keyboard, "y\n", 2) == 2);
		}
		return 0;
	}
	for (int i = 0; i < 8; i++)
		MUST(BLOCKED(&t, read(terminal, line, sizeof(line))) == 2);
	ledger_wait("pipe", &t, "-");
	must_reap(child);
	return 0;
}
