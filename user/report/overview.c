/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"
#include "report/internal.h"

#define CAUSES_SHOWN      4
#define CAUSES_ALL        12
#define MEAN_WORTH_SAYING 0.005 /* rounds to more than 0.00 */

/* A column: a named wait, by state and cause; in which run it is larger does not matter. */
struct cause_column {
	enum state state;
	const char *cause;
	double mean; /* the larger one */
};

static double mean_of(const struct explanation *explanation, const struct cause_column *column)
{
	double mean = 0;

	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (!cause->joining && cause->state == column->state && !strcmp(cause->cause, column->cause))
			mean += cause->mean;
	}
	return mean;
}

static size_t add_columns(struct cause_column *columns, size_t n, size_t most, const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];
		struct cause_column column = {cause->state, cause->cause, cause->mean};
		size_t at = 0;

		if (cause->joining || cause->state == STATE_RUN_QUEUE || cause->mean < MEAN_WORTH_SAYING)
			continue;
		while (at < n && (columns[at].state != cause->state || strcmp(columns[at].cause, cause->cause) != 0))
			at++;
		if (at < n) { /* known: it may move up */
			if (columns[at].mean >= column.mean)
				continue;
			memmove(&columns[at], &columns[at + 1], (--n - at) * sizeof(*columns));
		}
		at = n;
		while (at && columns[at - 1].mean < column.mean)
			at--;
		if (at >= most)
			continue;
		if (n == most)
			n--;
		memmove(&columns[at + 1], &columns[at], (n - at) * sizeof(*columns));
		columns[at] = column;
		n++;
	}
	return n;
}

/* What a run has beside the named waits and the run queue. */
static double other_waits(const struct explanation *explanation, const struct cause_column *columns, size_t n)
{
	double other = -explanation->joining;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_WAIT)
			other += explanation->budget[state];
	for (size_t i = 0; i < n; i++)
		other -= mean_of(explanation, &columns[i]);
	return other;
}

struct overview {
	struct table table;
	const struct explanation *before, *after; /* before may be NULL */
	struct cause_column columns[CAUSES_ALL + 1];
	size_t n;
	bool other, joining; /* these columns are of use */
};

static void mean_cell(struct table *table, size_t column, double mean)
{
	if (mean < MEAN_WORTH_SAYING)
		table_cell(table, column, "-");
	else
		table_cell(table, column, "%.2f", mean);
}

static void add_run(struct overview *overview, const struct explanation *run)
{
	const struct explanation *other = run == overview->after ? overview->before : overview->after;
	struct table *table = &overview->table;
	size_t column = 5;
	char name[NAME_BYTES];

	table_row(table);
	table_cell(table, 0, "%s", report_name(name, run, other, run == overview->after));
	table_cell(table, 1, "%s", FIGURE_NS(run->wall_ns));
	table_cell(table, 2, "%s", FIGURE_NS(run->cpu_ns));
	table_cell(table, 3, "%.2f", run->running);
	mean_cell(table, 4, run->budget[STATE_RUN_QUEUE]);
	for (size_t i = 0; i < overview->n; i++)
		mean_cell(table, column++, mean_of(run, &overview->columns[i]));
	if (overview->other)
		mean_cell(table, column++, other_waits(run, overview->columns, overview->n));
	if (overview->joining)
		mean_cell(table, column, run->joining);
}

static void add_heads(struct overview *overview)
{
	struct table *table = &overview->table;
	size_t column = 5;

	table->left[0] = true;
	table->heads = 2;
	table_row(table);
	table_cell(table, 3, "threads");
	table_cell(table, 4, "waiting");
	table_row(table);
	table_cell(table, 1, "wall");
	table_cell(table, 2, "on CPU");
	table_cell(table, 3, "running");
	table_cell(table, 4, "for a CPU");
	for (size_t i = 0; i < overview->n; i++)
		table_cell(table, column++, "%.40s", CAUSE_LABEL(overview->columns[i].state, overview->columns[i].cause));
	if (overview->other)
		table_cell(table, column++, "else");
	if (overview->joining)
		table_cell(table, column, "(main, joining)");
}

/* Long names (paths, addresses in memory) take the room of others: what does not fit joins the rest. */
static size_t columns_that_fit(const struct page *page, const struct overview *overview)
{
	size_t used = 84, n = 0; /* the fixed columns, with a name of usual length */

	while (n < overview->n) {
		size_t length = strnlen(CAUSE_LABEL(overview->columns[n].state, overview->columns[n].cause), 40);

		used += 2 + (length < 4 ? 4 : length);
		if (n && !page->all && used > page->width)
			break;
		n++;
	}
	return n;
}

void report_overview(struct page *page, const struct explanation *before, const struct explanation *after)
{
	struct overview overview = {.before = before, .after = after};
	size_t most = page->all ? CAUSES_ALL : CAUSES_SHOWN;

	if (before)
		overview.n = add_columns(overview.columns, overview.n, most, before);
	overview.n = add_columns(overview.columns, overview.n, most, after);
	overview.n = columns_that_fit(page, &overview);
	overview.other = other_waits(after, overview.columns, overview.n) >= MEAN_WORTH_SAYING ||
			 (before && other_waits(before, overview.columns, overview.n) >= MEAN_WORTH_SAYING);
	overview.joining = after->joining >= MEAN_WORTH_SAYING || (before && before->joining >= MEAN_WORTH_SAYING);
	table_init(&overview.table, page, 5 + overview.n + overview.other + overview.joining);
	add_heads(&overview);
	if (before)
		add_run(&overview, before);
	add_run(&overview, after);
	table_print(&overview.table, 0);
	table_free(&overview.table);
	page_say(page, INK_FAINT, 0, "running and waiting: mean number of threads at a time, over the wall time");
}
