/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of numbers, each once, numbered from 0 in the order in which they came: a hash table whose values are its positions. */
#ifndef CONCPROF_PAIRS_H
#define CONCPROF_PAIRS_H

#include <stddef.h>
#include <stdint.h>

struct pair {
	uint64_t a, b;
};

/* All zero: empty. */
struct pairs {
	struct pair *all; /* n of them */
	size_t n, room;
	uint32_t *slots; /* number + 1; 0: free */
	size_t n_slots;  /* a power of two */
};

#define PAIRS_NONE UINT32_MAX

/* The pair's number, found or added; PAIRS_NONE when there is no memory (or 2^32 - 2 others). */
uint32_t pairs_add(struct pairs *pairs, uint64_t a, uint64_t b);
/* The pair's number, or PAIRS_NONE. */
uint32_t pairs_find(const struct pairs *pairs, uint64_t a, uint64_t b);
void pairs_free(struct pairs *pairs); /* what it owns */

#endif
