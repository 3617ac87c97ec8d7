/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path of a run, and the difference of two. */
#include "explain/path.h"

#include "lib/text.h"
#include "report/internal.h"

#define ROWS_SHOWN         6
#define THROUGH_SHOWN      3
#define SHARE_WORTH_SAYING 0.01
#define NAME_SHOWN         20 /* of a run, at the head of a column */

static void row_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause)
{
	if (state == STATE_RUN_QUEUE)
		snprintf(label, CAUSE_LABEL_BYTES, "for a CPU, %s", cause);
	else if (state_info[state].group == STATE_GROUP_CPU)
		snprintf(label, CAUSE_LABEL_BYTES, "on CPU%s%s", state == STATE_CPU ? "" : ", ",
			 state == STATE_CPU ? "" : state_info[state].name);
	else if (!strcmp(cause, PATH_NOBODY))
		snprintf(label, CAUSE_LABEL_BYTES, "%s", cause);
	else
		cause_label(label, state, cause);
}

/* On a CPU it is from samples, which there may be none of. */
static const char *function_label(enum state state, const char *function)
{
	return function[0] || state_info[state].group != STATE_GROUP_CPU ? function : "(not sampled)";
}

static void threads_cell(struct table *table, size_t column, const struct path_row *row)
{
	if (!row->thread)
		return;
	if (row->n_threads < 2)
		table_cell(table, column, "%s", THREAD_LABEL(row->thread));
	else if (row->alike)
		table_cell(table, column, "%zu x %s", row->n_threads, row->thread->comm);
	else
		table_cell(table, column, "%s and %zu more", THREAD_LABEL(row->thread), row->n_threads - 1);
}

static void add_row(struct table *table, const struct path *path, const struct path_row *row)
{
	char label[CAUSE_LABEL_BYTES];

	row_label(label, row->state, row->cause);
	table_row(table);
	table_cell(table, 0, "%s", label);
	table_cell(table, 1, "%.48s", function_label(row->state, row->function));
	table_cell(table, 2, "%s", FIGURE_NS(row->ns));
	table_cell(table, 3, "%.0f%%", 100.0 * row->ns / path->wall_ns);
	threads_cell(table, 4, row);
}

static void add_rows(struct table *table, const struct path *path)
{
	size_t i = 0, rest = 0;
	uint64_t rest_ns = 0;

	for (; i < path->n_rows; i++) {
		const struct path_row *row = &path->rows[i];

		if (!table->page->all && i && (i >= ROWS_SHOWN || row->ns < SHARE_WORTH_SAYING * path->wall_ns)) {
			rest++;
			rest_ns += row->ns;
			continue;
		}
		add_row(table, path, row);
	}
	if (!rest)
		return;
	table_row(table);
	table_cell(table, 0, "%zu more", rest);
	table_cell(table, 2, "%s", FIGURE_NS(rest_ns));
	table_cell(table, 3, "%.0f%%", 100.0 * rest_ns / path->wall_ns);
}

/* "it went 1,040 times over lock "GIL" (2.10 s of it was spent while another thread waited there), ..." */
static void say_through(struct page *page, const struct path *path)
{
	size_t most = page->all ? SIZE_MAX : THROUGH_SHOWN;
	_cleanup_text_ struct text text = {0};

	for (size_t i = 0; i < path->n_through && i < most; i++) {
		const struct path_through *through = &path->through[i];

		if (!through->count || (!page->all && through->ns + through->handover_ns < SHARE_WORTH_SAYING * path->wall_ns))
			continue;
		text_add(&text, "%s%s (%s time%s, %s", text.length ? "; " : "", CAUSE_LABEL(through->state, through->cause),
			 FIGURE_COUNT(through->count), through->count == 1 ? "" : "s", FIGURE_NS(through->ns));
		if (through->handovers)
			text_add(&text, "; then for a CPU %s", FIGURE_NS(through->handover_ns));
		text_add(&text, ")");
	}
	if (text.length)
		page_say(page, INK_PLAIN, 2, "  it went from who waited to who ended the wait: %s", text.bytes);
	page->failed |= text.failed;
}

