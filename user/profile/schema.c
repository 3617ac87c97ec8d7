/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "profile/internal.h"
#include "schema.sql.h"

#define INDEX_MARK "-- @indexes"

int profile_create_tables(sqlite3 *db)
{
	const char *indexes = strstr(schema_sql, INDEX_MARK);
	char *tables = sqlite3_mprintf("%.*s", (int)(indexes - schema_sql), schema_sql);
	int rc = tables ? sqlite3_exec(db, tables, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(tables);
	return rc;
}

int profile_create_indexes(sqlite3 *db)
{
	return sqlite3_exec(db, strstr(schema_sql, INDEX_MARK), NULL, NULL, NULL);
}

/*
 * Triggers, views and functions of an untrusted file run for nobody; no value may be larger than a sane one. What is sorted stays in memory:
 * our VFS has no other file than the recording.
 */
void profile_harden(struct profile *profile)
{
	sqlite3_db_config(profile->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(profile->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(profile->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(profile->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(profile->db, SQLITE_LIMIT_LENGTH, 16 << 20);
	sqlite3_exec(profile->db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY", NULL, NULL,
		     NULL);
}

static int same_definition(struct profile *profile, const char *name, const char *sql, bool *same)
{
	_cleanup_statement_ sqlite3_stmt *find =
	    profile_prepare(profile, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
	const char *theirs;
	int rc;

	if (!find)
		return -1;
	sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(find);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return -1;
	theirs = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(find, 0) : NULL;
	*same = theirs && !strcmp(theirs, sql);
	return 0;
}

static int compare_tables(struct profile *profile, sqlite3 *reference, char *error)
{
	_cleanup_statement_ sqlite3_stmt *tables = NULL;
	int rc;

	if (profile_create_tables(reference) != SQLITE_OK ||
	    sqlite3_prepare_v2(reference, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL", -1,
			       &tables, NULL) != SQLITE_OK)
		return profile_error(profile, error, -ENOMEM, "out of memory");
	while ((rc = sqlite3_step(tables)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0),
			   *sql = (const char *)sqlite3_column_text(tables, 1);
		bool same;

		if (same_definition(profile, name, sql, &same) < 0)
			return profile_sql_error(profile, error);
		if (!same)
			return profile_error(profile, error, -EIO, "is damaged: the table %s is not as version %d has it", name,
					     PROFILE_VERSION);
	}
	return rc == SQLITE_DONE ? 0 : profile_error(profile, error, -ENOMEM, "out of memory");
}

int profile_check_schema(struct profile *profile, char *error)
{
	sqlite3 *reference = NULL;
	int err;

	if (sqlite3_open_v2(":memory:", &reference, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		err = profile_error(profile, error, -ENOMEM, "out of memory");
	else
		err = compare_tables(profile, reference, error);
	sqlite3_close(reference);
	return err;
}
