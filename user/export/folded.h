/* SPDX-License-Identifier: Apache-2.0 */
/* What forms of folded stacks share: folded.c, folded_diff.c. Not for outside export/. */
#ifndef CONCPROF_EXPORT_FOLDED_H
#define CONCPROF_EXPORT_FOLDED_H

#include "export/flame_tree.h"
#include "lib/text.h"

/* The path to a node, and how long it was at each depth. Starts as {0}. */
struct folded_path {
	struct text text;
	size_t length[FLAME_DEPTH_MAX + 8]; /* roots, marks and leaves are beside the frames */
};

/* Names as they stand in lines, in place of those that programs gave. 0 or -ENOMEM. */
int fold_names(struct flame_names *names);
/* To a node in drawing order: `depth` of at least 1, and its name. */
void folded_path_move(struct folded_path *path, uint32_t depth, const char *name);
/*
 * Microseconds of the next line, rounded so that the sum of all lines so far is the rounded sum: no line is off by a microsecond or more, and the total
 * is right.
 */
uint64_t folded_us(uint64_t ns, uint64_t *sum_ns);

#endif
