/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes in parts for pictures: of equal width (cells), or as wide as what happened, with what is too short to be drawn taken together
 * (pieces). Both are exact: parts sum to the lane's life, to the nanosecond, and cost no more than the lane has intervals, and the picture parts.
 */
#ifndef CONCPROF_CELLS_H
#define CONCPROF_CELLS_H

#include "explain/timeline.h"
#include "lib/ticks.h"

/* Time in each state. On a CPU is STATE_CPU: the timeline has no sides. */
struct cell {
	uint64_t ns[STATE_COUNT];
};

uint64_t cell_sum(const struct cell *cell);
/* The state that has most of it, of equals the first; STATE_COUNT: the cell is empty. */
enum state cell_largest(const struct cell *cell);
/* Whether that has nearly all (CELL_PURE) of `whole_ns`. */
#define CELL_PURE 0.9
bool cell_is_pure(const struct cell *cell, uint64_t whole_ns);

/* States that are meant (bits 1 << state), as lanes have them: any side of a CPU is STATE_CPU. 0 stays 0. */
uint32_t lanes_states(uint32_t states);

/* [0, n * width_ns) in n cells; the last one may reach beyond the run's end. */
struct grid {
	uint64_t width_ns; /* at least 1 */
	size_t n;
};
/* At most `most` cells (at least 1) for `wall_ns`, on the scale of a run of `scale_ns`, which has all of them. */
struct grid grid_for(uint64_t wall_ns, uint64_t scale_ns, size_t most);

/* Adds what the lane has in each cell; what is beyond the grid is left out. */
void cells_add(const struct timeline *timeline, const struct lane *lane, struct grid grid, struct cell *cells);

/* A part of a run in which a picture shows single states. */
struct closer {
	uint64_t mean_ns;        /* how long a state lasts */
	uint64_t from_ns, to_ns; /* since the begin of the whole run (run->cut_ns); round numbers: steps of `ticks` */
	struct ticks ticks;
};

/*
 * For a picture of the whole run in `columns`: around its middle, where a state of these lanes gets about four of them. False: states last longer
 * than a column as it is.
 */
bool lanes_closer(const struct timeline *timeline, const size_t *lanes, size_t n, size_t columns, struct closer *ret);

/*
 * What a lane computed from begin_ns until end_ns: the innermost frame of most of its samples there (of the first LANE_SAMPLES ones);
 * *samples is how many there are. NULL: none was taken.
 */
#define LANE_SAMPLES 256
const struct run_frame *lane_computed(const struct timeline *timeline, const struct lane *lane, uint64_t begin_ns,
				      uint64_t end_ns, size_t *samples);

/* A part of a lane's life. */
struct piece {
	uint64_t begin_ns, end_ns;
	struct cell cell;         /* sums to its length */
	size_t intervals;         /* 1: what `interval` is; more: short ones, taken together */
	struct interval interval; /* the first of them */
};

/* Where piece_next() is; all zero: at the lane's begin. */
struct piece_cursor {
	struct interval_cursor intervals;
	struct interval ahead; /* read, and not yet shown */
	bool has_ahead;
};

/*
 * The lane's next piece: an interval of at least `least_ns`, or as many shorter ones in a row as make that up. They follow one another without
 * gaps. False: no more.
 */
bool piece_next(const struct timeline *timeline, const struct lane *lane, uint64_t least_ns, struct piece_cursor *cursor,
		struct piece *ret);

#endif
