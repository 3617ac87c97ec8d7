/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "lib/text.h"
#include "report/internal.h"

#define WIDTH_LEAST 80

void page_init(struct page *page, FILE *out, const struct report_options *options)
{
	*page = (struct page){
	    .out = out,
	    .width = options->width ? options->width : REPORT_WIDTH_DEFAULT,
	    .colour = options->colour,
	    .all = options->all,
	};
	if (page->width < WIDTH_LEAST)
		page->width = WIDTH_LEAST;
}

int page_result(const struct page *page)
{
	if (page->failed)
		return -ENOMEM;
	return fflush(page->out) || ferror(page->out) ? -EIO : 0;
}

const char *report_label(char label[LABEL_BYTES], enum state state, const char *cause)
{
	const char *name = state_info[state].name;

	if (state == STATE_RUN_QUEUE)
		snprintf(label, LABEL_BYTES, "for a CPU");
	else if (state_info[state].group == STATE_GROUP_CPU)
		snprintf(label, LABEL_BYTES, "CPU, %s", name);
	else if (!cause[0] || !strcmp(name, cause))
		snprintf(label, LABEL_BYTES, "%s", name);
	else
		snprintf(label, LABEL_BYTES, state == STATE_LOCK ? "%s \"%s\"" : "%s %s", name, cause);
	return label;
}

int report_runs(FILE *out, const struct explanation *before, const struct explanation *after, const struct comparison *comparison,
		const struct report_options *options)
{
	struct page page;

	page_init(&page, out, options);
	if (before)
		report_troubles(&page, before);
	report_troubles(&page, after);
	page_say(&page, INK_BOLD, 0, "%s", comparison ? comparison->headline : after->headline);
	page_gap(&page);
	report_overview(&page, before, after);
	if (comparison && !comparison->refused)
		report_difference(&page, comparison);
	report_findings(&page, after);
	if (before && page.all)
		report_threads(&page, before);
	report_threads(&page, after);
	page_gap(&page);
	if (before)
		report_checks(&page, before);
	report_checks(&page, after);
	report_tax(&page, after);
	return page_result(&page);
}
