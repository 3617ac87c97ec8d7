/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads are in each state as time goes: the integral is the account, and nothing happens twice or out of order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/level.h"
#include "timeline_fixture.h"

/* 100 ms: the main thread computes and joins; a worker waits for a lock that main releases. */
static struct run *run_two(void)
{
	struct run *run = build_run("two", 100 * MS);
	struct run_thread *first, *worker;
	struct run_wait *join, *lock;

	build_process(run, 0, "two");
	first = build_thread(run, 1, 0, "two", 0, 100 * MS);
	worker = build_thread(run, 1, 1, "worker", 10 * MS, 80 * MS);
	join = build_join(run, first, 60 * MS);
	join->waker = worker->id;
	lock = build_futex(run, worker, "big_lock", 0, true, 1, 20 * MS);
	lock->waker = first->id;
	build_episode(run, first, join, 40 * MS, 50 * MS, 0);
	build_episode(run, worker, lock, 15 * MS, 20 * MS, 5 * MS);
	return run;
}

static void test_changes_in_order(void **state)
{
	static const struct {
		uint64_t at;
		size_t lane;
		enum state ended, begun; /* STATE_COUNT: none */
		bool woken, last;
	} expected[] = {
	    {0, 0, STATE_COUNT, STATE_CPU, false, true},   {10, 1, STATE_COUNT, STATE_CPU, false, true},
	    {15, 1, STATE_CPU, STATE_LOCK, false, true},   {35, 1, STATE_LOCK, STATE_RUN_QUEUE, true, true},
	    {40, 0, STATE_CPU, STATE_SYNC, false, false},  {40, 1, STATE_RUN_QUEUE, STATE_CPU, false, true},
	    {90, 0, STATE_SYNC, STATE_CPU, true, false},   {90, 1, STATE_CPU, STATE_COUNT, false, true},
	    {100, 0, STATE_CPU, STATE_COUNT, false, true},
	};
	struct run *run = run_two();
	struct timeline *timeline;
	struct level_change change;
	struct levels *levels;

	(void)state;
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(levels_open(timeline, &levels), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(levels_next(levels, &change));
		assert_int_equal(change.at_ns, expected[i].at * MS);
		assert_ptr_equal(change.lane, &timeline->lanes[expected[i].lane]);
		assert_int_equal(change.ended ? change.ended->state : STATE_COUNT, expected[i].ended);
		assert_int_equal(change.begun ? change.begun->state : STATE_COUNT, expected[i].begun);
		assert_ptr_equal(change.waker, expected[i].woken ? &timeline->lanes[!expected[i].lane] : NULL);
		assert_int_equal(change.last, expected[i].last);
	}
	assert_false(levels_next(levels, &change));
	assert_false(levels_next(levels, &change));
	for (int i = 0; i < STATE_COUNT; i++)
		assert_int_equal(levels_threads(levels)[i], 0);
	levels_close(levels);
	timeline_close(timeline);
	run_free(run);
}

/* A wake-up by a thread that was not there at that moment leads nowhere. */
static void test_a_waker_is_alive(void **state)
{
	struct run *run = run_two();
	struct timeline *timeline;
	struct level_change change;
	struct levels *levels;
	int wakes = 0;

	(void)state;
	run->threads[1].life_ns -= 1 * MS; /* it ends before it wakes its joiner */
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(levels_open(timeline, &levels), 0);
	while (levels_next(levels, &change))
		wakes += change.waker != NULL;
	assert_int_equal(wakes, 1);
	levels_close(levels);
	timeline_close(timeline);
	run_free(run);
}

static void check_integral(const struct run *run)
{
	struct explanation *explanation = NULL;
	uint64_t integral[STATE_COUNT] = {0}, held[STATE_COUNT] = {0}, before_ns = 0, changes = 0;
	struct level_change change;
	struct levels *levels;
	bool last = true;

	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(explanation->timeline->missing_ns, 0);
	assert_int_equal(levels_open(explanation->timeline, &levels), 0);
	for (; levels_next(levels, &change); changes++) {
		/* Later exactly where the one before was the last of its time. */
		assert_true(last ? change.at_ns > before_ns || !changes : change.at_ns == before_ns);
		for (int i = 0; i < STATE_COUNT; i++)
			integral[i] += held[i] * (change.at_ns - before_ns);
		memcpy(held, levels_threads(levels), sizeof(held));
		before_ns = change.at_ns;
		last = change.last;
	}
	assert_true(last);
	assert_int_equal(before_ns, run->end_ns - run->begin_ns);
	assert_true(changes > run->n_episodes);
	assert_int_equal(integral[STATE_CPU], explanation->cpu_ns);
	for (int i = 0; i < STATE_COUNT; i++)
		if (state_info[i].group != STATE_GROUP_CPU)
			assert_int_equal(integral[i], explanation->ns[i]);
	levels_close(levels);
	explanation_free(explanation);
}

static void test_the_integral_is_the_account(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct run *run = run_timed(1 + seed * 7, 1 + seed * 11, seed);

		check_integral(run);
		run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes_in_order),
	    cmocka_unit_test(test_a_waker_is_alive),
	    cmocka_unit_test(test_the_integral_is_the_account),
	};

	return cmocka_run_group_tests_name("explain: how many threads are in each state in time", tests, NULL, NULL);
}
