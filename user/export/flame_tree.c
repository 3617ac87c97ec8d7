/* SPDX-License-Identifier: Apache-2.0 */
#include "export/flame_tree.h"

#include <errno.h>

#include "export/flame_nodes.h"
#include "lib/cleanup.h"

struct builder {
	const struct run *run;
	struct flame_tree *tree;
	struct flame_nodes nodes;
};

static enum export_by choose_roots(const struct run *run, enum export_by by)
{
	if (by != EXPORT_BY_DEFAULT)
		return by;
	if (run->n_threads <= EXPORT_ROOTS_MAX)
		return EXPORT_BY_THREAD;
	return run->n_processes <= EXPORT_ROOTS_MAX ? EXPORT_BY_PROCESS : EXPORT_BY_NAME;
}

/* Outermost frame first; parents have smaller ids (run_check), so that the way up ends. */
static int descend_stack(struct builder *builder, uint32_t *node, uint64_t stack)
{
	const struct run *run = builder->run;
	uint32_t names[FLAME_DEPTH_MAX];
	size_t n = 0;
	int err = 0;

	for (; stack && n < FLAME_DEPTH_MAX; stack = run->stacks[stack - 1].parent)
		names[n++] = builder->tree->names.of_frame[run->stacks[stack - 1].frame - 1];
	if (stack)
		err = flame_nodes_descend(&builder->nodes, node, builder->tree->names.deeper);
	while (!err && n)
		err = flame_nodes_descend(&builder->nodes, node, names[--n]);
	return err;
}

static int add_row(struct builder *builder, size_t i)
{
	struct flame_tree *tree = builder->tree;
	const struct weighted_stack *row = &tree->stacks->rows[i];
	bool on_cpu = state_info[row->state].group == STATE_GROUP_CPU;
	uint32_t node = 0;
	int err = 0;

	if (tree->by != EXPORT_BY_NONE)
		err = flame_nodes_descend(&builder->nodes, &node, tree->names.of_root[i]);
	if (!err && row->stack)
		err = descend_stack(builder, &node, row->stack);
	if (!err && !row->thread)
		err = flame_nodes_descend(&builder->nodes, &node, tree->names.no_record);
	else if (!err && on_cpu && !row->stack)
		err = flame_nodes_descend(&builder->nodes, &node, tree->names.not_sampled);
	if (!err && !on_cpu && tree->by != EXPORT_BY_CAUSE)
		err = flame_nodes_descend(&builder->nodes, &node, tree->names.of_leaf[i]);
	if (err)
		return err;
	tree->node_of_row[i] = node;
	builder->nodes.nodes[node].ns += row->ns;
	tree->ns[row->state] += row->ns;
	return 0;
}

static int arrange(struct builder *builder)
{
	struct flame_tree *tree = builder->tree;
	_cleanup_free_ uint32_t *moved = NULL;
	int err = flame_nodes_arrange(&builder->nodes, &moved);

	if (err)
		return err;
	for (size_t i = 0; i < tree->stacks->n; i++)
		if (tree->node_of_row[i] != FLAME_NOWHERE)
			tree->node_of_row[i] = moved[tree->node_of_row[i]];
	tree->nodes = steal_pointer(&builder->nodes.nodes);
	tree->n_nodes = builder->nodes.n;
	return 0;
}

static int count_threads(struct flame_tree *tree, const struct run *run)
{
	_cleanup_free_ bool *seen = calloc(run->n_threads + 1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < tree->stacks->n; i++) {
		const struct weighted_stack *row = &tree->stacks->rows[i];

		if (tree->node_of_row[i] == FLAME_NOWHERE || !row->thread)
			continue;
		tree->threads += !seen[row->thread - run->threads];
		seen[row->thread - run->threads] = true;
	}
	return 0;
}

static int build(struct builder *builder, const struct export_options *options)
{
	struct flame_tree *tree = builder->tree;
	int err = explain_stacks(builder->run, &options->rules, &tree->stacks);

	if (err)
		return err;
	tree->by = choose_roots(builder->run, options->by);
	err = flame_names_make(builder->run, tree->stacks, tree->by, &tree->names);
	tree->node_of_row = calloc(tree->stacks->n + 1, sizeof(*tree->node_of_row));
	if (!err && !tree->node_of_row)
		err = -ENOMEM;
	if (!err)
		err = flame_nodes_begin(&builder->nodes);
	if (err)
		return err;
	for (size_t i = 0; !err && i < tree->stacks->n; i++) {
		tree->node_of_row[i] = FLAME_NOWHERE;
		if (!options->states || options->states & 1u << tree->stacks->rows[i].state)
			err = add_row(builder, i);
	}
	if (!err)
		err = arrange(builder);
	return err ? err : count_threads(tree, builder->run);
}

int flame_tree_build(const struct export_input *input, struct flame_tree **ret)
{
	static const struct export_options defaults;
	struct builder builder = {0};
	int err;

	if (!input->n_runs)
		return -ENODATA;
	builder.run = flame_shown(input)->run;
	builder.tree = calloc(1, sizeof(*builder.tree));
	if (!builder.tree)
		return -ENOMEM;
	err = build(&builder, input->options ? input->options : &defaults);
	flame_nodes_free(&builder.nodes);
	if (err)
		flame_tree_free(builder.tree);
	else
		*ret = builder.tree;
	return err;
}

void flame_tree_free(struct flame_tree *tree)
{
	if (!tree)
		return;
	flame_names_free(&tree->names);
	free(tree->nodes);
	free(tree->node_of_row);
	weighted_stacks_free(tree->stacks);
	free(tree);
}
