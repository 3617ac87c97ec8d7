/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/index.h"
#include "profile/internal.h"

#define CPUS_MAX 65536

/* Rows of one table under construction. */
struct rows {
	char *bytes;
	size_t n, room;
};

struct load {
	struct profile *profile;
	char *error;
	int number; /* of the run, from 1 */
	struct run *run;
};

static int damaged(struct load *load, const struct table *table, const struct column *column, const char *what)
{
	return profile_error(load->profile, load->error, -EIO, "is damaged: %s.%s %s", table->name, column->name, what);
}

static int read_integer(sqlite3_stmt *row, int position, uint64_t max, uint64_t *ret)
{
	int64_t value;

	if (sqlite3_column_type(row, position) != SQLITE_INTEGER)
		return -1;
	value = sqlite3_column_int64(row, position);
	if (value < 0 || (max && (uint64_t)value > max))
		return -1;
	*ret = value;
	return 0;
}

/* 0, -EIO when it is no text, -ENOMEM. */
static int read_text(sqlite3_stmt *row, int position, char **ret)
{
	const char *value;

	if (sqlite3_column_type(row, position) != SQLITE_TEXT)
		return -EIO;
	value = (const char *)sqlite3_column_text(row, position);
	if (!value)
		return -ENOMEM;
	if (strlen(value) != (size_t)sqlite3_column_bytes(row, position))
		return -EIO;
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

/* "[1,0,3]": nothing but numbers and commas, as it was written. */
static int read_histogram(sqlite3_stmt *row, int position, uint64_t log2_ns[WAIT_LOG2_SLOTS])
{
	const char *at =
	    sqlite3_column_type(row, position) == SQLITE_TEXT ? (const char *)sqlite3_column_text(row, position) : NULL;
	char *end;

	if (!at || *at++ != '[')
		return -EIO;
	if (!strcmp(at, "]"))
		return 0;
	for (int i = 0; i < WAIT_LOG2_SLOTS; i++) {
		if (*at < '0' || *at > '9')
			return -EIO;
		errno = 0;
		log2_ns[i] = strtoull(at, &end, 10);
		if (errno)
			return -EIO;
		if (!strcmp(end, "]"))
			return 0;
		if (*end != ',')
			return -EIO;
		at = end + 1;
	}
	return -EIO;
}

static int read_value(struct load *load, sqlite3_stmt *row, int position, const struct column *column, void *member)
{
	uint64_t value = 0;

	switch (column->type) {
	case COLUMN_TEXT_OR_NULL:
		if (sqlite3_column_type(row, position) == SQLITE_NULL)
			return 0;
		return read_text(row, position, member);
	case COLUMN_TEXT:
		return read_text(row, position, member);
	case COLUMN_HISTOGRAM:
		return read_histogram(row, position, member);
	case COLUMN_REAL:
		if (sqlite3_column_type(row, position) != SQLITE_FLOAT)
			return -EIO;
		*(double *)member = sqlite3_column_double(row, position);
		return 0;
	case COLUMN_BITS:
		if (sqlite3_column_type(row, position) != SQLITE_INTEGER)
			return -EIO;
		*(uint64_t *)member = sqlite3_column_int64(row, position);
		return 0;
	case COLUMN_U64:
		return read_integer(row, position, column->max, member) < 0 ? -EIO : 0;
	case COLUMN_U32:
		if (read_integer(row, position, column->max ? column->max : UINT32_MAX, &value) < 0)
			return -EIO;
		*(uint32_t *)member = value;
		return 0;
	case COLUMN_INT:
		if (read_integer(row, position, column->max, &value) < 0)
			return -EIO;
		*(int *)member = value;
		return 0;
	case COLUMN_BOOL:
		if (read_integer(row, position, 1, &value) < 0)
			return -EIO;
		*(bool *)member = value;
		return 0;
	case COLUMN_CLASS:
		if (read_integer(row, position, CLASS_SLOTS - 1, &value) < 0 || load->profile->class_of[value] < 0)
			return -EIO;
		*(uint32_t *)member = load->profile->class_of[value];
		return 0;
	}
	return -EIO;
}

static sqlite3_stmt *prepare_select(struct load *load, const struct table *table)
{
	_cleanup_text_ struct text sql = {0};

	text_add(&sql, "SELECT ");
	for (size_t i = 0; i < table->n_columns; i++)
		text_add(&sql, "%s%s", i ? ", " : "", table->columns[i].name);
	if (table == &table_run)
		text_add(&sql, " FROM %s WHERE id = %d", table->name, load->number);
	else
		text_add(&sql, " FROM %s WHERE run = %d ORDER BY seq", table->name, load->number);
	return sql.failed ? NULL : profile_prepare(load->profile, sql.bytes);
}

static void *rows_add(struct rows *rows, size_t row_bytes)
{
	void *row;

	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 64;
		char *bytes = reallocarray(rows->bytes, room, row_bytes);

		if (!bytes)
			return NULL;
		rows->bytes = bytes;
		rows->room = room;
	}
	row = memset(rows->bytes + rows->n * row_bytes, 0, row_bytes);
	rows->n++;
	return row;
}

