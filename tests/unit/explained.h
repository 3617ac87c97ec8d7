/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of explanations ask for. Includes come from the test: cmocka, explain/explain.h. */
#ifndef CONCPROF_TESTS_EXPLAINED_H
#define CONCPROF_TESTS_EXPLAINED_H

#define HELPER static __attribute__((unused))

HELPER struct explanation *explained_on(const struct run *run, unsigned int cpus)
{
	const struct explain_options options = {.cpus = cpus};
	struct explanation *explanation = NULL;

	assert_int_equal(explain_run(run, &options, &explanation), 0);
	return explanation;
}

HELPER void says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("not said: %s; but: %s", what, text);
}

HELPER void says_not(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("said: %s; in: %s", what, text);
}

HELPER const struct finding *finding_of(const struct explanation *explanation, const char *rule)
{
	for (size_t i = 0; i < explanation->n_findings; i++)
		if (!strcmp(explanation->findings[i].rule, rule))
			return &explanation->findings[i];
	return NULL;
}

#endif
