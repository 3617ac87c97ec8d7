/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"
#include "report/internal.h"

#define FUNCTIONS_SHOWN    5
#define FUNCTIONS_LISTED   40 /* with --all */
#define SHARE_WORTH_SAYING 0.01

static void add_function(struct table *table, const struct hot_function *hot, uint64_t cpu_ns)
{
	table_row(table);
	table_cell(table, 0, "%s%s", hot->function[0] ? hot->function : "(no symbols)", hot->kernel ? " [kernel]" : "");
	table_cell(table, 1, "%s", hot->kernel ? "" : hot->object);
	table_cell(table, 2, "%s", FIGURE_NS(hot->self_ns));
	table_cell(table, 3, "%.0f%%", 100.0 * hot->self_ns / cpu_ns);
	table_cell(table, 4, "%s", FIGURE_COUNT(hot->samples));
}

void report_functions(struct page *page, const struct explanation *explanation)
{
	size_t most = page->all ? FUNCTIONS_LISTED : FUNCTIONS_SHOWN;
	struct table table;

	if (!explanation->samples || !explanation->cpu_ns)
		return;
	page_gap(page);
	table_init(&table, page, 5);
	table.left[0] = table.left[1] = true;
	table.elastic = 0;
	table_row(&table);
	table_cell(&table, 0, "on a CPU in (own time, sampled at %u Hz)", (unsigned int)explanation->run->sample_hz);
	table_cell(&table, 2, "time");
	table_cell(&table, 3, "share");
	table_cell(&table, 4, "samples");
	for (size_t i = 0; i < explanation->n_hot && i < most; i++)
		if (page->all || !i || explanation->hot[i].self_ns >= SHARE_WORTH_SAYING * explanation->cpu_ns)
			add_function(&table, &explanation->hot[i], explanation->cpu_ns);
	table_print(&table, 0);
	table_free(&table);
}
