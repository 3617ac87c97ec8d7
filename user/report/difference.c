/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/text.h"
#include "report/internal.h"

#define ITEMS_SHOWN    6
#define FINDINGS_SHOWN 3
#define NAME_SHOWN     20 /* of a run, at the head of a column */

const char *report_signed(char buffer[FIGURE_BYTES + 1], uint64_t before_ns, uint64_t after_ns)
{
	char figure[FIGURE_BYTES];

	if (before_ns == after_ns)
		return "0";
	figure_ns(figure, after_ns > before_ns ? after_ns - before_ns : before_ns - after_ns);
	snprintf(buffer, FIGURE_BYTES + 1, "%c%s", after_ns > before_ns ? '+' : '-', figure);
	return buffer;
}

static void add_line(struct table *table, const char *label, uint64_t before_ns, uint64_t after_ns)
{
	char difference[FIGURE_BYTES + 1];

	table_row(table);
	table_cell(table, 0, "%s", label);
	report_duration_cell(table, 1, before_ns);
	report_duration_cell(table, 2, after_ns);
	table_cell(table, 3, "%s", report_signed(difference, before_ns, after_ns));
}

static void item_label(char label[CAUSE_LABEL_BYTES], const struct difference *item)
{
	if (item->state == STATE_RUN_QUEUE)
		snprintf(label, CAUSE_LABEL_BYTES, "for a CPU, %s", item->cause);
	else if (state_info[item->state].group == STATE_GROUP_CPU)
		snprintf(label, CAUSE_LABEL_BYTES, "on CPU, %s", state_info[item->state].name);
	else
		cause_label(label, item->state, item->cause);
}

/* The items that count (or do not count) as progress; those that are not shown are summed, so that the lines add up. */
static void add_items(struct table *table, const struct comparison *comparison, bool progress)
{
	size_t most = table->page->all ? SIZE_MAX : ITEMS_SHOWN, shown = 0, rest = 0;
	uint64_t before_ns = 0, after_ns = 0;
	char label[CAUSE_LABEL_BYTES];

	for (size_t i = 0; i < comparison->n_items; i++) {
		const struct difference *item = &comparison->items[i];

		if (item->progress != progress)
			continue;
		if (shown++ < most) {
			item_label(label, item);
			add_line(table, label, item->before_ns, item->after_ns);
			if (item->joining)
				table_cell(table, 4, "(main, joining)");
			continue;
		}
		rest++;
		before_ns += item->before_ns;
		after_ns += item->after_ns;
	}
	if (rest) {
		snprintf(label, sizeof(label), "%zu more", rest);
		add_line(table, label, before_ns, after_ns);
	}
}

static void heading(struct table *table, const char *what, const struct comparison *comparison)
{
	bool same = comparison && !strncmp(comparison->before->run->name, comparison->after->run->name, NAME_SHOWN);

	table_row(table);
	table_cell(table, 0, "%s", what);
	if (!comparison)
		return;
	table_cell(table, 1, "%.*s", NAME_SHOWN, same ? "before" : comparison->before->run->name);
	table_cell(table, 2, "%.*s", NAME_SHOWN, same ? "after" : comparison->after->run->name);
	table_cell(table, 3, "difference");
}

void report_difference(struct page *page, const struct comparison *comparison)
{
	struct table table;

	page_gap(page);
	page_say(page, INK_PLAIN, 8, "%s %s = progress %s%s%s%s x overlap %s (%s)", report_ratio_word(comparison),
		 FIGURE_RATIO(comparison->speedup), FIGURE_RATIO(comparison->progress_ratio),
		 comparison->progress_reason[0] ? " (" : "", comparison->progress_reason,
		 comparison->progress_reason[0] ? ")" : "", FIGURE_RATIO(comparison->overlap_ratio), comparison->overlap_reason);
	page_gap(page);
	table_init(&table, page, 5);
	table.left[0] = table.left[4] = true;
	table.elastic = 0;
	heading(&table, "the difference, summed over threads", comparison);
	add_items(&table, comparison, true);
	add_line(&table, "= progress", comparison->before->progress_ns, comparison->after->progress_ns);
	heading(&table, "beside it, waiting for each other:", NULL);
	add_items(&table, comparison, false);
	table_print(&table, 0);
	table_free(&table);
}

void report_findings(struct page *page, const struct explanation *explanation)
{
	size_t most = page->all ? SIZE_MAX : FINDINGS_SHOWN, shown = 0;

	for (size_t i = 0; i < explanation->n_findings && shown < most; i++) {
		/* Told at the very top, in more detail. */
		if (!strcmp(explanation->findings[i].rule, FINDING_LOSSES))
			continue;
		if (!shown++)
			page_gap(page);
		page_say(page, INK_PLAIN, 2, "* %s", explanation->findings[i].sentence);
		if (explanation->findings[i].try_next[0])
			page_say(page, INK_FAINT, 7, "  try: %s", explanation->findings[i].try_next);
	}
}
