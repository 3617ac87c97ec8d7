/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page: what its data says, what strangers' names may not do, and that it needs nobody. With `--record FILE KIND` it writes a recording
 * instead, from which tests/cli/html.bats makes pages that a browser judges: `server:INTERVALS`, `hostile`, `plain` (no timeline), `two`.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sqlite3.h>

#include "explain/stacks.h"
#include "explain/timeline.h"
#include "html_fixture.h"
#include "profile/profile.h"

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

static void holds_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s", part);
}

static int write_to(FILE *out, const struct run *before, const struct run *after)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	static const struct explain_options rules = {.cpus = 2};
	struct explanation *explanations[2] = {NULL};
	struct comparison *comparison = NULL;
	struct export_input input = {.host = &host,
				     .runs = (const struct explanation *const *)explanations + !before,
				     .n_runs = !!before + !!after,
				     .comparisons = (const struct comparison *const *)&comparison,
				     .n_comparisons = before && after};
	int err;

	if (before)
		assert_int_equal(explain_run(before, &rules, &explanations[0]), 0);
	if (after)
		assert_int_equal(explain_run(after, &rules, &explanations[1]), 0);
	if (before && after)
		assert_int_equal(explain_difference(explanations[0], explanations[1], &comparison), 0);
	err = exporter_html.write(out, &input);
	comparison_free(comparison);
	explanation_free(explanations[0]);
	explanation_free(explanations[1]);
	return err;
}

__attribute__((noinline)) static char *page_of(const struct run *before, const struct run *after)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(write_to(out, before, after), 0);
	fclose(out);
	return text;
}

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

/* --- the data --- */

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

/* --- the document --- */

static void test_the_answer_needs_no_scripts(void **state)
{
	struct run *run = run_server(2000);
	struct explanation *explanation = NULL;
	char *whole = page_of(NULL, run), *page;

	(void)state;
	holds_text(whole, "</main>");
	page = strndup(whole, strstr(whole, "</main>") - whole);
	free(whole);
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	holds_text(page, "<noscript>");
	holds_text(page, "lock &quot;orders_lock&quot;");
	holds_text(page, "released by worker/");
	holds_text(page, "residual 0 ns");
	holds_text(page, "url(#h4)");
	assert_int_equal(occurrences(page, "<li>"), explanation->n_findings);
	holds_text(page, "worker/7009");
	explanation_free(explanation);
	free(page);
	run_free(run);
}

static void test_without_a_timeline(void **state)
{
	struct run *run = run_orders();
	char *page = page_of(NULL, run);

	(void)state;
	holds_text(page, "This recording has no timeline");
	assert_null(strstr(page, "id=\"lanes-0\""));
	assert_null(strstr(page, "id=\"lanes-place\""));
	holds_text(page, "id=\"rows-0\"");
	holds_text(page, "\"timeline\":false");
	free(page);
	run_free(run);
}

static void test_two_runs(void **state)
{
	struct run *before = run_serial_cpu(0), *after = run_threads_cpu("GIL_lock");
	char *page = page_of(before, after);

	(void)state;
	holds_text(page, "threads-cpu beside serial-cpu");
	holds_text(page, "= progress");
	holds_text(page, "id=\"rows-0\"");
	holds_text(page, "id=\"rows-1\"");
	holds_text(page, "<dt>Speedup</dt>");
	assert_int_equal(occurrences(page, "class=\"barrow\""), 2);
	free(page);
	set_text(&before->name, "threads-cpu");
	before->interrupted = true;
	page = page_of(before, after);
	holds_text(page, "was ended before it was done");
	assert_null(strstr(page, "id=\"difference-table\""));
	free(page);
	run_free(before);
	run_free(after);
}

static void test_nothing_comes_from_elsewhere(void **state)
{
	static const char *const foreign[] = {"href=\"h", "href='", "@import", "src=",           "url(h",
					      "https:",   "<image", "<use",    "eval(",          "innerHTML",
					      "<link",    "fetch(", "<iframe", "insertAdjacent", "style=\""};
	struct run *run = run_server(2000);
	char *page = page_of(NULL, run);

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strstr(page, foreign[i]))
			fail_msg("%s", foreign[i]);
	assert_int_equal(occurrences(page, "://"), occurrences(page, "http://www.w3.org/2000/svg"));
	holds_text(page, "default-src 'none'");
	assert_null(strstr(page, "unsafe"));
	free(page);
	run_free(run);
}

/* The policy names exactly what the elements hold: the browser would run nothing else. */
static void check_hash(const char *page, const char *begin_mark, const char *end_mark)
{
	const char *begin = strstr(page, begin_mark) + strlen(begin_mark), *end = strstr(begin, end_mark);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char digits[64];

	SHA256((const unsigned char *)begin, end - begin, digest);
	EVP_EncodeBlock((unsigned char *)digits, digest, sizeof(digest));
	holds_text(page, digits);
}

