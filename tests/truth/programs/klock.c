/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock inside the kernel: one thread writes much into a file in memory, and has its inode's lock for as long as that takes; the other
 * wants to write a byte meanwhile. And the lock on a process's mappings: one maps much memory at once, the other wants to unmap a page.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include "ledger.h"

#define TIMES       5
#define MUCH        (96UL << 20)
#define START_DELAY 2000 /* us until the other is surely within its system call */

static pthread_barrier_t begin, end;
static char *much;
static int file;

static void *writes_much(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		pthread_barrier_wait(&begin);
		MUST(pwrite(file, much, MUCH, 0) == MUCH);
		pthread_barrier_wait(&end);
		MUST(ftruncate(file, 0) == 0);
	}
	return NULL;
}

static void *writes_a_byte(void *arg)
{
	struct tally wait = {0};

	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		pthread_barrier_wait(&begin);
		usleep(START_DELAY);
		MUST(BLOCKED(&wait, pwrite(file, "x", 1, 0)) == 1);
		pthread_barrier_wait(&end);
	}
	ledger_wait("lock", &wait, "kernel_rwsem");
	return NULL;
}

static void *maps_much(void *arg)
{
	char *memory;

	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		pthread_barrier_wait(&begin);
		memory = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		MUST(memory != MAP_FAILED);
		/* Before the other one goes on: else this holds up its next page's mapping, of which it keeps no account. */
		munmap(memory, MUCH);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void *unmaps_a_page(void *arg)
{
	struct tally wait = {0};

	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(page != MAP_FAILED);
		pthread_barrier_wait(&begin);
		usleep(START_DELAY);
		MUST(BLOCKED(&wait, munmap(page, 4096)) == 0);
		pthread_barrier_wait(&end);
	}
	ledger_wait("memory", &wait, "mmap_lock");
	return NULL;
}

static void together(void *(*one)(void *), void *(*other)(void *))
{
	pthread_t thread = must_thread(one, NULL);

	pthread_join(must_thread(other, NULL), NULL);
	pthread_join(thread, NULL);
}

int main(void)
{
	MUST((file = memfd_create("much", MFD_CLOEXEC)) >= 0);
	MUST((much = malloc(MUCH)));
	memset(much, 1, MUCH);
	pthread_barrier_init(&begin, NULL, 2);
	pthread_barrier_init(&end, NULL, 2);
	nap(50);
	together(writes_much, writes_a_byte);
	together(maps_much, unmaps_a_page);
	return 0;
}
