/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/stack_options.h"

#include <errno.h>

#include "cmd/output_file.h"
#include "cmd/verbs.h"
#include "explain/timeline.h"
#include "lib/text.h"

enum {
	KEY_STATE = 0x500,
	KEY_BY,
	KEY_WIDTH,
	KEY_TITLE,
	KEY_LOCK,
};

static void parse_states(struct argp_state *state, const char *argument, struct export_options *options)
{
	if (export_states_parse(argument, &options->states))
		return;
	fprintf(stderr, "%s: --state: '%s' is not wall, on-cpu, off-cpu", state->name, argument);
	for (int i = 0; i < STATE_COUNT; i++)
		fprintf(stderr, ", %s", state_info[i].name);
	fprintf(stderr, ", or several of them with commas\n");
	exit(STATUS_USAGE);
}

static void parse_by(struct argp_state *state, const char *argument, struct export_options *options)
{
	for (int by = EXPORT_BY_DEFAULT + 1; by < EXPORT_BY_COUNT; by++)
		if (!strcmp(argument, export_by_name[by])) {
			options->by = by;
			return;
		}
	argp_error(state, "--by: '%s' is none of thread, process, name, cause, none", argument);
}

static void parse_width(struct argp_state *state, const char *argument, struct export_options *options)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(argument, &end, 10);
	if (errno || end == argument || *end || *argument == '-' || value < EXPORT_WIDTH_MIN || value > EXPORT_WIDTH_MAX)
		argp_error(state, "--width: '%s' is not in %d..%d", argument, EXPORT_WIDTH_MIN, EXPORT_WIDTH_MAX);
	options->width = value;
}

static error_t parse_shown(int key, char *argument, struct argp_state *state)
{
	struct export_options *options = state->input;

	switch (key) {
	case KEY_STATE:
		parse_states(state, argument, options);
		return 0;
	case KEY_BY:
		parse_by(state, argument, options);
		return 0;
	case KEY_WIDTH:
		parse_width(state, argument, options);
		return 0;
	case KEY_TITLE:
		options->title = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct stack_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->shown;
		return 0;
	case KEY_LOCK:
		if (options->output->n_locks == LOCKS_MAX)
			argp_error(state, "--lock: more than %d of them", LOCKS_MAX);
		options->output->locks[options->output->n_locks++] = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option shown_options[] = {
    {NULL, 0, NULL, 0, "Formats of stacks:", 30},
    {"state", KEY_STATE, "STATE", 0, "only time in these states: on-cpu, off-cpu, lock, socket,... (default: wall, all of them)",
     0},
    {"by", KEY_BY, "WHAT", 0,
     "what stands at the root: thread, process, name (of processes), cause, none (default: the first of these three of "
     "which there are at most 50)",
     0},
    {"width", KEY_WIDTH, "PIXELS", 0, "of the picture (default: 1200)", 0},
    {"title", KEY_TITLE, "TEXT", 0, "of the picture (default: the command)", 0},
    {0},
};
const struct argp shown_argp = {.options = shown_options, .parser = parse_shown};

static const struct argp_option options[] = {
    {"lock", KEY_LOCK, "SYMBOL", 0, "waits inside this data object are waits for a lock of that name; may be repeated", 30},
    {0},
};
static const struct argp_child children[] = {{&shown_argp, 0, NULL, 0}, {0}};
const struct argp stack_argp = {.options = options, .parser = parse, .children = children};

struct job {
	const struct exporter *exporter;
	const struct export_input *input;
};

static int write_job(FILE *out, const void *context)
{
	const struct job *job = context;

	return job->exporter->write(out, job->input);
}

static void say_missing(const struct export_input *input)
{
	const struct timeline *timeline = input->n_runs ? input->runs[input->n_runs - 1]->timeline : NULL;

	if (timeline && timeline->missing_ns)
		fprintf(stderr, "concprof: the timeline lacks %s of the account\n", FIGURE_NS(timeline->missing_ns));
}

int stack_export(const struct exporter *exporter, struct export_input *input, const struct stack_options *stack_options,
		 const char *path)
{
	struct export_options shown = stack_options->shown;
	const struct job job = {exporter, input};
	const char *name = strcmp(path, "-") ? path : "standard output";
	int err;

	if (exporter->timeline)
		say_missing(input);
	shown.rules = (struct explain_options){.locks = stack_options->output->locks, .cpus = input->host->cpus};
	input->options = &shown;
	err = output_file_write(path, write_job, &job);
	input->options = NULL;
	if (err == -ENODATA)
		fprintf(stderr, "concprof: the recording holds no run\n");
	else if (err == -ENOTSUP)
		part_say_no_timeline(input->runs[input->n_runs - 1]->run);
	else if (err == -E2BIG)
		fprintf(stderr,
			"concprof: cannot write %s: the recording has more different stacks than a picture can hold; "
			"try --by none, or --state\n",
			name);
	else if (err)
		fprintf(stderr, "concprof: cannot write %s: %s\n", name, strerror(-err));
	return err ? STATUS_FAILED : STATUS_OK;
}
