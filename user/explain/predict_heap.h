/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of small numbers (0..n-1), each in it at most once, the least key first; of equal keys the one that was put in first. */
#ifndef CONCPROF_PREDICT_HEAP_H
#define CONCPROF_PREDICT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry {
	uint64_t key, order;
	uint32_t item;
};

struct heap {
	struct heap_entry *entries;
	uint32_t *places; /* by item: its place among the entries + 1; 0: not in */
	size_t n;
	uint64_t order;
};

/* For items 0..items-1. 0 or -ENOMEM. */
int heap_open(struct heap *heap, size_t items);
void heap_close(struct heap *heap); /* all zero is fine */
void heap_put(struct heap *heap, uint32_t item, uint64_t key);
/* Does nothing if it is not in. */
void heap_remove(struct heap *heap, uint32_t item);
/* Of a heap that is not empty: takes the first one out. */
uint32_t heap_take(struct heap *heap);

#endif
