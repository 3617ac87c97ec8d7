/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of profile/ share; not for others. */
#ifndef CONCPROF_PROFILE_INTERNAL_H
#define CONCPROF_PROFILE_INTERNAL_H

#include <sqlite3.h>

#include "profile/columns.h"
#include "profile/file.h"
#include "profile/profile.h"

#define PROFILE_APPLICATION_ID 0x434e4350 /* "CNCP" */

struct profile {
	sqlite3 *db;
	struct profile_file *file; /* NULL: in memory */
	char *path;                /* for messages */
	struct host host;
	int runs;
	bool committed;
	int class_of[CLASS_SLOTS]; /* recording's class number -> ours; -1: none */
};

/* One line into `error` (may be NULL): "PATH: what"; returns err. */
__attribute__((format(printf, 4, 5))) int profile_error(const struct profile *profile, char *error, int err, const char *format,
							...);
/* The same for what SQLite says: no space, damaged, ... */
int profile_sql_error(const struct profile *profile, char *error);

/* A prepared statement; NULL on failure. */
sqlite3_stmt *profile_prepare(struct profile *profile, const char *sql);
void statement_finalize(sqlite3_stmt **statement);
#define _cleanup_statement_ __attribute__((cleanup(statement_finalize)))

/* The first value of the first row of a query without arguments; 0 or -1, SQLite knows why. */
int profile_query_number(struct profile *profile, const char *sql, int64_t *ret);

/* Fills class_of from the recording; 0 or a negative errno. */
int profile_load_classes(struct profile *profile, char *error);
int profile_load_host(struct profile *profile, char *error);

/* The connection's limits and the check that the tables are exactly ours, before anything of an untrusted file is read. */
void profile_harden(struct profile *profile);
int profile_check_schema(struct profile *profile, char *error);

/* schema.sql up to and from its index part. */
int profile_create_tables(sqlite3 *db);
int profile_create_indexes(sqlite3 *db);

#endif
