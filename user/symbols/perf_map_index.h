/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From address ranges that overlap to disjoint pieces, each of which belongs to the last range that holds it. O(n log n), always.
 */
#ifndef CONCPROF_PERF_MAP_INDEX_H
#define CONCPROF_PERF_MAP_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct perf_map_entry {
	uint64_t start;
	uint32_t bytes; /* > 0; the end does not overflow */
	uint32_t name;  /* offset in the map's names */
};

struct perf_map_piece {
	uint64_t start; /* up to the next piece's */
	uint32_t entry; /* UINT32_MAX: nobody's */
};

struct perf_map_index { /* starts as {0} */
	struct perf_map_piece *pieces;
	size_t count;
};

/* 0 or -ENOMEM; at most 2^31 entries. */
int perf_map_index_make(struct perf_map_index *index, const struct perf_map_entry *entries, size_t count);
/* NULL: none. */
const struct perf_map_entry *perf_map_index_find(const struct perf_map_index *index, const struct perf_map_entry *entries,
						 uint64_t address);
void perf_map_index_free(struct perf_map_index *index); /* leaves {0} */

#endif
