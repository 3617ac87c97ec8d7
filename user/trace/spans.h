/* SPDX-License-Identifier: Apache-2.0 */
/* Which object lies where in one address space: spans by address that do not overlap. */
#ifndef CONCPROF_SPANS_H
#define CONCPROF_SPANS_H

#include <stddef.h>
#include <stdint.h>

struct table_object;

struct span {
	uint64_t start, end;
	uint64_t bias;               /* what to take off to get the object's own address */
	uint64_t since_ns;           /* when it was mapped; 0: before anybody looked */
	struct table_object *object; /* not owned; NULL: memory without a file */
};

/* All zero: empty. */
struct spans {
	struct span *all;
	size_t n, room;
};

/* What lay there before is replaced; `span` is not empty. 0; -ENOMEM: then what lay there may be lost all the same. */
int spans_put(struct spans *spans, const struct span *span);
/* The span that holds an address, or NULL. */
const struct span *spans_find(const struct span *all, size_t n, uint64_t address);
/* `to` is empty. 0 or -ENOMEM. */
int spans_copy(struct spans *to, const struct spans *from);
void spans_free(struct spans *spans); /* what it owns */

#endif
