/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON object: valid whatever happens, and with the fields that later tools read. SQLite's JSON functions judge. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "export/export.h"
#include "export/writer.h"
#include "run_builder.h"

static char *json_of(const struct run *before, const struct run *after)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	static const struct explain_options options = {.cpus = 2};
	struct explanation *explanations[2] = {NULL};
	struct comparison *comparison = NULL;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	struct export_input input = {
	    .host = &host,
	    .runs = (const struct explanation *const *)explanations + !before,
	    .n_runs = 1 + !!before,
	    .comparisons = (const struct comparison *const *)&comparison,
	    .n_comparisons = !!before,
	};

	if (before)
		assert_int_equal(explain_run(before, &options, &explanations[0]), 0);
	assert_int_equal(explain_run(after, &options, &explanations[1]), 0);
	if (before)
		assert_int_equal(explain_difference(explanations[0], explanations[1], &comparison), 0);
	assert_int_equal(exporter_find("json")->write(out, &input), 0);
	fclose(out);
	comparison_free(comparison);
	explanation_free(explanations[0]);
	explanation_free(explanations[1]);
	return text;
}

/* Runs a query with the JSON text as its one argument; true when its first value is 1. */
static bool holds(const char *json, const char *query)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db;
	bool result;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_bind_text(statement, 1, json, -1, SQLITE_STATIC);
	result = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1;
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return result;
}

static void check(const char *json, const char *query)
{
	if (!holds(json, query))
		fail_msg("does not hold: %s\n%.600s", query, json);
}

static void test_the_promised_fields(void **state)
{
	static const char *const facts[] = {
	    "SELECT json_valid(?1)",
	    "SELECT ?1 ->> '$.schema' = 1 AND ?1 ->> '$.host.cpus' = 2 AND ?1 ->> '$.host.kernel' = '6.1' AND ?1 ->> '$.version' "
	    "= 'v1'",
	    "SELECT json_array_length(?1, '$.runs') = 2",
	    "SELECT ?1 ->> '$.runs[0].name' = 'serial-cpu' AND ?1 ->> '$.runs[1].name' = 'threads-cpu'",
	    "SELECT ?1 ->> '$.runs[1].wall_ns' = 2650000000 AND ?1 ->> '$.runs[1].cpu_ns' = 2620000000",
	    "SELECT ?1 ->> '$.runs[1].exit_status' = 0 AND json_array_length(?1, '$.runs[1].command') = 2",
	    "SELECT ?1 ->> '$.runs[1].processes[0].id' = 1 AND ?1 ->> '$.runs[1].processes[0].undelivered_ns' = 0",
	    "SELECT ?1 ->> '$.runs[1].threads[1].states.lock' = 2100000000 AND ?1 ->> '$.runs[1].threads[1].residual_ns' = 0",
	    "SELECT ?1 ->> '$.runs[1].threads[1].switches.voluntary' = 1040 AND ?1 ->> '$.runs[1].threads[1].audit.switches' = "
	    "1050",
	    "SELECT ?1 ->> '$.runs[1].threads[1].begin_ns' = 5000000 AND ?1 ->> '$.runs[1].threads[1].process' = 1",
	    "SELECT ?1 ->> '$.runs[1].waits[0].cause' = 'join' AND ?1 ->> '$.runs[1].waits[1].cause' = 'GIL'",
	    "SELECT ?1 ->> '$.runs[1].waits[1].holder' = '' AND ?1 ->> '$.runs[1].waits[1].waker' = ''",
	    "SELECT ?1 ->> '$.runs[1].waits[1].state' = 'lock' AND ?1 ->> '$.runs[1].waits[1].count' = 1040",
	    "SELECT ?1 ->> '$.runs[1].overlap' < 1 AND ?1 ->> '$.runs[1].progress_ns' = 2620000000",
	    "SELECT ?1 ->> '$.runs[1].findings[0].rule' = 'lock' AND length(?1 ->> '$.runs[1].findings[0].try') > 10",
	    "SELECT ?1 ->> '$.runs[1].tax.events' = 1300000 AND ?1 -> '$.runs[1].losses' = '{}'",
	    "SELECT ?1 ->> '$.comparison.before' = 'serial-cpu' AND ?1 ->> '$.comparison.after' = 'threads-cpu'",
	    "SELECT abs((?1 ->> '$.comparison.speedup') - (?1 ->> '$.comparison.progress_ratio') * (?1 ->> "
	    "'$.comparison.overlap_ratio')) < 1e-12",
	    /* Each thread's waits sum to its states. */
	    "SELECT count(*) = 0 FROM json_each(?1, '$.runs[1].threads') t, json_each(t.value, '$.states') s WHERE s.key NOT IN "
	    "('user', 'kernel', 'cpu') AND s.value <> (SELECT coalesce(sum(w.value ->> 'total_ns'), 0) FROM json_each(?1, "
	    "'$.runs[1].waits') w WHERE w.value ->> 'thread' = t.value ->> 'id' AND w.value ->> 'state' = s.key)",
	    /* The histogram counts every wait. */
	    "SELECT count(*) = 0 FROM json_each(?1, '$.runs[1].waits') w WHERE w.value ->> 'count' <> (SELECT sum(value) FROM "
	    "json_each(w.value, '$.log2_ns'))",
	    /* So do the causes of the run, and none says more than its waits. */
	    "SELECT count(*) = 0 FROM json_each(?1, '$.runs[1].budget') b WHERE b.key NOT IN ('user', 'kernel', 'cpu') AND "
	    "(SELECT "
	    "coalesce(sum(c.value ->> 'total_ns'), 0) FROM json_each(?1, '$.runs[1].causes') c WHERE c.value ->> 'state' = "
	    "b.key) "
	    "<> (SELECT sum(p.value -> 'states' ->> b.key) FROM json_each(?1, '$.runs[1].processes') p)",
	    /* The items of progress sum to the difference. */
	    "SELECT (?1 ->> '$.runs[0].progress_ns') - (?1 ->> '$.runs[1].progress_ns') = sum((value ->> 'before_ns') - (value "
	    "->> "
	    "'after_ns')) FROM json_each(?1, '$.comparison.items') WHERE value ->> 'progress'",
	};
	struct run *before = run_serial_cpu(0), *after = run_threads_cpu("interpreter_lock");
	char *json = json_of(before, after);

	(void)state;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		check(json, facts[i]);
	free(json);
	run_free(before);
	run_free(after);
}

