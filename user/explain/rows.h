/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which threads a picture of lanes shows, in which rows. Few threads: a row each, by process and birth. More than fit: threads of one name
 * (but for numbers) that were never alive at the same time share a row, as the workers of pools and the jobs of a build do; of rows that are
 * still too many the most active ones are shown, those that were on a CPU for longest.
 */
#ifndef CONCPROF_ROWS_H
#define CONCPROF_ROWS_H

#include "explain/explain.h"

struct lane_row {
	const size_t *threads; /* positions in run->threads (and lanes), by birth; they do not overlap */
	size_t n;              /* at least 1 */
	uint64_t cpu_ns;
	uint64_t life_ns;
	struct most most; /* what they waited for most; kinds is 0: nothing */
};

struct lane_rows {
	struct lane_row *rows;
	size_t n;
	struct lane_row others; /* of threads that have no row: together; n may be 0, and they overlap */
	size_t n_threads;       /* that the filter let through */
	size_t *threads;        /* what rows refer to */
};

struct rows_options {
	size_t most;        /* rows; 0: as many as there are threads */
	const char *thread; /* only threads in whose "name/tid" this occurs; NULL: all */
};

/* 0; -ENOENT: the filter let nothing through; -ENOMEM. rows_free() in any case but failure. */
int rows_make(const struct explanation *explanation, const struct rows_options *options, struct lane_rows *ret);
void rows_free(struct lane_rows *rows);

/* "worker/123"; of several how many, with '#' for numbers in which their names differ: "worker-# x12". Returns `label`. */
#define ROW_LABEL_BYTES 64
const char *row_label(char label[ROW_LABEL_BYTES], const struct explanation *explanation, const struct lane_row *row);

#endif
