/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as SQLite reads it: the text is ?1 of a query. Includes come from the test: cmocka. */
#ifndef CONCPROF_TESTS_JSON_QUERY_H
#define CONCPROF_TESTS_JSON_QUERY_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* Calls `row` for each row of the result; NULL: the first column of the first row is returned, -1 if it is NULL or there is no row. */
static __attribute__((unused)) int64_t json_query(const char *json, const char *query, void (*row)(sqlite3_stmt *, void *),
						  void *context)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db;
	int64_t result = -1;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_bind_text(statement, 1, json, -1, SQLITE_STATIC);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		if (row) {
			row(statement, context);
			continue;
		}
		if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
			result = sqlite3_column_int64(statement, 0);
		break;
	}
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return result;
}

static __attribute__((unused)) void json_is(const char *json, const char *query, int64_t expected)
{
	int64_t result = json_query(json, query, NULL, NULL);

	if (result != expected)
		fail_msg("%s: %lld, not %lld\n%.600s", query, (long long)result, (long long)expected, json);
}

static __attribute__((unused)) void json_holds(const char *json, const char *query)
{
	json_is(json, query, 1);
}

#endif
