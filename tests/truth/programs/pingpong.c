/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes hand a byte to and fro, many thousand times: as many switches as a CPU can do. */
#include "ledger.h"

#define TIMES 20000

int main(void)
{
	int to[2], fro[2];
	char c = 'x';
	pid_t child;

	MUST(pipe(to) == 0 && pipe(fro) == 0);
	child = must_fork();
	if (child == 0) {
		for (int i = 0; i < TIMES; i++)
			MUST(read(to[0], &c, 1) == 1 && write(fro[1], &c, 1) == 1);
		return 0;
	}
	for (int i = 0; i < TIMES; i++)
		MUST(write(to[1], &c, 1) == 1 && read(fro[0], &c, 1) == 1);
	must_reap(child);
	ledger("threads 2");
	ledger("free %d lock", getpid());
	return 0;
}
