/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads in time as one file that needs no other and no scripting: a row a thread, all runs on one scale. Whatever names programs have, they
 * are text in it (xml.h).
 */
#include <errno.h>

#include "export/export.h"
#include "export/lanes_svg.h"
#include "export/xml.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "lib/ticks.h"

#define ROWS_SHOWN    40
#define LABELS        150 /* width of what stands at the left */
#define WAITS         190 /* ... and at the right, where there is room for it */
#define WIDTH_OF_ROOM 600
#define LETTER        6.4   /* estimated width of one */
#define WAKES_MOST    300   /* more would hide what they connect */
#define INTERVALS_MAX 12000 /* with a text each: about 3 MB */
#define TICK_PIXELS   110
#define HEAD          40 /* of the document: its title */
#define LEGEND_ROW    18
#define PANEL_HEAD    42 /* a run's title and shares */
#define RUNNING       34 /* height of the curve of how many are on a CPU */
#define RUNNING_CELL  2  /* pixels */
#define AXIS          24
#define PANEL_GAP     18

struct scene {
	FILE *out;
	const struct export_options *options;
	struct lanes_panel *panels;
	size_t n;
	struct lanes_scale scale;
	unsigned int width;
	uint32_t occur; /* states */
	uint32_t emphasised;
	const char *title;
};

static const char css[] =
    "svg{background:#fff;font:12px system-ui,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\",sans-serif;fill:#1b1b1b}\n"
    ".title{font-size:17px;font-weight:700}\n.run{font-size:14px;font-weight:700}\n.note{fill:#555}\n.end{text-anchor:end}\n"
    ".bars{shape-rendering:crispEdges}\n.pale{opacity:.18}\n.grid{stroke:#000;stroke-opacity:.13}\n"
    ".track{fill:#f4f3f1}\n.running{fill:#4caf50}\n.bars rect:hover{stroke:#000}\n"
    ".wake,.handoff{fill:none;stroke:#000;stroke-opacity:.5;marker-end:url(#arrow)}\n"
    ".handoff{stroke-opacity:1;stroke-width:1.6;marker-end:url(#release)}\n"
    "@media (prefers-color-scheme:dark){\nsvg{background:#16181c;fill:#e6e6e6}\n.note{fill:#a9adb5}\n.grid{stroke:#fff}\n"
    ".track{fill:#24272d}\n.bars rect:hover{stroke:#fff}\n.wake,.handoff{stroke:#fff}\nmarker path{fill:#fff}\n}\n"
    "@media print{svg{background:#fff;fill:#000}}\n";

