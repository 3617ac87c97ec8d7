/* SPDX-License-Identifier: Apache-2.0 */
/* compare: the difference between two recordings, as between a model and its baseline. */
#include <errno.h>

#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "report/report.h"

struct arguments {
	struct output_options output;
	const char *files[2];
	int count;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->output;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->count == 2)
			argp_error(state, "more than two recordings: '%s'", argument);
		arguments->files[arguments->count++] = argument;
		return 0;
	case ARGP_KEY_END:
		if (arguments->count < 2)
			argp_error(state, "which two recordings? (concprof MODEL -o FILE makes one)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The last run of a recording is the one it was made for. */
static const struct explanation *last_run(const struct session *session, const char *file)
{
	if (session->n_runs)
		return session->explanations[session->n_runs - 1];
	fprintf(stderr, "concprof: %s holds no run\n", file);
	return NULL;
}

static int compare_sessions(struct session *before, struct session *after, const struct arguments *arguments)
{
	const struct explanation *a = last_run(before, arguments->files[0]), *b = last_run(after, arguments->files[1]);
	struct report_options options = session_report_options(after, stdout);
	struct comparison *comparison = NULL;
	int err;

	if (!a || !b)
		return STATUS_FAILED;
	err = explain_difference(a, b, &comparison);
	if (!err && comparison->refused) {
		fprintf(stderr, "concprof: %s\n", comparison->refused);
		comparison_free(comparison);
		return STATUS_FAILED;
	}
	if (!err)
		err = report_runs(stdout, a, b, comparison, &options);
	if (!err && fflush(stdout))
		err = -errno;
	comparison_free(comparison);
	if (err)
		fprintf(stderr, "concprof: cannot compare: %s\n", strerror(-err));
	return err ? STATUS_FAILED : STATUS_OK;
}

static int compare(int argc, char **argv)
{
	static const struct argp_child children[] = {{&rules_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .parser = parse,
	    .args_doc = "BEFORE AFTER",
	    .children = children,
	    .doc = "Explains why one recorded run took longer or shorter than another. Needs no privileges."};
	struct arguments arguments = {};
	struct session before = {}, after = {};
	int status;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	status = session_load(&before, &arguments.output, arguments.files[0]);
	if (!status)
		status = session_load(&after, &arguments.output, arguments.files[1]);
	if (!status)
		status = compare_sessions(&before, &after, &arguments);
	session_end(&before);
	session_end(&after);
	return status;
}

const struct verb verb_compare = {
    .name = "compare", .arguments = "BEFORE AFTER", .gloss = "explain the difference between two recordings", .run = compare};
