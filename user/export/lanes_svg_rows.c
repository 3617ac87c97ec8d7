/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals that are wide enough have a rectangle each, and say in a tooltip what they were. Shorter ones become cells in which states stand
 * on one another, as high as their parts of the time: the area of a colour is exact everywhere.
 */
#include <errno.h>

#include "export/lanes_svg.h"
#include "export/xml.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define OTHERS_CELL 2.0 /* pixels */

static bool is_pale(uint32_t states, enum state state)
{
	return states && !(states & 1u << state);
}

static bool next_of_row(const struct lanes_panel *panel, const struct lane_row *row, uint64_t least_ns, size_t *member,
			struct piece_cursor *cursor, struct piece *piece)
{
	const struct timeline *timeline = panel->run->timeline;

	for (; *member < row->n; (*member)++) {
		if (piece_next(timeline, &timeline->lanes[row->threads[*member]], least_ns, cursor, piece))
			return true;
		*cursor = (struct piece_cursor){.has_ahead = false};
	}
	return false;
}

size_t lanes_count_intervals(const struct lanes_panel *panel, uint64_t least_ns)
{
	size_t count = 0;

	for (size_t i = 0; i < panel->rows.n; i++) {
		struct piece_cursor cursor = {.has_ahead = false};
		struct piece piece;
		size_t member = 0;

		while (next_of_row(panel, &panel->rows.rows[i], least_ns, &member, &cursor, &piece))
			count += piece.intervals == 1;
	}
	return count;
}

/* --- single intervals --- */

static void put_party(FILE *out, const char *words, const struct run_thread *thread, const char *name)
{
	if (!thread && !name)
		return;
	fprintf(out, "\n%s ", words);
	xml_put(out, thread ? THREAD_LABEL(thread) : name, XML_WHOLE);
}

static void put_computed(FILE *out, const struct lanes_panel *panel, const struct run_thread *thread,
			 const struct interval *interval)
{
	const struct timeline *timeline = panel->run->timeline;
	size_t samples;
	const struct run_frame *frame = lane_computed(timeline, &timeline->lanes[timeline_lane(timeline, thread)],
						      interval->begin_ns, interval->end_ns, &samples);

	if (!frame)
		return;
	fputs("\nmostly ", out);
	xml_put(out, frame->function[0] ? frame->function : frame->object, XML_WHOLE);
	fprintf(out, " (%s sample%s)", FIGURE_COUNT(samples), samples == 1 ? "" : "s");
}

static void put_tooltip(FILE *out, const struct lanes_panel *panel, const struct run_thread *thread,
			const struct interval *interval)
{
	const struct timeline_cause *cause = interval->cause;
	uint64_t cut_ns = panel->run->run->cut_ns;

	fputs("<title>", out);
	xml_put(out, THREAD_LABEL(thread), XML_WHOLE);
	fputs("\n", out);
	if (interval->state == STATE_CPU)
		fputs("on a CPU", out);
	else if (!cause)
		fputs(interval->episode && interval->episode->class == CLASS_PREEMPTED ? "preempted: waits for a CPU"
										       : "woken: waits for a CPU",
		      out);
	else
		xml_put(out, CAUSE_LABEL(cause->state, cause->cause), XML_WHOLE);
	fprintf(out, "\n%s, from %.6f s", FIGURE_NS(interval->end_ns - interval->begin_ns), (cut_ns + interval->begin_ns) / 1e9);
	if (interval->state == STATE_CPU)
		put_computed(out, panel, thread, interval);
	if (cause) {
		put_party(out, "held by", cause->holder, NULL);
		put_party(out, "ended by", cause->waker, cause->wait ? cause->wait->waker_name : NULL);
	}
	fputs("</title>", out);
}

static void put_interval(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale, double y, uint32_t states,
			 const struct run_thread *thread, const struct interval *interval)
{
	double x = lanes_x(scale, interval->begin_ns);

	fprintf(out, "<rect class=\"s%d%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\">", (int)interval->state,
		is_pale(states, interval->state) ? " pale" : "", x, y, lanes_x(scale, interval->end_ns) - x, LANES_BAR);
	put_tooltip(out, panel, thread, interval);
	fputs("</rect>\n", out);
}

/* --- cells --- */

/* The part of one state in a cell: below it stand the states that states.def has before it. */
static void put_part(FILE *out, enum state state, const struct cell *cell, double x, double width, double y)
{
	uint64_t sum = cell_sum(cell), below = 0;
	double bottom, height;

	if (!cell->ns[state])
		return;
	for (int i = 0; i < (int)state; i++)
		below += cell->ns[i];
	bottom = y + LANES_BAR * (1 - (double)below / sum);
	height = LANES_BAR * ((double)cell->ns[state] / sum);
	fprintf(out, "M%.2f %.2fh%.2fv%.2fh%.2fz", x, bottom, width, -height, -width);
}

