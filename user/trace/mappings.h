/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files were mapped executable, where, when and by whom: the kernel's own mmap records (perf_event_open(2)), heard for the whole
 * machine, so that processes that die before /proc can be read are known too. Costs nothing at context switches.
 */
#ifndef CONCPROF_MAPPINGS_H
#define CONCPROF_MAPPINGS_H

#include <stddef.h>
#include <stdint.h>

struct mappings;

struct mapping {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t pid;     /* tgid */
	uint64_t start, length;
	uint64_t file_offset;
	char *path; /* NULL: no mapping, but the moment at which an exec emptied the address space */
};

/* 0 or a negative errno. */
int mappings_open(struct mappings **ret);
/* Takes what has arrived. Call it every 100 ms or so while the program runs, and once after its end. */
void mappings_take(struct mappings *mappings);
/* All so far, in the order of time. Owned by `mappings`. */
const struct mapping *mappings_all(struct mappings *mappings, size_t *count);
uint64_t mappings_lost(const struct mappings *mappings);
void mappings_close(struct mappings *mappings); /* NULL is fine */

#endif
