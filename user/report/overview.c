/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"
#include "report/internal.h"

#define CAUSES_SHOWN      4
#define HEAD_WIDTH        40
#define CAUSES_ALL        12
#define MEAN_WORTH_SAYING 0.005 /* rounds to more than 0.00 */

/* A column: a wait by state and cause, or all of a state's that have no column of their own; in which run it is larger does not matter. */
struct cause_column {
	enum state state;
	const char *cause; /* "" for several */
	uint64_t kinds;
	double mean; /* the larger one */
};

struct columns {
	struct cause_column column[CAUSES_ALL + 1];
	size_t n;
};

static bool is_column(const struct cause_column *column, enum state state, const char *cause)
{
	return column->state == state && !strcmp(column->cause, cause);
}

static size_t find_column(const struct columns *columns, enum state state, const char *cause)
{
	size_t at = 0;

	while (at < columns->n && !is_column(&columns->column[at], state, cause))
		at++;
	return at;
}

/* Its own causes: each belongs to one column at most, so that a line's figures add up. */
static double mean_of(const struct explanation *explanation, const struct columns *columns, size_t column)
{
	const struct cause_column *own = &columns->column[column];
	double mean = 0;

	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (cause->joining || cause->idle || cause->state != own->state)
			continue;
		if (own->cause[0] ? !strcmp(own->cause, cause->cause)
				  : find_column(columns, cause->state, cause->cause) == columns->n)
			mean += cause->mean;
	}
	return mean;
}

static void add_columns(struct columns *columns, size_t most, const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_topics; i++) {
		const struct cause_view *topic = &explanation->topics[i];
		struct cause_column column = {topic->state, topic->cause, topic->kinds, topic->mean}, *list = columns->column;
		size_t at;

		if (topic->state == STATE_RUN_QUEUE || topic->mean < MEAN_WORTH_SAYING)
			continue;
		at = find_column(columns, topic->state, topic->cause);
		if (at < columns->n) { /* known: it may move up */
			if (list[at].mean >= column.mean)
				continue;
			memmove(&list[at], &list[at + 1], (--columns->n - at) * sizeof(*list));
		}
		at = columns->n;
		while (at && list[at - 1].mean < column.mean)
			at--;
		if (at >= most)
			continue;
		if (columns->n == most)
			columns->n--;
		memmove(&list[at + 1], &list[at], (columns->n - at) * sizeof(*list));
		list[at] = column;
		columns->n++;
	}
}

/* What a run has beside the named waits and the run queue. */
static double other_waits(const struct explanation *explanation, const struct columns *columns)
{
	double other = -explanation->joining - explanation->idle;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_WAIT)
			other += explanation->budget[state];
	for (size_t i = 0; i < columns->n; i++)
		other -= mean_of(explanation, columns, i);
	return other;
}

struct overview {
	struct table table;
	const struct explanation *before, *after; /* before may be NULL */
	struct columns columns;
	bool other, joining, idle; /* these columns are of use */
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
	for (size_t i = 0; i < overview->columns.n; i++)
		mean_cell(table, column++, mean_of(run, &overview->columns, i));
	if (overview->other)
		mean_cell(table, column++, other_waits(run, &overview->columns));
	if (overview->joining)
		mean_cell(table, column++, run->joining);
	if (overview->idle)
		mean_cell(table, column, run->idle);
}

static void add_head(struct table *table, size_t column, const char *label)
{
	if (strlen(label) > HEAD_WIDTH)
		table_cell(table, column, "%.*s..", HEAD_WIDTH - 2, label);
	else
		table_cell(table, column, "%s", label);
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
	for (size_t i = 0; i < overview->columns.n; i++)
		add_head(table, column++, TOPIC_LABEL(&overview->columns.column[i]));
	if (overview->other)
		table_cell(table, column++, "else");
	if (overview->joining)
		table_cell(table, column++, "(main, joining)");
	if (overview->idle)
		table_cell(table, column, "(idle)");
}

/* Long names (paths, addresses in memory) take the room of others: what does not fit joins the rest. */
static size_t columns_that_fit(const struct page *page, const struct overview *overview)
{
	size_t used = 84, n = 0; /* the fixed columns, with a name of usual length */

	while (n < overview->columns.n) {
		size_t length = strnlen(TOPIC_LABEL(&overview->columns.column[n]), HEAD_WIDTH);

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
		add_columns(&overview.columns, most, before);
	add_columns(&overview.columns, most, after);
	overview.columns.n = columns_that_fit(page, &overview);
	overview.other = other_waits(after, &overview.columns) >= MEAN_WORTH_SAYING ||
			 (before && other_waits(before, &overview.columns) >= MEAN_WORTH_SAYING);
	overview.joining = after->joining >= MEAN_WORTH_SAYING || (before && before->joining >= MEAN_WORTH_SAYING);
	overview.idle = after->idle >= MEAN_WORTH_SAYING || (before && before->idle >= MEAN_WORTH_SAYING);
	table_init(&overview.table, page, 5 + overview.columns.n + overview.other + overview.joining + overview.idle);
	add_heads(&overview);
	if (before)
		add_run(&overview, before);
	add_run(&overview, after);
	table_print(&overview.table, 0);
	table_free(&overview.table);
	page_say(page, INK_FAINT, 0, "running and waiting: mean number of threads at a time, over the wall time");
}