static void put_text(const struct scene *scene, const char *class, double x, double y, double width, const char *text)
{
	fprintf(scene->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	xml_put(scene->out, text, (size_t)(width / LETTER));
	fputs("</text>\n", scene->out);
}

/* --- the legend --- */

static const char *name_of(int state)
{
	return state == STATE_CPU ? "on a CPU" : state == STATE_RUN_QUEUE ? "run queue" : state_info[state].name;
}

/* Returns its height. Without `draw` that is all it does. */
static double put_legend(const struct scene *scene, double top, bool draw)
{
	double x = LANES_MARGIN, y = top;

	for (int state = 0; state < STATE_COUNT; state++) {
		double width = 20 + strlen(name_of(state)) * LETTER + 16;

		if (!(scene->occur & 1u << state))
			continue;
		if (x > LANES_MARGIN && x + width > scene->width - LANES_MARGIN) {
			x = LANES_MARGIN;
			y += LEGEND_ROW;
		}
		if (draw)
			fprintf(scene->out,
				"<g><title>%s</title><rect class=\"s%d\" x=\"%.1f\" y=\"%.1f\" width=\"13\" height=\"13\" "
				"rx=\"2\"/><text x=\"%.1f\" y=\"%.1f\">%s</text></g>\n",
				state == STATE_CPU ? "on a CPU" : state_info[state].gloss, state, x, y, x + 18, y + 11,
				name_of(state));
		x += width;
	}
	return y - top + LEGEND_ROW + 8;
}

/* --- one run --- */

static double panel_height(const struct lanes_panel *panel)
{
	return PANEL_HEAD + (double)(panel->rows.n + (panel->rows.others.n > 0)) * LANES_ROW + RUNNING + AXIS + PANEL_GAP;
}

static void add_wakes(const struct lanes_panel *panel, struct text *text)
{
	const struct wakes *wakes = &panel->wakes;

	if (wakes->n && !wakes->only_hand_offs)
		text_add(text, "; arrows: who woke whom (%s)%s", FIGURE_COUNT(wakes->n),
			 wakes->hand_offs ? ", thick where a lock was released" : "");
	else if (wakes->n)
		text_add(text, "; arrows: who released a lock to whom (%s; other wake-ups are too many)", FIGURE_COUNT(wakes->n));
	else if (wakes->found)
		text_add(text, "; %s wake-ups are too many to draw: --from and --to", FIGURE_COUNT(wakes->found));
}

static int put_head(const struct scene *scene, const struct lanes_panel *panel)
{
	const struct explanation *run = panel->run;
	_cleanup_text_ struct text title = {0}, shares = {0};
	uint64_t life_ns = 0, ns[STATE_COUNT];
	double top = panel->top - PANEL_HEAD;

	for (int state = 0; state < STATE_COUNT; state++) {
		life_ns += run->ns[state];
		ns[state] = state_info[state].group == STATE_GROUP_CPU ? 0 : run->ns[state];
	}
	ns[STATE_CPU] = run->cpu_ns;
	text_add(&title, "%s: %s thread%s in %s", run->run->name, FIGURE_COUNT(run->run->n_threads),
		 run->run->n_threads == 1 ? "" : "s", FIGURE_NS(run->wall_ns));
	if (run->run->whole_ns)
		text_add(&title, " (from %s to %s of %s)", FIGURE_NS(run->run->cut_ns),
			 FIGURE_NS(run->run->cut_ns + run->wall_ns), FIGURE_NS(run->run->whole_ns));
	for (int state = 0; state < STATE_COUNT; state++)
		if (ns[state] && life_ns && 1000 * ns[state] >= life_ns)
			text_add(&shares, "%s%s %.1f%%", shares.length ? ", " : "of all threads' lives ", name_of(state),
				 100.0 * ns[state] / life_ns);
	add_wakes(panel, &shares);
	if (title.failed || shares.failed)
		return -ENOMEM;
	put_text(scene, "run", LANES_MARGIN, top + 14, scene->width, title.bytes);
	put_text(scene, "note", LANES_MARGIN, top + 31, scene->width, shares.length ? shares.bytes : "");
	return 0;
}

static void put_sides(const struct scene *scene, const struct lanes_panel *panel, const struct lane_row *row, double y,
		      const char *label)
{
	const struct thread_view *first = &panel->run->threads[row->threads[0]];
	double right = scene->scale.left + scene->scale.pixels + 8;
	char text[CAUSE_LABEL_BYTES + 32];

	put_text(scene, "", LANES_MARGIN, y + 12, LABELS - LANES_MARGIN, label);
	if (scene->width < WIDTH_OF_ROOM || !row->most.kinds || 100 * row->most.total_ns < row->life_ns || !row->life_ns)
		return;
	snprintf(text, sizeof(text), "%.0f%% %s%s", 100.0 * row->most.total_ns / row->life_ns,
		 row->n == 1 && first->only_joins ? "joining: "
		 : row->n == 1 && first->idle     ? "idle: "
						  : "",
		 TOPIC_LABEL(&row->most));
	put_text(scene, "note", right, y + 12, WAITS - 8, text);
}

/* How many threads were on a CPU: the curve's full height is the number of CPUs, or the most there were. */
static int put_running(const struct scene *scene, const struct lanes_panel *panel, double y)
{
	const struct explanation *run = panel->run;
	struct grid grid = grid_for(run->wall_ns, scene->scale.ns, (size_t)(scene->scale.pixels / RUNNING_CELL));
	_cleanup_free_ struct cell *cells = calloc(grid.n + 1, sizeof(*cells));
	double most = run->cpus ? run->cpus : 1, height = RUNNING - 8;
	char label[40];

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < run->timeline->n_lanes; i++)
		cells_add(run->timeline, &run->timeline->lanes[i], grid, cells);
	for (size_t i = 0; i + 1 < grid.n; i++)
		if ((double)cells[i].ns[STATE_CPU] / grid.width_ns > most)
			most = (double)cells[i].ns[STATE_CPU] / grid.width_ns;
	snprintf(label, sizeof(label), "running (0 to %.3g)", most);
	put_text(scene, "note", LANES_MARGIN, y + height, LABELS, label);
	fprintf(scene->out, "<path class=\"running bars\" d=\"");
	for (size_t i = 0; i < grid.n; i++) {
		uint64_t begin_ns = i * grid.width_ns, end_ns = begin_ns + grid.width_ns;
		double x = lanes_x(&scene->scale, begin_ns), part;

		if (end_ns > run->wall_ns)
			end_ns = run->wall_ns;
		part = (double)cells[i].ns[STATE_CPU] / (end_ns - begin_ns) / most;
		if (part > 0)
			fprintf(scene->out, "M%.2f %.1fh%.2fv%.2fh%.2fz", x, y + height + 4, lanes_x(&scene->scale, end_ns) - x,
				-height * part, x - lanes_x(&scene->scale, end_ns));
	}
	fprintf(scene->out, "\"><title>how many threads were on a CPU at a time</title></path>\n");
	return 0;
}