/* Who held, who woke, where, how long: of waits and of causes; and what computed. */
/* A worker that the main thread joins at the end of `wall`, and which computes; the recording may lack its timeline. */
static struct run *run_joined(uint64_t wall_ns, bool timeline)
{
	struct run *run = build_run("joined", wall_ns);
	struct run_thread *first, *worker;
	struct run_wait *join;

	build_process(run, 0, "joined");
	first = build_thread(run, 1, 0, "joined", 0, wall_ns);
	worker = build_thread(run, 1, 1, "worker", 0, wall_ns);
	build_cpu(first, 20 * MS, 0);
	build_cpu(worker, wall_ns, 0);
	join = build_join(run, first, wall_ns - 20 * MS);
	join->waker = worker->id;
	build_episode(run, first, join, 10 * MS, wall_ns - 20 * MS, 0);
	build_moment(run, worker, "main;crunch", 50 * MS);
	run->timeline = timeline;
	return run;
}

static void test_the_critical_path(void **state)
{
	static const char *const facts[] = {
	    "SELECT json_valid(?1)",
	    "SELECT ?1 ->> '$.runs[0].critical_path.wall_ns' = 200000000 AND ?1 ->> '$.runs[0].critical_path.segments_count' = 2",
	    "SELECT ?1 ->> '$.runs[0].critical_path.rows[0].function' = 'crunch' AND ?1 ->> '$.runs[0].critical_path.rows[0].ns' "
	    "= "
	    "190000000 AND ?1 ->> '$.runs[0].critical_path.rows[0].state' = 'user' AND ?1 ->> "
	    "'$.runs[0].critical_path.rows[0].cause' = '' AND ?1 ->> '$.runs[0].critical_path.rows[0].count' = 1",
	    "SELECT ?1 ->> '$.runs[0].critical_path.threads[0].thread' = 2 AND ?1 ->> '$.runs[0].critical_path.threads[1].ns' = "
	    "10000000",
	    "SELECT ?1 ->> '$.runs[0].critical_path.through[0].cause' = 'join' AND ?1 ->> "
	    "'$.runs[0].critical_path.through[0].ns' = 180000000",
	    "SELECT sum(value ->> 'after_ns') - sum(value ->> 'before_ns') = -50000000 FROM json_each(?1, "
	    "'$.comparison.path_items')",
	    "SELECT ?1 ->> '$.comparison.path_items[0].function' = 'crunch' AND ?1 ->> '$.comparison.path_residual_ns' = 0",
	};
	struct run *before = run_joined(200 * MS, true), *after = run_joined(150 * MS, true), *none = run_joined(150 * MS, false);
	char *json = json_of(before, after);

	(void)state;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		check(json, facts[i]);
	free(json);
	none->n_episodes = none->n_moments = 0;
	json = json_of(before, none);
	check(json,
	      "SELECT json_type(?1, '$.runs[1].critical_path') = 'null' AND json_type(?1, '$.comparison.path_items') = 'null'");
	free(json);
	run_free(before);
	run_free(after);
	run_free(none);
}

