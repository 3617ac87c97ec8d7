/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"
#include "report/internal.h"

/* The one thing that threads waited for most, beside "for a CPU". */
static const struct cause_view *main_wait(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_topics; i++)
		if (explanation->topics[i].state != STATE_RUN_QUEUE)
			return &explanation->topics[i];
	return NULL;
}

/* Of locks and signals the name tells most, of the rest the state. */
static const char *short_label(char label[CAUSE_LABEL_BYTES], const struct cause_view *wait)
{
	if (wait->state == STATE_LOCK || wait->state == STATE_SYNC)
		return topic_label(label, wait->state, wait->cause, wait->kinds);
	return state_info[wait->state].name;
}

static void add_figures(struct table *table, const struct explanation *explanation)
{
	const struct cause_view *wait = main_wait(explanation);
	char label[CAUSE_LABEL_BYTES];

	table_cell(table, 1, "%s", FIGURE_NS(explanation->wall_ns));
	table_cell(table, 3, "%.2f", explanation->running);
	if (explanation->budget[STATE_RUN_QUEUE] >= 0.005)
		table_cell(table, 4, "%.2f", explanation->budget[STATE_RUN_QUEUE]);
	else
		table_cell(table, 4, "-");
	if (wait && wait->mean >= 0.005)
		table_cell(table, 5, "%.2f  %.30s", wait->mean, short_label(label, wait));
	else
		table_cell(table, 5, "-");
}

static void add_row(struct table *table, const struct suite_row *row)
{
	table_row(table);
	table_cell(table, 0, "%s", row->name);
	if (row->explanation && !row->explanation->run->failure)
		add_figures(table, row->explanation);
	else
		table_cell(table, 1, "FAILED");
	if (row->comparison && !row->comparison->refused) {
		table_cell(table, 2, "%sx", FIGURE_RATIO(row->comparison->speedup));
		table_cell(table, 6, "%s", row->comparison->reason);
	} else if (!row->talk_baseline_seconds && row->explanation) {
		table_cell(table, 2, "1");
		table_cell(table, 6, "(the naive one)");
	}
	if (row->talk_seconds > 0)
		table_cell(table, 7, "%.2f s", row->talk_seconds);
	else
		table_cell(table, 7, "-");
	if (row->talk_seconds > 0 && row->talk_baseline_seconds > 0)
		table_cell(table, 8, "%.2fx", row->talk_baseline_seconds / row->talk_seconds);
	else
		table_cell(table, 8, row->talk_seconds > 0 ? "1" : "-");
}

static void add_heads(struct table *table)
{
	table_row(table);
	table_cell(table, 3, "threads");
	table_cell(table, 4, "waiting");
	table_cell(table, 7, "talk's");
	table_cell(table, 8, "talk's");
	table_row(table);
	table_cell(table, 0, "model");
	table_cell(table, 1, "wall");
	table_cell(table, 2, "speedup");
	table_cell(table, 3, "running");
	table_cell(table, 4, "for a CPU");
	table_cell(table, 5, "waiting most for");
	table_cell(table, 6, "because");
	table_cell(table, 7, "time");
	table_cell(table, 8, "speedup");
	table->heads = 2;
}

static void say_details(struct page *page, const struct suite_row *row)
{
	if (!row->explanation)
		page_say(page, INK_BAD, 2, "%s: %s", row->name, row->error ? row->error : "not run");
	else
		report_troubles(page, row->explanation);
}

int report_suite(FILE *out, const struct suite_row *rows, size_t n_rows, const struct report_options *options)
{
	struct table table;
	struct page page;

	page_init(&page, out, options);
	for (size_t i = 0; i < n_rows; i++)
		say_details(&page, &rows[i]);
	table_init(&table, &page, 9);
	table.left[0] = table.left[5] = table.left[6] = true;
	table.elastic = 6;
	add_heads(&table);
	for (size_t i = 0; i < n_rows; i++)
		add_row(&table, &rows[i]);
	table_print(&table, 0);
	table_free(&table);
	page_say(&page, INK_FAINT, 0,
		 "speedup: over the naive model of its kind. running and waiting: mean number of threads at a time.");
	page_gap(&page);
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].comparison)
			page_say(&page, INK_PLAIN, 2, "%s", rows[i].comparison->headline);
	for (size_t i = 0; i < n_rows && page.all; i++)
		if (rows[i].explanation)
			report_checks(&page, rows[i].explanation);
	return page_result(&page);
}