static void put_axis(const struct scene *scene, const struct lanes_panel *panel, double bottom)
{
	uint64_t begin_ns = panel->run->run->cut_ns, end_ns = begin_ns + panel->run->wall_ns;
	double pixels = lanes_x(&scene->scale, panel->run->wall_ns) - scene->scale.left;
	unsigned int steps = pixels / TICK_PIXELS;
	struct ticks ticks = ticks_for(begin_ns, end_ns, steps ? steps : 1);

	for (uint64_t tick = ticks.first_ns; tick <= end_ns; tick += ticks.step_ns) {
		double x = lanes_x(&scene->scale, tick - begin_ns);
		char label[FIGURE_BYTES];

		fprintf(scene->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, panel->top, bottom + 4);
		put_text(scene, "note", x + 3, bottom + 15, TICK_PIXELS, tick_label(label, &ticks, tick));
	}
}

static void put_tracks(const struct scene *scene, const struct lanes_panel *panel)
{
	double width = lanes_x(&scene->scale, panel->run->wall_ns) - scene->scale.left;

	for (size_t i = 0; i < panel->rows.n + (panel->rows.others.n > 0); i++)
		fprintf(scene->out, "<rect class=\"track\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n",
			scene->scale.left, lanes_row_y(panel, i), width, LANES_BAR);
}

