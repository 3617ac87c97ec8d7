/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "export/svg.h"
#include "lib/cleanup.h"

#define PURE 0.98 /* of a box's time in one state: the rest is not worth a mixed colour */

static size_t count_from(const struct flame_tree *tree, uint64_t least_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n_nodes; i++)
		n += tree->nodes[i].ns >= least_ns;
	return n;
}

/* Boxes of a file that stays of a size that viewers like. */
static uint64_t choose_least(const struct flame_tree *tree, double pixels)
{
	uint64_t least_ns = (uint64_t)ceil((double)tree->nodes[0].ns * SVG_NARROWEST / pixels);

	while (count_from(tree, least_ns) > SVG_BOXES_MAX)
		least_ns += least_ns / 4 + 1;
	return least_ns ? least_ns : 1;
}

/* By the name, so that a function looks the same in every picture, unless a box beside or below looks so already. */
static unsigned int choose_shade(const char *name, const struct svg_box *parent)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	unsigned int shade;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	shade = hash % SVG_SHADES;
	while (shade == parent->shade || shade == parent->last_shade)
		shade = (shade + 1) % SVG_SHADES;
	return shade;
}

/* A node's parent is before it, and no narrower. */
static void place(const struct flame_tree *tree, struct svg_boxes *boxes, uint32_t *box_of)
{
	for (size_t i = 0; i < tree->n_nodes; i++) {
		const struct flame_node *node = &tree->nodes[i];
		uint32_t at = i ? box_of[node->parent] : SVG_NO_BOX;
		struct svg_box *parent = i ? &boxes->boxes[at] : NULL;

		if (parent && node->ns < boxes->least_ns) {
			parent->more++;
			if (parent->node == node->parent)
				parent->more_ns += node->ns;
			box_of[i] = at;
			continue;
		}
		box_of[i] = boxes->n;
		boxes->boxes[boxes->n++] = (struct svg_box){
		    .node = i,
		    .parent = at,
		    .begin_ns = parent ? parent->begin_ns + parent->drawn_ns : 0,
		    .ns = node->ns,
		    .last_shade = SVG_SHADES, /* none */
		};
		if (!parent)
			continue;
		boxes->boxes[box_of[i]].shade = choose_shade(tree->names.names[node->name].text, parent);
		parent->last_shade = boxes->boxes[box_of[i]].shade;
		parent->drawn_ns += node->ns;
	}
}

static void sum_up(const struct flame_tree *tree, struct svg_boxes *boxes, const uint32_t *box_of)
{
	for (size_t i = 0; i < tree->stacks->n; i++) {
		const struct weighted_stack *row = &tree->stacks->rows[i];
		struct svg_box *box;

		if (tree->node_of_row[i] == FLAME_NOWHERE)
			continue;
		box = &boxes->boxes[box_of[tree->node_of_row[i]]];
		box->state_ns[row->state] += row->ns;
		if (state_info[row->state].group == STATE_GROUP_CPU)
			box->samples += row->count;
		else
			box->waits += row->count;
	}
	for (size_t i = boxes->n - 1; i > 0; i--) {
		const struct svg_box *box = &boxes->boxes[i];
		struct svg_box *parent = &boxes->boxes[box->parent];

		for (int state = 0; state < STATE_COUNT; state++)
			parent->state_ns[state] += box->state_ns[state];
		parent->samples += box->samples;
		parent->waits += box->waits;
	}
}

int svg_boxes_make(const struct flame_tree *tree, double pixels, struct svg_boxes *boxes)
{
	_cleanup_free_ uint32_t *box_of = calloc(tree->n_nodes, sizeof(*box_of));

	*boxes = (struct svg_boxes){.least_ns = choose_least(tree, pixels)};
	boxes->boxes = calloc(count_from(tree, boxes->least_ns) + 1, sizeof(*boxes->boxes));
	if (!box_of || !boxes->boxes) {
		svg_boxes_free(boxes);
		return -ENOMEM;
	}
	place(tree, boxes, box_of);
	sum_up(tree, boxes, box_of);
	for (size_t i = 0; i < boxes->n; i++) {
		const struct svg_box *box = &boxes->boxes[i];
		uint32_t depth = tree->nodes[box->node].depth + (box->more_ns >= boxes->least_ns);

		if (depth > boxes->depth)
			boxes->depth = depth;
	}
	return 0;
}

void svg_boxes_free(struct svg_boxes *boxes)
{
	free(boxes->boxes);
	*boxes = (struct svg_boxes){0};
}

enum state svg_box_state(const struct svg_box *box)
{
	uint64_t on_cpu_ns = 0;
	enum state most = 0;

	for (int state = 0; state < STATE_COUNT; state++) {
		if (box->state_ns[state] > box->state_ns[most])
			most = state;
		if (state_info[state].group == STATE_GROUP_CPU)
			on_cpu_ns += box->state_ns[state];
	}
	if (box->state_ns[most] >= PURE * box->ns)
		return most;
	return on_cpu_ns >= PURE * box->ns ? most : STATE_COUNT;
}
