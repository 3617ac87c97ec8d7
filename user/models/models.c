/* SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include <sys/prctl.h>

#include "models/clock.h"

/* To add a model: its own file with a `struct model`, one line here, one in the table. */
extern const struct model model_serial_io, model_threads_io, model_session_io, model_async_io;
extern const struct model model_serial_cpu, model_threads_cpu, model_processes_cpu;

const struct model *const models[] = {
    &model_serial_io,  &model_threads_io,  &model_session_io,    &model_async_io,
    &model_serial_cpu, &model_threads_cpu, &model_processes_cpu, NULL,
};

const struct model *model_find(const char *name)
{
	for (const struct model *const *model = models; *model; model++)
		if (!strcmp((*model)->name, name))
			return *model;
	return NULL;
}

void model_params_default(struct model_params *params)
{
	*params = (struct model_params){
	    .workers = 5,
	    .tasks = 20,
	    .iterations = 500000,
	    .cats = 20,
	    .downloads = 5,
	    .rounds = 10,
	    .switch_interval_us = 5000,
	    .timeout_us = 30000000,
	};
}

#define OPTION(option, bit, field, from, to, text)                                                                               \
	{                                                                                                                        \
		option, bit, offsetof(struct model_params, field), from, to, text, false                                         \
	}
#define TIME(option, bit, field, from, to, text)                                                                                 \
	{                                                                                                                        \
		option, bit, offsetof(struct model_params, field), from, to, text, true                                          \
	}
const struct model_option model_options[] = {
    OPTION("workers", USES_WORKERS, workers, 1, 1024, "threads or processes"),
    OPTION("tasks", USES_TASKS, tasks, 1, 1000000, "chains of hashes"),
    OPTION("iterations", USES_ITERATIONS, iterations, 1, 1000000000, "hashes in a chain"),
    OPTION("cats", USES_CATS, cats, 1, 20, "different pictures"),
    OPTION("downloads", USES_DOWNLOADS, downloads, 1, 1000, "downloads of each picture in a round"),
    OPTION("rounds", USES_ROUNDS, rounds, 1, 10000, "times that all of it is done"),
    TIME("switch-interval", USES_SWITCH_INTERVAL, switch_interval_us, 1, 10000000,
	 "how long a thread waits before it asks for the interpreter lock, in us (or 5ms, 1s)"),
    TIME("timeout", USES_TIMEOUT, timeout_us, 1000, 3600000000, "the longest that one download may take, in us (or 500ms, 30s)"),
    TIME("plant-sleep", USES_PLANT_SLEEP, plant_sleep_us, 0, 10000000,
	 "sleep after each task, in us (or 5ms, 1s): a cause to be found"),
    {NULL, 0, 0, 0, 0, NULL, false},
};
#undef OPTION
#undef TIME

/* Digits, then a unit if `time_us`. 0; -EINVAL; -ERANGE if no 64-bit number holds it. */
static int parse(const char *text, bool time_us, unsigned long long *value)
{
	static const struct {
		const char *name;
		unsigned int factor;
	} units[] = {{"", 1}, {"us", 1}, {"ms", 1000}, {"s", 1000000}};
	char *end;

	/* strtoull would take blanks and signs. */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	for (size_t i = 0; i < (time_us ? sizeof(units) / sizeof(units[0]) : 1); i++)
		if (!strcmp(end, units[i].name))
			return __builtin_mul_overflow(*value, (unsigned long long)units[i].factor, value) ? -ERANGE : 0;
	return -EINVAL;
}

int model_option_set(struct model_params *params, const char *name, const char *value, char *error, size_t error_bytes)
{
	for (const struct model_option *option = model_options; option->name; option++) {
		const char *unit = option->time_us ? " us" : "";
		unsigned long long number = 0;
		int rc;

		if (strcmp(option->name, name))
			continue;
		rc = parse(value, option->time_us, &number);
		if (!rc && (number < option->min || number > option->max))
			rc = -ERANGE;
		if (rc == -EINVAL)
			snprintf(error, error_bytes, "--%s: '%s' is not a %s (%u..%u%s)", name, value,
				 option->time_us ? "time" : "whole number", option->min, option->max, unit);
		else if (rc)
			snprintf(error, error_bytes, "--%s: '%s' is not in %u..%u%s", name, value, option->min, option->max,
				 unit);
		else
			memcpy((char *)params + option->offset, &(unsigned int){number}, sizeof(unsigned int));
		return rc;
	}
	return -ENOENT;
}

static const struct {
	const char *name;
	size_t offset;
} ledger_lines[] = {
#define LINE(field)                                                                                                              \
	{                                                                                                                        \
#field, offsetof(struct ledger, field)                                                                           \
	}
    LINE(start_ns),    LINE(wall_ns),  LINE(work_ns), LINE(hashes),       LINE(bytes),  LINE(downloads),
    LINE(connections), LINE(handoffs), LINE(forced),  LINE(lock_wait_ns), LINE(digest),
#undef LINE
};

static int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t put = write(fd, text, bytes);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			text += put;
			bytes -= put;
		}
	}
	return 0;
}

static int ledger_write(const struct ledger *ledger, const char *error, int fd)
{
	char text[2048];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(ledger_lines) / sizeof(ledger_lines[0]); i++) {
		uint64_t value;

		memcpy(&value, (const char *)ledger + ledger_lines[i].offset, sizeof(value));
		used += snprintf(text + used, sizeof(text) - used, "%s %llu\n", ledger_lines[i].name, (unsigned long long)value);
	}
	if (error)
		used += snprintf(text + used, sizeof(text) - used, "error %s\n", error);
	return write_all(fd, text, used);
}

int model_main(const struct model *model, const struct model_params *params, uint64_t start_ns, int ledger_fd)
{
	struct ledger ledger = {.start_ns = start_ns};
	char error[1024] = "";
	int rc;

	prctl(PR_SET_NAME, model->name);
	rc = model->run(params, &ledger, error, sizeof(error));
	if (rc && !error[0])
		snprintf(error, sizeof(error), "%s: %s", model->name, strerror(-rc));
	/* The ledger is read by lines. */
	for (char *c = error; *c; c++)
		if (*c == '\n')
			*c = ' ';
	ledger.wall_ns = now_ns() - start_ns;
	if (ledger_write(&ledger, rc ? error : NULL, ledger_fd))
		return 1;
	return rc ? 1 : 0;
}
