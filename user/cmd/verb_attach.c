/* SPDX-License-Identifier: Apache-2.0 */
/* attach: processes that are alive. */
#include <errno.h>
#include <limits.h>

#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"

#define PIDS_MAX 256

struct arguments {
	struct output_options output;
	struct trace_options trace;
	int pids[PIDS_MAX];
	size_t count;
};

/* "812" or "812,813" */
static void parse_pids(struct argp_state *state, struct arguments *arguments, const char *argument)
{
	const char *at = argument;
	unsigned long value;
	char *end;

	do {
		errno = 0;
		value = strtoul(at, &end, 10);
		if (errno || end == at || *at < '0' || *at > '9' || (*end && *end != ',') || value == 0 || value > INT_MAX)
			argp_error(state, "--pid: '%s' is no process id, nor a list of them (812,813)", argument);
		if (arguments->count == PIDS_MAX)
			argp_error(state, "--pid: more than %d processes", PIDS_MAX);
		arguments->pids[arguments->count++] = (int)value;
		at = end + 1;
	} while (*end);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		state->child_inputs[1] = &arguments->trace;
		state->child_inputs[2] = &arguments->output;
		state->child_inputs[3] = &arguments->output;
		return 0;
	case 'p':
		parse_pids(state, arguments, argument);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s' (a process is named by -p PID)", argument);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->count)
			argp_error(state, "which process? (concprof attach -p PID)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int attach(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {NULL, 0, NULL, 0, "Which processes:", 1},
	    {"pid", 'p', "PID", 0, "follow this process, its threads and what they have created; may be repeated, or be a list",
	     0},
	    {0},
	};
	static const struct argp_child children[] = {
	    {&window_argp, 0, NULL, 0}, {&measure_argp, 0, NULL, 0}, {&record_argp, 0, NULL, 0}, {&view_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .options = options,
	    .parser = parse,
	    .children = children,
	    .doc = "Follows processes that are alive and reports where their time went. Ctrl-C or -d ends the measurement; the "
		   "processes go on as if nothing had been.\v"
		   "Waits that were open when the measurement began count from its begin on."};
	struct arguments arguments = {};
	char error[TRACE_ERROR_BYTES] = "";
	struct session session;
	struct run *measured;
	int status;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (trace_allowed(error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	status = session_begin(&session, &arguments.output);
	if (status)
		return status;
	if (trace_attach(arguments.pids, arguments.count, &arguments.trace, &measured, error)) {
		fprintf(stderr, "concprof: %s\n", error);
		session_end(&session);
		return STATUS_FAILED;
	}
	status = session_add(&session, measured);
	if (!status)
		status = session_explain(&session);
	if (!status)
		status = session_report(&session, stderr);
	if (!status)
		status = session_write_json(&session);
	session_end(&session);
	return status;
}

const struct verb verb_attach = {
    .name = "attach", .arguments = "[options] -p PID", .gloss = "follow processes that are alive", .run = attach};