static void test_the_policy_admits_this_script_alone(void **state)
{
	struct run *run = run_orders();
	char *page = page_of(NULL, run);

	(void)state;
	check_hash(page, "<style>", "</style>");
	check_hash(page, "<script type=\"module\">", "</script>");
	assert_int_equal(occurrences(page, "<script type=\"module\">"), 1);
	assert_int_equal(occurrences(page, "<script"), occurrences(page, "</script>"));
	assert_int_equal(occurrences(page, "<script"), 1 + occurrences(page, "<script type=\"application/json\"") +
							   occurrences(page, "<script type=\"text/plain\""));
	free(page);
	run_free(run);
}

/* In every place where a name can stand. */
static struct run *run_hostile(void)
{
	struct run *run = run_server(3000);

	set_text(&run->name, HOSTILE);
	set_text(&run->command[0], HOSTILE);
	set_text(&run->command[1], "--></script><!--<script>alert(2)//");
	set_text(&run->processes[0].comm, HOSTILE);
	for (size_t i = 0; i < run->n_threads; i += 2)
		set_text(&run->threads[i].comm, HOSTILE);
	for (size_t i = 0; i < run->n_waits; i++) {
		if (run->waits[i].class == CLASS_POLL) {
			set_text(&run->waits[i].object, HOSTILE);
			run->waits[i].waker_name = copy(HOSTILE);
		} else if (run->waits[i].symbol[0] == 'l') {
			set_text(&run->waits[i].symbol, HOSTILE);
		}
	}
	for (size_t i = 0; i < run->n_frames; i += 3)
		set_text(&run->frames[i].function, HOSTILE);
	set_text(&run->frames[1].function, "");
	set_text(&run->frames[1].object, HOSTILE);
	build_figure(run->losses, &run->n_losses, HOSTILE, 3);
	return run;
}

static void test_hostile_names_stay_text(void **state)
{
	struct run *before = run_hostile(), *after = run_hostile();
	char *page = page_of(before, after);

	(void)state;
	holds_text(page, "&lt;script&gt;alert(1)");
	holds_text(page, "\\u003cscript\\u003ealert(1)");
	assert_null(strstr(page, "<script>"));
	assert_null(strstr(page, "</text>"
				 "<script"));
	assert_null(strstr(page, "<!--"));
	assert_int_equal(occurrences(page, "<script"), occurrences(page, "</script"));
	assert_null(strstr(page, "\xe2\x80\xae"));
	assert_null(strstr(page, "\xef\xbf\xbf"));
	for (const char *s = page; *s; s++)
		assert_true((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t');
	free(page);
	run_free(before);
	run_free(after);
}

static void test_an_empty_run(void **state)
{
	struct run *run = build_run("nothing", 5 * MS);
	char *page;

	(void)state;
	build_process(run, 0, "nothing");
	page = page_of(NULL, run);
	assert_null(strstr(page, ">nan"));
	assert_null(strstr(page, "nan%"));
	assert_null(strstr(page, "inf%"));
	free(page);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_server(20000);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(write_to(full, NULL, run), -ENOSPC);
	assert_int_equal(write_to(full, NULL, NULL), -ENODATA);
	fclose(full);
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

static int record(const char *path, struct run *runs[2])
{
	static char kernel[] = "6.1.0", version[] = "v1";
	const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct profile *profile = NULL;
	char error[PROFILE_ERROR_BYTES] = "";
	int err = profile_create(path, -1, -1, &host, &profile, error);

	for (int i = 0; !err && i < 2 && runs[i]; i++)
		err = profile_store_run(profile, runs[i], error);
	if (!err)
		err = profile_commit(profile, error);
	if (err)
		fprintf(stderr, "%s\n", error);
	profile_close(profile);
	run_free(runs[0]);
	run_free(runs[1]);
	return !!err;
}

static int record_kind(const char *path, const char *kind)
{
	struct run *runs[2] = {NULL};

	if (!strncmp(kind, "server:", 7))
		runs[0] = run_server(strtoul(kind + 7, NULL, 10));
	else if (!strcmp(kind, "hostile"))
		runs[0] = run_hostile();
	else if (!strcmp(kind, "plain"))
		runs[0] = run_orders();
	else if (!strcmp(kind, "two"))
		runs[0] = run_server(3000), runs[1] = run_server(20000);
	else
		return 2;
	if (runs[1])
		set_text(&runs[0]->name, "few-orders");
	return record(path, runs);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lanes_are_the_timeline),
	    cmocka_unit_test(test_rows_are_the_weighted_stacks),
	    cmocka_unit_test(test_numbers_of_every_size),
	    cmocka_unit_test(test_the_rest_is_json),
	    cmocka_unit_test(test_the_answer_needs_no_scripts),
	    cmocka_unit_test(test_without_a_timeline),
	    cmocka_unit_test(test_two_runs),
	    cmocka_unit_test(test_nothing_comes_from_elsewhere),
	    cmocka_unit_test(test_the_policy_admits_this_script_alone),
	    cmocka_unit_test(test_hostile_names_stay_text),
	    cmocka_unit_test(test_an_empty_run),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	    cmocka_unit_test(test_a_page_of_many_intervals_stays_small),
	};

	if (argc == 4 && !strcmp(argv[1], "--record"))
		return record_kind(argv[2], argv[3]);
	return cmocka_run_group_tests_name("the page", tests, NULL, NULL);
}
