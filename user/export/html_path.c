/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path: what the wall time consists of, and whose waits it went over. Its segments are data, for a line along the lanes. */
#include "explain/path.h"
#include "export/html.h"
#include "export/html_packed.h"
#include "lib/text.h"

#define ROWS_LISTED    12
#define THROUGH_LISTED 6

static void put_share(struct html_page *page, uint64_t ns, uint64_t wall_ns, enum state state)
{
	fprintf(page->out,
		"<td class=\"share\"><svg class=\"bar\" width=\"100%%\" height=\"14\" role=\"img\" aria-label=\"%.1f%%\">"
		"<rect width=\"%.3f%%\" height=\"14\" fill=\"url(#h%d)\"/></svg></td>",
		100.0 * ns / wall_ns, 100.0 * ns / wall_ns, state);
}

static void put_threads(struct html_page *page, const struct path_row *row)
{
	if (!row->thread)
		html_cell(page, "none", "-");
	else if (row->n_threads < 2)
		html_cell(page, NULL, "%s", THREAD_LABEL(row->thread));
	else if (row->alike)
		html_cell(page, NULL, "%zu x %s", row->n_threads, row->thread->comm);
	else
		html_cell(page, NULL, "%s and %zu more", THREAD_LABEL(row->thread), row->n_threads - 1);
}

static void put_row(struct html_page *page, const struct path *path, const struct path_row *row)
{
	fputs("<tr><th scope=\"row\">", page->out);
	html_swatch(page->out, row->state);
	html_say(page, "%s", HTML_LABEL(row->state, row->cause));
	fputs("</th><td><code>", page->out);
	html_say(page, "%s", row->function);
	fputs("</code></td>", page->out);
	html_time_cell(page, row->ns);
	html_cell(page, "n", "%.0f%%", 100.0 * row->ns / path->wall_ns);
	put_share(page, row->ns, path->wall_ns, row->state);
	put_threads(page, row);
	fputs("</tr>\n", page->out);
}

/* The last line takes the rest, so that the column sums to the wall time. */
static void put_rows(struct html_page *page, const struct path *path)
{
	uint64_t rest_ns = 0;

	for (size_t i = 0; i < path->n_rows; i++) {
		if (i < ROWS_LISTED)
			put_row(page, path, &path->rows[i]);
		else
			rest_ns += path->rows[i].ns;
	}
	if (path->n_rows <= ROWS_LISTED)
		return;
	fputs("<tr><th scope=\"row\">", page->out);
	html_say(page, "%zu more", path->n_rows - ROWS_LISTED);
	fputs("</th><td></td>", page->out);
	html_time_cell(page, rest_ns);
	html_cell(page, "n", "%.0f%%", 100.0 * rest_ns / path->wall_ns);
	fputs("<td></td><td></td></tr>\n", page->out);
}

static void put_through(struct html_page *page, const struct path *path)
{
	size_t said = 0;

	for (size_t i = 0; i < path->n_through && said < THROUGH_LISTED; i++) {
		const struct path_through *through = &path->through[i];

		if (!through->count)
			continue;
		fputs(said++ ? "; " : "<p>It went from who waited to who ended the wait: ", page->out);
		html_say(page, "%s (%s time%s, %s", HTML_LABEL(through->state, through->cause), FIGURE_COUNT(through->count),
			 through->count == 1 ? "" : "s", FIGURE_NS(through->ns));
		if (through->handovers)
			html_say(page, "; then for a CPU %s", FIGURE_NS(through->handover_ns));
		html_say(page, ")");
	}
	fputs(said ? ".</p>\n" : "", page->out);
}

void html_put_path(struct html_page *page)
{
	const struct path *path = page->shown->path;

	if (!path)
		return;
	fputs("<section id=\"path\" aria-labelledby=\"path-head\">\n<h2 id=\"path-head\">The critical path<small>from the end "
	      "back to whoever "
	      "the others waited for: what is not on it can shrink without making the run shorter</small></h2>\n<p>",
	      page->out);
	html_say(page, "The critical path, %s.", path->sentence);
	fputs("</p>\n<div class=\"scroll\"><table id=\"path-table\"><thead><tr><th scope=\"col\">on the path</th><th "
	      "scope=\"col\">in</th>"
	      "<th scope=\"col\" class=\"n\">time</th><th scope=\"col\" class=\"n\">share</th><th scope=\"col\"></th>"
	      "<th scope=\"col\">of</th></tr></thead><tbody>\n",
	      page->out);
	put_rows(page, path);
	fputs("</tbody></table></div>\n", page->out);
	put_through(page, path);
	fputs("</section>\n", page->out);
}

/* --- the difference of two --- */

static void put_item(struct html_page *page, const struct path_difference *item)
{
	fputs("<tr><th scope=\"row\">", page->out);
	html_swatch(page->out, item->state);
	html_say(page, "%s", HTML_LABEL(item->state, item->cause));
	fputs("</th><td><code>", page->out);
	html_say(page, "%s", item->function);
	fputs("</code></td>", page->out);
	html_difference_cells(page, item->before_ns, item->after_ns);
	fputs("</tr>\n", page->out);
}

static void put_rest(struct html_page *page, const struct comparison *comparison)
{
	uint64_t before_ns = 0, after_ns = 0;

	if (comparison->n_path_items <= ROWS_LISTED)
		return;
	for (size_t i = ROWS_LISTED; i < comparison->n_path_items; i++) {
		before_ns += comparison->path_items[i].before_ns;
		after_ns += comparison->path_items[i].after_ns;
	}
	fputs("<tr><th scope=\"row\">", page->out);
	html_say(page, "%zu more", comparison->n_path_items - ROWS_LISTED);
	fputs("</th><td></td>", page->out);
	html_difference_cells(page, before_ns, after_ns);
	fputs("</tr>\n", page->out);
}

void html_put_path_difference(struct html_page *page)
{
	const struct comparison *comparison = page->comparison;

	if (!comparison || comparison->refused || !comparison->n_path_items)
		return;
	fputs("<h3>Along the critical path</h3>\n<div class=\"scroll\"><table id=\"path-difference\"><thead><tr><th "
	      "scope=\"col\">wall time</th>"
	      "<th scope=\"col\">in</th><th scope=\"col\" class=\"n\">before</th><th scope=\"col\" class=\"n\">after</th>"
	      "<th scope=\"col\" class=\"n\">difference</th></tr></thead><tbody>\n",
	      page->out);
	for (size_t i = 0; i < comparison->n_path_items && i < ROWS_LISTED; i++)
		put_item(page, &comparison->path_items[i]);
	put_rest(page, comparison);
	fputs("<tr class=\"sum\"><th scope=\"row\">= wall time</th><td></td>", page->out);
	html_difference_cells(page, comparison->before->wall_ns, comparison->after->wall_ns);
	fputs("</tr>\n</tbody></table></div>\n", page->out);
}

void html_put_path_data(FILE *out, const struct explanation *explanation, size_t number)
{
	const struct path *path = explanation->path;
	struct packed packed;

	if (!path)
		return;
	packed = packed_begin(out, "path", number);
	packed_number(&packed, path->n_segments);
	for (size_t i = 0; i < path->n_segments; i++) {
		const struct path_segment *segment = &path->segments[i];

		packed_number(&packed, segment->thread ? segment->thread - explanation->run->threads + 1 : 0);
		packed_number(&packed, segment->end_ns - segment->begin_ns);
	}
	packed_end(&packed);
}
