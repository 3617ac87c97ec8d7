/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/mappings.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Data pages of one CPU's ring; a power of two (perf_event_open(2)). A record with a path takes 100-200 bytes. */
#define RING_PAGES 128

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
	size_t bytes; /* of the data area */
};

struct mappings {
	struct ring *rings;
	size_t n_rings;
	struct mapping *all;
	size_t count, room;
	uint64_t lost;
	bool sorted;
};

/* What follows every record under sample_id_all with PERF_SAMPLE_TID | PERF_SAMPLE_TIME. */
struct sample_id {
	uint32_t pid, tid;
	uint64_t time;
};

struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint8_t identity[24];
	uint32_t prot, flags;
	char filename[];
};

struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[];
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
	    .watermark = 1,
	    .wakeup_watermark = RING_PAGES / 2 * 4096,
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
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = -ENOMEM;

	if (!mappings)
		return -ENOMEM;
	mappings->rings = calloc(cpus, sizeof(*mappings->rings));
	if (!mappings->rings)
		goto fail;
	for (long cpu = 0; cpu < cpus; cpu++) {
		err = ring_open(&mappings->rings[mappings->n_rings], cpu);
		if (err == -ENODEV) /* offline */
			continue;
		if (err)
			goto fail;
		mappings->n_rings++;
	}
	*ret = mappings;
	return 0;
fail:
	mappings_close(mappings);
	return err;
}

static void add(struct mappings *mappings, const struct mapping *mapping, const char *path, size_t path_bytes)
{
	struct mapping *slot;
	char *copy = NULL;

	if (path) {
		copy = strndup(path, path_bytes);
		if (!copy) {
			mappings->lost++;
			return;
		}
	}
	if (mappings->count == mappings->room) {
		size_t room = mappings->room ? 2 * mappings->room : 256;
		struct mapping *all = reallocarray(mappings->all, room, sizeof(*all));

		if (!all) {
			free(copy);
			mappings->lost++;
			return;
		}
		mappings->all = all;
		mappings->room = room;
	}
	slot = &mappings->all[mappings->count++];
	*slot = *mapping;
	slot->path = copy;
	mappings->sorted = false;
}

/* One whole record; `bytes` includes the header. */
static void take_record(struct mappings *mappings, const struct perf_event_header *header, size_t bytes)
{
	struct sample_id id;
	size_t body;

	if (header->type == PERF_RECORD_LOST) {
		if (bytes >= sizeof(*header) + 16)
			mappings->lost += ((const uint64_t *)(header + 1))[1];
		return;
	}
	if (bytes < sizeof(*header) + sizeof(id))
		return;
	body = bytes - sizeof(id);
	memcpy(&id, (const char *)header + body, sizeof(id));
	if (header->type == PERF_RECORD_MMAP2 && body > sizeof(struct mmap2_record)) {
		const struct mmap2_record *record = (const void *)header;
		struct mapping mapping = {.time_ns = id.time,
					  .pid = record->pid,
					  .start = record->addr,
					  .length = record->len,
					  .file_offset = record->pgoff};

		/* Anonymous memory and pseudo files have no ELF file behind them. */
		if (record->filename[0] == '/' && memcmp(record->filename, "//", 2) != 0)
			add(mappings, &mapping, record->filename, body - sizeof(*record));
	} else if (header->type == PERF_RECORD_COMM && header->misc & PERF_RECORD_MISC_COMM_EXEC &&
		   body >= sizeof(struct comm_record)) {
		const struct comm_record *record = (const void *)header;
		struct mapping mapping = {.time_ns = id.time, .pid = record->pid};

		add(mappings, &mapping, NULL, 0);
	}
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

const struct mapping *mappings_all(struct mappings *mappings, size_t *count)
{
	if (!mappings->sorted && mappings->count)
		qsort(mappings->all, mappings->count, sizeof(*mappings->all), by_time);
	mappings->sorted = true;
	*count = mappings->count;
	return mappings->all;
}

uint64_t mappings_lost(const struct mappings *mappings)
{
	return mappings->lost;
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
	for (size_t i = 0; i < mappings->count; i++)
		free(mappings->all[i].path);
	free(mappings->all);
	free(mappings);
}
