/* SPDX-License-Identifier: Apache-2.0 */
/* Why this run is faster or slower than that one, item by item; each item's bar is its difference, to the left what became less. */
#include "export/html.h"
#include "export/xml.h"
#include "lib/text.h"

#define ITEMS_LISTED 100 /* on each side; the rest is summed, so that the lines add up */

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static void put_bar(struct html_page *page, const struct difference *item, uint64_t largest_ns)
{
	double width = largest_ns ? 50.0 * distance(item->before_ns, item->after_ns) / largest_ns : 0;

	fprintf(page->out,
		"<td class=\"share\"><svg class=\"bar\" width=\"100%%\" height=\"14\" aria-hidden=\"true\">"
		"<rect x=\"%.3f%%\" width=\"%.3f%%\" height=\"14\" fill=\"url(#h%d)\"/>"
		"<rect class=\"axis\" x=\"50%%\" width=\"1\" height=\"14\"/></svg></td>",
		item->after_ns < item->before_ns ? 50 - width : 50, width, item->state);
}

void html_difference_cells(struct html_page *page, uint64_t before_ns, uint64_t after_ns)
{
	html_time_cell(page, before_ns);
	html_time_cell(page, after_ns);
	if (before_ns == after_ns)
		html_cell(page, "n", "0");
	else
		html_cell(page, "n", "%c%s", after_ns > before_ns ? '+' : '-', FIGURE_NS(distance(before_ns, after_ns)));
}

static void put_item(struct html_page *page, const struct difference *item, uint64_t largest_ns)
{
	fputs("<tr><th scope=\"row\">", page->out);
	html_swatch(page->out, item->state);
	html_say(page, "%s%s", item->joining ? "joining: " : "", HTML_LABEL(item->state, item->cause));
	fputs("</th>", page->out);
	html_difference_cells(page, item->before_ns, item->after_ns);
	put_bar(page, item, largest_ns);
	fputs("</tr>\n", page->out);
}

static void put_sum(struct html_page *page, const char *label, uint64_t before_ns, uint64_t after_ns)
{
	fputs("<tr class=\"sum\"><th scope=\"row\">", page->out);
	html_say(page, "%s", label);
	fputs("</th>", page->out);
	html_difference_cells(page, before_ns, after_ns);
	fputs("<td></td></tr>\n", page->out);
}

static void put_items(struct html_page *page, bool progress, uint64_t largest_ns)
{
	const struct comparison *comparison = page->comparison;
	uint64_t before_ns = 0, after_ns = 0;
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < comparison->n_items; i++) {
		const struct difference *item = &comparison->items[i];

		if (item->progress != progress)
			continue;
		if (shown++ < ITEMS_LISTED) {
			put_item(page, item, largest_ns);
			continue;
		}
		left++;
		before_ns += item->before_ns;
		after_ns += item->after_ns;
	}
	if (left) {
		char label[FIGURE_BYTES];

		snprintf(label, sizeof(label), "%zu more", left);
		put_sum(page, label, before_ns, after_ns);
	}
}

static void put_table(struct html_page *page)
{
	const struct comparison *comparison = page->comparison;
	bool same = !strcmp(comparison->before->run->name, comparison->after->run->name);
	const char *names[] = {same ? "before" : comparison->before->run->name, same ? "after" : comparison->after->run->name};
	uint64_t largest_ns = 0;

	for (size_t i = 0; i < comparison->n_items; i++) {
		uint64_t ns = distance(comparison->items[i].before_ns, comparison->items[i].after_ns);

		largest_ns = ns > largest_ns ? ns : largest_ns;
	}
	fputs("<div class=\"scroll\"><table id=\"difference-table\"><thead><tr><th scope=\"col\">summed over threads</th>",
	      page->out);
	for (size_t i = 0; i < 2; i++) {
		fputs("<th scope=\"col\" class=\"n\">", page->out);
		html_say(page, "%s", names[i]);
		fputs("</th>", page->out);
	}
	fputs("<th scope=\"col\" class=\"n\">difference</th><th scope=\"col\" class=\"mid\">less &#8592; &#8594; "
	      "more</th></tr></thead><tbody>\n",
	      page->out);
	put_items(page, true, largest_ns);
	put_sum(page, "= progress", comparison->before->progress_ns, comparison->after->progress_ns);
	fputs("</tbody><tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"5\">beside it, waiting for each "
	      "other</th></tr>\n",
	      page->out);
	put_items(page, false, largest_ns);
	fputs("</tbody></table></div>\n", page->out);
}

void html_put_difference(struct html_page *page)
{
	const struct comparison *comparison = page->comparison;

	if (!comparison)
		return;
	fputs("<section id=\"difference\" aria-labelledby=\"difference-head\">\n<h2 id=\"difference-head\">", page->out);
	html_say(page, "%s beside %s", HTML_RUN_NAME(page, page->input->n_runs - 1), HTML_RUN_NAME(page, 0));
	fputs("</h2>\n<p>", page->out);
	if (comparison->refused) {
		html_say(page, "%s", comparison->refused);
		fputs("</p>\n</section>\n", page->out);
		return;
	}
	html_say(page, "speedup %s = progress %s%s%s%s x overlap %s (%s)", FIGURE_RATIO(comparison->speedup),
		 FIGURE_RATIO(comparison->progress_ratio), comparison->progress_reason[0] ? " (" : "",
		 comparison->progress_reason, comparison->progress_reason[0] ? ")" : "", FIGURE_RATIO(comparison->overlap_ratio),
		 comparison->overlap_reason);
	fputs("</p>\n", page->out);
	put_table(page);
	html_put_path_difference(page);
	fputs("</section>\n", page->out);
}
