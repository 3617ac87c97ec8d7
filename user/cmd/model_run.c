/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/model_run.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define ARGUMENTS_MAX  32
#define ARGUMENT_BYTES 560

/* The call of the hidden verb (verb_worker.c) that runs the model. */
struct call {
	char text[ARGUMENTS_MAX][ARGUMENT_BYTES];
	char *argv[ARGUMENTS_MAX + 1];
	size_t count;
	struct trace_command command;
};

int cats_start(struct cats *cats, struct model_run_options *options, char *error, size_t error_bytes)
{
	char folder[PATH_MAX];
	const char *dir;
	int err;

	*cats = (struct cats){.started = false};
	if (!(options->uses & USES_URL))
		return 0;
	if (options->url[0]) {
		options->params.url = options->url;
		return 0;
	}
	dir = cats_dir(folder, sizeof(folder));
	if (!dir) {
		snprintf(error, error_bytes, "the cats (1.jpg .. 20.jpg) were not found; CONCPROF_CATS names their folder");
		return -ENOENT;
	}
	err = cat_server_start(dir, options->delay_us, &cats->server, error, error_bytes);
	if (err)
		return err;
	cats->started = true;
	options->params.url = cats->server.url;
	return 0;
}

void cats_stop(struct cats *cats)
{
	if (cats->started)
		cat_server_stop(&cats->server);
	cats->started = false;
}

__attribute__((format(printf, 2, 3))) static char *argument(struct call *call, const char *format, ...)
{
	char *text = call->text[call->count];
	va_list args;

	if (call->count == ARGUMENTS_MAX)
		return NULL;
	va_start(args, format);
	vsnprintf(text, ARGUMENT_BYTES, format, args);
	va_end(args);
	call->argv[call->count++] = text;
	return text;
}

/* Between the program's name and the options stand the hidden verb, the model, and what the two of us have to say to each other. */
enum { AT_VERB = 1, AT_MODEL, AT_LEDGER, AT_START, AT_OPTIONS };

/* What the user would call to have the same again. */
static int describe(const struct call *call, const struct model *model, struct run *run)
{
	char *shown[ARGUMENTS_MAX + 1] = {call->argv[0], call->argv[AT_MODEL]};

	memcpy(shown + 2, call->argv + AT_OPTIONS, (call->count - AT_OPTIONS) * sizeof(*shown));
	return trace_describe(model->name, shown, run);
}

static void prepare(struct call *call, const struct model *model, const struct model_run_options *options, int ledger_fd)
{
	argument(call, "concprof");
	argument(call, "_model");
	argument(call, "%s", model->name);
	argument(call, "--ledger-fd=%d", ledger_fd);
	call->command.start_ns = argument(call, "%020d", 0);
	call->command.start_ns_bytes = ARGUMENT_BYTES;
	for (const struct model_option *option = model_options; option->name; option++) {
		if (option->uses & model->uses)
			argument(call, "--%s=%u", option->name,
				 *(const unsigned int *)((const char *)&options->params + option->offset));
	}
	if (model->uses & USES_NO_GIL && options->params.no_gil)
		argument(call, "--no-gil");
	if (model->uses & USES_URL && options->params.url)
		argument(call, "--url=%s", options->params.url);
	call->command.name = model->name;
	/* By this link, for the user who called sudo may not reach our own folder. */
	call->command.path = "/proc/self/exe";
	call->command.argv = call->argv;
	call->command.keep_fd = ledger_fd;
}

/* One "name value" line of the ledger. */
static int take_line(char *line, struct run *run, char **failure)
{
	char *value = strchr(line, ' '), *end;
	struct run_figure *figure;

	line[strcspn(line, "\n")] = '\0';
	if (!value)
		return 0;
	*value++ = '\0';
	if (strcmp(line, "error") == 0) {
		free(*failure);
		*failure = strdup(value);
		return *failure ? 0 : -ENOMEM;
	}
	if (!run)
		return 0;
	figure = reallocarray(run->ledger, run->n_ledger + 1, sizeof(*figure));
	if (!figure)
		return -ENOMEM;
	run->ledger = figure;
	figure[run->n_ledger].name = strdup(line);
	figure[run->n_ledger].value = strtod(value, &end);
	if (!figure[run->n_ledger].name)
		return -ENOMEM;
	run->n_ledger++;
	return 0;
}

/* Reads the ledger into the run (may be NULL) and the failure, if the model told of one or cannot have finished. */
static int take_ledger(int fd, int exit_status, bool interrupted, struct run *run, char **failure)
{
	_cleanup_fclose_ FILE *file = NULL;
	char line[1200];
	int copy = dup(fd), err = 0;
	bool any = false;

	file = copy < 0 ? NULL : fdopen(copy, "r");
	if (!file) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	rewind(file);
	while (!err && fgets(line, sizeof(line), file)) {
		any = true;
		err = take_line(line, run, failure);
	}
	if (!err && !*failure && (exit_status || !any)) {
		snprintf(line, sizeof(line), "%s (exit status %d)",
			 interrupted ? "it was interrupted" : "it ended before its work was done", exit_status);
		*failure = strdup(line);
		if (!*failure)
			err = -ENOMEM;
	}
	return err;
}

static int ledger_open(char *error)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC);

	if (fd < 0) {
		fd = -errno;
		snprintf(error, TRACE_ERROR_BYTES, "cannot make a file in memory for the ledger: %s", strerror(errno));
	}
	return fd;
}

int model_run(const struct model *model, const struct model_run_options *options, const struct trace_options *trace,
	      struct run **ret, char *error)
{
	_cleanup_free_ struct call *call = calloc(1, sizeof(*call));
	_cleanup_close_ int ledger_fd = ledger_open(error);
	struct run *run = NULL;
	struct trace_outcome outcome;
	int err;

	if (ledger_fd < 0 || !call)
		return call ? ledger_fd : -ENOMEM;
	prepare(call, model, options, ledger_fd);
	err = trace_run(&call->command, trace, &run, &outcome, error);
	if (err)
		return err;
	err = take_ledger(ledger_fd, run->exit_status, run->interrupted, run, &run->failure);
	if (!err)
		err = describe(call, model, run);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot read the ledger of %s: %s", model->name, strerror(-err));
		run_free(run);
		return err;
	}
	*ret = run;
	return 0;
}

int model_run_untraced(const struct model *model, const struct model_run_options *options, uint64_t *wall_ns, char **failure,
		       char *error)
{
	_cleanup_free_ struct call *call = calloc(1, sizeof(*call));
	_cleanup_close_ int ledger_fd = ledger_open(error);
	bool exec_failed;
	int err, exit_status;

	*failure = NULL;
	if (ledger_fd < 0 || !call)
		return call ? ledger_fd : -ENOMEM;
	prepare(call, model, options, ledger_fd);
	err = trace_untraced(&call->command, wall_ns, &exit_status, &exec_failed, error);
	return err ? err : take_ledger(ledger_fd, exit_status, false, NULL, failure);
}
