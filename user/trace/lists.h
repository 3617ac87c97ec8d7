/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of mappings: what an address space looked like when it was published to the kernel side, or when it went. Immutable, found by
 * generation. Kept while somebody has them, and two rounds longer: stacks and forks may still refer to them.
 */
#ifndef CONCPROF_LISTS_H
#define CONCPROF_LISTS_H

#include "trace/kernel.h"
#include "trace/spans.h"

struct lists;

struct list {
	uint64_t generation;
	struct span *spans; /* by address */
	size_t n_spans;
	uint32_t first, count; /* of its entries in the kernel's space_mappings, as in struct unwind_space; 0: it is not there */
};

/* Not owned. 0 or a negative errno. */
int lists_open(struct kernel *kernel, struct lists **ret);
/* Both return a list that the caller has; NULL without room. Published, the kernel side can use it; kept, only we can. */
struct list *lists_publish(struct lists *lists, const struct spans *spans);
struct list *lists_keep(struct lists *lists, const struct spans *spans);
/* NULL: there is none (any more). */
struct list *lists_find(const struct lists *lists, uint64_t generation);
/* One more has it; one less has. NULL is fine. */
struct list *list_share(struct list *list);
void lists_drop(struct lists *lists, struct list *list);
/* A round is over. */
void lists_round(struct lists *lists);
void lists_close(struct lists *lists); /* frees all, whoever has them; NULL is fine */

#endif
