/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time inside syscalls: long ones, and very many short ones. */
#include <fcntl.h>
#include <sys/syscall.h>
#include "ledger.h"

#define BUFFER (1 << 20)

static void *copier(void *arg)
{
	static char buffer[BUFFER];
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)arg;
	MUST(zero >= 0);
	while (cpu_ns() < 200 * MS)
		MUST(read(zero, buffer, BUFFER) == BUFFER);
	close(zero);
	ledger("share %d kernel 95", gettid());
	ledger("cpu %d %llu", gettid(), (unsigned long long)cpu_ns());
	return NULL;
}

static void *caller(void *arg)
{
	(void)arg;
	for (int i = 0; i < 300000; i++)
		syscall(SYS_getppid);
	ledger("cpu %d %llu", gettid(), (unsigned long long)cpu_ns());
	return NULL;
}

int main(void)
{
	pthread_join(must_thread(copier, NULL), NULL);
	pthread_join(must_thread(caller, NULL), NULL);
	ledger("threads 3");
	return 0;
}
