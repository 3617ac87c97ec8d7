/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What formats of stacks share: all stacks that were asked for as one tree, in which a box is a frame with the same callers. Its
 * figures are sums of weighted stacks (explain/stacks.h). Not for outside export/.
 */
#ifndef CONCPROF_EXPORT_FLAME_TREE_H
#define CONCPROF_EXPORT_FLAME_TREE_H

#include "explain/stacks.h"
#include "export/export.h"
#include "export/flame_names.h"

/* Recordings are strangers' files. Frames, inlined ones included; outer ones of deeper stacks are left out, and a mark says so. */
#define FLAME_DEPTH_MAX 1024
/* More boxes are refused (-E2BIG): 24 bytes each, and what is needed to build them. 100,000 real stacks have about a million. */
#define FLAME_NODES_MAX (1u << 22)

#define FLAME_NOWHERE UINT32_MAX

struct flame_node {
	uint32_t parent; /* of node 0: 0 */
	uint32_t name;   /* in names; of node 0 nothing */
	uint32_t depth;  /* of node 0: 0 */
	uint64_t ns;     /* its own and its children's */
};

struct flame_tree {
	struct flame_names names;
	struct flame_node
	    *nodes;            /* a node is followed by its first child, that by its own; siblings in the order of their names */
	size_t n_nodes;        /* at least 1: node 0 holds all */
	uint32_t *node_of_row; /* where a row of `stacks` ends; FLAME_NOWHERE: its state was not asked for */
	struct weighted_stacks *stacks;
	uint64_t ns[STATE_COUNT]; /* of what was asked for; sums to nodes[0].ns */
	uint64_t threads;         /* that have a part in it */
	enum export_by by;        /* never the default */
};

/* Of the last of the runs. 0; -ENODATA, -ENOMEM or -E2BIG as struct exporter says. */
int flame_tree_build(const struct export_input *input, struct flame_tree **ret);
void flame_tree_free(struct flame_tree *tree); /* NULL is fine */

/* The run that is shown; input has at least one. */
static inline const struct explanation *flame_shown(const struct export_input *input)
{
	return input->runs[input->n_runs - 1];
}

#endif