static void test_what_is_known_of_waits(void **state)
{
	static const char *const facts[] = {
	    "SELECT ?1 ->> '$.runs[0].waits[0].holder' = 'keeper/5001' AND ?1 ->> '$.runs[0].waits[0].waker' = 'sshd[812]'",
	    "SELECT ?1 ->> '$.runs[0].waits[1].holder' = '' AND ?1 ->> '$.runs[0].waits[1].waker' = 'keeper/5001'",
	    "SELECT json_array_length(?1, '$.runs[0].causes') = 1",
	    "SELECT ?1 ->> '$.runs[0].causes[0].cause' = 'orders_lock' AND ?1 ->> '$.runs[0].causes[0].total_ns' = 5000000000",
	    "SELECT ?1 ->> '$.runs[0].causes[0].threads' = 1 AND ?1 ->> '$.runs[0].causes[0].count' = 40",
	    "SELECT ?1 ->> '$.runs[0].causes[0].holder.name' = 'keeper/5001' AND ?1 ->> '$.runs[0].causes[0].holder.ns' = "
	    "3000000000",
	    "SELECT ?1 ->> '$.runs[0].causes[0].waker.name' = 'sshd[812]' AND ?1 ->> '$.runs[0].causes[0].waker.kinds' = 2",
	    "SELECT ?1 ->> '$.runs[0].causes[0].place' = 'add <- main' AND ?1 ->> '$.runs[0].causes[0].place_ns' = 3000000000",
	    "SELECT ?1 ->> '$.runs[0].causes[0].p50_ns' <= ?1 ->> '$.runs[0].causes[0].p95_ns' AND ?1 ->> "
	    "'$.runs[0].causes[0].p99_ns' <= ?1 ->> '$.runs[0].causes[0].max_ns'",
	    "SELECT ?1 ->> '$.runs[0].attached' = 1 AND ?1 ->> '$.runs[0].sample_hz' = 997 AND ?1 ->> '$.runs[0].samples' = 4",
	    "SELECT ?1 ->> '$.runs[0].functions[0].function' = 'hash' AND ?1 ->> '$.runs[0].functions[0].self_ns' = 5000000000",
	    "SELECT ?1 ->> '$.runs[0].processes[0].cgroup' = '/a' AND ?1 ->> '$.runs[0].stacks.whole' = 7",
	};
	struct run *run = build_run("shop", 5 * S);
	struct run_wait *wait;
	char *json;

	(void)state;
	build_process(run, 0, "shop")->cgroup = copy("/a");
	build_cpu(build_thread(run, 1, 0, "keeper", 0, 5 * S), 5 * S, 0);
	build_thread(run, 1, 1, "worker", 0, 5 * S);
	for (int i = 0; i < 2; i++) {
		wait = build_futex(run, &run->threads[1], "orders_lock", 0, true, 20, i ? 2 * S : 3 * S);
		wait->stack = build_stack(run, i ? "main;pthread_mutex_timedlock" : "main;add;pthread_mutex_lock");
		wait->holder = i ? 0 : 1;
		wait->waker = i ? 1 : 0;
		wait->waker_name = i ? NULL : copy("sshd[812]");
	}
	build_sample(run, &run->threads[0], "main;hash", 4);
	build_figure(run->stack_figures, &run->n_stack_figures, "whole", 7);
	run->attached = true;
	json = json_of(NULL, run);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		check(json, facts[i]);
	free(json);
	run_free(run);
}

