/* SPDX-License-Identifier: Apache-2.0 */
/* run: any command, with everything it starts. */
#include <errno.h>
#include <libgen.h>

#include "cmd/elevate.h"
#include "cmd/options.h"
#include "cmd/resolve.h"
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

/* Under sudo a name may stand for something else than the user means. */
static void say_other_path(const char *name)
{
	char ours[PATH_MAX], theirs[PATH_MAX];

	if (!resolve_differently(name, theirs))
		return;
	if (resolve_command(name, NULL, ours))
		fprintf(stderr, "concprof: under sudo '%s' is %s; in your own PATH it is %s\n", name, ours, theirs);
	else
		fprintf(stderr, "concprof: '%s' is in your own PATH (%s), but not in that of sudo\n", name, theirs);
}

static int report(struct session *session, struct run *measured)
{
	int status = session_add(session, measured);

	if (!status)
		status = session_explain(session);
	if (!status)
		status = session_report(session, stderr);
	if (!status)
		status = session_write_json(session);
	return status;
}

static int run_and_report(struct session *session, const struct arguments *arguments, bool elevate)
{
	struct trace_command command = {.argv = arguments->command, .name = basename(arguments->command[0]), .keep_fd = -1};
	char error[TRACE_ERROR_BYTES] = "";
	struct trace_outcome outcome;
	int err, status, exit_status = 0;
	struct run *measured;

	err = elevate ? elevated_run(&command, &arguments->trace, &measured, &outcome, error)
		      : trace_run(&command, &arguments->trace, &measured, &outcome, error);
	if (err) {
		fprintf(stderr, "concprof: %s\n", error);
		status = STATUS_TRACER_FAILED;
	} else {
		exit_status = measured->exit_status;
		status = report(session, measured);
	}
	if (outcome.left > 0)
		exit_status = trace_wait(outcome.left);
	if (outcome.exec_failed)
		return err == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	return status ? STATUS_TRACER_FAILED : exit_status;
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
	struct session session;
	int status, allowed;

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
	allowed = trace_allowed(error);
	if (allowed && allowed != -EPERM) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_TRACER_FAILED;
	}
	if (session_begin(&session, &arguments.output))
		return STATUS_TRACER_FAILED;
	say_other_path(arguments.command[0]);
	status = run_and_report(&session, &arguments, allowed == -EPERM);
	session_end(&session);
	return status;
}

const struct verb verb_run = {
    .name = "run", .arguments = "[options] -- COMMAND...", .gloss = "run a command and explain where its time went", .run = run};
