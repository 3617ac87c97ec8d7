/* SPDX-License-Identifier: Apache-2.0 */
/* Chrome's trace events: exact times, balanced flows, counters that integrate to the account; whatever names hold. SQLite reads it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "json_query.h"
#include "timeline_fixture.h"

static uint64_t cpu_ns(const struct run_thread *thread)
{
	return thread->ns[CLASS_USER] + thread->ns[CLASS_KERNEL] + thread->ns[CLASS_CPU];
}

/* Nanoseconds of a time as it is written: readers take it for a floating-point number. */
#define NS(key) "CAST(round(1000 * (e.value ->> '" key "')) AS INTEGER)"
#define EVENTS  "json_each(?1, '$.traceEvents') e WHERE e.value ->> 'ph' = "

/* Begins and ends of each thread in the order of the file, each with the one before it. */
#define PAIRS                                                                                                                    \
	"(SELECT ph, tid, cat, name, ts, lag(ph) OVER t AS ph0, lag(cat) OVER t AS cat0, lag(name) OVER t AS name0, lag(ts) "    \
	"OVER t AS ts0 FROM (SELECT "                                                                                            \
	"e.key AS place, e.value ->> 'ph' AS ph, e.value ->> 'tid' AS tid, e.value ->> 'cat' AS cat, e.value ->> 'name' AS "     \
	"name, " NS("ts") " AS ts FROM json_each(?1, '$.traceEvents') e WHERE e.value ->> 'ph' IN ('B', 'E')) WINDOW t AS "      \
			  "(PARTITION BY tid ORDER BY place))"

static void take_sum(sqlite3_stmt *row, void *context)
{
	uint64_t(*sums)[STATE_COUNT] = context;

	for (int state = 0; state < STATE_COUNT; state++)
		if (!strcmp((const char *)sqlite3_column_text(row, 1), state_info[state].name))
			sums[sqlite3_column_int(row, 0)][state] = sqlite3_column_int64(row, 2);
}

static void check_sums(const struct run *run, const char *text)
{
	struct explanation *explanation = NULL;
	uint64_t(*sums)[STATE_COUNT] = calloc(1 << 16, sizeof(*sums)); /* by tid */

	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	json_query(text, "SELECT tid, cat0, sum(ts - ts0) FROM " PAIRS " WHERE ph = 'E' GROUP BY tid, cat0", take_sum, sums);
	for (size_t i = 0; i < run->n_threads; i++)
		for (int state = 0; state < STATE_COUNT; state++) {
			bool on_cpu = state_info[state].group == STATE_GROUP_CPU;
			uint64_t expected = state == STATE_CPU ? cpu_ns(&run->threads[i])
					    : on_cpu           ? 0
							       : explanation->threads[i].ns[state];

			assert_int_equal(sums[run->threads[i].tid][state], expected);
		}
	free(sums);
	explanation_free(explanation);
}

/* Each ends before the next begins, and that at the same moment, as it is written. */
#define IN_TURN                                                                                                                  \
	"SELECT min(CASE WHEN ph = 'E' THEN ph0 = 'B' AND name = name0 AND ts > ts0 ELSE ph0 IS NULL OR ph0 = 'E' AND ts = ts0 " \
	"END) FROM " PAIRS

static void test_slices_are_the_account(void **state)
{
	struct run *run = run_timed(5, 60, 1);
	char *text = exported("chrome", run, NULL);

	(void)state;
	json_holds(text, "SELECT json_valid(?1)");
	check_sums(run, text);
	/* Each ends before the next begins, and that at the same moment, as it is written. */
	json_holds(text,
		   "SELECT min(CASE WHEN ph = 'E' THEN ph0 = 'B' AND name = name0 AND ts > ts0 ELSE ph0 IS NULL OR ph0 = 'E' AND "
		   "ts = ts0 END) FROM " PAIRS);
	json_holds(text, "SELECT (SELECT count(*) FROM " EVENTS "'B') = (SELECT count(*) FROM " EVENTS "'E')");
	json_is(text, "SELECT count(*) FROM " EVENTS "'i' AND e.value ->> 'sf' IS NOT NULL", run->n_moments);
	json_is(text, "SELECT count(*) FROM " EVENTS "'M'", run->n_threads + run->n_processes);
	free(text);
	run_free(run);
}

/* As after an exec by a thread that is no leader: both are in the account, at the same time. */
static void test_two_threads_with_one_tid(void **state)
{
	struct run *run = run_timed(4, 30, 6);
	char *text;

	(void)state;
	run->threads[1].tid = run->threads[0].tid;
	text = exported("chrome", run, NULL);
	json_holds(text, IN_TURN);
	json_is(text, "SELECT count(DISTINCT e.value ->> 'tid') FROM " EVENTS "'B'", run->n_threads);
	json_is(text, "SELECT count(*) FROM " EVENTS "'M' AND e.value ->> '$.args.name' = 'worker (tid 5001)'", 1);
	free(text);
	run_free(run);
}

