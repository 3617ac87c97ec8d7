/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/internal.h"

int profile_error(const struct profile *profile, char *error, int err, const char *format, ...)
{
	const char *path = profile->path ? profile->path : "profile in memory";
	va_list args;
	int length;

	if (!error)
		return err;
	/* A path of any length leaves room for the reason. */
	length = snprintf(error, PROFILE_ERROR_BYTES, "%.300s%s: ", path, strlen(path) > 300 ? "..." : "");
	va_start(args, format);
	vsnprintf(error + length, PROFILE_ERROR_BYTES - length, format, args);
	va_end(args);
	text_clean(error); /* a damaged file's names can hold anything */
	return err;
}

int profile_sql_error(const struct profile *profile, char *error)
{
	int rc = sqlite3_errcode(profile->db) & 0xff, file_errno = profile->file ? profile_file_errno(profile->file) : 0;

	if (file_errno)
		return profile_error(profile, error, -file_errno, "%s", strerror(file_errno));
	switch (rc) {
	case SQLITE_NOMEM:
		return profile_error(profile, error, -ENOMEM, "out of memory");
	case SQLITE_FULL:
		return profile_error(profile, error, -ENOSPC, "%s", strerror(ENOSPC));
	case SQLITE_NOTADB:
		return profile_error(profile, error, -EINVAL, "is not a concprof recording");
	default:
		return profile_error(profile, error, -EIO, "is damaged: %s", sqlite3_errmsg(profile->db));
	}
}

sqlite3_stmt *profile_prepare(struct profile *profile, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	sqlite3_prepare_v2(profile->db, sql, -1, &statement, NULL);
	return statement;
}

void statement_finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

