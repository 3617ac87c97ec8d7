/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/repeats.h"
#include "lib/text.h"
#include "report/internal.h"

const char *report_ratio_word(const struct comparison *comparison)
{
	return comparison->repeats && comparison->repeats->verdict == SPREAD_NOISE ? "ratio of the two" : "speedup";
}

static void heading(struct table *table)
{
	static const char *const words[] = {"", "runs", "median", "spread", "interval of the median"};

	table_row(table);
	for (size_t i = 0; i < table->columns; i++)
		table_cell(table, i, "%s", words[i]);
}

static void add_line(struct table *table, const char *name, const struct spread *spread)
{
	table_row(table);
	table_cell(table, 0, "%s", name);
	table_cell(table, 1, "%zu", spread->n);
	table_cell(table, 2, "%s", FIGURE_NS(spread->median_ns));
	table_cell(table, 3, "%s .. %s", FIGURE_NS(spread->min_ns), FIGURE_NS(spread->max_ns));
	table_cell(table, 4, "%s .. %s (%.0f%%)", FIGURE_NS(spread->low_ns), FIGURE_NS(spread->high_ns), 100 * spread->coverage);
}

void report_repeats(struct page *page, const struct comparison *comparison)
{
	const struct repeats *repeats = comparison->repeats;
	char name[NAME_BYTES];
	struct table table;

	if (!repeats || (repeats->before.n == 1 && repeats->after.n == 1))
		return;
	page_gap(page);
	table_init(&table, page, 5);
	table.left[0] = true;
	table.elastic = 0;
	table.heads = 1;
	heading(&table);
	add_line(&table, report_name(name, comparison->before, comparison->after, false), &repeats->before);
	add_line(&table, report_name(name, comparison->after, comparison->before, true), &repeats->after);
	table_print(&table, 0);
	table_free(&table);
	page_say(page, INK_FAINT, 0, "What follows is of the run of each that is nearest to its median.");
}