static void test_every_state_is_in_every_object_of_states(void **state)
{
	struct run *run = run_serial_cpu(0);
	char *json = json_of(NULL, run), query[200];

	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		snprintf(query, sizeof(query),
			 "SELECT json_type(?1, '$.runs[0].threads[0].states.%s') = 'integer' AND json_type(?1, "
			 "'$.runs[0].budget.%s') IN "
			 "('real', 'integer')",
			 state_info[i].name, state_info[i].name);
		check(json, query);
	}
	check(json, "SELECT json_type(?1, '$.comparison') = 'null'");
	free(json);
	run_free(run);
}

static void test_a_failed_run_has_no_comparison(void **state)
{
	struct run *before = run_serial_cpu(0), *after = run_serial_cpu(0);
	char *json;

	(void)state;
	after->failure = copy("no cats");
	json = json_of(before, after);
	check(json, "SELECT json_type(?1, '$.comparison') = 'null' AND ?1 ->> '$.runs[1].failure' = 'no cats'");
	free(json);
	run_free(before);
	run_free(after);
}

static void test_losses_and_undelivered_threads(void **state)
{
	struct run *run = run_serial_cpu(0);
	char *json;

	(void)state;
	build_figure(run->losses, &run->n_losses, "wake_lost", 3);
	run->processes[0].undelivered_threads = 1;
	run->processes[0].undelivered_life_ns = 70;
	run->processes[0].undelivered_ns[CLASS_USER] = 70;
	json = json_of(NULL, run);
	check(json, "SELECT ?1 ->> '$.runs[0].losses.wake_lost' = 3 AND ?1 ->> '$.runs[0].processes[0].undelivered_ns' = 70");
	check(json, "SELECT ?1 ->> '$.runs[0].processes[0].states.user' = 70 + (?1 ->> '$.runs[0].threads[0].states.user')");
	free(json);
	run_free(run);
}

/* Of a thread that lives on, the kernel's account was read at another time than ours. */
static void test_a_living_thread_has_no_audit(void **state)
{
	struct run *run = run_threads_cpu("interpreter_lock");
	char *json;

	(void)state;
	run->threads[2].ended = false;
	json = json_of(NULL, run);
	check(json, "SELECT json_type(?1, '$.runs[0].threads[2].audit') = 'null'");
	check(json, "SELECT json_type(?1, '$.runs[0].threads[1].audit.on_cpu_ns') = 'integer'");
	check(json, "SELECT ?1 ->> '$.runs[0].on_cpu_error' = 0 AND ?1 ->> '$.runs[0].threads[1].idle' = 0");
	free(json);
	for (size_t i = 0; i < run->n_threads; i++)
		run->threads[i].audit_on_cpu_ns += run->threads[i].audit_on_cpu_ns / 4;
	json = json_of(NULL, run);
	check(json, "SELECT abs((?1 ->> '$.runs[0].on_cpu_error') + 0.2) < 1e-6");
	free(json);
	for (size_t i = 0; i < run->n_threads; i++)
		run->threads[i].ended = false;
	json = json_of(NULL, run);
	check(json, "SELECT json_type(?1, '$.runs[0].on_cpu_error') = 'null'");
	free(json);
	run_free(run);
}

static char *written(const char *string, double number)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	json_string(&json, "s", string);
	json_real(&json, "d", number);
	json_close(&json, '}');
	fclose(out);
	return text;
}

