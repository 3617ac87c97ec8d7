/* SPDX-License-Identifier: Apache-2.0 */
/* suite: every model, one table, beside the talk's own figures. */
#include <errno.h>
#include <unistd.h>

#include "cmd/model_run.h"
#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "report/report.h"

struct arguments {
	struct output_options output;
	struct trace_options trace;
	struct model_run_options model;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->model;
		state->child_inputs[1] = &arguments->trace;
		state->child_inputs[2] = &arguments->output;
		state->child_inputs[3] = &arguments->output;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Index of the model of that name in the table, which is also the order of runs. */
static size_t index_of(const char *name)
{
	size_t i = 0;

	while (models[i] && strcmp(models[i]->name, name) != 0)
		i++;
	return i;
}

static int measure_all(struct session *session, const struct arguments *arguments)
{
	char error[TRACE_ERROR_BYTES] = "";
	int status = 0;

	for (size_t i = 0; models[i] && !status; i++) {
		struct run *run;

		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r\033[K%s ...", models[i]->name);
		if (model_run(models[i], &arguments->model, &arguments->trace, &run, error)) {
			fprintf(stderr, "concprof: %s\n", error);
			return STATUS_FAILED;
		}
		if (run->failure && run->interrupted)
			status = run->exit_status;
		status = session_add(session, run) ? STATUS_FAILED : status;
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	return status;
}

static int print_table(struct session *session)
{
	struct report_options options = session_report_options(session, stdout);
	struct suite_row rows[SESSION_RUNS_MAX] = {};
	int status = 0;

	for (size_t i = 0; i < session->n_runs; i++) {
		const struct model *model = models[i];

		rows[i].name = model->name;
		rows[i].stands_for = model->stands_for;
		rows[i].talk_seconds = model->talk_seconds;
		if (session->runs[i]->failure) {
			rows[i].error = session->runs[i]->failure;
			status = STATUS_FAILED;
			continue;
		}
		rows[i].explanation = session->explanations[i];
		if (model->baseline) {
			size_t baseline = index_of(model->baseline);

			rows[i].comparison = session_compare(session, baseline, i);
			rows[i].talk_baseline_seconds = models[baseline]->talk_seconds;
		}
	}
	if (session->output->json && strcmp(session->output->json, "-") == 0)
		return status;
	if (report_suite(stdout, rows, session->n_runs, &options) || fflush(stdout)) {
		fprintf(stderr, "concprof: cannot print the table\n");
		return STATUS_FAILED;
	}
	return status;
}

static int suite(int argc, char **argv)
{
	static const struct argp_child children[] = {
	    {&model_argp, 0, NULL, 0}, {&measure_argp, 0, NULL, 0}, {&record_argp, 0, NULL, 0}, {&view_argp, 0, NULL, 0}, {0},
	};
	static const struct argp argp = {.parser = parse,
					 .children = children,
					 .doc = "Runs every model and prints the talk's table, measured and explained."};
	struct arguments arguments = {.model = {.uses = ~0u, .delay_us = CAT_SERVER_DELAY_US_DEFAULT}};
	char error[TRACE_ERROR_BYTES] = "";
	struct session session;
	struct cats cats;
	int status, written;

	model_params_default(&arguments.model.params);
	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (trace_allowed(error) || cats_start(&cats, &arguments.model, error, sizeof(error))) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	status = session_begin(&session, &arguments.output);
	if (!status)
		status = measure_all(&session, &arguments);
	cats_stop(&cats);
	if (!status)
		status = session_explain(&session);
	if (!status) {
		status = print_table(&session);
		written = session_write_json(&session);
		status = written ? written : status;
	}
	session_end(&session);
	return status;
}

const struct verb verb_suite = {
    .name = "suite", .arguments = "[options]", .gloss = "every model: the talk's table, measured and explained", .run = suite};
