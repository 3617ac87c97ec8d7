/* SPDX-License-Identifier: Apache-2.0 */
/* lanes: threads in time, of a recording, or of a command or model that is measured now. */
#include <errno.h>
#include <unistd.h>

#include "cmd/command_run.h"
#include "cmd/model_run.h"
#include "cmd/output_file.h"
#include "cmd/verbs.h"
#include "export/export.h"
#include "report/report.h"

#define COLUMNS_MIN 80
#define COLUMNS_MAX 1000

enum { KEY_WIDTH = 0x700, KEY_THREAD, KEY_SVG, KEY_STATE, KEY_NO_BASELINE };

struct arguments {
	struct output_options output;
	struct trace_options trace;
	struct model_run_options model_options;
	const struct model *model; /* one of these three */
	const char *file;
	char **command;
	unsigned int width;
	uint32_t states;
	const char *thread, *svg;
	bool no_baseline;
};

static void parse_width(struct argp_state *state, const char *argument, struct arguments *arguments)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(argument, &end, 10);
	if (errno || end == argument || *end || *argument == '-' || value < COLUMNS_MIN || value > COLUMNS_MAX)
		argp_error(state, "--width: '%s' is not in %d..%d", argument, COLUMNS_MIN, COLUMNS_MAX);
	arguments->width = value;
}

static void parse_states(struct argp_state *state, const char *argument, struct arguments *arguments)
{
	if (export_states_parse(argument, &arguments->states))
		return;
	fprintf(stderr, "%s: --state: '%s' is not on-cpu, off-cpu", state->name, argument);
	for (int i = 0; i < STATE_COUNT; i++)
		fprintf(stderr, ", %s", state_info[i].name);
	fprintf(stderr, ", or several of them with commas\n");
	exit(STATUS_USAGE);
}

/* After `--` a command; else a model, whose options follow it, or a recording. */
static error_t parse_word(struct argp_state *state, char *argument, struct arguments *arguments)
{
	const struct model *model = model_find(argument);

	if (state->quoted && state->next > state->quoted) {
		if (arguments->file || arguments->model)
			argp_error(state, "'%s' is too much: a recording, a model or a command", argument);
		arguments->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	}
	if (arguments->file || arguments->model)
		argp_error(state, "'%s' is too much: one recording, or one model (a command comes after --)", argument);
	if (!model) {
		arguments->file = argument;
		return 0;
	}
	arguments->model = model;
	arguments->model_options.uses = model->uses;
	if (model->baseline)
		arguments->model_options.uses |= model_find(model->baseline)->uses;
	return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->output.part;
		state->child_inputs[1] = &arguments->model_options;
		state->child_inputs[2] = &arguments->trace;
		state->child_inputs[3] = &arguments->output;
		state->child_inputs[4] = &arguments->output;
		return 0;
	case KEY_WIDTH:
		parse_width(state, argument, arguments);
		return 0;
	case KEY_THREAD:
		arguments->thread = argument;
		return 0;
	case KEY_SVG:
		arguments->svg = argument;
		return 0;
	case KEY_STATE:
		parse_states(state, argument, arguments);
		return 0;
	case KEY_NO_BASELINE:
		arguments->no_baseline = true;
		return 0;
	case ARGP_KEY_ARG:
		return parse_word(state, argument, arguments);
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "of what? a recording, a model, or -- COMMAND...");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- showing --- */

static bool says_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static enum lanes_ink ink_of_terminal(void)
{
	const char *colours = getenv("COLORTERM"), *name = getenv("TERM");

	if (colours && (!strcmp(colours, "truecolor") || !strcmp(colours, "24bit")))
		return LANES_TRUE;
	return name && strstr(name, "256color") ? LANES_256 : LANES_PLAIN;
}

/* Those that have a timeline; of the others it is said. */
static size_t choose_runs(const struct session *session, const struct explanation *chosen[SESSION_RUNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < session->n_runs; i++) {
		if (session->explanations[i]->timeline)
			chosen[n++] = session->explanations[i];
		else
			part_say_no_timeline(session->runs[i]);
	}
	if (!session->n_runs)
		fprintf(stderr, "concprof: the recording holds no run\n");
	return n;
}

static int complain(const struct arguments *arguments, const char *what, int err)
{
	if (err == -ENOENT && arguments->thread)
		fprintf(stderr, "concprof: --thread: no thread's name/tid contains '%s'\n", arguments->thread);
	else
		fprintf(stderr, "concprof: %s: %s\n", what, strerror(-err));
	return STATUS_FAILED;
}

static int write_svg(FILE *out, const void *context)
{
	return exporter_lanes.write(out, context);
}

