/* SPDX-License-Identifier: Apache-2.0 */
/* run: any command, with everything it starts. */
#include "cmd/command_run.h"
#include "cmd/options.h"
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

static int report(struct session *session, void *context)
{
	int status = session_report(session, stderr);

	(void)context;
	return status ? status : session_write_json(session);
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

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
	return command_run(arguments.command, &arguments.trace, &arguments.output, report, NULL);
}

const struct verb verb_run = {
    .name = "run", .arguments = "[options] -- COMMAND...", .gloss = "run a command and explain where its time went", .run = run};
