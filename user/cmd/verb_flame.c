/* SPDX-License-Identifier: Apache-2.0 */
/* flame: run a command, and draw where its time went. */
#include "cmd/command_run.h"
#include "cmd/output_file.h"
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

/* The run in a sentence, and where the picture is: on standard error, as standard output is the command's. */
static int draw(struct session *session, void *context)
{
	const struct arguments *arguments = context;
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
	int err;

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
	err = output_file_check(arguments.to);
	if (err) {
		fprintf(stderr, "concprof: cannot write %s: %s\n", arguments.to, strerror(-err));
		return STATUS_TRACER_FAILED;
	}
	return command_run(arguments.command, &arguments.trace, &arguments.output, draw, &arguments);
}

const struct verb verb_flame = {
    .name = "flame", .arguments = "[options] -- COMMAND...", .gloss = "run a command and draw a flame graph", .run = flame};
