/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <errno.h>
#include <inttypes.h>

#include "abi.h"
#include "cmd/verbs.h"

enum {
	KEY_NO_SYSCALLS = 0x100,
	KEY_WAIT_ALL,
	KEY_JSON,
	KEY_LOCK,
	KEY_ALL,
	KEY_DELAY,
	KEY_NO_STACKS,
	KEY_LINES,
	KEY_TIMELINE,
	KEY_NO_TIMELINE,
	KEY_BEGIN_AFTER,
	KEY_PID_ONLY,
	KEY_INCLUDE_COMM,
	KEY_URL,
	KEY_NO_GIL,
	KEY_MODEL_FIRST = 0x200, /* + index in model_options */
};

#define SAMPLE_HZ_MAX 10000

#define SECONDS_MAX 31536000.0 /* a year */

static unsigned int parse_rate(struct argp_state *state, const char *argument)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(argument, &end, 10);
	if (errno || end == argument || *end || *argument == '-' || value > SAMPLE_HZ_MAX)
		argp_error(state, "-F: '%s' is not in 0..%d Hz", argument, SAMPLE_HZ_MAX);
	return value;
}

/* "2", "0.5", "1.5s", "200ms", "3m" -> nanoseconds. */
static uint64_t parse_time(struct argp_state *state, const char *option, const char *argument, bool may_be_zero)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}};
	size_t digits = strspn(argument, "0123456789.");
	double value, seconds = -1;
	char *end;

	/* strtod knows more forms of numbers than anybody means here. */
	value = strtod(argument, &end);
	if (digits && end == argument + digits) {
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			if (strcmp(end, units[i].name) == 0)
				seconds = value * units[i].seconds;
		}
	}
	if (seconds < 0 || seconds > SECONDS_MAX || (!may_be_zero && seconds < 1e-6))
		argp_error(state, "%s: '%s' is no time %s: say 10, 0.5, 200ms or 3m", option, argument,
			   may_be_zero ? "of up to a year" : "above 0 and of up to a year");
	return seconds * 1e9;
}