static void begin_path(FILE *out, enum state state, uint32_t states, bool *begun)
{
	if (!*begun)
		fprintf(out, "<path class=\"s%d%s\" d=\"", (int)state, is_pale(states, state) ? " pale" : "");
	*begun = true;
}

static void end_path(FILE *out, enum state state, bool begun)
{
	if (begun)
		fprintf(out, "\"><title>%s, in parts too short to be drawn each: heights are shares of the time</title></path>\n",
			state == STATE_CPU ? "on a CPU" : state_info[state].name);
}

/* One path for all of a state's parts. */
static void put_mixed(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale, size_t row, uint32_t states,
		      enum state state)
{
	struct piece_cursor cursor = {.has_ahead = false};
	bool begun = false;
	struct piece piece;
	size_t member = 0;

	while (next_of_row(panel, &panel->rows.rows[row], scale->least_ns, &member, &cursor, &piece)) {
		double x = lanes_x(scale, piece.begin_ns);

		if (piece.intervals == 1 || !piece.cell.ns[state])
			continue;
		begin_path(out, state, states, &begun);
		put_part(out, state, &piece.cell, x, lanes_x(scale, piece.end_ns) - x, lanes_row_y(panel, row));
	}
	end_path(out, state, begun);
}

void lanes_put_row(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale, size_t row, uint32_t states)
{
	const struct lane_row *shown = &panel->rows.rows[row];
	struct piece_cursor cursor = {.has_ahead = false};
	uint32_t mixed = 0;
	struct piece piece;
	size_t member = 0;

	while (next_of_row(panel, shown, scale->least_ns, &member, &cursor, &piece)) {
		if (piece.intervals == 1)
			put_interval(out, panel, scale, lanes_row_y(panel, row), states,
				     &panel->run->run->threads[shown->threads[member]], &piece.interval);
		for (int state = 0; piece.intervals > 1 && state < STATE_COUNT; state++)
			mixed |= (uint32_t) !!piece.cell.ns[state] << state;
	}
	for (int state = 0; state < STATE_COUNT; state++)
		if (mixed & 1u << state)
			put_mixed(out, panel, scale, row, states, state);
}

int lanes_put_others(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale, double y, uint32_t states)
{
	struct grid grid = grid_for(panel->run->wall_ns, scale->ns, (size_t)(scale->pixels / OTHERS_CELL));
	_cleanup_free_ struct cell *cells = calloc(grid.n + 1, sizeof(*cells));
	const struct lane_row *others = &panel->rows.others;

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < others->n; i++)
		cells_add(panel->run->timeline, &panel->run->timeline->lanes[others->threads[i]], grid, cells);
	for (int state = 0; state < STATE_COUNT; state++) {
		bool begun = false;

		for (size_t i = 0; i < grid.n; i++) {
			double x = lanes_x(scale, i * grid.width_ns);
			uint64_t end_ns = (i + 1) * grid.width_ns;

			if (!cells[i].ns[state])
				continue;
			if (end_ns > panel->run->wall_ns)
				end_ns = panel->run->wall_ns;
			begin_path(out, state, states, &begun);
			put_part(out, state, &cells[i], x, lanes_x(scale, end_ns) - x, y);
		}
		end_path(out, state, begun);
	}
	return 0;
}

/* --- wake-ups --- */

void lanes_put_wakes(FILE *out, const struct lanes_panel *panel, const struct lanes_scale *scale)
{
	for (size_t i = 0; i < panel->wakes.n; i++) {
		const struct wake *wake = &panel->wakes.wakes[i];
		size_t from = panel->row_of[wake->from], to = panel->row_of[wake->to];
		double x = lanes_x(scale, wake->at_ns), begin = lanes_row_y(panel, from) + LANES_BAR / 2.0;
		/* To the near edge of the other's bar. */
		double end = lanes_row_y(panel, to) + (to > from ? 1 : LANES_BAR - 1);

		if (from == to)
			continue;
		fprintf(out, "<path class=\"%s\" d=\"M%.2f %.1fV%.1f\"><title>",
			wake->cause->state == STATE_LOCK ? "handoff" : "wake", x, begin, end);
		xml_put(out, THREAD_LABEL(panel->run->timeline->lanes[wake->from].thread), XML_WHOLE);
		fputs(wake->cause->state == STATE_LOCK ? " released it to " : " woke ", out);
		xml_put(out, THREAD_LABEL(panel->run->timeline->lanes[wake->to].thread), XML_WHOLE);
		fputs("\n", out);
		xml_put(out, CAUSE_LABEL(wake->cause->state, wake->cause->cause), XML_WHOLE);
		fprintf(out, "\nat %.6f s</title></path>\n", (panel->run->run->cut_ns + wake->at_ns) / 1e9);
	}
}
