/* SPDX-License-Identifier: Apache-2.0 */
#include "report/prediction.h"

#include "report/internal.h"

int report_prediction(FILE *out, const struct prediction *prediction, const struct report_options *options)
{
	struct page page;

	page_init(&page, out, options);
	page_say(&page, INK_BOLD, 0, "%s", prediction->headline);
	page_say(&page, prediction->doubtful ? INK_BAD : INK_PLAIN, 0, "%s", prediction->calibration);
	page_say(&page, INK_PLAIN, 0, "%s", prediction->limit);
	page_gap(&page);
	page_say(&page, INK_FAINT, 0, "Assumed:");
	for (char *const *assumption = prediction->assumptions; *assumption; assumption++)
		page_say(&page, INK_FAINT, 4, "  - %s", *assumption);
	return page_result(&page);
}