static void say_doubts(struct page *page, const struct explanation *explanation)
{
	const struct path *path = explanation->path;
	uint64_t missing_ns = explanation->timeline->missing_ns;

	if (missing_ns)
		page_say(page, INK_BAD, 2, "  the timeline lacks %s of threads' waits: the path may be wrong there",
			 FIGURE_NS(missing_ns));
	if (path->cpu_ns && !path->samples)
		page_say(page, INK_FAINT, 2,
			 "  no sample was taken on it: which functions computed is not known, or taken from samples beside it");
}

void report_path(struct page *page, const struct explanation *explanation)
{
	const struct path *path = explanation->path;
	struct table table;

	if (!path)
		return;
	page_gap(page);
	page_say(page, INK_PLAIN, 2, "the critical path, %s", path->sentence);
	page_say(
	    page, INK_FAINT, 2,
	    "  from the end back to whoever the others waited for: what is not on it can shrink without making the run shorter");
	table_init(&table, page, 5);
	table.left[0] = table.left[1] = table.left[4] = true;
	table.elastic = 0;
	table_row(&table);
	table_cell(&table, 0, "on the critical path");
	table_cell(&table, 1, "in%s", path->samples ? " (on CPU: sampled)" : "");
	table_cell(&table, 2, "time");
	table_cell(&table, 3, "share");
	table_cell(&table, 4, "of");
	add_rows(&table, path);
	table_print(&table, 2);
	table_free(&table);
	say_through(page, path);
	say_doubts(page, explanation);
}

void report_without_path(struct page *page, const struct explanation *explanation)
{
	if (!explanation->path)
		page_say(page, INK_FAINT, 9,
			 "no critical path: %s has no timeline (--timeline keeps one, however many waits there are).",
			 explanation->run->name);
}

/* --- the difference of two --- */

static void add_line(struct table *table, const char *label, const char *function, uint64_t before_ns, uint64_t after_ns)
{
	char difference[FIGURE_BYTES + 1];

	table_row(table);
	table_cell(table, 0, "%s", label);
	table_cell(table, 1, "%.48s", function);
	report_duration_cell(table, 2, before_ns);
	report_duration_cell(table, 3, after_ns);
	table_cell(table, 4, "%s", report_signed(difference, before_ns, after_ns));
}

static void add_items(struct table *table, const struct comparison *comparison)
{
	size_t most = table->page->all ? SIZE_MAX : ROWS_SHOWN;
	uint64_t before_ns = 0, after_ns = 0;
	char label[CAUSE_LABEL_BYTES];

	for (size_t i = 0; i < comparison->n_path_items; i++) {
		const struct path_difference *item = &comparison->path_items[i];

		if (i < most) {
			row_label(label, item->state, item->cause);
			add_line(table, label, function_label(item->state, item->function), item->before_ns, item->after_ns);
		} else {
			before_ns += item->before_ns;
			after_ns += item->after_ns;
		}
	}
	if (comparison->n_path_items > most) {
		snprintf(label, sizeof(label), "%zu more", comparison->n_path_items - most);
		add_line(table, label, "", before_ns, after_ns);
	}
}

void report_path_difference(struct page *page, const struct comparison *comparison)
{
	const struct explanation *before = comparison->before, *after = comparison->after;
	bool same = !strncmp(before->run->name, after->run->name, NAME_SHOWN);
	char name[NAME_BYTES];
	struct table table;

	if (!before->path || !after->path)
		return;
	page_gap(page);
	table_init(&table, page, 5);
	table.left[0] = table.left[1] = true;
	table.elastic = 0;
	table_row(&table);
	table_cell(&table, 0, "the wall time's difference, along the critical path");
	table_cell(&table, 1, "in");
	table_cell(&table, 2, "%.*s", NAME_SHOWN, same ? "before" : before->run->name);
	table_cell(&table, 3, "%.*s", NAME_SHOWN, same ? "after" : after->run->name);
	table_cell(&table, 4, "difference");
	add_items(&table, comparison);
	add_line(&table, "= wall time", "", before->wall_ns, after->wall_ns);
	table_print(&table, 0);
	table_free(&table);
	if (comparison->path_residual_ns)
		page_say(page, INK_BAD, 2, "the items differ from the wall times by %lld ns, which is a defect",
			 (long long)comparison->path_residual_ns);
	page_say(page, INK_PLAIN, 2, "%s: %s", report_name(name, before, after, false), before->path->sentence);
	page_say(page, INK_PLAIN, 2, "%s: %s", report_name(name, after, before, true), after->path->sentence);
}
