/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the picture of lanes share: lanes_svg.c (the document), lanes_svg_rows.c (rows and wake-ups). Not for outside export/. */
#ifndef CONCPROF_EXPORT_LANES_SVG_H
#define CONCPROF_EXPORT_LANES_SVG_H

#include <stdio.h>

#include "explain/cells.h"
#include "explain/rows.h"
#include "explain/wakes.h"

/* Pixels. */
#define LANES_MARGIN 12
#define LANES_ROW    20 /* from row to row */
#define LANES_BAR    15 /* its height */

/* Where time is in the picture. */
struct lanes_scale {
	double left, pixels; /* where a run begins, and the width of `ns` */
	uint64_t ns;         /* of the longest run */
	uint64_t least_ns;   /* what is shorter is drawn together: at least a pixel */
};

static inline double lanes_x(const struct lanes_scale *scale, uint64_t at_ns)
{
	return scale->left + scale->pixels * at_ns / scale->ns;
}

/* One run. */
struct lanes_panel {
	const struct explanation *run;
	struct lane_rows rows;
	struct wakes wakes;
	size_t *row_of; /* by lane; SIZE_MAX: it has none */
	double top;     /* of its first row */
};

static inline double lanes_row_y(const struct lanes_panel *panel, size_t row)
{
	return panel->top + row * LANES_ROW + (LANES_ROW - LANES_BAR) / 2.0;
}

/* How many intervals of the panel's rows are drawn each by itself, with a text of its own. */
size_t lanes_count_intervals(const struct lanes_panel *panel, uint64_t least_ns);
/* `states`: those that are emphasised; 0: all alike. */
void lanes_put_row(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale, size_t row, uint32_t states);
/* Those without a row, together: at each time in proportion. 0 or -ENOMEM. */
int lanes_put_others(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale, double y, uint32_t states);
void lanes_put_wakes(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale);

#endif
