/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads in time, in text: a row a thread, and for each slice of time the letter of the state that had most of it. What is nearly all of a
 * slice is a capital, so that no cell says more than there was.
 */
#include <ctype.h>
#include <errno.h>

#include "explain/cells.h"
#include "explain/rows.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "lib/ticks.h"
#include "report/internal.h"

#define ROWS_SHOWN         24
#define LABEL_MOST         24
#define LABEL_LEAST        8
#define TICK_COLUMNS       13
#define SHARE_WORTH_SAYING 2000 /* one part in so many rounds to more than 0.0% */
#define WAIT_SHARE         100  /* a wait of less than one part in so many of its row's life is not named */

struct panel {
	const struct explanation *run;
	struct lane_rows rows;
	struct grid grid;
	struct cell *cells; /* of a row at a time */
	struct cell *all;   /* of all threads */
};

struct lanes {
	struct page page;
	const struct lanes_options *options;
	struct panel *panels;
	size_t n_panels;
	size_t label_width, cells_width, wait_width;
	uint32_t occur; /* states */
};

/* --- what stands beside the cells --- */

static const char *label_of(const struct panel *panel, const struct lane_row *row, char label[ROW_LABEL_BYTES])
{
	row_label(label, panel->run, row);
	text_clean(label);
	return label;
}

#define WAIT_BYTES (CAUSE_LABEL_BYTES + 32)

static const char *wait_of(const struct panel *panel, const struct lane_row *row, char text[WAIT_BYTES])
{
	const struct thread_view *first = &panel->run->threads[row->threads[0]];
	bool alone = row->n == 1;

	text[0] = '\0';
	if (!row->most.kinds || !row->most.total_ns || !row->life_ns || WAIT_SHARE * row->most.total_ns < row->life_ns)
		return text;
	snprintf(text, WAIT_BYTES, "%.0f%% %s%s", 100.0 * row->most.total_ns / row->life_ns,
		 alone && first->only_joins ? "joining: "
		 : alone && first->idle     ? "idle: "
					    : "",
		 TOPIC_LABEL(&row->most));
	text_clean(text);
	return text;
}