static error_t parse_measure(int key, char *argument, struct argp_state *state)
{
	struct trace_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options->sample_hz = SAMPLE_HZ_DEFAULT;
		return 0;
	case KEY_NO_STACKS:
		options->no_stacks = true;
		return 0;
	case KEY_LINES:
		options->lines = true;
		return 0;
	case KEY_TIMELINE:
		options->timeline = TIMELINE_ALL;
		return 0;
	case KEY_NO_TIMELINE:
		options->timeline = TIMELINE_NONE;
		return 0;
	case 'F':
		options->sample_hz = parse_rate(state, argument);
		return 0;
	case KEY_NO_SYSCALLS:
		options->no_syscalls = true;
		return 0;
	case KEY_WAIT_ALL:
		options->wait_all = true;
		return 0;
	case 'v':
		options->verbose++;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option measure_options[] = {
    {NULL, 0, NULL, 0, "Measuring:", 10},
    {"no-syscalls", KEY_NO_SYSCALLS, NULL, 0, "no syscall hooks: cheaper, but CPU time is not split into user and kernel", 0},
    {"no-stacks", KEY_NO_STACKS, NULL, 0, "neither where threads block nor where they compute: cheaper", 0},
    {"lines", KEY_LINES, NULL, 0, "source lines and inlined functions, where there is debug information", 0},
    {"timeline", KEY_TIMELINE, NULL, 0, "keep every wait in time, however many there are (default: if there are at most 250,000)",
     0},
    {"no-timeline", KEY_NO_TIMELINE, NULL, 0, "keep sums alone: cheaper; without lanes, critical path and predictions", 0},
    {"frequency", 'F', "HZ", 0, "samples a second of where threads compute (997; 0: none)", 0},
    {"wait-all", KEY_WAIT_ALL, NULL, 0, "measure until every process of the tree has ended, not just the first", 0},
    {"verbose", 'v', NULL, 0, "show what the kernel says when it refuses the programs", 0},
    {0},
};
const struct argp measure_argp = {.options = measure_options, .parser = parse_measure};

static error_t parse_window(int key, char *argument, struct argp_state *state)
{
	struct trace_options *options = state->input;

	switch (key) {
	case 'd':
		options->duration_ns = parse_time(state, "--duration", argument, false);
		return 0;
	case KEY_BEGIN_AFTER:
		options->delay_ns = parse_time(state, "--delay", argument, true);
		return 0;
	case KEY_PID_ONLY:
		options->pid_only = true;
		return 0;
	case KEY_INCLUDE_COMM:
		if (!*argument || strlen(argument) >= COMM_BYTES)
			argp_error(state, "--include-comm: '%s' is in no name: those have 1 to %d bytes", argument,
				   COMM_BYTES - 1);
		options->include_comm = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option window_options[] = {
    {NULL, 0, NULL, 0, "What is measured:", 5},
    {"duration", 'd', "SECONDS", 0, "end the measurement after that time (0.5, 200ms, 3m); the program goes on", 0},
    {"delay", KEY_BEGIN_AFTER, "SECONDS", 0, "begin the measurement after that time", 0},
    {"pid-only", KEY_PID_ONLY, NULL, 0, "the process and its threads, but not the processes that it creates", 0},
    {"include-comm", KEY_INCLUDE_COMM, "NAME", 0,
     "only processes whose name (of the main thread, as it is last) contains NAME; the wall time stays that of all", 0},
    {0},
};
const struct argp window_argp = {.options = window_options, .parser = parse_window};

static error_t parse_output(int key, char *argument, struct argp_state *state)
{
	struct output_options *options = state->input;

	switch (key) {
	case 'o':
		options->recording = argument;
		return 0;
	case KEY_JSON:
		options->json = argument;
		return 0;
	case KEY_LOCK:
		if (options->n_locks == LOCKS_MAX)
			argp_error(state, "--lock: more than %d of them", LOCKS_MAX);
		options->locks[options->n_locks++] = argument;
		return 0;
	case KEY_ALL:
		options->all = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option record_options[] = {
    {"output", 'o', "FILE", 0, "keep what was measured in FILE (SQLite), for `concprof report FILE` and any SQL tool", 20},
    {0},
};
const struct argp record_argp = {.options = record_options, .parser = parse_output};

static const struct argp_option rules_options[] = {
    {NULL, 0, NULL, 0, "Reading:", 30},
    {"lock", KEY_LOCK, "SYMBOL", 0, "waits inside this data object are waits for a lock of that name; may be repeated", 0},
    {"all", KEY_ALL, NULL, 0, "every thread and item, however many", 0},
    {0},
};
const struct argp rules_argp = {.options = rules_options, .parser = parse_output};

static const struct argp_option json_options[] = {
    {NULL, 0, NULL, 0, "Output:", 20},
    {"json", KEY_JSON, "FILE", 0, "write everything as one JSON object (`-`: to standard output, and no report)", 20},
    {0},
};
static const struct argp_child rules_children[] = {{&rules_argp, 0, NULL, 0}, {0}};

static error_t parse_view(int key, char *argument, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	return parse_output(key, argument, state);
}
const struct argp view_argp = {.options = json_options, .parser = parse_view, .children = rules_children};

static error_t parse_delay(struct argp_state *state, struct model_run_options *options, const char *argument)
{
	const unsigned long max_us = 60 * 1000 * 1000;
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(argument, &end, 10);
	if (end != argument && strcmp(end, "ms") == 0 && value <= max_us)
		value *= 1000;
	else if (*end && strcmp(end, "us") != 0)
		errno = EINVAL;
	if (errno || end == argument || *argument == '-' || value > max_us)
		argp_error(state, "--delay: '%s' is not in 0..%lu us (60000ms)", argument, max_us);
	options->delay_us = value;
	return 0;
}

static error_t parse_model(int key, char *argument, struct argp_state *state)
{
	struct model_run_options *options = state->input;
	const char *name;
	unsigned int uses;
	char error[256];

	uses = key == KEY_NO_GIL ? USES_NO_GIL : key == KEY_URL || key == KEY_DELAY ? USES_URL : 0;
	name = key == KEY_NO_GIL ? "no-gil" : key == KEY_URL ? "url" : "delay";
	if (key >= KEY_MODEL_FIRST && key < KEY_MODEL_FIRST + 0x100) {
		uses = model_options[key - KEY_MODEL_FIRST].uses;
		name = model_options[key - KEY_MODEL_FIRST].name;
	}
	if (uses && !(uses & options->uses))
		argp_error(state, "--%s: this model has no such option", name);
	switch (key) {
	case KEY_DELAY:
		return parse_delay(state, options, argument);
	case KEY_URL:
		if (strncmp(argument, "http://", 7) != 0 && strncmp(argument, "https://", 8) != 0)
			argp_error(state, "--url: '%s' does not begin with http:// or https://", argument);
		if ((size_t)snprintf(options->url, sizeof(options->url), "%s", argument) >= sizeof(options->url))
			argp_error(state, "--url: longer than %zu characters", sizeof(options->url) - 1);
		return 0;
	case KEY_NO_GIL:
		options->params.no_gil = true;
		return 0;
	default:
		if (key < KEY_MODEL_FIRST || key >= KEY_MODEL_FIRST + 0x100)
			return ARGP_ERR_UNKNOWN;
		if (model_option_set(&options->params, model_options[key - KEY_MODEL_FIRST].name, argument, error, sizeof(error)))
			argp_error(state, "%s", error);
		return 0;
	}
}

/* The options are a list of models/; argp wants its own form of it. */
static struct argp_option model_argp_options[32] = {
    {NULL, 0, NULL, 0, "The model:", 1},
    {"no-gil", KEY_NO_GIL, NULL, 0, "threads-cpu: the same threads without the interpreter lock", 0},
    {"url", KEY_URL, "URL", 0, "I/O models: download URL/1.jpg... from this server instead of the built-in one", 0},
    {"delay", KEY_DELAY, "TIME", 0, "I/O models: the built-in server's delay before each response, in us (or 5ms)", 0},
};

__attribute__((constructor)) static void list_model_options(void)
{
	struct argp_option *next = &model_argp_options[4];

	for (int i = 0; model_options[i].name && next < &model_argp_options[31]; i++) {
		*next++ = (struct argp_option){
		    .name = model_options[i].name,
		    .key = KEY_MODEL_FIRST + i,
		    .arg = model_options[i].time_us ? "TIME" : "N",
		    .doc = model_options[i].gloss,
		};
	}
}
const struct argp model_argp = {.options = model_argp_options, .parser = parse_model};

void options_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, int *first, void *input)
{
	char name[64];
	char *verb = argv[0];

	snprintf(name, sizeof(name), "concprof %s", verb);
	argv[0] = name;
	program_invocation_name = name;
	argp_parse(argp, argc, argv, flags, first, input);
	argv[0] = verb;
}