static int put_panel(const struct scene *scene, const struct lanes_panel *panel)
{
	size_t rows = panel->rows.n + (panel->rows.others.n > 0);
	double bottom = panel->top + rows * LANES_ROW + RUNNING;
	char label[ROW_LABEL_BYTES];
	int err = put_head(scene, panel);

	if (err)
		return err;
	put_tracks(scene, panel);
	fprintf(scene->out, "<g class=\"bars\">\n");
	for (size_t i = 0; i < panel->rows.n; i++)
		lanes_put_row(scene->out, panel, &scene->scale, i, scene->emphasised);
	if (panel->rows.others.n)
		err = lanes_put_others(scene->out, panel, &scene->scale, lanes_row_y(panel, panel->rows.n), scene->emphasised);
	fprintf(scene->out, "</g>\n");
	put_axis(scene, panel, bottom);
	for (size_t i = 0; i < panel->rows.n; i++)
		put_sides(scene, panel, &panel->rows.rows[i], lanes_row_y(panel, i),
			  row_label(label, panel->run, &panel->rows.rows[i]));
	snprintf(label, sizeof(label), "%s more threads", FIGURE_COUNT(panel->rows.others.n));
	if (panel->rows.others.n)
		put_sides(scene, panel, &panel->rows.others, lanes_row_y(panel, panel->rows.n), label);
	if (!err)
		err = put_running(scene, panel, panel->top + rows * LANES_ROW);
	lanes_put_wakes(scene->out, panel, &scene->scale);
	return err;
}

/* --- the document --- */

static void put_begin(const struct scene *scene, double height)
{
	FILE *out = scene->out;

	fprintf(
	    out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%.0f\" "
	    "viewBox=\"0 0 %u %.0f\">\n<title>",
	    scene->width, height, scene->width, height);
	xml_put(out, scene->title, XML_WHOLE);
	fprintf(out, "</title>\n<style><![CDATA[\n%s", css);
	for (int state = 0; state < STATE_COUNT; state++)
		if (scene->occur & 1u << state)
			fprintf(out, ".s%d{fill:#%06x}\n", state, state_info[state].colour);
	fprintf(out, "]]></style>\n<defs>\n");
	for (int i = 0; i < 2; i++)
		fprintf(out,
			"<marker id=\"%s\" viewBox=\"0 0 6 6\" refX=\"5\" refY=\"3\" markerWidth=\"5\" markerHeight=\"5\" "
			"markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L6 3L0 6z\"/></marker>\n",
			i ? "release" : "arrow");
	fprintf(out, "</defs>\n");
	put_text(scene, "title", LANES_MARGIN, 25, scene->width * 0.7, scene->title);
}

static int put_document(struct scene *scene)
{
	double y = HEAD + put_legend(scene, HEAD, false), height = y;
	int err = 0;

	for (size_t i = 0; i < scene->n; i++) {
		scene->panels[i].top = height + PANEL_HEAD;
		height += panel_height(&scene->panels[i]);
	}
	errno = 0;
	put_begin(scene, height);
	put_legend(scene, HEAD, true);
	for (size_t i = 0; !err && i < scene->n; i++)
		err = put_panel(scene, &scene->panels[i]);
	fprintf(scene->out, "</svg>\n");
	if (err)
		return err;
	return fflush(scene->out) || ferror(scene->out) ? errno ? -errno : -EIO : 0;
}

/* --- what is in it --- */

static int open_panel(struct scene *scene, struct lanes_panel *panel)
{
	const struct timeline *timeline = panel->run->timeline;
	_cleanup_free_ bool *shown = calloc(timeline->n_lanes + 1, sizeof(*shown));

	panel->row_of = calloc(timeline->n_lanes + 1, sizeof(*panel->row_of));
	if (!shown || !panel->row_of)
		return -ENOMEM;
	for (size_t i = 0; i < panel->rows.n; i++)
		for (size_t j = 0; j < panel->rows.rows[i].n; j++) {
			panel->row_of[panel->rows.rows[i].threads[j]] = i;
			shown[panel->rows.rows[i].threads[j]] = true;
		}
	for (size_t i = 0; i < timeline->n_lanes; i++) {
		struct interval_cursor cursor = {0};
		struct interval interval;

		while (timeline_next(timeline, &timeline->lanes[i], &cursor, &interval))
			scene->occur |= 1u << interval.state;
	}
	if (panel->run->wall_ns > scene->scale.ns)
		scene->scale.ns = panel->run->wall_ns;
	return wakes_find(timeline, shown, WAKES_MOST, &panel->wakes);
}

