/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/choose_run.h"

#include <unistd.h>

#include "cmd/verbs.h"

int choose_run(const struct session *session, const char *wanted, const char *what, size_t *ret)
{
	unsigned long number;
	char *end;

	for (size_t i = session->n_runs; i > 0; i--)
		if (!strcmp(session->runs[i - 1]->name, wanted)) {
			*ret = i - 1;
			return STATUS_OK;
		}
	number = strtoul(wanted, &end, 10);
	for (size_t i = 0; *wanted && !*end && i < session->n_runs; i++)
		if (number == (unsigned long)session->number[i]) {
			*ret = i;
			return STATUS_OK;
		}
	fprintf(stderr, "concprof: %s: '%s' is none of the recording's:", what, wanted);
	for (size_t i = 0; i < session->n_runs; i++)
		fprintf(stderr, " %d (%s)", session->number[i], session->runs[i]->name);
	fprintf(stderr, "\n");
	return STATUS_FAILED;
}

const char *choose_file(const char *text, char **file)
{
	*file = strdup(text);
	if (!*file || !access(text, F_OK))
		return NULL;
	for (char *colon = *file; (colon = strchr(colon, ':')); colon++) {
		*colon = '\0';
		if (**file && !access(*file, F_OK))
			return text + (colon - *file) + 1;
		*colon = ':';
	}
	return NULL;
}
