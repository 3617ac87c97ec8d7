/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded stacks of two runs, "root;outer;inner BEFORE AFTER", as difffolded.pl writes them and flamegraph.pl draws them. Values and names are those of
 * folded.c.
 */
#include <errno.h>
#include <inttypes.h>

#include "export/flame_diff.h"
#include "export/folded.h"
#include "lib/cleanup.h"

static int put_lines(FILE *out, const struct flame_diff *diff, struct folded_path *path)
{
	uint64_t sum_ns[2] = {0};

	errno = 0;
	for (size_t i = 1; i < diff->n_nodes; i++) {
		const struct flame_diff_node *node = &diff->nodes[i];
		uint64_t us[2];

		folded_path_move(path, node->depth, diff->names.names[node->name].text);
		if (path->text.failed)
			return -ENOMEM;
		for (int side = 0; side < 2; side++)
			us[side] = folded_us(node->own_ns[side], &sum_ns[side]);
		if (us[FLAME_BEFORE] || us[FLAME_AFTER])
			fprintf(out, "%s %" PRIu64 " %" PRIu64 "\n", path->text.bytes, us[FLAME_BEFORE], us[FLAME_AFTER]);
		if (ferror(out))
			return errno ? -errno : -EIO;
	}
	return fflush(out) ? -errno : 0;
}

static int write_folded_diff(FILE *out, const struct export_input *input)
{
	struct flame_diff *diff = NULL;
	struct folded_path *path;
	int err = flame_diff_build(input, &diff);

	if (err)
		return err;
	path = calloc(1, sizeof(*path));
	err = path ? fold_names(&diff->names) : -ENOMEM;
	if (!err)
		err = put_lines(out, diff, path);
	if (path)
		text_free(&path->text);
	free(path);
	flame_diff_free(diff);
	return err;
}

const struct exporter exporter_folded_diff = {
    .name = "folded-diff",
    .gloss = "stacks with their time in two runs, in microseconds",
    .extension = "folded",
    .write = write_folded_diff,
};