/*
 * Reads a table's rows of the run. The caller owns them and their strings even when this fails: every row counted is whole or has NULL
 * for what was not read.
 */
static int load_rows(struct load *load, const struct table *table, struct rows *rows)
{
	_cleanup_statement_ sqlite3_stmt *select = prepare_select(load, table);
	int rc = SQLITE_DONE;

	if (!select)
		return profile_sql_error(load->profile, load->error);
	while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
		char *row = rows_add(rows, table->row_bytes);

		if (!row)
			return profile_error(load->profile, load->error, -ENOMEM, "out of memory");
		for (size_t i = 0; i < table->n_columns; i++) {
			const struct column *column = &table->columns[i];
			int err = read_value(load, select, i, column, row + column->offset);

			if (err == -ENOMEM)
				return profile_error(load->profile, load->error, err, "out of memory");
			if (err)
				return damaged(load, table, column, "has a value that it cannot have");
		}
	}
	return rc == SQLITE_DONE ? 0 : profile_sql_error(load->profile, load->error);
}

static int load_run_row(struct load *load)
{
	struct rows rows = {0};
	int err = load_rows(load, &table_run, &rows);

	if (!err && rows.n != 1)
		err = profile_error(load->profile, load->error, -EIO, "is damaged: there is no run %d", load->number);
	if (rows.n) /* at most one: the table's key */
		*load->run = *(struct run *)rows.bytes;
	free(rows.bytes);
	return err;
}

static int load_command(struct load *load)
{
	struct rows rows = {0};
	int err = load_rows(load, &table_argument, &rows);

	/* The terminating NULL makes a list of pointers of it. */
	if (rows_add(&rows, table_argument.row_bytes))
		load->run->command = (char **)rows.bytes;
	else if (!err)
		err = profile_error(load->profile, load->error, -ENOMEM, "out of memory");
	return err;
}

static int load_arrays(struct load *load)
{
	struct rows processes = {0}, threads = {0}, waits = {0}, frames = {0}, stacks = {0}, samples = {0}, episodes = {0},
		    moments = {0};
	struct run *run = load->run;
	int err = load_rows(load, &table_process, &processes);

	if (!err)
		err = load_rows(load, &table_thread, &threads);
	if (!err)
		err = load_rows(load, &table_wait, &waits);
	if (!err)
		err = load_rows(load, &table_frame, &frames);
	if (!err)
		err = load_rows(load, &table_stack, &stacks);
	if (!err)
		err = load_rows(load, &table_sample, &samples);
	if (!err)
		err = load_rows(load, &table_episode, &episodes);
	if (!err)
		err = load_rows(load, &table_moment, &moments);
	run->processes = (struct run_process *)processes.bytes;
	run->n_processes = processes.n;
	run->threads = (struct run_thread *)threads.bytes;
	run->n_threads = threads.n;
	run->waits = (struct run_wait *)waits.bytes;
	run->n_waits = waits.n;
	run->frames = (struct run_frame *)frames.bytes;
	run->n_frames = frames.n;
	run->stacks = (struct run_stack *)stacks.bytes;
	run->n_stacks = stacks.n;
	run->samples = (struct run_sample *)samples.bytes;
	run->n_samples = samples.n;
	run->episodes = (struct run_episode *)episodes.bytes;
	run->n_episodes = episodes.n;
	run->moments = (struct run_moment *)moments.bytes;
	run->n_moments = moments.n;
	return err;
}

static uint64_t *times_of(struct run *run, const struct table *table, size_t position)
{
	return table == &table_thread_time ? run->threads[position].ns : run->processes[position].undelivered_ns;
}

/* Each class at most once for each thread or process. */
static int load_times(struct load *load, const struct table *table, const struct run_index *index)
{
	struct rows rows = {0};
	int err = load_rows(load, table, &rows);
	const struct time_row *row = (const struct time_row *)rows.bytes;

	for (size_t i = 0; !err && i < rows.n; i++, row++) {
		size_t position = run_index_find(index, row->owner);
		uint64_t *ns = position == RUN_NOT_FOUND ? NULL : &times_of(load->run, table, position)[row->class];

		if (!ns)
			err = damaged(load, table, &table->columns[0], "refers to none that is there");
		else if (*ns)
			err = damaged(load, table, &table->columns[1], "occurs twice");
		else
			*ns = row->ns;
	}
	free(rows.bytes);
	return err;
}

static int load_all_times(struct load *load)
{
	struct run_index *threads = NULL, *processes = NULL;
	int err = run_index_threads(load->run, &threads);

	if (!err)
		err = run_index_processes(load->run, &processes);
	if (err)
		err = profile_error(load->profile, load->error, err == -EEXIST ? -EIO : err, "%s",
				    err == -EEXIST ? "is damaged: a serial occurs twice" : "out of memory");
	if (!err)
		err = load_times(load, &table_thread_time, threads);
	if (!err)
		err = load_times(load, &table_process_time, processes);
	run_index_free(threads);
	run_index_free(processes);
	return err;
}

