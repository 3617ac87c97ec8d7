/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/repeat_run.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "cmd/elevate.h"
#include "cmd/verbs.h"
#include "explain/spread.h"
#include "lib/cleanup.h"

#define ARGUMENTS_MAX 64
#define NAME_HEAD     20 /* of a cut name: the command itself */
#define NAME_CONTEXT  8  /* what stands before a difference, for it to be understood */

/* Blanks and line ends become one blank each; the caller frees. NULL: no memory. */
static char *one_line(const char *text)
{
	char *line = malloc(strlen(text) + 1);
	size_t length = 0;

	for (const char *s = text; line && *s; s++) {
		bool space = isspace((unsigned char)*s);

		if (!space || (length && line[length - 1] != ' '))
			line[length++] = space ? ' ' : *s;
	}
	while (line && length && line[length - 1] == ' ')
		length--;
	if (line)
		line[length] = '\0';
	return line;
}

/* Adds text to the name, cut where there is no room; not within a character of UTF-8. */
static void add_to_name(char name[REPEAT_NAME_BYTES], const char *text)
{
	size_t used = strlen(name), room = REPEAT_NAME_BYTES - 4 - used, length = strlen(text);

	if (length < room + 4) {
		memcpy(name + used, text, length + 1);
		return;
	}
	for (length = room; length && (text[length] & 0xc0) == 0x80;)
		length--;
	memcpy(name + used, text, length);
	memcpy(name + used + length, "...", 4);
}

/* Of long lines that differ only beyond `at`: the command, and from a word before that on. */
static void name_from(struct repeat_command *command, const char *line, size_t at)
{
	size_t head = strcspn(line, " "), from = at > NAME_CONTEXT ? at - NAME_CONTEXT : 0;

	while (from && line[from - 1] != ' ' && from + NAME_HEAD > at)
		from--;
	if (strlen(line) < REPEAT_NAME_BYTES || at + NAME_CONTEXT < REPEAT_NAME_BYTES || head > NAME_HEAD || from <= head + 1 ||
	    line[from - 1] != ' ')
		return;
	snprintf(command->name, sizeof(command->name), "%.*s ... ", (int)head, line);
	add_to_name(command->name, line + from);
}

void repeat_commands_tell_apart(struct repeat_command commands[2])
{
	_cleanup_free_ char *a = one_line(commands[0].text), *b = one_line(commands[1].text);
	size_t at = 0;

	while (a && b && a[at] && a[at] == b[at])
		at++;
	if (!a || !b || a[at] == b[at])
		return;
	name_from(&commands[0], a, at);
	name_from(&commands[1], b, at);
}

static void name_command(struct repeat_command *command)
{
	_cleanup_free_ char *line = one_line(command->text);

	command->name[0] = '\0';
	add_to_name(command->name, line ? line : "?");
}

