/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/internal.h"

/* `key` is the name of the column in front of the table's own: "run", for the table of runs "id". */
static sqlite3_stmt *prepare_insert(struct profile *profile, const struct table *table, const char *key)
{
	_cleanup_text_ struct text sql = {0};

	text_add(&sql, "INSERT INTO %s (%s", table->name, key);
	for (size_t i = 0; i < table->n_columns; i++)
		text_add(&sql, ", %s", table->columns[i].name);
	text_add(&sql, ") VALUES (?");
	for (size_t i = 0; i < table->n_columns; i++)
		text_add(&sql, ", ?");
	text_add(&sql, ")");
	return sql.failed ? NULL : profile_prepare(profile, sql.bytes);
}

static int bind_histogram(sqlite3_stmt *insert, int position, const uint64_t log2_ns[WAIT_LOG2_SLOTS])
{
	_cleanup_text_ struct text json = {0};
	int used = WAIT_LOG2_SLOTS;

	while (used && !log2_ns[used - 1])
		used--;
	text_add(&json, "[");
	for (int i = 0; i < used; i++)
		text_add(&json, "%s%llu", i ? "," : "", (unsigned long long)log2_ns[i]);
	text_add(&json, "]");
	if (json.failed)
		return SQLITE_NOMEM;
	return sqlite3_bind_text(insert, position, json.bytes, -1, SQLITE_TRANSIENT);
}

static int bind(sqlite3_stmt *insert, int position, const struct column *column, const void *row)
{
	const void *member = (const char *)row + column->offset;

	switch (column->type) {
	case COLUMN_U64:
	case COLUMN_BITS:
		return sqlite3_bind_int64(insert, position, *(const uint64_t *)member);
	case COLUMN_U32:
	case COLUMN_CLASS:
		return sqlite3_bind_int64(insert, position, *(const uint32_t *)member);
	case COLUMN_INT:
		return sqlite3_bind_int(insert, position, *(const int *)member);
	case COLUMN_BOOL:
		return sqlite3_bind_int(insert, position, *(const bool *)member);
	case COLUMN_REAL:
		return sqlite3_bind_double(insert, position, *(const double *)member);
	case COLUMN_TEXT:
	case COLUMN_TEXT_OR_NULL:
		return sqlite3_bind_text(insert, position, *(char *const *)member, -1, SQLITE_STATIC);
	case COLUMN_HISTOGRAM:
		return bind_histogram(insert, position, member);
	}
	return SQLITE_MISUSE;
}

static int insert_row(sqlite3_stmt *insert, const struct table *table, int run, const void *row)
{
	int rc = sqlite3_bind_int(insert, 1, run);

	for (size_t i = 0; rc == SQLITE_OK && i < table->n_columns; i++)
		rc = bind(insert, i + 2, &table->columns[i], row);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(insert);
	sqlite3_reset(insert);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int insert_rows(struct profile *profile, const struct table *table, int run, const void *rows, size_t n)
{
	_cleanup_statement_ sqlite3_stmt *insert = prepare_insert(profile, table, table == &table_run ? "id" : "run");

	for (size_t i = 0; insert && i < n; i++)
		if (insert_row(insert, table, run, (const char *)rows + i * table->row_bytes) < 0)
			return -1;
	return insert ? 0 : -1;
}

static int insert_classes(sqlite3_stmt *insert, const struct table *table, int run, uint64_t owner,
			  const uint64_t ns[CLASS_SLOTS])
{
	for (int class = 0; class < CLASS_COUNT; class ++) {
		struct time_row row = {owner, class, ns[class]};

		if (ns[class] && insert_row(insert, table, run, &row) < 0)
			return -1;
	}
	return 0;
}

static int insert_times(struct profile *profile, int number, const struct run *run)
{
	_cleanup_statement_ sqlite3_stmt *thread = prepare_insert(profile, &table_thread_time, "run");
	_cleanup_statement_ sqlite3_stmt *process = prepare_insert(profile, &table_process_time, "run");

	if (!thread || !process)
		return -1;
	for (size_t i = 0; i < run->n_threads; i++)
		if (insert_classes(thread, &table_thread_time, number, run->threads[i].id, run->threads[i].ns) < 0)
			return -1;
	for (size_t i = 0; i < run->n_processes; i++)
		if (insert_classes(process, &table_process_time, number, run->processes[i].id, run->processes[i].undelivered_ns) <
		    0)
			return -1;
	return 0;
}

static int insert_figures(struct profile *profile, int number, char *kind, const struct run_figure *figures, size_t n)
{
	_cleanup_statement_ sqlite3_stmt *insert = prepare_insert(profile, &table_figure, "run");

	for (size_t i = 0; insert && i < n; i++) {
		struct figure_row row = {kind, figures[i]};

		if (insert_row(insert, &table_figure, number, &row) < 0)
			return -1;
	}
	return insert ? 0 : -1;
}

int profile_store_run(struct profile *profile, const struct run *run, char *error)
{
	int number = profile->runs + 1;
	char reason[RUN_REASON_BYTES], loss[] = FIGURE_LOSS, ledger[] = FIGURE_LEDGER, stack[] = FIGURE_STACK;
	size_t arguments = 0;
	int err = run_check(run, reason);

	if (err == -ENOMEM)
		return profile_error(profile, error, err, "out of memory");
	if (err)
		return profile_error(profile, error, err, "the run %.64s contradicts itself: %s", run->name, reason);
	while (run->command && run->command[arguments])
		arguments++;
	if (insert_rows(profile, &table_run, number, run, 1) < 0 ||
	    insert_rows(profile, &table_argument, number, run->command, arguments) < 0 ||
	    insert_rows(profile, &table_process, number, run->processes, run->n_processes) < 0 ||
	    insert_rows(profile, &table_thread, number, run->threads, run->n_threads) < 0 ||
	    insert_times(profile, number, run) < 0 || insert_rows(profile, &table_wait, number, run->waits, run->n_waits) < 0 ||
	    insert_figures(profile, number, loss, run->losses, run->n_losses) < 0 ||
	    insert_rows(profile, &table_frame, number, run->frames, run->n_frames) < 0 ||
	    insert_rows(profile, &table_stack, number, run->stacks, run->n_stacks) < 0 ||
	    insert_rows(profile, &table_sample, number, run->samples, run->n_samples) < 0 ||
	    insert_rows(profile, &table_episode, number, run->episodes, run->n_episodes) < 0 ||
	    insert_rows(profile, &table_moment, number, run->moments, run->n_moments) < 0 ||
	    insert_figures(profile, number, stack, run->stack_figures, run->n_stack_figures) < 0 ||
	    insert_figures(profile, number, ledger, run->ledger, run->n_ledger) < 0)
		return profile_sql_error(profile, error);
	profile->runs = number;
	return 0;
}
