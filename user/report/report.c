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

int page_result(struct page *page)
{
	if (page->failed)
		return -ENOMEM;
	if (!page->err && (fflush(page->out) || ferror(page->out)))
		page->err = errno ? -errno : -EIO;
	return page->err;
}

const char *report_name(char name[NAME_BYTES], const struct explanation *run, const struct explanation *other, bool after)
{
	bool same = other && !strcmp(run->run->name, other->run->name);

	snprintf(name, NAME_BYTES, "%.60s%s", run->run->name, !same ? "" : after ? " (after)" : " (before)");
	return name;
}

/* Of one run: who was busy, what the others waited for and why, what computed; then what stands out. */
static void report_alone(struct page *page, const struct explanation *run)
{
	report_cgroups(page, run);
	report_processes(page, run);
	report_threads(page, run);
	report_causes(page, run);
	report_functions(page, run);
	report_path(page, run);
	report_findings(page, run);
}

/* Of two: the difference first; its table has the causes already. */
static void report_both(struct page *page, const struct explanation *before, const struct explanation *after,
			const struct comparison *comparison)
{
	if (!comparison->refused) {
		report_difference(page, comparison);
		report_path_difference(page, comparison);
	}
	report_findings(page, after);
	if (page->all)
		report_threads(page, before);
	report_threads(page, after);
	if (!page->all)
		return;
	report_causes(page, after);
	report_functions(page, after);
	report_path(page, after);
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
	if (comparison)
		report_repeats(&page, comparison);
	page_gap(&page);
	report_overview(&page, before, after);
	if (comparison)
		report_both(&page, before, after, comparison);
	else
		report_alone(&page, after);
	page_gap(&page);
	if (before)
		report_checks(&page, before);
	report_checks(&page, after);
	report_stacks(&page, after);
	if (before)
		report_without_path(&page, before);
	report_without_path(&page, after);
	report_tax(&page, after);
	return page_result(&page);
}
