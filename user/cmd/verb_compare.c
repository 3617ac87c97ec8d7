/* SPDX-License-Identifier: Apache-2.0 */
/* compare: the difference between two recordings, or between two commands that are measured for it. */
#include <errno.h>

#include "cmd/choose_run.h"
#include "cmd/compare_show.h"
#include "cmd/repeat_run.h"
#include "cmd/verbs.h"
#include "lib/cleanup.h"

#define REPEATS_DEFAULT 5

enum {
	KEY_RUN = 0x700,
	KEY_REPEAT,
	KEY_IGNORE_FAILURE,
	KEY_SHOW_OUTPUT,
	KEY_FLAME,
	KEY_FLAME_BY,
	KEY_FOLDED,
	KEY_HTML,
};

struct arguments {
	struct compare_output shown;
	struct trace_options trace;
	const char *files[2], *commands[2];
	int n_files, n_commands;
	struct repeat_options repeat; /* repeats: 0 until given */
};

static size_t parse_repeats(struct argp_state *state, const char *argument)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(argument, &end, 10);
	if (errno || end == argument || *end || *argument == '-' || value < 1 || value > REPEATS_MAX)
		argp_error(state, "--repeat: '%s' is not in 1..%d", argument, REPEATS_MAX);
	return value;
}

static void parse_flame_by(struct argp_state *state, const char *argument, struct export_options *options)
{
	options->by_before = !strcmp(argument, "before");
	if (!options->by_before && strcmp(argument, "after"))
		argp_error(state, "--flame-by: '%s' is neither before nor after", argument);
}

static bool asks_to_measure(const struct arguments *arguments)
{
	const struct trace_options *trace = &arguments->trace;

	return trace->no_syscalls || trace->no_stacks || trace->lines || trace->wait_all || trace->verbose ||
	       trace->sample_hz != SAMPLE_HZ_DEFAULT || arguments->repeat.repeats || arguments->repeat.ignore_failure ||
	       arguments->repeat.show_output || arguments->shown.output.recording;
}

static void check(struct argp_state *state, struct arguments *arguments)
{
	unsigned int to_stdout = compare_to_stdout(&arguments->shown);

	if (arguments->n_commands && arguments->n_files)
		argp_error(state, "either two recordings or two --run, not '%s' beside --run", arguments->files[0]);
	if (arguments->n_commands == 1)
		argp_error(state, "with what is '%s' to be compared? (a second --run)", arguments->commands[0]);
	if (!arguments->n_commands && !arguments->n_files)
		argp_error(state, "which two recordings? (concprof run -o FILE -- COMMAND makes one; --run measures here)");
	if (!arguments->n_commands && asks_to_measure(arguments))
		argp_error(state, "options of measuring, and -o, are for --run: recordings are measured already");
	if (to_stdout > 1)
		argp_error(state, "more than one thing for standard output");
	if (to_stdout && arguments->repeat.show_output)
		argp_error(state, "--show-output needs standard output for what the commands print");
	if (!arguments->repeat.repeats)
		arguments->repeat.repeats = REPEATS_DEFAULT;
}

