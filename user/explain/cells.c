/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/cells.h"

#include <string.h>

#define COLUMNS_FOR_EACH 4

uint64_t cell_sum(const struct cell *cell)
{
	uint64_t sum = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		sum += cell->ns[state];
	return sum;
}

enum state cell_largest(const struct cell *cell)
{
	int largest = STATE_COUNT;

	for (int state = 0; state < STATE_COUNT; state++)
		if (cell->ns[state] && (largest == STATE_COUNT || cell->ns[state] > cell->ns[largest]))
			largest = state;
	return largest;
}

bool cell_is_pure(const struct cell *cell, uint64_t whole_ns)
{
	enum state largest = cell_largest(cell);

	return largest < STATE_COUNT && cell->ns[largest] >= CELL_PURE * whole_ns;
}

uint32_t lanes_states(uint32_t states)
{
	uint32_t meant = states;

	for (int state = 0; state < STATE_COUNT; state++)
		if (states & 1u << state && state_info[state].group == STATE_GROUP_CPU)
			meant |= 1u << STATE_CPU;
	return meant;
}

struct grid grid_for(uint64_t wall_ns, uint64_t scale_ns, size_t most)
{
	struct grid grid = {.width_ns = scale_ns / most + (scale_ns % most != 0)};

	if (!grid.width_ns)
		grid.width_ns = 1;
	grid.n = wall_ns / grid.width_ns + (wall_ns % grid.width_ns != 0);
	return grid;
}

void cells_add(const struct timeline *timeline, const struct lane *lane, struct grid grid, struct cell *cells)
{
	struct interval_cursor cursor = {0};
	struct interval interval;

	while (timeline_next(timeline, lane, &cursor, &interval)) {
		uint64_t at = interval.begin_ns;

		for (size_t i = at / grid.width_ns; i < grid.n && at < interval.end_ns; i++) {
			uint64_t end = (i + 1) * grid.width_ns;

			end = end < interval.end_ns ? end : interval.end_ns;
			cells[i].ns[interval.state] += end - at;
			at = end;
		}
	}
}

static uint64_t mean_interval(const struct timeline *timeline, const size_t *lanes, size_t n)
{
	uint64_t life_ns = 0, intervals = 0;

	for (size_t i = 0; i < n; i++) {
		struct interval_cursor cursor = {0};
		struct interval interval;

		while (timeline_next(timeline, &timeline->lanes[lanes[i]], &cursor, &interval)) {
			life_ns += interval.end_ns - interval.begin_ns;
			intervals++;
		}
	}
	return intervals ? life_ns / intervals : 0;
}

bool lanes_closer(const struct timeline *timeline, const size_t *lanes, size_t n, size_t columns, struct closer *ret)
{
	uint64_t begin_ns = timeline->run->cut_ns, wall_ns = timeline->wall_ns, length_ns;

	ret->mean_ns = mean_interval(timeline, lanes, n);
	length_ns = ret->mean_ns * columns / COLUMNS_FOR_EACH;
	if (!length_ns || ret->mean_ns >= wall_ns / columns)
		return false;
	ret->from_ns = begin_ns + wall_ns / 2 - length_ns / 2;
	ret->to_ns = ret->from_ns + length_ns;
	ret->ticks = ticks_for(ret->from_ns, ret->to_ns, 4);
	ret->from_ns -= ret->from_ns % ret->ticks.step_ns;
	ret->to_ns += ret->ticks.step_ns - 1 - (ret->to_ns - 1) % ret->ticks.step_ns;
	return true;
}

static const struct run_frame *innermost(const struct run *run, const struct run_moment *moment)
{
	return &run->frames[run->stacks[moment->stack - 1].frame - 1];
}

static bool same_function(const struct run_frame *a, const struct run_frame *b)
{
	return a->kind == b->kind && !strcmp(a->function, b->function) && !strcmp(a->object, b->object);
}

const struct run_frame *lane_computed(const struct timeline *timeline, const struct lane *lane, uint64_t begin_ns,
				      uint64_t end_ns, size_t *samples)
{
	const struct run_moment *moments = timeline_moments(lane, begin_ns, end_ns, samples);
	size_t looked_at = *samples < LANE_SAMPLES ? *samples : LANE_SAMPLES, most = 0;
	const struct run_frame *ret = NULL;

	for (size_t i = 0; i < looked_at; i++) {
		const struct run_frame *frame = innermost(timeline->run, &moments[i]);
		size_t count = 0;

		if (ret && same_function(ret, frame))
			continue;
		for (size_t j = i; j < looked_at; j++)
			count += same_function(frame, innermost(timeline->run, &moments[j]));
		if (count > most) {
			most = count;
			ret = frame;
		}
	}
	return ret;
}

static bool next_interval(const struct timeline *timeline, const struct lane *lane, struct piece_cursor *cursor)
{
	if (!cursor->has_ahead)
		cursor->has_ahead = timeline_next(timeline, lane, &cursor->intervals, &cursor->ahead);
	return cursor->has_ahead;
}

bool piece_next(const struct timeline *timeline, const struct lane *lane, uint64_t least_ns, struct piece_cursor *cursor,
		struct piece *ret)
{
	*ret = (struct piece){.intervals = 0};
	while (next_interval(timeline, lane, cursor)) {
		const struct interval *interval = &cursor->ahead;
		uint64_t length = interval->end_ns - interval->begin_ns;

		if (ret->intervals && (length >= least_ns || ret->end_ns - ret->begin_ns >= least_ns))
			return true;
		if (!ret->intervals++) {
			ret->begin_ns = interval->begin_ns;
			ret->interval = *interval;
		}
		ret->end_ns = interval->end_ns;
		ret->cell.ns[interval->state] += length;
		cursor->has_ahead = false;
		if (length >= least_ns)
			return true;
	}
	return ret->intervals > 0;
}
