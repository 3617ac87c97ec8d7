/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/ring_pages.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
	return sysconf(_SC_PAGESIZE);
}

int ring_pages_open(int map_fd, struct ring_pages *ret)
{
	void *pages = mmap(NULL, 2 * page_bytes(), PROT_READ, MAP_SHARED, map_fd, 0);

	if (pages == MAP_FAILED)
		return -errno;
	ret->pages = pages;
	return 0;
}

unsigned long ring_pages_taken(const struct ring_pages *ring)
{
	return __atomic_load_n((const unsigned long *)ring->pages, __ATOMIC_ACQUIRE);
}

unsigned long ring_pages_filled(const struct ring_pages *ring)
{
	return __atomic_load_n((const unsigned long *)((const char *)ring->pages + page_bytes()), __ATOMIC_ACQUIRE);
}

void ring_pages_close(struct ring_pages *ring)
{
	if (ring->pages)
		munmap((void *)ring->pages, 2 * page_bytes());
	ring->pages = NULL;
}
