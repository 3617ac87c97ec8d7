/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded stacks, as flamegraph.pl, speedscope and others read them: "root;outer;inner VALUE", a line for each stack, the value in
 * microseconds. `_[k]` ends the name of a kernel frame and `_[i]` that of an inlined one: flamegraph.pl --color=java tells them apart.
 */
#include <errno.h>
#include <inttypes.h>

#include "export/folded.h"
#include "export/utf8.h"
#include "lib/cleanup.h"

/* As it stands in lines: what would end a name, or a line, becomes something that looks like it. NULL when memory is short. */
static char *fold_name(const struct flame_name *name)
{
	_cleanup_text_ struct text text = {0};
	const char *s = name->text;

	while (*s) {
		uint32_t point;
		int length = utf8_decode(s, &point);

		if (!length || point < 0x20 || (point >= 0x7f && point < 0xa0))
			text_add(&text, "?");
		else if (point == ';')
			text_add(&text, ":");
		else
			text_add(&text, "%.*s", length, s);
		s += length ? length : 1;
	}
	text_add(&text, "%s", name->kind == FLAME_KERNEL ? "_[k]" : name->kind == FLAME_INLINED ? "_[i]" : "");
	return text_take(&text);
}

int fold_names(struct flame_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		char *folded = fold_name(&names->names[i]);

		if (!folded)
			return -ENOMEM;
		free(names->names[i].text);
		names->names[i].text = folded;
	}
	return 0;
}

void folded_path_move(struct folded_path *path, uint32_t depth, const char *name)
{
	path->text.length = path->length[depth - 1];
	text_add(&path->text, "%s%s", depth > 1 ? ";" : "", name);
	path->length[depth] = path->text.length;
}

uint64_t folded_us(uint64_t ns, uint64_t *sum_ns)
{
	uint64_t before_us = (*sum_ns + 500) / 1000;

	*sum_ns += ns;
	return (*sum_ns + 500) / 1000 - before_us;
}

/* A line of 0 says nothing. */
static void put_line(FILE *out, const struct folded_path *path, uint64_t ns, uint64_t *sum_ns)
{
	uint64_t us = folded_us(ns, sum_ns);

	if (us)
		fprintf(out, "%s %" PRIu64 "\n", path->text.bytes, us);
}

static int put_lines(FILE *out, const struct flame_tree *tree, struct folded_path *path)
{
	_cleanup_free_ uint64_t *own_ns = calloc(tree->n_nodes, sizeof(*own_ns));
	uint64_t sum_ns = 0;

	if (!own_ns)
		return -ENOMEM;
	for (size_t i = 1; i < tree->n_nodes; i++) {
		own_ns[i] += tree->nodes[i].ns;
		own_ns[tree->nodes[i].parent] -= tree->nodes[i].ns;
	}
	errno = 0;
	for (size_t i = 1; i < tree->n_nodes; i++) {
		folded_path_move(path, tree->nodes[i].depth, tree->names.names[tree->nodes[i].name].text);
		if (path->text.failed)
			return -ENOMEM;
		if (own_ns[i])
			put_line(out, path, own_ns[i], &sum_ns);
		if (ferror(out))
			return errno ? -errno : -EIO;
	}
	return fflush(out) ? -errno : 0;
}

static int write_folded(FILE *out, const struct export_input *input)
{
	struct flame_tree *tree = NULL;
	struct folded_path *path;
	int err = flame_tree_build(input, &tree);

	if (err)
		return err;
	path = calloc(1, sizeof(*path));
	err = path ? fold_names(&tree->names) : -ENOMEM;
	if (!err)
		err = put_lines(out, tree, path);
	if (path)
		text_free(&path->text);
	free(path);
	flame_tree_free(tree);
	return err;
}

const struct exporter exporter_folded = {
    .name = "folded",
    .gloss = "stacks with their time in microseconds, for flamegraph.pl, speedscope and others",
    .extension = "folded",
    .one_run = true,
    .write = write_folded,
};
