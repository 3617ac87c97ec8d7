/* SPDX-License-Identifier: Apache-2.0 */
/* --from and --to: the part of a run that is shown, as an argp child. */
#ifndef CONCPROF_PART_OPTIONS_H
#define CONCPROF_PART_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "profile/run.h"

/* A point in time of a run: so many ns since its begin, or a part of it. */
struct part_edge {
	bool given, relative;
	double value; /* ns; 0..1 if relative */
};

struct part {
	struct part_edge from, to;
};

extern const struct argp part_argp; /* input: struct part */

/*
 * Replaces the run by its part, or leaves it when no part is asked for. 0 or STATUS_FAILED, after it said what failed; the run is
 * still there then. *empty: that was nothing but that the run has no such part, and another may have one.
 */
int part_cut(const struct part *part, struct run **run, bool *empty);
/* Says that the run has no timeline, and what to do. */
void part_say_no_timeline(const struct run *run);

#endif