static void test_flows_lead_from_slice_to_slice(void **state)
{
	struct run *run = run_timed(5, 60, 2);
	char *text = exported("chrome", run, NULL);

	(void)state;
#define FLOWS                                                                                                                    \
	"(SELECT e.value ->> 'id' AS id, " NS("ts") " AS ts, e.value ->> 'tid' AS tid FROM " EVENTS "'s') s JOIN "               \
						    "(SELECT e.value ->> 'id' AS id, " NS(                                       \
							"ts") " AS ts, e.value ->> 'tid' AS tid FROM " EVENTS "'f') f USING "    \
							      "(id)"
	assert_true(json_query(text, "SELECT count(*) FROM " FLOWS, NULL, NULL) > 50);
	json_holds(text, "SELECT min(s.tid <> f.tid AND s.ts = f.ts) FROM " FLOWS);
	json_holds(text, "SELECT count(*) = count(DISTINCT e.value ->> 'id') FROM " EVENTS "'s'");
	json_holds(text, "SELECT (SELECT count(*) FROM " EVENTS "'s') = (SELECT count(*) FROM " EVENTS
			 "'f' AND e.value ->> 'bp' = 'e')");
	/* The woken one's slice begins at that moment. */
	json_is(text,
		"WITH x AS (SELECT " NS("ts") " AS ts, e.value ->> 'tid' AS tid FROM " EVENTS "'B') "
					      "SELECT count(*) FROM " FLOWS
					      " WHERE NOT EXISTS (SELECT 1 FROM x WHERE x.tid = f.tid AND x.ts = f.ts)",
		0);
	free(text);
	run_free(run);
}

static void test_counters_integrate_to_the_account(void **state)
{
	struct run *run = run_timed(5, 60, 3);
	char *text = exported("chrome", run, NULL);
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < run->n_threads; i++)
		sum += cpu_ns(&run->threads[i]);
#define INTEGRAL                                                                                                                 \
	"SELECT sum(n * (next - ts)) FROM (SELECT ts, n, lead(ts) OVER (ORDER BY ts) AS next FROM (SELECT " NS(                  \
	    "ts") " AS ts, e.value ->> '$.args.threads' AS n FROM " EVENTS "'C' AND e.value ->> 'name' = 'threads: "
	json_is(text, INTEGRAL "cpu'))", sum);
	sum = 0;
	for (size_t i = 0; i < run->n_waits; i++)
		sum += run->waits[i].class == CLASS_PIPE ? run->waits[i].total_ns : 0;
	json_is(text, INTEGRAL "pipe'))", sum);
	free(text);
	run_free(run);
}

static void test_stacks_and_notes(void **state)
{
	struct run *run = run_timed(3, 30, 4);
	char *text = exported("chrome", run, NULL);

	(void)state;
	json_holds(
	    text,
	    "SELECT count(*) > 5 AND min(e.value ->> '$.args.cause' = 'orders_lock' AND e.value ->> '$.args.waker' = e.value ->> "
	    "'$.args.holder' AND e.value ->> 'sf' > 0) FROM " EVENTS "'B' AND e.value ->> 'name' = 'lock \"orders_lock\"'");
	json_holds(
	    text,
	    "WITH RECURSIVE up (id, names) AS (SELECT min(e.value ->> 'sf'), '' FROM " EVENTS
	    "'B' AND e.value ->> 'cat' = 'lock' UNION ALL SELECT json_extract(?1, '$.stackFrames.\"' || id || '\".parent'), "
	    "names || "
	    "';' || json_extract(?1, '$.stackFrames.\"' || id || '\".name') FROM up WHERE id IS NOT NULL) SELECT names LIKE "
	    "'%;__lll_lock_wait;pthread_mutex_lock;find_order;serve_request;worker_main;start_thread;clone3' FROM up WHERE id "
	    "IS NULL");
	free(text);
	run_free(run);
}

static void test_hostile_names(void **state)
{
	struct run *run = run_timed_hostile();
	char *text = exported("chrome", run, NULL);

	(void)state;
	json_holds(text, "SELECT json_valid(?1)");
	for (const char *s = text; *s; s++)
		assert_true((unsigned char)*s >= 0x20 || !strcmp(s, "\n"));
	check_sums(run, text);
	json_holds(text, "SELECT max(length(e.value ->> 'name')) <= 200 FROM json_each(?1, '$.traceEvents') e");
	free(text);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_timed(3, 1000, 1);

	(void)state;
	assert_int_equal(exported_to_full("chrome", run), -ENOSPC);
	run->timeline = false;
	assert_int_equal(exported_to_full("chrome", run), -ENOTSUP);
	assert_int_equal(exported_nothing("chrome"), -ENODATA);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slices_are_the_account),
	    cmocka_unit_test(test_two_threads_with_one_tid),
	    cmocka_unit_test(test_flows_lead_from_slice_to_slice),
	    cmocka_unit_test(test_counters_integrate_to_the_account),
	    cmocka_unit_test(test_stacks_and_notes),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	};

	return cmocka_run_group_tests_name("Chrome's trace events", tests, NULL, NULL);
}
