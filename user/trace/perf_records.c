/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/perf_records.h"

#include <stdlib.h>
#include <string.h>

/* What follows every record under sample_id_all with PERF_SAMPLE_TID | PERF_SAMPLE_TIME. */
struct sample_id {
	uint32_t pid, tid;
	uint64_t time;
};

struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
	char filename[];
};

struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[];
};

/* `bytes` of the name, its padding included. */
static bool read_mapping(const struct mmap2_record *record, size_t bytes, struct mapping *mapping)
{
	const char *name = record->filename;

	mapping->start = record->addr;
	mapping->length = record->len;
	mapping->file_offset = record->pgoff;
	mapping->major = record->maj;
	mapping->minor = record->min;
	mapping->inode = record->ino;
	mapping->inode_generation = record->ino_generation;
	/* "//anon", "[heap]", "[stack]", "[vdso]", "[vsyscall]" (kernel/events/core.c, perf_event_mmap_event). */
	if (strncmp(name, "[vdso]", bytes) == 0)
		mapping->kind = MAPPING_VDSO;
	else if (strncmp(name, "[vsyscall]", bytes) == 0 || strncmp(name, "[uprobes]", bytes) == 0)
		return false;
	else if (name[0] != '/' || (bytes > 1 && name[1] == '/'))
		mapping->kind = MAPPING_ANONYMOUS;
	return true;
}

bool perf_record_read(const struct perf_event_header *record, size_t bytes, struct mapping *mapping, uint64_t *lost)
{
	struct sample_id id;
	size_t body;

	if (record->type == PERF_RECORD_LOST) {
		if (bytes >= sizeof(*record) + 16)
			*lost += ((const uint64_t *)(record + 1))[1];
		return false;
	}
	if (bytes < sizeof(*record) + sizeof(id))
		return false;
	body = bytes - sizeof(id);
	memcpy(&id, (const char *)record + body, sizeof(id));
	*mapping = (struct mapping){.kind = MAPPING_FILE, .time_ns = id.time};
	if (record->type == PERF_RECORD_MMAP2 && body > sizeof(struct mmap2_record)) {
		const struct mmap2_record *mmap2 = (const void *)record;
		size_t room = body - sizeof(*mmap2);

		mapping->pid = mmap2->pid;
		if (!read_mapping(mmap2, room, mapping))
			return false;
		if (mapping->kind == MAPPING_FILE)
			mapping->path = strndup(mmap2->filename, room);
		if (mapping->kind == MAPPING_FILE && !mapping->path) {
			++*lost;
			return false;
		}
		return true;
	}
	if (record->type == PERF_RECORD_COMM && record->misc & PERF_RECORD_MISC_COMM_EXEC && body >= sizeof(struct comm_record)) {
		mapping->kind = MAPPING_EXEC;
		mapping->pid = ((const struct comm_record *)record)->pid;
		return true;
	}
	return false;
}