static error_t parse_options(int key, char *argument, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unexpected argument '%s'", argument);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

/* "threads-cpu --workers 2": there is nothing to quote in a model's options. */
static void parse_model(struct repeat_command *command)
{
	static const struct argp_child children[] = {{&model_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .parser = parse_options, .children = children, .doc = "A model, measured by compare --run."};
	_cleanup_free_ char *text = strdup(command->text);
	char *argv[ARGUMENTS_MAX + 1], *place = NULL;
	int argc = 0;

	for (char *word = text ? strtok_r(text, " \t\n", &place) : NULL; word && argc < ARGUMENTS_MAX;
	     word = strtok_r(NULL, " \t\n", &place))
		argv[argc++] = word;
	argv[argc] = NULL;
	command->model = argc ? model_find(argv[0]) : NULL;
	if (!command->model)
		return;
	command->model_options.uses = command->model->uses;
	command->model_options.delay_us = CAT_SERVER_DELAY_US_DEFAULT;
	model_params_default(&command->model_options.params);
	options_parse(&argp, argc, argv, 0, NULL, &command->model_options);
}

void repeat_command_parse(const char *text, struct repeat_command *ret)
{
	*ret = (struct repeat_command){.text = text};
	name_command(ret);
	parse_model(ret);
}

/* *asked: a signal wanted the end. 0 or a negative errno with `error`. */
static int run_shell(const struct repeat_command *command, const struct repeat_options *options, bool elevate, struct run **ret,
		     bool *asked, char *error)
{
	static char path[] = "/bin/sh", line[] = "-c";
	char *argv[] = {path, line, (char *)command->text, NULL};
	const struct trace_command shell = {
	    .name = command->name, .argv = argv, .keep_fd = -1, .without_streams = !options->show_output};
	struct trace_outcome outcome;
	int err = elevate ? elevated_run(&shell, options->trace, ret, &outcome, error)
			  : trace_run(&shell, options->trace, ret, &outcome, error);

	*asked = !err && (outcome.asked || (*ret)->interrupted);
	return err;
}

static int run_model(const struct repeat_command *command, const struct repeat_options *options, struct run **ret, bool *asked,
		     char *error)
{
	int err = model_run(command->model, &command->model_options, options->trace, ret, error);

	*asked = false;
	if (err)
		return err;
	*asked = (*ret)->interrupted;
	/* The options tell it from another run of the same model. */
	free((*ret)->name);
	(*ret)->name = strdup(command->name);
	if ((*ret)->name)
		return 0;
	snprintf(error, TRACE_ERROR_BYTES, "out of memory");
	run_free(*ret);
	return -ENOMEM;
}

/* Whether it counts; says why not. */
static bool succeeded(const struct repeat_command *command, const struct run *run, const struct repeat_options *options)
{
	if (run->failure) {
		fprintf(stderr, "concprof: %s failed: %s\n", command->name, run->failure);
		return false;
	}
	if (!run->exit_status || options->ignore_failure)
		return true;
	fprintf(stderr, "concprof: '%s' failed: exit status %d in run %zu of %zu (--ignore-failure compares it all the same%s)\n",
		command->text, run->exit_status, command->n + 1, options->repeats,
		options->show_output ? "" : "; --show-output shows what it says");
	return false;
}

static int keep(struct repeat_command *command, struct run *run, size_t planned)
{
	bool needed[REPEATS_MAX];
	int err;

	command->wall_ns[command->n] = run->end_ns - run->begin_ns;
	command->runs[command->n++] = run;
	err = spread_middle(command->wall_ns, command->n, planned, needed);
	for (size_t i = 0; i < command->n && !err; i++)
		if (!needed[i])
			run_free(steal_pointer(&command->runs[i]));
	return err;
}

static void show_progress(const struct repeat_command *command, const struct repeat_options *options)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K[%zu/%zu] %s ...", command->n + 1, options->repeats, command->name);
}

static void hide_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static int run_once(struct repeat_command *command, const struct repeat_options *options, bool elevate)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct run *run = NULL;
	bool asked;
	int err;

	show_progress(command, options);
	err = command->model ? run_model(command, options, &run, &asked, error)
			     : run_shell(command, options, elevate, &run, &asked, error);
	hide_progress();
	if (err) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	if (asked || !succeeded(command, run, options)) {
		/* Also when the command made an end of its own when it was asked to. */
		int status = !asked ? STATUS_FAILED : run->exit_status > 128 ? run->exit_status : 128 + SIGINT;

		if (asked)
			fprintf(stderr, "concprof: interrupted in run %zu of %zu of '%s': nothing was compared\n", command->n + 1,
				options->repeats, command->text);
		run_free(run);
		return status;
	}
	err = keep(command, run, options->repeats);
	if (err)
		fprintf(stderr, "concprof: %s\n", strerror(-err));
	return err ? STATUS_FAILED : 0;
}

static int prepare(struct repeat_command *command, const struct repeat_options *options)
{
	char error[TRACE_ERROR_BYTES] = "";

	command->wall_ns = calloc(options->repeats, sizeof(*command->wall_ns));
	command->runs = calloc(options->repeats, sizeof(*command->runs));
	if (!command->wall_ns || !command->runs)
		snprintf(error, sizeof(error), "out of memory");
	else if (!command->model || !cats_start(&command->cats, &command->model_options, error, sizeof(error)))
		return 0;
	fprintf(stderr, "concprof: %s\n", error);
	return STATUS_FAILED;
}

/* The shell's commands can be started by the user, and only the tracer elevated; models cannot. */
static int check_privileges(const struct repeat_command *commands, size_t count, bool *elevate)
{
	char error[TRACE_ERROR_BYTES] = "";
	int allowed = trace_allowed(error);
	bool any_model = false;

	for (size_t i = 0; i < count; i++)
		any_model |= commands[i].model != NULL;
	*elevate = allowed == -EPERM && !any_model;
	if (!allowed || *elevate)
		return 0;
	fprintf(stderr, "concprof: %s\n", error);
	return STATUS_FAILED;
}

int repeat_run(struct repeat_command *commands, size_t count, const struct repeat_options *options)
{
	bool elevate;
	int status = check_privileges(commands, count, &elevate);

	for (size_t i = 0; i < count && !status; i++)
		status = prepare(&commands[i], options);
	for (size_t repeat = 0; repeat < options->repeats; repeat++)
		for (size_t i = 0; i < count && !status; i++)
			status = run_once(&commands[i], options, elevate);
	return status;
}

struct run *repeat_take_middle(struct repeat_command *command)
{
	for (size_t i = 0; i < command->n; i++)
		if (command->runs[i])
			return steal_pointer(&command->runs[i]);
	return NULL;
}

void repeat_command_free(struct repeat_command *command)
{
	cats_stop(&command->cats);
	for (size_t i = 0; i < command->n; i++)
		run_free(command->runs[i]);
	free(command->runs);
	free(command->wall_ns);
}
