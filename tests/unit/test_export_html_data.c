/* SPDX-License-Identifier: Apache-2.0 */
/* The page's data: the numbers that its scripts sum are the run's, each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <sqlite3.h>

#include "explain/stacks.h"
#include "explain/timeline.h"
#include "html_pages.h"

/* What stands in the element with this id; owned by the caller. */
static char *element(const char *page, const char *id)
{
	char mark[64];
	const char *begin, *end;

	snprintf(mark, sizeof(mark), " id=\"%s\">", id);
	begin = strstr(page, mark);
	if (!begin)
		fail_msg("no element %s", id);
	begin += strlen(mark);
	end = strstr(begin, "</script>");
	assert_non_null(end);
	return strndup(begin, end - begin);
}

/* Reads packed numbers, as the page's scripts do. */
struct packed_reader {
	unsigned char *bytes;
	size_t n, at;
};

static struct packed_reader unpack(const char *page, const char *id)
{
	char *text = element(page, id);
	size_t length = strlen(text);
	struct packed_reader reader = {.bytes = malloc(length + 4)};

	assert_int_equal(length % 4, 0);
	if (length) {
		assert_int_equal(EVP_DecodeBlock(reader.bytes, (unsigned char *)text, length), length / 4 * 3);
		reader.n = length / 4 * 3 - (text[length - 1] == '=') - (text[length - 2] == '=');
	}
	free(text);
	return reader;
}

static uint64_t next(struct packed_reader *reader)
{
	uint64_t value = 0;
	int shift = 0;

	do {
		assert_true(reader->at < reader->n);
		value |= (uint64_t)(reader->bytes[reader->at] & 0x7f) << shift;
		shift += 7;
	} while (reader->bytes[reader->at++] & 0x80);
	return value;
}

static void done(struct packed_reader *reader)
{
	assert_int_equal(reader->at, reader->n);
	free(reader->bytes);
}

static void test_lanes_are_the_timeline(void **state)
{
	struct run *run = run_server(5000);
	char *page = page_of(NULL, run);
	struct packed_reader reader = unpack(page, "lanes-0");
	struct timeline *timeline;
	uint64_t n_intervals = 0;

	(void)state;
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(timeline->missing_ns, 0);
	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];
		struct interval_cursor cursor = {0};
		struct interval interval;
		uint64_t n, moments, at_ns = 0;

		assert_int_equal(next(&reader), lane->begin_ns);
		n = next(&reader);
		moments = next(&reader);
		assert_int_equal(moments, lane->n_moments);
		for (uint64_t j = 0; j < n; j++) {
			uint64_t code;

			assert_true(timeline_next(timeline, lane, &cursor, &interval));
			assert_int_equal(next(&reader), interval.end_ns - interval.begin_ns);
			code = next(&reader);
			if (interval.cause)
				assert_int_equal(code, interval.cause - timeline->causes + 1);
			else if (interval.state == STATE_CPU)
				assert_int_equal(code, 0);
			else
				assert_int_equal(timeline->causes[code - 1].state, STATE_RUN_QUEUE);
		}
		assert_false(timeline_next(timeline, lane, &cursor, &interval));
		for (uint64_t j = 0; j < moments; j++) {
			at_ns += next(&reader);
			assert_int_equal(at_ns, lane->moments[j].at_ns);
			assert_int_equal(next(&reader), lane->moments[j].stack);
		}
		n_intervals += n;
	}
	assert_true(n_intervals > 4000 && n_intervals < 6000);
	done(&reader);
	timeline_close(timeline);
	free(page);
	run_free(run);
}

static void test_rows_are_the_weighted_stacks(void **state)
{
	struct run *run = run_orders();
	char *page = page_of(NULL, run);
	struct packed_reader reader = unpack(page, "rows-0");
	struct weighted_stacks *stacks = NULL;

	(void)state;
	assert_int_equal(explain_stacks(run, NULL, &stacks), 0);
	assert_int_equal(next(&reader), stacks->n);
	for (size_t i = 0; i < stacks->n; i++) {
		const struct weighted_stack *row = &stacks->rows[i];

		assert_int_equal(next(&reader), row->thread ? row->thread - run->threads + 1 : 0);
		assert_int_equal(next(&reader), row->process - run->processes);
		assert_int_equal(next(&reader), row->state);
		assert_int_equal(next(&reader) != 0, row->cause[0] != '\0');
		assert_int_equal(next(&reader), row->stack);
		assert_int_equal(next(&reader), row->ns);
		assert_int_equal(next(&reader), row->count);
	}
	done(&reader);
	weighted_stacks_free(stacks);
	free(page);
	run_free(run);
}

static void test_numbers_of_every_size(void **state)
{
	static const uint64_t numbers[] = {1, 127, 128, 16383, 16384, (1ull << 53) + 1, 1ull << 60};
	struct run *run = run_orders();
	struct packed_reader reader;
	char *page;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t sum = 0;

		run->waits[0].count = numbers[i];
		page = page_of(NULL, run);
		reader = unpack(page, "rows-0");
		for (uint64_t n = next(&reader); n; n--) {
			for (int skip = 0; skip < 6; skip++)
				next(&reader);
			sum = next(&reader) == run->waits[0].count ? 1 : sum;
		}
		assert_int_equal(sum, 1);
		done(&reader);
		free(page);
	}
	run_free(run);
}

/* SQLite's JSON functions judge. */
static void check_json(char *json, const char *query)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
	sqlite3_bind_text(statement, 1, json, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int(statement, 0) != 1)
		fail_msg("does not hold: %s\n%.300s", query, json);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	free(json);
}

static void test_the_rest_is_json(void **state)
{
	struct run *run = run_server(2000);
	char *page = page_of(NULL, run);

	(void)state;
	check_json(
	    element(page, "page"),
	    "SELECT json_valid(?1) AND (SELECT count(*) = 1 FROM json_each(?1, '$.states') WHERE value ->> 'name' = 'lock')");
	check_json(element(page, "run-0"),
		   "SELECT json_valid(?1) AND ?1 ->> '$.timeline' AND json_array_length(?1, '$.threads') = 9");
	check_json(element(page, "run-0"),
		   "SELECT (SELECT sum(value ->> 3) FROM json_each(?1, '$.waits')) > 0 AND json_array_length(?1, '$.names') = "
		   "json_array_length(?1, '$.kinds') AND ?1 ->> '$.texts[0]' = ''");
	free(page);
	run_free(run);
}

static void test_a_page_of_many_intervals_stays_small(void **state)
{
	struct run *run = run_server(100000);
	char *page = page_of(NULL, run);

	(void)state;
	assert_true(strlen(page) < 1500000);
	free(page);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lanes_are_the_timeline),
	    cmocka_unit_test(test_rows_are_the_weighted_stacks),
	    cmocka_unit_test(test_numbers_of_every_size),
	    cmocka_unit_test(test_the_rest_is_json),
	    cmocka_unit_test(test_a_page_of_many_intervals_stays_small),
	};

	return cmocka_run_group_tests_name("the page's data", tests, NULL, NULL);
}
