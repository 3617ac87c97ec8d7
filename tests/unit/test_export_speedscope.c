/* SPDX-License-Identifier: Apache-2.0 */
/* speedscope's JSON: its weights are the account, and its stacks those of the folded form. SQLite reads it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "flame_fixture.h"
#include "json_query.h"

static char *speedscope(const struct run *run, enum export_by by, uint32_t states)
{
	const struct export_options options = {.by = by, .states = states};

	return exported("speedscope", run, &options);
}

#define WEIGHTS "json_each(?1, '$.profiles') p, json_each(p.value, '$.weights') w"

static void test_a_profile_for_each_thread(void **state)
{
	struct run *run = run_orders();
	char *text = speedscope(run, EXPORT_BY_DEFAULT, 0);

	(void)state;
	json_holds(text, "SELECT json_valid(?1)");
	json_holds(text, "SELECT ?1 ->> '$.\"$schema\"' = 'https://www.speedscope.app/file-format-schema.json'");
	json_is(text, "SELECT json_array_length(?1, '$.profiles')", run->n_threads);
	for (size_t i = 0; i < run->n_threads; i++) {
		char query[400];

		snprintf(query, sizeof(query), "SELECT sum(w.value) FROM " WEIGHTS " WHERE p.value ->> 'name' = '%s (%u)'",
			 run->threads[i].comm, run->threads[i].tid);
		json_is(text, query, run->threads[i].life_ns);
	}
	json_holds(text, "SELECT min(p.value ->> 'endValue' = (SELECT sum(w.value) FROM json_each(p.value, '$.weights') w)) "
			 "FROM json_each(?1, '$.profiles') p");
	json_holds(text,
		   "SELECT min(json_array_length(p.value, '$.weights') = json_array_length(p.value, '$.samples') AND "
		   "p.value ->> 'unit' = 'nanoseconds' AND p.value ->> 'type' = 'sampled') FROM json_each(?1, '$.profiles') p");
	free(text);
	run_free(run);
}

/* Every stack has a frame, and every frame is one of the list. */
#define FRAMES "json_each(?1, '$.profiles') p, json_each(p.value, '$.samples') s, json_each(s.value) f"

static void test_every_choice_adds_up(void **state)
{
	static const enum export_by by[] = {EXPORT_BY_THREAD, EXPORT_BY_PROCESS, EXPORT_BY_NAME, EXPORT_BY_CAUSE, EXPORT_BY_NONE};
	struct run *run = run_orders();
	uint64_t lives = 0;

	(void)state;
	for (size_t i = 0; i < run->n_threads; i++)
		lives += run->threads[i].life_ns;
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		char *text = speedscope(run, by[i], 0);

		json_is(text, "SELECT sum(w.value) FROM " WEIGHTS, lives);
		json_holds(text, "SELECT min(f.value < json_array_length(?1, '$.shared.frames')) FROM " FRAMES);
		json_holds(text, "SELECT min(json_array_length(s.value)) > 0 FROM json_each(?1, '$.profiles') p, "
				 "json_each(p.value, '$.samples') s");
		free(text);
	}
	run_free(run);
}

static void test_stacks(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct run_thread *thread;
	struct run_wait *wait;
	char *text;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	build_cpu(thread, 300 * MS, 0);
	build_sample(run, thread, "main;work;fast_[i]", 1);
	wait = build_futex(run, thread, "orders_lock", 0, true, 3, 350 * MS + 1);
	wait->stack = build_stack(run, "main;lock;futex_[k]");
	build_rest_in_queue(run, thread);
	text = speedscope(run, EXPORT_BY_THREAD, 0);
#define STACK   "(SELECT group_concat(json_extract(?1, '$.shared.frames[' || f.value || '].name'), ';') FROM json_each(s.value) f)"
#define NS      "json_extract(p.value, '$.weights[' || s.key || ']')"
#define SAMPLES " FROM json_each(?1, '$.profiles') p, json_each(p.value, '$.samples') s"
	json_is(text, "SELECT sum(" NS ")" SAMPLES " WHERE " STACK " = 'main;lock;futex;[lock] orders_lock'", 350 * MS + 1);
	json_is(text, "SELECT sum(" NS ")" SAMPLES " WHERE " STACK " = 'main;work;fast (inlined)'", 300 * MS);
	json_is(text, "SELECT sum(" NS ")" SAMPLES " WHERE " STACK " = '[run_queue] preempted'", 350 * MS - 1);
	json_holds(text,
		   "SELECT f.value ->> 'file' = '[kernel]' FROM json_each(?1, '$.shared.frames') f WHERE f.value ->> 'name' = "
		   "'futex'");
	free(text);
	text = speedscope(run, EXPORT_BY_CAUSE, 1u << STATE_LOCK);
	json_is(text, "SELECT sum(" NS ")" SAMPLES " WHERE " STACK " = '[lock] orders_lock;main;lock;futex'", 350 * MS + 1);
	json_is(text, "SELECT json_array_length(?1, '$.profiles')", 1);
	free(text);
	run_free(run);
}

static void test_hostile_names(void **state)
{
	struct run *run = build_run("\xff\"\\\n", 1 * S);
	char *text, *endless = malloc(100001);
	struct run_wait *wait;

	(void)state;
	memset(endless, 'x', 100000);
	endless[100000] = '\0';
	build_process(run, 0, HOSTILE);
	wait = build_socket(run, build_thread(run, 1, 0, HOSTILE, 0, 1 * S), "poll", HOSTILE, 1, 1 * S);
	wait->stack = build_stack(run, "main;evil;longer");
	set_text(&run->frames[1].function, HOSTILE "\"");
	set_text(&run->frames[1].object, HOSTILE);
	set_text(&run->frames[2].function, endless);
	text = speedscope(run, EXPORT_BY_THREAD, 0);
	json_holds(text, "SELECT json_valid(?1)");
	json_is(text, "SELECT sum(w.value) FROM " WEIGHTS, 1 * S);
	for (const char *s = text; *s; s++)
		assert_true((unsigned char)*s >= 0x20 || !strcmp(s, "\n"));
	assert_true(strlen(text) < 4000);
	free(text);
	free(endless);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_orders();

	(void)state;
	assert_int_equal(exported_to_full("speedscope", run), -ENOSPC);
	assert_int_equal(exported_nothing("speedscope"), -ENODATA);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_profile_for_each_thread),
	    cmocka_unit_test(test_every_choice_adds_up),
	    cmocka_unit_test(test_stacks),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	};

	return cmocka_run_group_tests_name("speedscope", tests, NULL, NULL);
}
