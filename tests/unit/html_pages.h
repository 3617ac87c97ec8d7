/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the page share: it, as the exporter writes it. Includes come from the test: cmocka. */
#ifndef CONCPROF_TESTS_HTML_PAGES_H
#define CONCPROF_TESTS_HTML_PAGES_H

#include "html_fixture.h"

BUILDER size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

BUILDER void holds_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s", part);
}

BUILDER int write_to(FILE *out, const struct run *before, const struct run *after)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	static const struct explain_options rules = {.cpus = 2};
	struct explanation *explanations[2] = {NULL};
	struct comparison *comparison = NULL;
	struct export_input input = {.host = &host,
				     .runs = (const struct explanation *const *)explanations + !before,
				     .n_runs = !!before + !!after,
				     .comparisons = (const struct comparison *const *)&comparison,
				     .n_comparisons = before && after};
	int err;

	if (before)
		assert_int_equal(explain_run(before, &rules, &explanations[0]), 0);
	if (after)
		assert_int_equal(explain_run(after, &rules, &explanations[1]), 0);
	if (before && after)
		assert_int_equal(explain_difference(explanations[0], explanations[1], &comparison), 0);
	err = exporter_html.write(out, &input);
	comparison_free(comparison);
	explanation_free(explanations[0]);
	explanation_free(explanations[1]);
	return err;
}

__attribute__((noinline)) BUILDER char *page_of(const struct run *before, const struct run *after)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(write_to(out, before, after), 0);
	fclose(out);
	return text;
}

#endif
