/* SPDX-License-Identifier: Apache-2.0 */
#include "export/flame_nodes.h"

#include <errno.h>
#include <sys/random.h>

#include "lib/cleanup.h"

/* splitmix64's last step */
static size_t slot_of(const struct flame_nodes *nodes, uint32_t parent, uint32_t name)
{
	uint64_t x = ((uint64_t)parent << 32 | name) ^ nodes->seed;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) & (nodes->slots - 1);
}

static void enter(struct flame_nodes *nodes, uint32_t node)
{
	const struct flame_node *entry = &nodes->nodes[node];
	size_t slot = slot_of(nodes, entry->parent, entry->name);

	while (nodes->table[slot])
		slot = (slot + 1) & (nodes->slots - 1);
	nodes->table[slot] = node + 1;
}

static int grow(struct flame_nodes *nodes)
{
	size_t room = nodes->room ? 2 * nodes->room : 1024;
	struct flame_node *more = reallocarray(nodes->nodes, room, sizeof(*more));
	uint32_t *table = calloc(2 * room, sizeof(*table));

	if (more)
		nodes->nodes = more;
	if (!more || !table) {
		free(table);
		return -ENOMEM;
	}
	free(nodes->table);
	nodes->table = table;
	nodes->slots = 2 * room;
	nodes->room = room;
	for (size_t i = 1; i < nodes->n; i++)
		enter(nodes, i);
	return 0;
}

int flame_nodes_begin(struct flame_nodes *nodes)
{
	int err;

	if (getrandom(&nodes->seed, sizeof(nodes->seed), GRND_NONBLOCK) != sizeof(nodes->seed))
		nodes->seed = (uintptr_t)nodes;
	err = grow(nodes);
	if (err)
		return err;
	nodes->nodes[0] = (struct flame_node){0};
	nodes->n = 1;
	return 0;
}

int flame_nodes_descend(struct flame_nodes *nodes, uint32_t *node, uint32_t name)
{
	size_t slot = slot_of(nodes, *node, name);

	for (; nodes->table[slot]; slot = (slot + 1) & (nodes->slots - 1)) {
		uint32_t found = nodes->table[slot] - 1;

		if (nodes->nodes[found].parent == *node && nodes->nodes[found].name == name) {
			*node = found;
			return 0;
		}
	}
	if (nodes->n == FLAME_NODES_MAX)
		return -E2BIG;
	if (nodes->n == nodes->room) {
		int err = grow(nodes);

		if (err)
			return err;
	}
	nodes->nodes[nodes->n] = (struct flame_node){.parent = *node, .name = name, .depth = nodes->nodes[*node].depth + 1};
	*node = nodes->n++;
	enter(nodes, *node);
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
int flame_nodes_arrange(struct flame_nodes *nodes, uint32_t **ret)
{
	_cleanup_free_ struct place *places = NULL;
	_cleanup_free_ uint32_t *sizes = NULL, *next = NULL,
				*moved = NULL; /* next: where a node's next child goes, by old number */
	struct flame_node *arranged;

	/* Memory that this step can use. */
	free(steal_pointer(&nodes->table));
	places = calloc(nodes->n, sizeof(*places));
	sizes = calloc(nodes->n, sizeof(*sizes));
	next = calloc(nodes->n, sizeof(*next));
	moved = calloc(nodes->n, sizeof(*moved));
	arranged = calloc(nodes->n, sizeof(*arranged));
	if (!places || !sizes || !next || !moved || !arranged) {
		free(arranged);
		return -ENOMEM;
	}
	for (size_t i = nodes->n - 1; i > 0; i--) {
		sizes[i]++;
		sizes[nodes->nodes[i].parent] += sizes[i];
		nodes->nodes[nodes->nodes[i].parent].ns += nodes->nodes[i].ns;
		places[i] = (struct place){nodes->nodes[i].parent, nodes->nodes[i].name, i};
	}
	qsort(places + 1, nodes->n - 1, sizeof(*places), by_place);
	arranged[0] = nodes->nodes[0];
	next[0] = 1;
	for (size_t i = 1; i < nodes->n; i++) {
		uint32_t node = places[i].node, to = next[places[i].parent];

		next[places[i].parent] += sizes[node];
		next[node] = to + 1;
		moved[node] = to;
		arranged[to] = nodes->nodes[node];
		arranged[to].parent = moved[places[i].parent];
	}
	free(nodes->nodes);
	nodes->nodes = arranged;
	*ret = steal_pointer(&moved);
	return 0;
}

void flame_nodes_free(struct flame_nodes *nodes)
{
	free(nodes->nodes);
	free(nodes->table);
	*nodes = (struct flame_nodes){0};
}
