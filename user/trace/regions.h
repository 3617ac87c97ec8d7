/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for lists of mappings in the kernel side's array space_mappings: a header that carries the list's generation, then its entries.
 * The kernel side reads a region only while the header says what it expects.
 */
#ifndef CONCPROF_REGIONS_H
#define CONCPROF_REGIONS_H

#include "trace/kernel.h"

struct regions;

struct region {
	struct unwind_mapping *entries; /* count of them, in the kernel's memory; the header stands before */
	uint32_t first;                 /* number of the header */
	uint32_t count;
	uint32_t order; /* 2^order entries were taken */
};

int regions_open(struct kernel *kernel, struct regions **ret);
/* 0; -E2BIG when a list cannot have so many entries; -ENOSPC when all is taken. The header is 0 until region_seal(). */
int regions_take(struct regions *regions, size_t count, struct region *ret);
void region_seal(struct region *region, uint64_t generation);
void regions_give_back(struct regions *regions, struct region *region);
void regions_close(struct regions *regions); /* NULL is fine */

#endif
