/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that all wait, and die of the end of the first one. usage: felled N */
#include <sys/prctl.h>

#include "ledger.h"

int main(int argc, char **argv)
{
	MUST(argc == 2);
	for (long i = strtol(argv[1], NULL, 10); i > 0; i--) {
		if (must_fork() == 0) {
			MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
			pause();
			_exit(0);
		}
	}
	/* All of them wait. */
	nap(500);
	return 0;
}
