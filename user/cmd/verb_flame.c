/* SPDX-License-Identifier: Apache-2.0 */
/* flame: run a command, and draw where its time went. */
#include <errno.h>
#include <libgen.h>

#include "cmd/output_file.h"
#include "cmd/session.h"
#include "cmd/stack_options.h"
#include "cmd/verbs.h"

#define FLAME_FILE "flame.svg"

struct arguments {
	struct output_options output;
	struct stack_options stacks;
	struct trace_options trace;
	const char *to;
	char **command;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		arguments->stacks.output = &arguments->output;
		state->child_inputs[0] = &arguments->trace;
		state->child_inputs[1] = &arguments->trace;
		state->child_inputs[2] = &arguments->stacks;
		return 0;
	case 'o':
		arguments->to = argument;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->command = state->argv + state->next;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command? (concprof flame -- COMMAND...)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* 0, or an exit status after it said what failed. */
static int measure(const struct arguments *arguments, struct run **ret, struct trace_outcome *outcome)
{
	struct trace_command command = {.argv = arguments->command, .name = basename(arguments->command[0]), .keep_fd = -1};
	char error[TRACE_ERROR_BYTES] = "";
	int err = trace_run(&command, &arguments->trace, ret, outcome, error);

	if (!err)
		return 0;
	fprintf(stderr, "concprof: %s\n", error);
	return outcome->exec_failed ? (err == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE) : STATUS_TRACER_FAILED;
}

/* The run in a sentence, and where the picture is: on standard error, as standard output is the command's. */
static int draw(struct session *session, const struct arguments *arguments)
{
	struct export_input input = {
	    .host = profile_host(session->profile),
	    .runs = (const struct explanation *const *)session->explanations,
	    .n_runs = session->n_runs,
	};
	int status = stack_export(&exporter_svg, &input, &arguments->stacks, arguments->to);

	if (status)
		return status;
	fprintf(stderr, "%s\n", session->explanations[0]->headline);
	if (strcmp(arguments->to, "-"))
		fprintf(stderr, "%s: a %s flame graph; open it in a browser\n", arguments->to,
			export_states_words(arguments->stacks.shown.states));
	return 0;
}

static int run_and_draw(const struct arguments *arguments)
{
	struct trace_outcome outcome;
	struct session session;
	struct run *measured;
	int status, exit_status;

	if (session_begin(&session, &arguments->output))
		return STATUS_TRACER_FAILED;
	status = measure(arguments, &measured, &outcome);
	if (status) {
		session_end(&session);
		return status;
	}
	exit_status = measured->exit_status;
	status = session_add(&session, measured);
	if (!status)
		status = session_explain(&session);
	if (!status)
		status = draw(&session, arguments);
	session_end(&session);
	if (outcome.left > 0)
		exit_status = trace_wait(outcome.left);
	return status ? STATUS_TRACER_FAILED : exit_status;
}

static int flame(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {"output", 'o', "FILE", 0, "where to draw (default: " FLAME_FILE ")", 1},
	    {0},
	};
	static const struct argp_child children[] = {
	    {&window_argp, 0, NULL, 0}, {&measure_argp, 0, NULL, 0}, {&stack_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .parser = parse,
	    .options = options,
	    .args_doc = "-- COMMAND...",
	    .children = children,
	    .doc =
		"Runs a command, follows every thread and process of it, and draws where their time went: a flame graph of all "
		"that they computed and waited for, with exact widths.\v"
		"Exits as `concprof run` does. For several pictures of one run: concprof run -o FILE, concprof export -f svg "
		"FILE."};
	struct arguments arguments = {.to = FLAME_FILE};
	char error[TRACE_ERROR_BYTES] = "";
	int err;

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
	err = output_file_check(arguments.to);
	if (err) {
		fprintf(stderr, "concprof: cannot write %s: %s\n", arguments.to, strerror(-err));
		return STATUS_TRACER_FAILED;
	}
	if (trace_allowed(error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_TRACER_FAILED;
	}
	return run_and_draw(&arguments);
}

const struct verb verb_flame = {
    .name = "flame", .arguments = "[options] -- COMMAND...", .gloss = "run a command and draw a flame graph", .run = flame};
