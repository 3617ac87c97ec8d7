/* SPDX-License-Identifier: Apache-2.0 */
/* Making a tree of boxes: nodes by their parent and name, and then into the order in which they are drawn. Not for outside export/. */
#ifndef CONCPROF_EXPORT_FLAME_NODES_H
#define CONCPROF_EXPORT_FLAME_NODES_H

#include "export/flame_tree.h"

/* Starts as {0}. */
struct flame_nodes {
	struct flame_node
	    *nodes; /* parents before their children; ns is what was given to a node itself until they are arranged */
	size_t n, room;
	uint32_t *table; /* open hash of (parent, name): node + 1; 0: free */
	size_t slots;    /* a power of two, at least twice the nodes */
	/* A stranger's recording cannot know which nodes will meet in the table. */
	uint64_t seed;
};

/* Node 0. 0 or -ENOMEM. */
int flame_nodes_begin(struct flame_nodes *nodes);
/* The child of that name, made if it is not there; moves *node to it. 0, -ENOMEM, or -E2BIG beyond FLAME_NODES_MAX. */
int flame_nodes_descend(struct flame_nodes *nodes, uint32_t *node, uint32_t name);
/*
 * Into the order of struct flame_tree, with ns summed up. *moved says where each node went (owned by the caller). Nothing can be added
 * afterwards. 0 or -ENOMEM.
 */
int flame_nodes_arrange(struct flame_nodes *nodes, uint32_t **moved);
void flame_nodes_free(struct flame_nodes *nodes);

#endif
