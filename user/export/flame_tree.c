/* SPDX-License-Identifier: Apache-2.0 */
#include "export/flame_tree.h"

#include <errno.h>
#include <sys/random.h>

#include "lib/cleanup.h"

struct builder {
	const struct run *run;
	struct flame_tree *tree;
	size_t room;
	uint32_t *table; /* open hash of (parent, name): node + 1; 0: free */
	size_t slots;    /* a power of two, at least twice the nodes */
	/* A stranger's recording cannot know which nodes will meet in the table. */
	uint64_t seed;
};

static enum export_by choose_roots(const struct run *run, enum export_by by)
{
	if (by != EXPORT_BY_DEFAULT)
		return by;
	if (run->n_threads <= EXPORT_ROOTS_MAX)
		return EXPORT_BY_THREAD;
	return run->n_processes <= EXPORT_ROOTS_MAX ? EXPORT_BY_PROCESS : EXPORT_BY_NAME;
}

/* splitmix64's last step */
static size_t slot_of(const struct builder *builder, uint32_t parent, uint32_t name)
{
	uint64_t x = ((uint64_t)parent << 32 | name) ^ builder->seed;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) & (builder->slots - 1);
}

static void enter(struct builder *builder, uint32_t node)
{
	const struct flame_node *entry = &builder->tree->nodes[node];
	size_t slot = slot_of(builder, entry->parent, entry->name);

	while (builder->table[slot])
		slot = (slot + 1) & (builder->slots - 1);
	builder->table[slot] = node + 1;
}

static int grow(struct builder *builder)
{
	struct flame_tree *tree = builder->tree;
	size_t room = builder->room ? 2 * builder->room : 1024;
	struct flame_node *nodes = reallocarray(tree->nodes, room, sizeof(*nodes));
	uint32_t *table = calloc(2 * room, sizeof(*table));

	if (nodes)
		tree->nodes = nodes;
	if (!nodes || !table) {
		free(table);
		return -ENOMEM;
	}
	free(builder->table);
	builder->table = table;
	builder->slots = 2 * room;
	builder->room = room;
	for (size_t i = 1; i < tree->n_nodes; i++)
		enter(builder, i);
	return 0;
}

/* The child of that name, made if it is not there; moves *node to it. */
static int descend(struct builder *builder, uint32_t *node, uint32_t name)
{
	struct flame_tree *tree = builder->tree;
	size_t slot = slot_of(builder, *node, name);

	for (; builder->table[slot]; slot = (slot + 1) & (builder->slots - 1)) {
		uint32_t found = builder->table[slot] - 1;

		if (tree->nodes[found].parent == *node && tree->nodes[found].name == name) {
			*node = found;
			return 0;
		}
	}
	if (tree->n_nodes == FLAME_NODES_MAX)
		return -E2BIG;
	if (tree->n_nodes == builder->room) {
		int err = grow(builder);

		if (err)
			return err;
	}
	tree->nodes[tree->n_nodes] = (struct flame_node){.parent = *node, .name = name, .depth = tree->nodes[*node].depth + 1};
	*node = tree->n_nodes++;
	enter(builder, *node);
	return 0;
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
		err = descend(builder, node, builder->tree->names.deeper);
	while (!err && n)
		err = descend(builder, node, names[--n]);
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
		err = descend(builder, &node, tree->names.of_root[i]);
	if (!err && row->stack)
		err = descend_stack(builder, &node, row->stack);
	if (!err && !row->thread)
		err = descend(builder, &node, tree->names.no_record);
	else if (!err && on_cpu && !row->stack)
		err = descend(builder, &node, tree->names.not_sampled);
	if (!err && !on_cpu && tree->by != EXPORT_BY_CAUSE)
		err = descend(builder, &node, tree->names.of_leaf[i]);
	if (err)
		return err;
	tree->node_of_row[i] = node;
	tree->nodes[node].ns += row->ns;
	tree->ns[row->state] += row->ns;
	return 0;
}

/* --- into the order of drawing --- */

struct place {
	uint32_t parent, name, node;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return x->name < y->name ? -1 : 1;
}

/* Children were made after their parents, so that one pass from the end sums up, and one over sorted siblings places them. */
static int arrange(struct flame_tree *tree)
{
	_cleanup_free_ struct place *places = calloc(tree->n_nodes, sizeof(*places));
	_cleanup_free_ uint32_t *sizes = calloc(tree->n_nodes, sizeof(*sizes));
	_cleanup_free_ uint32_t *next = calloc(tree->n_nodes, sizeof(*next)); /* where a node's next child goes, by old number */
	_cleanup_free_ uint32_t *moved = calloc(tree->n_nodes, sizeof(*moved));
	struct flame_node *nodes = calloc(tree->n_nodes, sizeof(*nodes));

	if (!places || !sizes || !next || !moved || !nodes) {
		free(nodes);
		return -ENOMEM;
	}
	for (size_t i = tree->n_nodes - 1; i > 0; i--) {
		sizes[i]++;
		sizes[tree->nodes[i].parent] += sizes[i];
		tree->nodes[tree->nodes[i].parent].ns += tree->nodes[i].ns;
		places[i] = (struct place){tree->nodes[i].parent, tree->nodes[i].name, i};
	}
	qsort(places + 1, tree->n_nodes - 1, sizeof(*places), by_place);
	nodes[0] = tree->nodes[0];
	next[0] = 1;
	for (size_t i = 1; i < tree->n_nodes; i++) {
		uint32_t node = places[i].node, to = next[places[i].parent];

		next[places[i].parent] += sizes[node];
		next[node] = to + 1;
		moved[node] = to;
		nodes[to] = tree->nodes[node];
		nodes[to].parent = moved[places[i].parent];
	}
	for (size_t i = 0; i < tree->stacks->n; i++)
		if (tree->node_of_row[i] != FLAME_NOWHERE)
			tree->node_of_row[i] = moved[tree->node_of_row[i]];
	free(tree->nodes);
	tree->nodes = nodes;
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
		err = grow(builder);
	if (err)
		return err;
	tree->nodes[0] = (struct flame_node){0};
	tree->n_nodes = 1;
	for (size_t i = 0; !err && i < tree->stacks->n; i++) {
		tree->node_of_row[i] = FLAME_NOWHERE;
		if (!options->states || options->states & 1u << tree->stacks->rows[i].state)
			err = add_row(builder, i);
	}
	/* Memory that the next step can use. */
	free(builder->table);
	builder->table = NULL;
	if (!err)
		err = arrange(tree);
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
	if (getrandom(&builder.seed, sizeof(builder.seed), GRND_NONBLOCK) != sizeof(builder.seed))
		builder.seed = (uintptr_t)&builder;
	builder.tree = calloc(1, sizeof(*builder.tree));
	if (!builder.tree)
		return -ENOMEM;
	err = build(&builder, input->options ? input->options : &defaults);
	free(builder.table);
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
