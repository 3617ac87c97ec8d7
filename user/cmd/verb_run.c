/* SPDX-License-Identifier: Apache-2.0 */
/* run: any command, with everything it starts. */
#include <errno.h>
#include <libgen.h>

#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"

struct arguments {
	struct output_options output;
	struct trace_options trace;
	char **command;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		state->child_inputs[1] = &arguments->trace;
		state->child_inputs[2] = &arguments->output;
		state->child_inputs[3] = &arguments->output;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->command = state->argv + state->next;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command? (concprof run -- COMMAND...)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_child children[] = {
	    {&window_argp, 0, NULL, 0}, {&measure_argp, 0, NULL, 0}, {&record_argp, 0, NULL, 0}, {&view_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .parser = parse,
	    .args_doc = "-- COMMAND...",
	    .children = children,
	    .doc = "Runs a command, follows every thread and process of it, and reports where their time went.\v"
		   "Exits with the command's status (128+n for signal n); 125 when concprof itself fails, 126 or 127 "
		   "when the command cannot be executed or found. When the measurement ends before the command (-d), the report "
		   "is printed at once, and concprof stays until the command has ended, for the sake of its status."};
	struct arguments arguments = {};
	char error[TRACE_ERROR_BYTES] = "";
	struct trace_command command = {.keep_fd = -1};
	struct session session;
	struct run *measured;
	struct trace_outcome outcome;
	int status, exit_status;

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
	if (trace_allowed(error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_TRACER_FAILED;
	}
	status = session_begin(&session, &arguments.output);
	if (status)
		return STATUS_TRACER_FAILED;
	command.argv = arguments.command;
	command.name = basename(arguments.command[0]);
	status = trace_run(&command, &arguments.trace, &measured, &outcome, error);
	if (status) {
		fprintf(stderr, "concprof: %s\n", error);
		session_end(&session);
		return outcome.exec_failed ? (status == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE)
					   : STATUS_TRACER_FAILED;
	}
	exit_status = measured->exit_status;
	status = session_add(&session, measured);
	if (!status)
		status = session_explain(&session);
	if (!status)
		status = session_report(&session, stderr);
	if (!status)
		status = session_write_json(&session);
	session_end(&session);
	if (outcome.left > 0)
		exit_status = trace_wait(outcome.left);
	return status ? STATUS_TRACER_FAILED : exit_status;
}

const struct verb verb_run = {
    .name = "run", .arguments = "[options] -- COMMAND...", .gloss = "run a command and explain where its time went", .run = run};