static size_t clamp(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void lay_out(struct lanes *lanes)
{
	size_t label = LABEL_LEAST, wait = 0, width = lanes->page.width;

	for (size_t i = 0; i < lanes->n_panels; i++) {
		const struct panel *panel = &lanes->panels[i];

		for (size_t j = 0; j < panel->rows.n; j++) {
			size_t label_columns = page_columns(label_of(panel, &panel->rows.rows[j], (char[ROW_LABEL_BYTES]){0}));
			size_t wait_columns = page_columns(wait_of(panel, &panel->rows.rows[j], (char[WAIT_BYTES]){0}));

			label = label_columns > label ? label_columns : label;
			wait = wait_columns > wait ? wait_columns : wait;
		}
		if (panel->rows.others.n)
			label = LABEL_MOST;
	}
	lanes->label_width = clamp(label, LABEL_LEAST, LABEL_MOST);
	lanes->wait_width = clamp(wait, 0, width / 4);
	lanes->cells_width = width - lanes->label_width - 1 - (lanes->wait_width ? lanes->wait_width + 1 : 0);
}

/* --- cells --- */

static uint32_t bit(int state)
{
	return (uint32_t)1 << state;
}

/* With an emphasis what is meant shows wherever there is any of it. */
static struct cell meant(const struct lanes *lanes, const struct cell *cell)
{
	struct cell part = *cell;

	for (int state = 0; state < STATE_COUNT; state++)
		if (lanes->options->states && !(lanes_states(lanes->options->states) & bit(state)))
			part.ns[state] = 0;
	return part;
}

/* Of the 6 x 6 x 6 colours that a terminal of 256 has from 16 on, the nearest. */
static unsigned int of_256(uint32_t rgb)
{
	unsigned int index = 0;

	for (int shift = 16; shift >= 0; shift -= 8) {
		unsigned int part = rgb >> shift & 0xff;

		index = 6 * index + (part < 48 ? 0 : part < 115 ? 1 : (part - 35) / 40);
	}
	return 16 + index;
}

static void put_colour(const struct lanes *lanes, bool background, uint32_t rgb)
{
	FILE *out = lanes->page.out;

	if (lanes->options->ink == LANES_TRUE)
		fprintf(out, "\033[%d;2;%u;%u;%um", background ? 48 : 38, rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff);
	else
		fprintf(out, "\033[%d;5;%um", background ? 48 : 38, of_256(rgb));
}

static bool is_light(uint32_t rgb)
{
	return 299 * (rgb >> 16 & 0xff) + 587 * (rgb >> 8 & 0xff) + 114 * (rgb & 0xff) > 128 * 1000;
}

/* The two largest states, one standing on the other: the one that states.def has first is below. */
static void put_block(const struct lanes *lanes, const struct cell *cell)
{
	struct cell rest = *cell;
	int below = cell_largest(cell), above, eighths;

	rest.ns[below] = 0;
	above = cell_largest(&rest);
	if (above < below) {
		int other = above;

		above = below;
		below = other;
	}
	eighths =
	    clamp((8 * cell->ns[below] + (cell->ns[below] + cell->ns[above]) / 2) / (cell->ns[below] + cell->ns[above]), 1, 7);
	put_colour(lanes, true, state_info[above].colour);
	put_colour(lanes, false, state_info[below].colour);
	fprintf(lanes->page.out, "\xe2\x96%c\033[0m", 0x80 + eighths);
}

/* `whole_ns`: the cell's width, or the time that several threads lived in it. */
static void put_cell(struct lanes *lanes, const struct cell *cell, uint64_t whole_ns)
{
	struct cell part = meant(lanes, cell);
	enum state state = cell_largest(&part);
	bool ink = lanes->page.colour && lanes->options->ink != LANES_PLAIN, pure = cell_is_pure(&part, whole_ns);
	FILE *out = lanes->page.out;

	if (cell_largest(cell) == STATE_COUNT) {
		fputc(' ', out);
		return;
	}
	if (state == STATE_COUNT) {
		fputs(lanes->page.colour ? "\033[2m.\033[0m" : ".", out);
		return;
	}
	lanes->occur |= bit(state);
	if (ink && lanes->options->blocks && !lanes->options->states && !cell_is_pure(cell, cell_sum(cell))) {
		put_block(lanes, cell);
		return;
	}
	if (ink) {
		put_colour(lanes, true, state_info[state].colour);
		put_colour(lanes, false, is_light(state_info[state].colour) ? 0x000000 : 0xffffff);
	}
	fputc(pure ? state_info[state].letter : tolower(state_info[state].letter), out);
	if (ink)
		fputs("\033[0m", out);
}

static void put_row(struct lanes *lanes, struct panel *panel, const struct lane_row *row, const char *label, bool together)
{
	FILE *out = lanes->page.out;
	char wait[WAIT_BYTES];
	size_t filled = 0;

	memset(panel->cells, 0, (panel->grid.n + 1) * sizeof(*panel->cells));
	for (size_t i = 0; i < row->n; i++)
		cells_add(panel->run->timeline, &panel->run->timeline->lanes[row->threads[i]], panel->grid, panel->cells);
	page_put(&lanes->page, label, lanes->label_width, false);
	fputc(' ', out);
	wait_of(panel, row, wait);
	for (size_t i = 0; i < panel->grid.n; i++)
		if (cell_sum(&panel->cells[i]))
			filled = i + 1;
	for (size_t i = 0; i < (wait[0] ? panel->grid.n : filled); i++)
		put_cell(lanes, &panel->cells[i], together ? cell_sum(&panel->cells[i]) : panel->grid.width_ns);
	if (wait[0]) {
		fprintf(out, "%*s", (int)(lanes->cells_width - panel->grid.n + 1), "");
		page_put(&lanes->page, wait, lanes->wait_width, true);
	}
	fputc('\n', out);
}

/* --- below the rows --- */

/* How many threads were on a CPU at a time: digits, '.' for less than a half, '+' for more than nine. */
static void put_running(struct lanes *lanes, const struct panel *panel)
{
	uint64_t wall_ns = panel->run->wall_ns, width_ns = panel->grid.width_ns;
	size_t filled = panel->grid.n;

	if (panel->run->run->n_threads < 2)
		return;
	while (filled && !panel->all[filled - 1].ns[STATE_CPU])
		filled--;
	page_put(&lanes->page, "on a CPU", lanes->label_width, false);
	fputc(' ', lanes->page.out);
	for (size_t i = 0; i < filled; i++) {
		uint64_t length_ns = i + 1 < panel->grid.n ? width_ns : wall_ns - i * width_ns;
		uint64_t halves = 2 * panel->all[i].ns[STATE_CPU] / length_ns;

		if (halves)
			fputc(halves >= 19 ? '+' : '0' + (char)((halves + 1) / 2), lanes->page.out);
		else
			fputc(panel->all[i].ns[STATE_CPU] ? '.' : ' ', lanes->page.out);
	}
	fputc('\n', lanes->page.out);
}

static void put_axis(struct lanes *lanes, const struct panel *panel)
{
	uint64_t begin_ns = panel->run->run->cut_ns, end_ns = begin_ns + panel->run->wall_ns;
	size_t steps = panel->grid.n / TICK_COLUMNS, at = 0;
	struct ticks ticks = ticks_for(begin_ns, end_ns, steps ? steps : 1);

	fprintf(lanes->page.out, "%*s", (int)lanes->label_width + 1, "");
	for (uint64_t tick = ticks.first_ns; tick < end_ns; tick += ticks.step_ns) {
		size_t column = (tick - begin_ns) / panel->grid.width_ns;
		char label[FIGURE_BYTES];

		tick_label(label, &ticks, tick);
		if (column < at || column + 1 + strlen(label) > lanes->cells_width)
			continue;
		at += fprintf(lanes->page.out, "%*s|%s", (int)(column - at), "", label);
	}
	fputc('\n', lanes->page.out);
}

static void put_shares(struct lanes *lanes, const struct panel *panel)
{
	_cleanup_text_ struct text text = {0};
	struct cell sum = {0};
	uint64_t life_ns;

	for (size_t i = 0; i < panel->grid.n; i++)
		for (int state = 0; state < STATE_COUNT; state++)
			sum.ns[state] += panel->all[i].ns[state];
	life_ns = cell_sum(&sum);
	for (int state = 0; state < STATE_COUNT; state++) {
		if (SHARE_WORTH_SAYING * sum.ns[state] < life_ns || !sum.ns[state])
			continue;
		lanes->occur |= bit(state);
		text_add(&text, "%s%c %s %.1f%%", text.length ? ",  " : "", state_info[state].letter, state_info[state].name,
			 100.0 * sum.ns[state] / life_ns);
	}
	if (text.failed)
		lanes->page.failed = true;
	else
		page_say(&lanes->page, INK_PLAIN, 2, "of all threads' lives:  %s", text.length ? text.bytes : "nothing");
}

/* Where cells are wider than what threads do in one go, a part of the time that shows it. */
static void propose(struct lanes *lanes, const struct panel *panel)
{
	size_t shown = panel->rows.n_threads - panel->rows.others.n;
	char from[FIGURE_BYTES], to[FIGURE_BYTES];
	struct closer closer;

	if (!lanes_closer(panel->run->timeline, panel->rows.threads, shown, panel->grid.n, &closer))
		return;
	tick_label(from, &closer.ticks, closer.from_ns);
	tick_label(to, &closer.ticks, closer.to_ns);
	for (char *space; (space = strchr(from, ' ')) || (space = strchr(to, ' '));)
		memmove(space, space + 1, strlen(space));
	page_say(&lanes->page, INK_FAINT, 2, "A state lasts %s in the mean, a column is %s: --from %s --to %s shows single ones.",
		 FIGURE_NS(closer.mean_ns), FIGURE_NS(panel->grid.width_ns), from, to);
}

static void put_title(struct lanes *lanes, const struct panel *panel)
{
	const struct run *run = panel->run->run;
	_cleanup_text_ struct text part = {0};

	if (run->whole_ns)
		text_add(&part, ", from %s to %s of %s", FIGURE_NS(run->cut_ns), FIGURE_NS(run->cut_ns + panel->run->wall_ns),
			 FIGURE_NS(run->whole_ns));
	page_say(&lanes->page, INK_BOLD, 2, "%s: %s thread%s in %s%s; a column is %s", run->name, FIGURE_COUNT(run->n_threads),
		 run->n_threads == 1 ? "" : "s", FIGURE_NS(panel->run->wall_ns), part.length ? part.bytes : "",
		 FIGURE_NS(panel->grid.width_ns));
}

static void put_panel(struct lanes *lanes, struct panel *panel)
{
	char label[ROW_LABEL_BYTES];

	put_title(lanes, panel);
	for (size_t i = 0; i < panel->rows.n; i++)
		put_row(lanes, panel, &panel->rows.rows[i], label_of(panel, &panel->rows.rows[i], label), false);
	if (panel->rows.others.n) {
		snprintf(label, sizeof(label), "and %s more threads", FIGURE_COUNT(panel->rows.others.n));
		put_row(lanes, panel, &panel->rows.others, label, true);
	}
	put_running(lanes, panel);
	put_axis(lanes, panel);
	put_shares(lanes, panel);
	if (panel->run->timeline->missing_ns)
		page_say(&lanes->page, INK_BAD, 2, "Not in the timeline: %s that threads were off their CPUs.",
			 FIGURE_NS(panel->run->timeline->missing_ns));
	propose(lanes, panel);
	page_gap(&lanes->page);
}

static void put_legend(struct lanes *lanes)
{
	const struct lanes_options *options = lanes->options;
	bool ink = lanes->page.colour && options->ink != LANES_PLAIN;

	for (int state = 0; state < STATE_COUNT; state++) {
		const struct state_info *info = &state_info[state];

		if (!(lanes->occur & bit(state)))
			continue;
		if (ink) {
			put_colour(lanes, true, info->colour);
			put_colour(lanes, false, is_light(info->colour) ? 0x000000 : 0xffffff);
		}
		fprintf(lanes->page.out, " %c %s", info->letter, ink ? "\033[0m " : "");
		page_say(&lanes->page, INK_PLAIN, 14, "%-9s %s", info->name, state == STATE_CPU ? "on a CPU" : info->gloss);
	}
	if (options->states)
		page_say(&lanes->page, INK_FAINT, 2,
			 "A capital: at least 90%% of the cell; a small letter: part of it; a dot: only other states.");
	else
		page_say(&lanes->page, INK_FAINT, 2,
			 "A capital: at least 90%% of the cell; a small letter: the largest part of it%s.",
			 ink && options->blocks ? "; a block of two colours: the two largest, as high as their parts" : "");
}

/* --- all of it --- */

/* What each run shows, and for how many of them the filter lets something through. */
static int open_panels(struct lanes *lanes, const struct explanation *const *runs, size_t n_runs)
{
	const struct rows_options options = {.most = lanes->page.all ? 0 : ROWS_SHOWN, .thread = lanes->options->thread};
	int err = 0;

	lanes->panels = calloc(n_runs + 1, sizeof(*lanes->panels));
	if (!lanes->panels)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n_runs; i++) {
		struct panel *panel = &lanes->panels[lanes->n_panels];

		err = rows_make(runs[i], &options, &panel->rows);
		if (err == -ENOENT) {
			err = 0;
			continue;
		}
		panel->run = runs[i];
		lanes->n_panels++;
	}
	return err ? err : lanes->n_panels ? 0 : -ENOENT;
}