static error_t parse_own(int key, char *argument, struct argp_state *state, struct arguments *arguments)
{
	switch (key) {
	case KEY_RUN:
		if (arguments->n_commands == 2)
			argp_error(state, "--run: more than two: '%s'", argument);
		if (!argument[strspn(argument, " \t\n")])
			argp_error(state, "--run: there is nothing to run in '%s'", argument);
		arguments->commands[arguments->n_commands++] = argument;
		return 0;
	case KEY_REPEAT:
		arguments->repeat.repeats = parse_repeats(state, argument);
		return 0;
	case KEY_IGNORE_FAILURE:
		arguments->repeat.ignore_failure = true;
		return 0;
	case KEY_SHOW_OUTPUT:
		arguments->repeat.show_output = true;
		return 0;
	case KEY_FLAME:
		arguments->shown.flame = argument;
		return 0;
	case KEY_FLAME_BY:
		parse_flame_by(state, argument, &arguments->shown.stacks.shown);
		return 0;
	case KEY_FOLDED:
		arguments->shown.folded = argument;
		return 0;
	case KEY_HTML:
		arguments->shown.html = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		arguments->shown.stacks.output = &arguments->shown.output;
		arguments->repeat.trace = &arguments->trace;
		state->child_inputs[0] = &arguments->trace;
		state->child_inputs[1] = &arguments->shown.output;
		state->child_inputs[2] = &arguments->shown.output;
		state->child_inputs[3] = &arguments->shown.stacks.shown;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->n_files == 2)
			argp_error(state, "more than two recordings: '%s'", argument);
		arguments->files[arguments->n_files++] = argument;
		return 0;
	case ARGP_KEY_END:
		check(state, arguments);
		return 0;
	default:
		return parse_own(key, argument, state, arguments);
	}
}

/* --- recordings --- */

/* Which run of the loaded recording is meant: the one that was named, or the last one, which the recording was made for. */
static int choose(const struct session *session, const char *text, const char *file, const char *wanted, size_t *ret)
{
	if (!session->n_runs) {
		fprintf(stderr, "concprof: %s holds no run\n", file);
		return STATUS_FAILED;
	}
	if (wanted)
		return choose_run(session, wanted, text, ret);
	*ret = session->n_runs - 1;
	if (session->n_runs > 1)
		fprintf(stderr, "concprof: %s holds %zu runs; this is the last, %s (%s:1 is the first)\n", file, session->n_runs,
			session->runs[*ret]->name, file);
	return 0;
}

static int load_side(struct session *session, const struct arguments *arguments, const char *text, struct compare_side *side)
{
	_cleanup_free_ char *file = NULL;
	const char *wanted = choose_file(text, &file);
	size_t chosen;
	int status;

	if (!file) {
		fprintf(stderr, "concprof: out of memory\n");
		return STATUS_FAILED;
	}
	status = session_load(session, &arguments->shown.output, file);
	if (!status)
		status = choose(session, text, file, wanted, &chosen);
	if (status)
		return status;
	side->explanation = session->explanations[chosen];
	side->host = profile_host(session->profile);
	side->wall_ns = &session->explanations[chosen]->wall_ns;
	side->n = 1;
	return 0;
}

static int compare_recordings(const struct arguments *arguments)
{
	struct session sessions[2] = {};
	struct compare_side sides[2] = {};
	int status = 0;

	for (int i = 0; i < 2 && !status; i++)
		status = load_side(&sessions[i], arguments, arguments->files[i], &sides[i]);
	if (!status)
		status = compare_show(sides, &arguments->shown);
	for (int i = 0; i < 2; i++)
		session_end(&sessions[i]);
	return status;
}

/* One recording of several runs: the last beside the first, as `report` shows it. */
static int compare_within(const struct arguments *arguments)
{
	struct session session = {};
	struct compare_side sides[2];
	int status = session_load(&session, &arguments->shown.output, arguments->files[0]);

	if (!status && session.n_runs < 2) {
		fprintf(stderr, "concprof: %s holds %zu run%s: with which other recording is it to be compared?\n",
			arguments->files[0], session.n_runs, session.n_runs == 1 ? "" : "s");
		status = STATUS_FAILED;
	}
	for (int i = 0; i < 2 && !status; i++) {
		const struct explanation *explanation = session.explanations[i ? session.n_runs - 1 : 0];

		sides[i] = (struct compare_side){explanation, profile_host(session.profile), &explanation->wall_ns, 1};
	}
	if (!status)
		status = compare_show(sides, &arguments->shown);
	session_end(&session);
	return status;
}

/* --- commands --- */

