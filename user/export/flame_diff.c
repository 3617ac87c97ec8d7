/* SPDX-License-Identifier: Apache-2.0 */
#include "export/flame_diff.h"

#include <errno.h>

#include "export/flame_nodes.h"
#include "lib/cleanup.h"

struct builder {
	struct flame_diff *diff;
	struct flame_tree *tree[2];
	uint32_t *number[2]; /* by number of a tree's name: the one it has here */
	uint32_t *node[2];   /* by node of a tree, the one it has here */
	struct flame_nodes nodes;
};

static const struct explanation *run_of(const struct export_input *input, enum flame_side side)
{
	return input->runs[side == FLAME_AFTER ? input->n_runs - 1 : 0];
}

static const char *root_name(const struct run *run)
{
	for (size_t i = 0; i < run->n_processes; i++)
		if (run->processes[i].id == 1)
			return run->processes[i].comm;
	return "";
}

static enum export_by choose_roots(const struct export_input *input)
{
	if (input->options && input->options->by != EXPORT_BY_DEFAULT)
		return input->options->by;
	return strcmp(root_name(run_of(input, FLAME_BEFORE)->run), root_name(run_of(input, FLAME_AFTER)->run)) ? EXPORT_BY_NONE
													       : EXPORT_BY_NAME;
}

/* --- names --- */

/* Cuts a number in brackets off the end, with what stands before it: " (7003)", "[7003]". */
static void cut_number(char *text, const char *open, char close)
{
	size_t length = strlen(text), digits = 0, mark = strlen(open);

	if (!length || text[length - 1] != close)
		return;
	while (digits + 1 < length && text[length - 2 - digits] >= '0' && text[length - 2 - digits] <= '9')
		digits++;
	if (digits && digits + 1 + mark < length && !strncmp(text + length - 1 - digits - mark, open, mark))
		text[length - 1 - digits - mark] = '\0';
}

/* Without what is another number in each run. */
static char *lasting_text(const struct flame_name *name, enum export_by by)
{
	char *text = strdup(name->text);

	if (!text)
		return NULL;
	if (name->kind == FLAME_ROOT && (by == EXPORT_BY_THREAD || by == EXPORT_BY_PROCESS))
		cut_number(text, " (", ')');
	else if (name->kind == FLAME_WAIT || name->kind == FLAME_ROOT) /* "[child] sleep[812]", but not "[pipe] pipe:[812]" */
		if (!strstr(text, ":["))
			cut_number(text, "[", ']');
	return text;
}

struct candidate {
	struct flame_name name;
	uint32_t *number; /* where its rank goes */
};

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return flame_name_compare(&x->name, &y->name);
}

static int rank(struct candidate *candidates, size_t n, struct flame_names *names)
{
	names->names = calloc(n + 1, sizeof(*names->names));
	if (!names->names)
		return -ENOMEM;
	qsort(candidates, n, sizeof(*candidates), by_rank);
	for (size_t i = 0; i < n; i++) {
		if (!i || flame_name_compare(&candidates[i].name, &names->names[names->n - 1])) {
			names->names[names->n++] = candidates[i].name;
			candidates[i].name.text = NULL;
		}
		*candidates[i].number = names->n - 1;
	}
	return 0;
}

static int merge_names(struct builder *builder)
{
	struct flame_tree *const *tree = builder->tree;
	size_t n = tree[0]->names.n + tree[1]->names.n, filled = 0;
	struct candidate *candidates = calloc(n + 1, sizeof(*candidates));
	int err = candidates ? 0 : -ENOMEM;

	for (int side = 0; side < 2 && !err; side++) {
		const struct flame_names *names = &tree[side]->names;

		builder->number[side] = calloc(names->n + 1, sizeof(**builder->number));
		if (!builder->number[side])
			err = -ENOMEM;
		for (size_t i = 0; i < names->n && !err; i++) {
			struct candidate *candidate = &candidates[filled++];

			candidate->name = names->names[i];
			candidate->name.order = 0;
			candidate->name.text = lasting_text(&names->names[i], builder->diff->by);
			candidate->number = &builder->number[side][i];
			if (!candidate->name.text)
				err = -ENOMEM;
		}
	}
	if (!err)
		err = rank(candidates, n, &builder->diff->names);
	for (size_t i = 0; i < filled; i++)
		free(candidates[i].name.text);
	free(candidates);
	return err;
}

/* --- nodes --- */

