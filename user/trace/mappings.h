/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was mapped executable, where, when and by whom: the kernel's own mmap records (perf_event_open(2)), heard for the whole machine,
 * so that processes that die before /proc can be read are known too. Costs nothing at context switches.
 *
 * mappings_take() fetches what has arrived; mappings_deliver() hands it on in the order of time. Between the two comes whatever tells
 * which processes are followed: a process's birth is then known before its first mapping is looked at. Only what happened before both is
 * to be delivered: of what came while they were taken, one of the two may know only a part.
 */
#ifndef CONCPROF_MAPPINGS_H
#define CONCPROF_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mappings;

enum mapping_kind {
	MAPPING_FILE,
	MAPPING_EXEC,      /* no mapping, but the moment at which an exec emptied the address space */
	MAPPING_VDSO,      /* the kernel's own object */
	MAPPING_ANONYMOUS, /* code that was made at run time */
};

struct mapping {
	enum mapping_kind kind;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t pid;     /* tgid */
	uint64_t start, length;
	uint64_t file_offset;
	uint32_t major, minor; /* of the file's device, as /proc/PID/maps has them */
	uint64_t inode, inode_generation;
	char *path; /* as the process saw it; NULL but for files */
};

/* 0 or a negative errno. */
int mappings_open(struct mappings **ret);
/* Readable when something has arrived. */
int mappings_fd(const struct mappings *mappings);
/* Takes what has arrived. Call it when the descriptor is readable or every 100 ms, and once after the end. */
void mappings_take(struct mappings *mappings);
/*
 * Calls heard() for what was taken and not delivered yet, as far as it happened until then; the rest waits for the next call. Files and
 * execs for which it returns true are kept for mappings_all().
 */
typedef bool (*mapping_heard_fn)(void *context, const struct mapping *mapping);
void mappings_deliver(struct mappings *mappings, uint64_t until_ns, mapping_heard_fn heard, void *context);
/* Keeps a mapping of a file that was not heard of but found: in a process that is alive. Its path is copied. 0 or -ENOMEM. */
int mappings_keep(struct mappings *mappings, const struct mapping *mapping);
/* All that were kept, in the order of time. Owned by `mappings`. */
const struct mapping *mappings_all(struct mappings *mappings, size_t *count);
uint64_t mappings_lost(const struct mappings *mappings);
void mappings_close(struct mappings *mappings); /* NULL is fine */

#endif