/* The middle run of each, kept and explained. */
static int show_commands(struct session *session, struct repeat_command commands[2], const struct arguments *arguments)
{
	struct compare_side sides[2];
	int status = 0;

	for (int i = 0; i < 2 && !status; i++)
		status = session_add(session, repeat_take_middle(&commands[i]));
	if (!status)
		status = session_explain(session);
	if (status)
		return status;
	for (int i = 0; i < 2; i++)
		sides[i] = (struct compare_side){session->explanations[i], profile_host(session->profile), commands[i].wall_ns,
						 commands[i].n};
	return compare_show(sides, &arguments->shown);
}

static int compare_commands(const struct arguments *arguments)
{
	struct repeat_command commands[2];
	struct session session;
	int status;

	for (int i = 0; i < 2; i++)
		repeat_command_parse(arguments->commands[i], &commands[i]);
	repeat_commands_tell_apart(commands);
	status = session_begin(&session, &arguments->shown.output);
	if (!status)
		status = repeat_run(commands, 2, &arguments->repeat);
	if (!status)
		status = show_commands(&session, commands, arguments);
	session_end(&session);
	for (int i = 0; i < 2; i++)
		repeat_command_free(&commands[i]);
	return status;
}

#define DOC                                                                                                                      \
	"Explains why one run took longer or shorter than another: two recordings, or two commands that are run and measured, "  \
	"taking turns.\v"                                                                                                        \
	"FILE:RUN is one of several runs in a recording, by its name or number; FILE alone is the last one, and of a single "    \
	"FILE the last is compared with the first. Recordings need no privileges.\n\n"                                           \
	"--run takes a line for sh, or a model with its options (\"threads-cpu --workers 2\"). What is compared are the "        \
	"medians "                                                                                                               \
	"of the wall times; a difference within the spread of the runs is called noise. The items are of the run of each that "  \
	"is nearest to its median. Commands read nothing, and what they print is discarded (--show-output: it is not). The "     \
	"time "                                                                                                                  \
	"that sh needs to start is part of theirs.\n\n"                                                                          \
	"Exits with 1 when something fails, a command included, and with 128+n when signal n ends it."

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Measuring two commands:", 1},
    {"run", KEY_RUN, "COMMAND", 0, "measure this; twice: the first is what the second is compared with", 0},
    {"repeat", KEY_REPEAT, "N", 0, "so many times each (5)", 0},
    {"show-output", KEY_SHOW_OUTPUT, NULL, 0, "let them print; else their standard output and error are discarded", 0},
    {"ignore-failure", KEY_IGNORE_FAILURE, NULL, 0, "an exit status other than 0 is no reason to stop", 0},
    {NULL, 0, NULL, 0, "Pictures of the difference:", 2},
    {"flame", KEY_FLAME, "FILE", 0, "draw a differential flame graph (SVG): red has become more, blue less", 0},
    {"flame-by", KEY_FLAME_BY, "SIDE", 0, "widths are the times of `after' (the default) or `before'", 0},
    {"folded", KEY_FOLDED, "FILE", 0, "write \"stack BEFORE AFTER\" in microseconds, as flamegraph.pl reads differences", 0},
    {"html", KEY_HTML, "FILE", 0, "write a page of both, with their lanes in time and what differs", 0},
    {0},
};

static int compare(int argc, char **argv)
{
	static const struct argp_child children[] = {
	    {&measure_argp, 0, NULL, 0}, {&record_argp, 0, NULL, 0}, {&view_argp, 0, NULL, 0}, {&shown_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {.parser = parse,
					 .options = options,
					 .args_doc = "BEFORE[:RUN] AFTER[:RUN]\n--run COMMAND --run COMMAND",
					 .children = children,
					 .doc = DOC};
	struct arguments arguments = {};

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (compare_check_files(&arguments.shown))
		return STATUS_FAILED;
	if (arguments.n_commands)
		return compare_commands(&arguments);
	return arguments.n_files == 1 ? compare_within(&arguments) : compare_recordings(&arguments);
}

const struct verb verb_compare = {.name = "compare",
				  .arguments = "BEFORE AFTER",
				  .gloss = "explain the difference between two recordings, or commands",
				  .run = compare};