static int merge_nodes(struct builder *builder, int side)
{
	const struct flame_tree *tree = builder->tree[side];
	uint32_t *node = calloc(tree->n_nodes, sizeof(*node));

	builder->node[side] = node;
	if (!node)
		return -ENOMEM;
	for (size_t i = 1; i < tree->n_nodes; i++) {
		int err;

		node[i] = node[tree->nodes[i].parent];
		err = flame_nodes_descend(&builder->nodes, &node[i], builder->number[side][tree->nodes[i].name]);
		if (err)
			return err;
	}
	return 0;
}

/* What a tree's nodes have beyond their children. */
static void add_own(struct builder *builder, int side, const uint32_t *moved)
{
	const struct flame_tree *tree = builder->tree[side];
	struct flame_diff_node *nodes = builder->diff->nodes;

	for (size_t i = 0; i < tree->n_nodes; i++) {
		nodes[moved[builder->node[side][i]]].own_ns[side] += tree->nodes[i].ns;
		if (i)
			nodes[moved[builder->node[side][tree->nodes[i].parent]]].own_ns[side] -= tree->nodes[i].ns;
	}
}

/* Children stand after their parents. */
static void sum_up(struct flame_diff *diff)
{
	for (size_t i = diff->n_nodes; i-- > 0;) {
		struct flame_diff_node *node = &diff->nodes[i], *parent = &diff->nodes[node->parent];
		uint64_t before_ns = node->own_ns[FLAME_BEFORE], after_ns = node->own_ns[FLAME_AFTER];

		diff->changed_ns += after_ns > before_ns ? after_ns - before_ns : before_ns - after_ns;
		for (int side = 0; side < 2; side++) {
			node->ns[side] += node->own_ns[side];
			if (i)
				parent->ns[side] += node->ns[side];
		}
		for (int side = 0; side < 2; side++) {
			if (!node->ns[!side])
				node->only_ns[side] = node->ns[side];
			if (i)
				parent->only_ns[side] += node->only_ns[side];
		}
	}
}

static int merge(struct builder *builder)
{
	struct flame_diff *diff = builder->diff;
	_cleanup_free_ uint32_t *moved = NULL;
	int err = merge_names(builder);

	if (!err)
		err = flame_nodes_begin(&builder->nodes);
	for (int side = 0; side < 2 && !err; side++)
		err = merge_nodes(builder, side);
	if (!err)
		err = flame_nodes_arrange(&builder->nodes, &moved);
	if (err)
		return err;
	diff->n_nodes = builder->nodes.n;
	diff->nodes = calloc(diff->n_nodes, sizeof(*diff->nodes));
	if (!diff->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < diff->n_nodes; i++) {
		const struct flame_node *node = &builder->nodes.nodes[i];

		diff->nodes[i] = (struct flame_diff_node){.parent = node->parent, .name = node->name, .depth = node->depth};
	}
	for (int side = 0; side < 2; side++) {
		add_own(builder, side, moved);
		diff->threads[side] = builder->tree[side]->threads;
	}
	sum_up(diff);
	return 0;
}

static int build_trees(struct builder *builder, const struct export_input *input)
{
	struct export_options options = {0};
	int err = 0;

	if (input->options)
		options = *input->options;
	options.by = builder->diff->by;
	for (int side = 0; side < 2 && !err; side++) {
		const struct explanation *run = run_of(input, side);
		const struct export_input one = {.host = input->host, .runs = &run, .n_runs = 1, .options = &options};

		err = flame_tree_build(&one, &builder->tree[side]);
	}
	return err;
}

int flame_diff_build(const struct export_input *input, struct flame_diff **ret)
{
	struct builder builder = {0};
	int err;

	if (input->n_runs < 2)
		return -ENODATA;
	builder.diff = calloc(1, sizeof(*builder.diff));
	if (!builder.diff)
		return -ENOMEM;
	builder.diff->by = choose_roots(input);
	err = build_trees(&builder, input);
	if (!err)
		err = merge(&builder);
	for (int side = 0; side < 2; side++) {
		flame_tree_free(builder.tree[side]);
		free(builder.number[side]);
		free(builder.node[side]);
	}
	flame_nodes_free(&builder.nodes);
	if (err)
		flame_diff_free(builder.diff);
	else
		*ret = builder.diff;
	return err;
}

void flame_diff_free(struct flame_diff *diff)
{
	if (!diff)
		return;
	flame_names_free(&diff->names);
	free(diff->nodes);
	free(diff);
}
