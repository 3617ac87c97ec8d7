/* SPDX-License-Identifier: Apache-2.0 */
/* report: what was printed after the measurement, from its recording; needs no privileges. */
#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"

struct arguments {
	struct output_options output;
	const char *file, *cgroup;
};

enum { KEY_CGROUP = 0x300 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->output;
		state->child_inputs[1] = &arguments->output.part;
		return 0;
	case KEY_CGROUP:
		arguments->cgroup = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->file)
			argp_error(state, "more than one file: '%s'", argument);
		arguments->file = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which recording? (concprof MODEL -o FILE makes one)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int report(int argc, char **argv)
{
	static const struct argp_child children[] = {{&view_argp, 0, NULL, 0}, {&part_argp, 0, NULL, 0}, {0}};
	static const struct argp_option options[] = {
	    {"cgroup", KEY_CGROUP, "NAME", 0,
	     "only processes in this cgroup or below it: a path (/system.slice/nginx.service), or the last part of one", 1},
	    {0},
	};
	static const struct argp argp = {.parser = parse,
					 .options = options,
					 .args_doc = "FILE",
					 .children = children,
					 .doc = "Prints the report of a recording. Needs no privileges."};
	struct arguments arguments = {};
	struct session session;
	int status;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	status = session_load_cgroup(&session, &arguments.output, arguments.file, arguments.cgroup);
	if (!status)
		status = session_report(&session, stdout);
	if (!status)
		status = session_write_json(&session);
	session_end(&session);
	return status;
}

const struct verb verb_report = {
    .name = "report", .arguments = "FILE", .gloss = "print the report of a recording", .run = report};