static void test_any_bytes_make_valid_json(void **state)
{
	static const char *const strings[][2] = {
	    {"plain", "\"plain\""},
	    {"\"\\\n\x01\x7f", "\"\\\"\\\\\\u000a\\u0001\\u007f\""},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb1", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb1\""},
	    {"\xff", "\"\\ufffd\""},
	    {"a\xc3", "\"a\\ufffd\""},
	    {"\xe2\x82", "\"\\ufffd\\ufffd\""},
	    {"\xc0\xaf", "\"\\ufffd\\ufffd\""},                       /* overlong */
	    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* surrogate */
	    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* beyond U+10FFFF */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		char *json = written(strings[i][0], 0);

		check(json, "SELECT json_valid(?1)");
		if (!strstr(json, strings[i][1]))
			fail_msg("%s", json);
		free(json);
	}
}

static void test_numbers_read_back_as_the_same(void **state)
{
	static const double numbers[] = {0,       0.1,  1.0 / 3, 0.1 + 0.2,         1e-9, 1.8446744073709552e19, DBL_MAX,
					 DBL_MIN, -2.5, 1e15,    123456789012345678};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char *json = written("", numbers[i]);

		check(json, "SELECT json_valid(?1)");
		assert_true(strtod(strstr(json, "\"d\":") + 4, NULL) == numbers[i]);
		free(json);
	}
	for (int i = 0; i < 2; i++) {
		char *json = written("", i ? NAN : INFINITY);

		check(json, "SELECT json_type(?1, '$.d') = 'null'");
		free(json);
	}
}

static void test_hostile_names(void **state)
{
	struct run *run = run_threads_cpu("\xff\"},{\"x\":\"");
	char *json;

	(void)state;
	set_text(&run->name, "\x01\xfe\\");
	set_text(&run->threads[3].comm, "\"\n\xc3");
	json = json_of(NULL, run);
	check(json, "SELECT json_valid(?1)");
	check(json, "SELECT json_array_length(?1, '$.runs') = 1 AND json_array_length(?1, '$.runs[0].threads') = 6");
	free(json);
	run_free(run);
}

/* A stream that refuses is an error, not silence. */
static void test_a_full_disk_is_an_error(void **state)
{
	static char name[] = "x";
	struct host host = {.kernel = name, .version = name};
	struct export_input input = {.host = &host};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(exporter_json.write(full, &input), -ENOSPC);
	fclose(full);
}

/* It is noticed long before the end of the text, and what comes after does not change the reason. */
static void test_a_disk_that_fills_up_is_named(void **state)
{
	static char name[] = "x";
	struct host host = {.kernel = name, .version = name};
	struct run *run = run_pool_io("threads-io", 730 * MS, 400 * MS, 1050);
	struct explanation *explanation = NULL;
	struct export_input input = {.host = &host, .runs = (const struct explanation *const *)&explanation, .n_runs = 1};
	FILE *full = fopen("/dev/full", "w");
	struct json json = {.out = full};

	(void)state;
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(exporter_json.write(full, &input), -ENOSPC);
	for (int i = 0; i < 10000; i++)
		json_number(&json, NULL, i);
	errno = EDOM;
	assert_int_equal(json_end(&json), -ENOSPC);
	fclose(full);
	explanation_free(explanation);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_promised_fields),
	    cmocka_unit_test(test_the_critical_path),
	    cmocka_unit_test(test_what_is_known_of_waits),
	    cmocka_unit_test(test_every_state_is_in_every_object_of_states),
	    cmocka_unit_test(test_a_failed_run_has_no_comparison),
	    cmocka_unit_test(test_losses_and_undelivered_threads),
	    cmocka_unit_test(test_a_living_thread_has_no_audit),
	    cmocka_unit_test(test_any_bytes_make_valid_json),
	    cmocka_unit_test(test_numbers_read_back_as_the_same),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_a_full_disk_is_an_error),
	    cmocka_unit_test(test_a_disk_that_fills_up_is_named),
	};

	return cmocka_run_group_tests_name("export: json", tests, NULL, NULL);
}