static int draw_svg(const struct session *session, const struct arguments *arguments, const struct explanation *const *runs,
		    size_t n)
{
	const struct export_options options = {
	    .states = arguments->states, .thread = arguments->thread, .all = arguments->output.all};
	const struct export_input input = {
	    .host = profile_host(session->profile), .runs = runs, .n_runs = n, .options = &options};
	int err = output_file_write(arguments->svg, write_svg, &input);

	if (err)
		return complain(arguments, arguments->svg, err);
	if (strcmp(arguments->svg, "-"))
		fprintf(stderr, "%s: a picture of lanes; open it in a browser\n", arguments->svg);
	return STATUS_OK;
}

static int draw(struct session *session, void *context)
{
	const struct arguments *arguments = context;
	const struct explanation *runs[SESSION_RUNS_MAX];
	/* The standard output of a command is its own. */
	FILE *out = arguments->command ? stderr : stdout;
	struct report_options page = session_report_options(session, out);
	const struct lanes_options options = {
	    .width = arguments->width ? arguments->width : page.width,
	    .colour = page.colour,
	    .ink = ink_of_terminal(),
	    .blocks = says_utf8(),
	    .all = page.all,
	    .thread = arguments->thread,
	    .states = arguments->states,
	};
	size_t n = choose_runs(session, runs);
	int err;

	if (!n)
		return STATUS_FAILED;
	if (arguments->svg)
		return draw_svg(session, arguments, runs, n);
	err = report_lanes(out, runs, n, &options);
	return err ? complain(arguments, "cannot print the lanes", err) : STATUS_OK;
}

/* --- measuring --- */

static int draw_models(struct arguments *arguments)
{
	const struct model *model = arguments->model;
	const struct model *order[2] = {model->baseline && !arguments->no_baseline ? model_find(model->baseline) : NULL, model};
	char error[TRACE_ERROR_BYTES] = "";
	struct session session;
	int status = session_begin(&session, &arguments->output);

	for (int i = 0; i < 2 && !status; i++) {
		struct run *run;

		if (!order[i])
			continue;
		if (model_run(order[i], &arguments->model_options, &arguments->trace, &run, error)) {
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
		status = draw(&session, arguments);
	for (size_t i = 0; i < session.n_runs && !status; i++)
		status = session.runs[i]->failure ? STATUS_FAILED : STATUS_OK;
	session_end(&session);
	return status;
}

static int measure_models(struct arguments *arguments)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct cats cats;
	int status;

	if (trace_allowed(error) || cats_start(&cats, &arguments->model_options, error, sizeof(error))) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	status = draw_models(arguments);
	cats_stop(&cats);
	return status;
}

static int draw_file(struct arguments *arguments)
{
	struct session session;
	int status = session_load(&session, &arguments->output, arguments->file);

	if (!status)
		status = draw(&session, arguments);
	session_end(&session);
	return status;
}

static int lanes(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {NULL, 0, NULL, 0, "The picture:", 3},
	    {"svg", KEY_SVG, "FILE", 0, "draw it as a picture instead (`-`: to standard output)", 0},
	    {"width", KEY_WIDTH, "COLUMNS", 0, "of the text (default: the terminal's, else 120)", 0},
	    {"thread", KEY_THREAD, "NAME", 0, "only threads in whose name/tid this occurs", 0},
	    {"state", KEY_STATE, "STATE", 0, "emphasise these states: lock, off-cpu, socket,sleep ...", 0},
	    {"no-baseline", KEY_NO_BASELINE, NULL, 0, "of a model: leave out the run of its baseline", 0},
	    {0},
	};
	static const struct argp_child children[] = {{&part_argp, 0, NULL, 0},    {&model_argp, 0, NULL, 0},
						     {&measure_argp, 0, NULL, 0}, {&record_argp, 0, NULL, 0},
						     {&rules_argp, 0, NULL, 0},   {0}};
	static const struct argp argp = {
	    .parser = parse,
	    .options = options,
	    .args_doc = "FILE\nMODEL\n-- COMMAND...",
	    .children = children,
	    .doc =
		"Shows threads in time: a row for each, and for each slice of time the letter of what the thread was doing most. "
		"FILE is a recording; a model or command is measured now (root, as for `run`).\v"
		"Threads that are more than fit a screen share rows where they took turns under one name; then the most active "
		"rows are shown. --all gives each a row."};
	/* That is what it is run for. */
	struct arguments arguments = {.trace.timeline = TIMELINE_ALL, .model_options = {.delay_us = CAT_SERVER_DELAY_US_DEFAULT}};
	int err;

	model_params_default(&arguments.model_options.params);
	options_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
	err = output_file_check(arguments.svg);
	if (err) {
		fprintf(stderr, "concprof: cannot write %s: %s\n", arguments.svg, strerror(-err));
		return arguments.command ? STATUS_TRACER_FAILED : STATUS_FAILED;
	}
	if (arguments.command)
		return command_run(arguments.command, &arguments.trace, &arguments.output, draw, &arguments);
	return arguments.model ? measure_models(&arguments) : draw_file(&arguments);
}

const struct verb verb_lanes = {
    .name = "lanes", .arguments = "FILE|MODEL|-- CMD...", .gloss = "show threads in time: who ran, who waited", .run = lanes};
