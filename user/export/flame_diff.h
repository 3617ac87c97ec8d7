/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two runs' stacks as one tree, in which each box has the time of both: what a differential flame graph shows. Boxes are the same when their
 * names are, and those of all their callers; what names processes and threads has another number in each run, which is left out. Not for outside export/.
 */
#ifndef CONCPROF_EXPORT_FLAME_DIFF_H
#define CONCPROF_EXPORT_FLAME_DIFF_H

#include "export/flame_names.h"
#include "export/flame_tree.h"

enum flame_side { FLAME_BEFORE, FLAME_AFTER };

struct flame_diff_node {
	uint32_t parent, name, depth; /* as in struct flame_node */
	uint64_t own_ns[2];           /* by side: of the box itself, without its children */
	uint64_t ns[2];               /* its own and its children's */
	/*
	 * Part of ns of one side that is in boxes which the other side does not have at all: of each side, the sum over all boxes of what is in boxes of
	 * both, and this, is the run's time.
	 */
	uint64_t only_ns[2];
};

struct flame_diff {
	struct flame_names names;      /* ranks, as there; of_* are not set */
	struct flame_diff_node *nodes; /* in the order of struct flame_tree */
	size_t n_nodes;                /* at least 1: node 0 holds all */
	uint64_t changed_ns;           /* sum over all boxes of how much their own time differs */
	uint64_t threads[2];
	enum export_by by; /* never the default */
};

/*
 * Of the first and the last of the runs. Roots are by default names of processes; where the root processes' names differ, none. 0; -ENODATA when there
 * are not two; -ENOMEM or -E2BIG as struct exporter says.
 */
int flame_diff_build(const struct export_input *input, struct flame_diff **ret);
void flame_diff_free(struct flame_diff *diff); /* NULL is fine */

#endif