static int open_panels(struct scene *scene, const struct export_input *input)
{
	const struct rows_options options = {
	    .most = scene->options && scene->options->all ? 0 : ROWS_SHOWN,
	    .thread = scene->options ? scene->options->thread : NULL,
	};
	int err = 0;

	scene->panels = calloc(input->n_runs + 1, sizeof(*scene->panels));
	if (!scene->panels)
		return -ENOMEM;
	for (size_t i = 0; !err && i < input->n_runs; i++) {
		struct lanes_panel *panel = &scene->panels[scene->n];

		if (!input->runs[i]->timeline)
			continue;
		err = rows_make(input->runs[i], &options, &panel->rows);
		if (err == -ENOENT) {
			err = 0;
			continue;
		}
		panel->run = input->runs[i];
		scene->n++;
		if (!err)
			err = open_panel(scene, panel);
	}
	return err ? err : scene->n ? 0 : -ENOENT;
}

/* A pixel; more where there would be too many intervals for a file that viewers like. */
static void choose_least(struct scene *scene)
{
	struct lanes_scale *scale = &scene->scale;

	for (scale->least_ns = scale->ns / scale->pixels + 1;; scale->least_ns *= 2) {
		size_t count = 0;

		for (size_t i = 0; i < scene->n; i++)
			count += lanes_count_intervals(&scene->panels[i], scale->least_ns);
		if (count <= INTERVALS_MAX || scale->least_ns > scale->ns)
			return;
	}
}

/* A worker of concprof's own, a model's: its arguments tell nobody anything. */
static bool is_own(const struct run *run)
{
	return run->command && run->command[0] && run->command[1] && run->command[1][0] == '_';
}

/* The command; of several runs their names. */
static char *make_title(const struct scene *scene)
{
	const struct run *run = scene->panels[0].run->run;
	_cleanup_text_ struct text text = {0};

	if (scene->options && scene->options->title)
		return strdup(scene->options->title);
	for (size_t i = 0; scene->n > 1 && i < scene->n; i++)
		text_add(&text, "%s%s", i ? ", " : "", scene->panels[i].run->run->name);
	for (char *const *argument = scene->n > 1 || is_own(run) ? NULL : run->command;
	     argument && *argument && text.length < 120; argument++)
		text_add(&text, "%s%.*s", text.length ? " " : "", 120, *argument);
	return text_format("%s: threads in time", text.failed || !text.length ? run->name : text.bytes);
}

static void close_panels(struct scene *scene)
{
	for (size_t i = 0; i < scene->n; i++) {
		rows_free(&scene->panels[i].rows);
		wakes_free(&scene->panels[i].wakes);
		free(scene->panels[i].row_of);
	}
	free(scene->panels);
}

static int write_lanes(FILE *out, const struct export_input *input)
{
	const struct export_options *options = input->options;
	struct scene scene = {.out = out, .options = options, .scale.ns = 1};
	_cleanup_free_ char *title = NULL;
	bool timeline = false;
	int err;

	for (size_t i = 0; i < input->n_runs; i++)
		timeline |= input->runs[i]->timeline != NULL;
	if (!timeline)
		return input->n_runs ? -ENOTSUP : -ENODATA;
	scene.width = options && options->width ? options->width : EXPORT_WIDTH_DEFAULT;
	scene.emphasised = options ? lanes_states(options->states) : 0;
	err = open_panels(&scene, input);
	if (!err) {
		scene.scale.left = LABELS;
		scene.scale.pixels = scene.width - LABELS - (scene.width < WIDTH_OF_ROOM ? LANES_MARGIN : WAITS);
		choose_least(&scene);
		title = make_title(&scene);
		scene.title = title;
		err = title ? put_document(&scene) : -ENOMEM;
	}
	close_panels(&scene);
	return err;
}

const struct exporter exporter_lanes = {
    .name = "lanes",
    .gloss = "threads in time, as SVG (needs a timeline)",
    .extension = "svg",
    .write = write_lanes,
};