static int fill_panels(struct lanes *lanes)
{
	uint64_t scale_ns = 1;

	for (size_t i = 0; i < lanes->n_panels; i++)
		if (lanes->panels[i].run->wall_ns > scale_ns)
			scale_ns = lanes->panels[i].run->wall_ns;
	for (size_t i = 0; i < lanes->n_panels; i++) {
		struct panel *panel = &lanes->panels[i];
		const struct timeline *timeline = panel->run->timeline;

		panel->grid = grid_for(panel->run->wall_ns, scale_ns, lanes->cells_width);
		panel->cells = calloc(panel->grid.n + 1, sizeof(*panel->cells));
		panel->all = calloc(panel->grid.n + 1, sizeof(*panel->all));
		if (!panel->cells || !panel->all)
			return -ENOMEM;
		for (size_t j = 0; j < timeline->n_lanes; j++)
			cells_add(timeline, &timeline->lanes[j], panel->grid, panel->all);
	}
	return 0;
}

static void free_panels(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->n_panels; i++) {
		rows_free(&lanes->panels[i].rows);
		free(lanes->panels[i].cells);
		free(lanes->panels[i].all);
	}
	free(lanes->panels);
}

int report_lanes(FILE *out, const struct explanation *const *runs, size_t n_runs, const struct lanes_options *options)
{
	const struct report_options page = {.width = options->width, .colour = options->colour, .all = options->all};
	struct lanes lanes = {.options = options};
	int err;

	page_init(&lanes.page, out, &page);
	err = open_panels(&lanes, runs, n_runs);
	if (!err) {
		lay_out(&lanes);
		err = fill_panels(&lanes);
	}
	for (size_t i = 0; !err && i < lanes.n_panels; i++)
		put_panel(&lanes, &lanes.panels[i]);
	if (!err) {
		put_legend(&lanes);
		err = page_result(&lanes.page);
	}
	free_panels(&lanes);
	return err;
}