int profile_query_number(struct profile *profile, const char *sql, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = profile_prepare(profile, sql);

	if (!statement || sqlite3_step(statement) != SQLITE_ROW)
		return -1;
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

static int write_classes(struct profile *profile)
{
	_cleanup_statement_ sqlite3_stmt *insert = profile_prepare(profile, "INSERT INTO class VALUES (?, ?, ?, ?)");

	for (int i = 0; insert && i < CLASS_COUNT; i++) {
		profile->class_of[i] = i;
		sqlite3_bind_int(insert, 1, i);
		sqlite3_bind_text(insert, 2, class_name(i), -1, SQLITE_STATIC);
		sqlite3_bind_text(insert, 3, class_default_state(i), -1, SQLITE_STATIC);
		sqlite3_bind_text(insert, 4, class_gloss(i), -1, SQLITE_STATIC);
		if (sqlite3_step(insert) != SQLITE_DONE)
			return -1;
		sqlite3_reset(insert);
	}
	return insert ? 0 : -1;
}

static int write_meta(struct profile *profile)
{
	_cleanup_statement_ sqlite3_stmt *insert = profile_prepare(
	    profile, "INSERT INTO meta VALUES ('format', 'concprof'), ('program', ?), ('kernel', ?), ('cpus', ?)");

	if (!insert)
		return -1;
	sqlite3_bind_text(insert, 1, profile->host.version, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 2, profile->host.kernel, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 3, sqlite3_mprintf("%u", profile->host.cpus), -1, sqlite3_free);
	return sqlite3_step(insert) == SQLITE_DONE ? 0 : -1;
}

/* Nothing but this process sees the file before it has its name, so it needs neither journal nor syncs. */
static int create_database(struct profile *profile, char *error)
{
	char pragmas[200];
	int rc;

	for (int i = 0; i < CLASS_SLOTS; i++)
		profile->class_of[i] = -1;
	if (profile->file)
		rc = profile_file_connect(profile->file, &profile->db);
	else
		rc = sqlite3_open_v2(":memory:", &profile->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	snprintf(pragmas, sizeof(pragmas),
		 "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA application_id = %d; "
		 "PRAGMA user_version = %d; BEGIN",
		 PROFILE_APPLICATION_ID, PROFILE_VERSION);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(profile->db, pragmas, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = profile_create_tables(profile->db);
	if (rc != SQLITE_OK || write_classes(profile) < 0 || write_meta(profile) < 0)
		return profile_sql_error(profile, error);
	return 0;
}

static int copy_host(struct profile *profile, const struct host *host)
{
	profile->host.kernel = strdup(host->kernel);
	profile->host.version = strdup(host->version);
	profile->host.cpus = host->cpus;
	return profile->host.kernel && profile->host.version ? 0 : -ENOMEM;
}

static int create_error(struct profile *profile, char *error, int err)
{
	if (err == -EEXIST)
		return profile_error(profile, error, err, "exists and is not a regular file: not replaced");
	return profile_error(profile, error, err, "cannot be written: %s", strerror(-err));
}

/* Begins the database in profile->file, or in memory; `err`: what has failed so far. */
static int create(struct profile *profile, int err, struct profile **ret, char *error)
{
	if (err)
		create_error(profile, error, err);
	else
		err = create_database(profile, error);
	if (err)
		profile_close(profile);
	else
		*ret = profile;
	return err;
}

int profile_create(const char *path, uid_t uid, gid_t gid, const struct host *host, struct profile **ret, char *error)
{
	struct profile *profile = calloc(1, sizeof(*profile));
	int err;

	if (!profile)
		return -ENOMEM;
	err = copy_host(profile, host);
	if (!err && path) {
		profile->path = strdup(path);
		err = profile->path ? profile_file_create(path, uid, gid, &profile->file) : -ENOMEM;
	}
	return create(profile, err, ret, error);
}

int profile_create_fd(int fd, const struct host *host, struct profile **ret, char *error)
{
	struct profile *profile = calloc(1, sizeof(*profile));
	int err;

	if (!profile)
		return -ENOMEM;
	err = copy_host(profile, host);
	if (!err)
		err = profile_file_adopt(fd, &profile->file);
	return create(profile, err, ret, error);
}

int profile_commit(struct profile *profile, char *error)
{
	int err;

	if (profile_create_indexes(profile->db) != SQLITE_OK ||
	    sqlite3_exec(profile->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return profile_sql_error(profile, error);
	if (profile->file) {
		err = profile_file_publish(profile->file);
		if (err)
			return create_error(profile, error, err);
	}
	profile->committed = true;
	return 0;
}

/* A recording says who it is in the header, before anything of its content is believed. */
static int check_identity(struct profile *profile, char *error)
{
	int64_t id, version;

	if (profile_query_number(profile, "PRAGMA application_id", &id) < 0 ||
	    profile_query_number(profile, "PRAGMA user_version", &version) < 0)
		return profile_sql_error(profile, error);
	if (id != PROFILE_APPLICATION_ID)
		return profile_error(profile, error, -EINVAL, "is not a concprof recording");
	if (version != PROFILE_VERSION)
		return profile_error(profile, error, -EINVAL,
				     "is a recording of version %" PRId64
				     ", but this concprof reads version %d: use the one that wrote it",
				     version, PROFILE_VERSION);
	return 0;
}

static int check_pages(struct profile *profile, char *error)
{
	_cleanup_statement_ sqlite3_stmt *check = profile_prepare(profile, "PRAGMA quick_check(1)");
	const char *answer;
	int64_t page_bytes;

	/* SQLite reads what is missing of the last page as zeros. */
	if (profile_query_number(profile, "PRAGMA page_size", &page_bytes) < 0)
		return profile_sql_error(profile, error);
	if (profile_file_bytes(profile->file) % page_bytes)
		return profile_error(profile, error, -EIO, "is damaged: its end is missing");
	if (!check || sqlite3_step(check) != SQLITE_ROW)
		return profile_sql_error(profile, error);
	answer = (const char *)sqlite3_column_text(check, 0);
	if (!answer || strcmp(answer, "ok") != 0)
		return profile_error(profile, error, -EIO, "is damaged: %.*s", answer ? (int)strcspn(answer, "\n") : 0,
				     answer ? answer : "");
	return 0;
}

/* Runs are numbered 1..n. */
static int count_runs(struct profile *profile, char *error)
{
	int64_t runs, first, last;

	if (profile_query_number(profile, "SELECT count(*) FROM run", &runs) < 0 ||
	    profile_query_number(profile, "SELECT coalesce(min(id), 1) FROM run", &first) < 0 ||
	    profile_query_number(profile, "SELECT coalesce(max(id), 0) FROM run", &last) < 0)
		return profile_sql_error(profile, error);
	if (runs > 1 << 20 || first != 1 || last != runs)
		return profile_error(profile, error, -EIO, "is damaged: its runs are not numbered from 1");
	profile->runs = runs;
	return 0;
}

static int open_database(struct profile *profile, const char *path, char *error)
{
	int err = profile_file_open(path, &profile->file);

	if (err == -EINVAL)
		return profile_error(profile, error, err, "is not a regular file");
	if (err)
		return profile_error(profile, error, err, "%s", strerror(-err));
	if (profile_file_connect(profile->file, &profile->db) != SQLITE_OK)
		return profile_sql_error(profile, error);
	profile_harden(profile);
	profile->committed = true;
	err = check_identity(profile, error);
	if (!err)
		err = profile_check_schema(profile, error);
	if (!err)
		err = check_pages(profile, error);
	if (!err)
		err = profile_load_host(profile, error);
	if (!err)
		err = profile_load_classes(profile, error);
	if (!err)
		err = count_runs(profile, error);
	return err;
}

int profile_open(const char *path, struct profile **ret, char *error)
{
	struct profile *profile = calloc(1, sizeof(*profile));
	int err = -ENOMEM;

	if (!profile)
		return err;
	profile->path = strdup(path);
	if (profile->path)
		err = open_database(profile, path, error);
	else
		profile_error(profile, error, err, "out of memory");
	if (err)
		profile_close(profile);
	else
		*ret = profile;
	return err;
}

int profile_run_count(struct profile *profile)
{
	return profile->runs;
}

const struct host *profile_host(struct profile *profile)
{
	return &profile->host;
}

void profile_close(struct profile *profile)
{
	if (!profile)
		return;
	sqlite3_close(profile->db);
	profile_file_close(profile->file);
	host_free_members(&profile->host);
	free(profile->path);
	free(profile);
}
