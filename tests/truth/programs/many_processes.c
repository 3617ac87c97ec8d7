/* SPDX-License-Identifier: Apache-2.0 */
/* Two hundred processes; each sleeps a little and burns a little. */
#include <stdatomic.h>
#include <sys/mman.h>
#include "ledger.h"

#define PROCESSES 200
#define AT_ONCE   20

int main(void)
{
	_Atomic uint64_t *slept_ns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(slept_ns != MAP_FAILED);
	for (int done = 0; done < PROCESSES; done += AT_ONCE) {
		for (int i = 0; i < AT_ONCE; i++) {
			if (must_fork() == 0) {
				struct tally t = {0};

				BLOCKED(&t, usleep(10000));
				burn(100);
				atomic_fetch_add(slept_ns, t.ns);
				_exit(0);
			}
		}
		while (wait(NULL) > 0)
			;
	}
	ledger("total sleep %llu %d", (unsigned long long)*slept_ns, PROCESSES);
	ledger("processes %d", PROCESSES + 1);
	ledger("threads %d", PROCESSES + 1);
	return 0;
}