static int take_figures(struct load *load, struct figure_row *rows, size_t n, const char *kind, struct run_figure **ret,
			size_t *n_ret)
{
	struct run_figure *figures = calloc(n + 1, sizeof(*figures));

	if (!figures)
		return profile_error(load->profile, load->error, -ENOMEM, "out of memory");
	*ret = figures;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].kind, kind) != 0)
			continue;
		figures[*n_ret] = rows[i].figure;
		rows[i].figure.name = NULL;
		++*n_ret;
	}
	return 0;
}

static int load_figures(struct load *load)
{
	struct rows rows = {0};
	int err = load_rows(load, &table_figure, &rows);
	struct figure_row *row = (struct figure_row *)rows.bytes;
	struct run *run = load->run;

	for (size_t i = 0; !err && i < rows.n; i++)
		if (strcmp(row[i].kind, FIGURE_LOSS) != 0 && strcmp(row[i].kind, FIGURE_LEDGER) != 0 &&
		    strcmp(row[i].kind, FIGURE_STACK) != 0)
			err = damaged(load, &table_figure, &table_figure.columns[0], "is no kind of figure");
	if (!err)
		err = take_figures(load, row, rows.n, FIGURE_LOSS, &run->losses, &run->n_losses);
	if (!err)
		err = take_figures(load, row, rows.n, FIGURE_LEDGER, &run->ledger, &run->n_ledger);
	if (!err)
		err = take_figures(load, row, rows.n, FIGURE_STACK, &run->stack_figures, &run->n_stack_figures);
	for (size_t i = 0; i < rows.n; i++) {
		free(row[i].kind);
		free(row[i].figure.name);
	}
	free(rows.bytes);
	return err;
}

static int load_whole(struct load *load)
{
	char reason[RUN_REASON_BYTES];
	int err = load_run_row(load);

	if (!err)
		err = load_command(load);
	if (!err)
		err = load_arrays(load);
	if (!err)
		err = load_all_times(load);
	if (!err)
		err = load_figures(load);
	if (err)
		return err;
	err = run_check(load->run, reason);
	if (err == -ENOMEM)
		return profile_error(load->profile, load->error, err, "out of memory");
	return err ? profile_error(load->profile, load->error, -EIO, "is damaged: %s", reason) : 0;
}

int profile_load_run(struct profile *profile, int index, struct run **ret, char *error)
{
	struct load load = {.profile = profile, .error = error, .number = index + 1};
	int err;

	if (index < 0 || index >= profile->runs)
		return profile_error(profile, error, -ENOENT, "has no run number %d", index + 1);
	load.run = calloc(1, sizeof(*load.run));
	if (!load.run)
		return profile_error(profile, error, -ENOMEM, "out of memory");
	err = load_whole(&load);
	if (err)
		run_free(load.run);
	else
		*ret = load.run;
	return err;
}

/* A class of another number, or in another order, is still the same class; a name that we do not know stays -1 and may not be used. */
int profile_load_classes(struct profile *profile, char *error)
{
	_cleanup_statement_ sqlite3_stmt *select = profile_prepare(profile, "SELECT id, name FROM class");
	int rc;

	for (int i = 0; i < CLASS_SLOTS; i++)
		profile->class_of[i] = -1;
	if (!select)
		return profile_sql_error(profile, error);
	while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(select, 1);
		uint64_t id;

		if (read_integer(select, 0, CLASS_SLOTS - 1, &id) < 0 || !name)
			return profile_error(profile, error, -EIO, "is damaged: its table of classes");
		profile->class_of[id] = class_by_name(name);
	}
	return rc == SQLITE_DONE ? 0 : profile_sql_error(profile, error);
}

static int load_meta(struct profile *profile, const char *key, char **ret)
{
	_cleanup_statement_ sqlite3_stmt *select = profile_prepare(profile, "SELECT value FROM meta WHERE key = ?");

	if (!select)
		return -EIO;
	sqlite3_bind_text(select, 1, key, -1, SQLITE_STATIC);
	return sqlite3_step(select) == SQLITE_ROW ? read_text(select, 0, ret) : -EIO;
}

int profile_load_host(struct profile *profile, char *error)
{
	_cleanup_free_ char *cpus = NULL;
	unsigned long number = 0;
	char *end = NULL;

	if (load_meta(profile, "kernel", &profile->host.kernel) || load_meta(profile, "program", &profile->host.version) ||
	    load_meta(profile, "cpus", &cpus))
		return profile_error(profile, error, -EIO, "is damaged: it does not say where it was made");
	number = strtoul(cpus, &end, 10);
	if (*cpus < '0' || *cpus > '9' || *end || number > CPUS_MAX)
		return profile_error(profile, error, -EIO, "is damaged: %.20s CPUs", cpus);
	profile->host.cpus = number;
	return 0;
}
