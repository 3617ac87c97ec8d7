/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which member of which struct stands in which column: the one list from which rows are written, read and checked.
 * A new fact about a run is a line in run.h, a line in schema.sql, and a line in columns.c.
 */
#ifndef CONCPROF_PROFILE_COLUMNS_H
#define CONCPROF_PROFILE_COLUMNS_H

#include <stddef.h>

#include "profile/run.h"

enum column_type {
	COLUMN_U64,          /* uint64_t, 0 .. max */
	COLUMN_BITS,         /* uint64_t, all 64 bits, kept as signed */
	COLUMN_U32,          /* uint32_t, 0 .. max */
	COLUMN_INT,          /* int, 0 .. max */
	COLUMN_BOOL,         /* bool */
	COLUMN_CLASS,        /* uint32_t, through the recording's own table of classes */
	COLUMN_REAL,         /* double */
	COLUMN_TEXT,         /* char * */
	COLUMN_TEXT_OR_NULL, /* char *, may be NULL */
	COLUMN_HISTOGRAM,    /* uint64_t[WAIT_LOG2_SLOTS], as a JSON array */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;
	uint64_t max; /* 0: what the type and the database can hold */
};

/* Every table but `run` begins with the column `run`, which rows do not have. */
struct table {
	const char *name;
	const struct column *columns;
	size_t n_columns, row_bytes;
};

/* Rows that are no array of struct run. */
struct time_row {
	uint64_t owner; /* serial of the thread or process */
	uint32_t class;
	uint64_t ns;
};

struct argument_row {
	char *value;
};

struct figure_row {
	char *kind; /* FIGURE_* */
	struct run_figure figure;
};

#define FIGURE_LOSS   "loss"
#define FIGURE_LEDGER "ledger"
#define FIGURE_STACK  "stack"

extern const struct table table_run, table_argument, table_process, table_process_time, table_thread, table_thread_time,
    table_wait, table_frame, table_stack, table_sample, table_episode, table_moment, table_figure;

#endif
