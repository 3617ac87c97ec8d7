/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/mappings.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "trace/perf_records.h"

/* Data pages of one CPU's ring; a power of two (perf_event_open(2)). A record with a path takes 100-200 bytes. */
#define RING_PAGES 128

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
	size_t bytes; /* of the data area */
};

struct list {
	struct mapping *all;
	size_t count, room;
};

struct mappings {
	struct ring *rings;
	size_t n_rings;
	int epoll_fd;
	struct list taken; /* not delivered yet */
	struct list kept;
	uint64_t lost;
};

static int ring_open(struct ring *ring, int cpu)
{
	struct perf_event_attr attr = {
	    .type = PERF_TYPE_SOFTWARE,
	    .size = sizeof(attr),
	    .config = PERF_COUNT_SW_DUMMY,
	    .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
	    .mmap = 1,
	    .mmap2 = 1,
	    .comm = 1,
	    .comm_exec = 1,
	    .sample_id_all = 1,
	    .use_clockid = 1,
	    .clockid = CLOCK_MONOTONIC,
	    .watermark = 1, /* wakeup_events counts samples only (perf_event_open(2)) */
	    .wakeup_watermark = 1,
	};
	long page = sysconf(_SC_PAGESIZE);

	ring->fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return -errno;
	ring->bytes = RING_PAGES * page;
	ring->page = mmap(NULL, ring->bytes + page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->page == MAP_FAILED) {
		int err = -errno;

		ring->page = NULL;
		close(ring->fd);
		return err;
	}
	return 0;
}

int mappings_open(struct mappings **ret)
{
	struct mappings *mappings = calloc(1, sizeof(*mappings));
	struct epoll_event event = {.events = EPOLLIN};
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = -ENOMEM;

	if (!mappings)
		return -ENOMEM;
	mappings->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	mappings->rings = calloc(cpus, sizeof(*mappings->rings));
	if (!mappings->rings || mappings->epoll_fd < 0)
		goto fail;
	for (long cpu = 0; cpu < cpus; cpu++) {
		err = ring_open(&mappings->rings[mappings->n_rings], cpu);
		if (err == -ENODEV) /* offline */
			continue;
		if (err)
			goto fail;
		if (epoll_ctl(mappings->epoll_fd, EPOLL_CTL_ADD, mappings->rings[mappings->n_rings++].fd, &event)) {
			err = -errno;
			goto fail;
		}
	}
	*ret = mappings;
	return 0;
fail:
	mappings_close(mappings);
	return err;
}

int mappings_fd(const struct mappings *mappings)
{
	return mappings->epoll_fd;
}

/* Takes the path over. */
static bool add(struct list *list, const struct mapping *mapping)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 256;
		struct mapping *all = reallocarray(list->all, room, sizeof(*all));

		if (!all) {
			free(mapping->path);
			return false;
		}
		list->all = all;
		list->room = room;
	}
	list->all[list->count++] = *mapping;
	return true;
}

/* One whole record; `bytes` includes the header. */
static void take_record(struct mappings *mappings, const struct perf_event_header *header, size_t bytes)
{
	struct mapping mapping;

	if (perf_record_read(header, bytes, &mapping, &mappings->lost) && !add(&mappings->taken, &mapping))
		mappings->lost++;
}

static void ring_take(struct mappings *mappings, struct ring *ring)
{
	const char *data = (const char *)ring->page + sysconf(_SC_PAGESIZE);
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	_Alignas(8) char whole[USHRT_MAX + 1];

	while (head - tail >= sizeof(struct perf_event_header)) {
		const struct perf_event_header *header = (const void *)(data + tail % ring->bytes);
		size_t bytes = header->size;

		if (bytes < sizeof(*header) || bytes > head - tail) {
			mappings->lost++;
			tail = head;
			break;
		}
		if (tail % ring->bytes + bytes > ring->bytes) {
			size_t first = ring->bytes - tail % ring->bytes;

			memcpy(whole, header, first);
			memcpy(whole + first, data, bytes - first);
			header = (const void *)whole;
		}
		take_record(mappings, header, bytes);
		tail += bytes;
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
}

void mappings_take(struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->n_rings; i++)
		ring_take(mappings, &mappings->rings[i]);
}

static int by_time(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

void mappings_deliver(struct mappings *mappings, uint64_t until_ns, mapping_heard_fn heard, void *context)
{
	struct list *taken = &mappings->taken;
	size_t i;

	/* Each CPU has a ring of its own. */
	if (taken->count)
		qsort(taken->all, taken->count, sizeof(*taken->all), by_time);
	for (i = 0; i < taken->count && taken->all[i].time_ns <= until_ns; i++) {
		struct mapping *mapping = &taken->all[i];
		bool keep = heard(context, mapping) && (mapping->kind == MAPPING_FILE || mapping->kind == MAPPING_EXEC);

		if (!keep)
			free(mapping->path);
		else if (!add(&mappings->kept, mapping))
			mappings->lost++;
	}
	taken->count -= i;
	if (i && taken->count)
		memmove(taken->all, taken->all + i, taken->count * sizeof(*taken->all));
}

int mappings_keep(struct mappings *mappings, const struct mapping *mapping)
{
	struct mapping copy = *mapping;

	copy.path = strdup(mapping->path);
	if (copy.path && add(&mappings->kept, &copy))
		return 0;
	free(copy.path);
	return -ENOMEM;
}

const struct mapping *mappings_all(struct mappings *mappings, size_t *count)
{
	*count = mappings->kept.count;
	return mappings->kept.all;
}

uint64_t mappings_lost(const struct mappings *mappings)
{
	return mappings->lost;
}

static void list_free(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->all[i].path);
	free(list->all);
}

void mappings_close(struct mappings *mappings)
{
	if (!mappings)
		return;
	for (size_t i = 0; i < mappings->n_rings; i++) {
		munmap(mappings->rings[i].page, mappings->rings[i].bytes + sysconf(_SC_PAGESIZE));
		close(mappings->rings[i].fd);
	}
	free(mappings->rings);
	cleanup_close(&mappings->epoll_fd);
	list_free(&mappings->taken);
	list_free(&mappings->kept);
	free(mappings);
}
