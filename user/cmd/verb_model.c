/* SPDX-License-Identifier: Apache-2.0 */
/* A model and its baseline, measured and compared. */
#include <errno.h>

#include "cmd/model_run.h"
#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "lib/cleanup.h"

struct arguments {
	struct output_options output;
	struct trace_options trace;
	struct model_run_options model;
	bool no_baseline, untraced;
};

enum { KEY_NO_BASELINE = 0x80, KEY_UNTRACED };

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
	case KEY_NO_BASELINE:
		arguments->no_baseline = true;
		return 0;
	case KEY_UNTRACED:
		arguments->untraced = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run_untraced(const struct model *model, const struct model_run_options *options)
{
	_cleanup_free_ char *failure = NULL;
	char error[TRACE_ERROR_BYTES] = "";
	uint64_t wall_ns;

	if (model_run_untraced(model, options, &wall_ns, &failure, error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	if (failure) {
		fprintf(stderr, "concprof: %s failed: %s\n", model->name, failure);
		return STATUS_FAILED;
	}
	printf("%s %.6f s\n", model->name, wall_ns / 1e9);
	return STATUS_OK;
}

static int run_traced(const struct model *model, struct arguments *arguments, const char *baseline)
{
	const struct model *order[2] = {baseline ? model_find(baseline) : NULL, model};
	char error[TRACE_ERROR_BYTES] = "";
	struct session session;
	int status = session_begin(&session, &arguments->output);

	for (int i = 0; i < 2 && !status; i++) {
		struct run *run;

		if (!order[i])
			continue;
		if (model_run(order[i], &arguments->model, &arguments->trace, &run, error)) {
			fprintf(stderr, "concprof: %s\n", error);
			status = STATUS_FAILED;
			break;
		}
		if (run->failure)
			fprintf(stderr, "concprof: %s failed: %s\n", order[i]->name, run->failure);
		status = session_add(&session, run);
	}
	if (!status)
		status = session_explain(&session);
	if (!status)
		status = session_report(&session, stdout);
	if (!status)
		status = session_write_json(&session);
	for (size_t i = 0; i < session.n_runs && !status; i++) {
		if (session.runs[i]->failure)
			status = session.runs[i]->interrupted ? session.runs[i]->exit_status : STATUS_FAILED;
	}
	session_end(&session);
	return status;
}

int run_model_verb(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {"no-baseline", KEY_NO_BASELINE, NULL, 0, "leave out the run of the baseline and the comparison", 0},
	    {"untraced", KEY_UNTRACED, NULL, 0, "only run and time the model: nothing is measured, no privileges are needed", 0},
	    {0},
	};
	static const struct argp_child children[] = {
	    {&model_argp, 0, NULL, 0}, {&measure_argp, 0, NULL, 0}, {&record_argp, 0, NULL, 0}, {&view_argp, 0, NULL, 0}, {0},
	};
	static const struct argp argp = {.parser = parse,
					 .options = options,
					 .children = children,
					 .doc = "Runs a built-in model and its baseline, and explains the difference."};
	const struct model *model = model_find(argv[0]);
	struct arguments arguments = {.model = {.uses = model->uses, .delay_us = CAT_SERVER_DELAY_US_DEFAULT}};
	char error[TRACE_ERROR_BYTES] = "";
	struct cats cats;
	int status;

	/* The baseline is run with the same parameters. */
	if (model->baseline)
		arguments.model.uses |= model_find(model->baseline)->uses;
	model_params_default(&arguments.model.params);
	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.untraced && trace_allowed(error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	if (cats_start(&cats, &arguments.model, error, sizeof(error))) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	if (arguments.untraced)
		status = run_untraced(model, &arguments.model);
	else
		status = run_traced(model, &arguments, arguments.no_baseline ? NULL : model->baseline);
	cats_stop(&cats);
	return status;
}
