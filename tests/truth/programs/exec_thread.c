/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that is not the leader execs: the process goes on as that thread, whose tid becomes the leader's. */
#include "ledger.h"

static char *self;

static void *second(void *arg)
{
	struct tally t = {0};
	char before[32];

	(void)arg;
	BLOCKED(&t, usleep(50000));
	snprintf(before, sizeof(before), "%llu", (unsigned long long)t.ns);
	execl(self, self, before, NULL);
	MUST(!"exec");
	return NULL;
}

int main(int argc, char **argv)
{
	struct tally t = {0};

	self = argv[0];
	if (argc == 1) {
		must_thread(second, NULL);
		pause(); /* until the exec ends this thread */
	}
	BLOCKED(&t, usleep(50000));
	t.ns += strtoull(argv[1], NULL, 10);
	t.count++;
	ledger("total sleep %llu %llu", (unsigned long long)t.ns, (unsigned long long)t.count);
	ledger("threads 2");
	ledger("processes 1");
	return 0;
}
