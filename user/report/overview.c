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

static void mean_cell(struct table *table, size_t column, double mean)
{
	if (mean < MEAN_WORTH_SAYING)
		table_cell(table, column, "-");
	else
		table_cell(table, column, "%.2f", mean);
}

static void add_run(struct table *table, const struct explanation *explanation, const struct cause_column *columns, size_t n)
{
	double other = -explanation->joining;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_WAIT)
			other += explanation->budget[state];
	table_row(table);
	table_cell(table, 0, "%s", explanation->run->name);
	table_cell(table, 1, "%s", FIGURE_NS(explanation->wall_ns));
	table_cell(table, 2, "%s", FIGURE_NS(explanation->cpu_ns));
	table_cell(table, 3, "%.2f", explanation->running);
	mean_cell(table, 4, explanation->budget[STATE_RUN_QUEUE]);
	for (size_t i = 0; i < n; i++) {
		double mean = mean_of(explanation, &columns[i]);

		mean_cell(table, 5 + i, mean);
		other -= mean;
	}
	mean_cell(table, 5 + n, other);
	mean_cell(table, 6 + n, explanation->joining);
}

void report_overview(struct page *page, const struct explanation *before, const struct explanation *after)
{
	struct cause_column columns[CAUSES_ALL + 1];
	char label[LABEL_BYTES];
	struct table table;
	size_t most = page->all ? CAUSES_ALL : CAUSES_SHOWN, n = 0;

	if (before)
		n = add_columns(columns, n, most, before);
	n = add_columns(columns, n, most, after);
	/* Long names (paths, addresses in memory) take columns from others. */
	table_init(&table, page, 7 + n);
	table.left[0] = true;
	table.heads = 2;
	table_row(&table);
	table_cell(&table, 3, "threads");
	table_cell(&table, 4, "waiting");
	table_row(&table);
	table_cell(&table, 1, "wall");
	table_cell(&table, 2, "on CPU");
	table_cell(&table, 3, "running");
	table_cell(&table, 4, "for a CPU");
	for (size_t i = 0; i < n; i++)
		table_cell(&table, 5 + i, "%.40s", report_label(label, columns[i].state, columns[i].cause));
	table_cell(&table, 5 + n, "else");
	table_cell(&table, 6 + n, "(main, joining)");
	if (before)
		add_run(&table, before, columns, n);
	add_run(&table, after, columns, n);
	table_print(&table, 0);
	table_free(&table);
	page_say(page, INK_FAINT, 0, "running and waiting: mean number of threads at a time, over the wall time");
}
