/* SPDX-License-Identifier: Apache-2.0 */
/* The run in time: episodes of hand-made runs become lanes and intervals without gaps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explain/timeline.h"
#include "explained.h"
#include "run_builder.h"

/* 100 ms: a main thread that joins a worker; the worker computes, waits for a lock (woken by main), is preempted once. */
static struct run *run_two(void)
{
	struct run *run = build_run("two", 100 * MS);
	struct run_thread *first, *worker;
	struct run_wait *join, *lock;

	build_process(run, 0, "two");
	first = build_thread(run, 1, 0, "two", 0, 100 * MS);
	worker = build_thread(run, 1, 1, "worker", 10 * MS, 80 * MS);
	build_cpu(first, 15 * MS, 0);
	build_cpu(worker, 40 * MS, 10 * MS);
	join = build_join(run, first, 80 * MS);
	lock = build_futex(run, worker, "big_lock", 0, true, 1, 20 * MS);
	lock->waker = first->id;
	lock->holder = first->id;
	build_wait(run, first, CLASS_WOKEN, "", 1, 5 * MS);
	build_wait(run, worker, CLASS_WOKEN, "", 1, 3 * MS);
	build_wait(run, worker, CLASS_PREEMPTED, "", 1, 7 * MS);
	build_episode(run, first, join, 12 * MS, 80 * MS, 5 * MS);
	build_episode(run, worker, lock, 20 * MS, 20 * MS, 3 * MS);
	build_episode(run, worker, NULL, 60 * MS, 0, 7 * MS);
	build_moment(run, worker, "main;work", 15 * MS);
	build_moment(run, worker, "main;work", 50 * MS);
	build_moment(run, worker, "main;other", 70 * MS);
	return run;
}

static void test_intervals_follow_each_other(void **state)
{
	static const struct {
		uint64_t begin, end;
		enum state state;
	} expected[] = {
	    {10, 20, STATE_CPU}, {20, 40, STATE_LOCK},      {40, 43, STATE_RUN_QUEUE},
	    {43, 60, STATE_CPU}, {60, 67, STATE_RUN_QUEUE}, {67, 90, STATE_CPU},
	};
	struct run *run = run_two();
	struct interval_cursor cursor = {0};
	struct timeline *timeline;
	struct interval interval;

	(void)state;
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(timeline->n_lanes, 2);
	assert_int_equal(timeline->missing_ns, 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(timeline_next(timeline, &timeline->lanes[1], &cursor, &interval));
		assert_int_equal(interval.begin_ns, expected[i].begin * MS);
		assert_int_equal(interval.end_ns, expected[i].end * MS);
		assert_int_equal(interval.state, expected[i].state);
		assert_int_equal(interval.cause != NULL, expected[i].state == STATE_LOCK);
		if (!interval.cause)
			continue;
		assert_string_equal(interval.cause->cause, "big_lock");
		assert_ptr_equal(interval.cause->waker, &run->threads[0]);
		assert_ptr_equal(interval.cause->holder, &run->threads[0]);
		assert_false(interval.cause->outside);
	}
	assert_false(timeline_next(timeline, &timeline->lanes[1], &cursor, &interval));
	assert_false(timeline_next(timeline, &timeline->lanes[1], &cursor, &interval));
	timeline_close(timeline);
	run_free(run);
}

static void test_samples_of_a_time(void **state)
{
	struct run *run = run_two();
	struct timeline *timeline;
	size_t n;

	(void)state;
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(timeline->lanes[0].n_moments, 0);
	timeline_moments(&timeline->lanes[0], 0, 100 * MS, &n);
	assert_int_equal(n, 0);
	assert_ptr_equal(timeline_moments(&timeline->lanes[1], 50 * MS, 70 * MS, &n), &run->moments[1]);
	assert_int_equal(n, 1);
	timeline_moments(&timeline->lanes[1], 0, 100 * MS, &n);
	assert_int_equal(n, 3);
	timeline_close(timeline);
	run_free(run);
}

static void test_what_a_lane_lacks_is_told(void **state)
{
	struct run *run = run_two();
	struct timeline *timeline;

	(void)state;
	run->n_episodes--; /* the preemption */
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(timeline->lanes[1].missing_ns, 7 * MS);
	assert_int_equal(timeline->missing_ns, 7 * MS);
	timeline_close(timeline);
	run->timeline = false;
	assert_int_equal(timeline_open(run, NULL, &timeline), -ENODATA);
	run_free(run);
}

static void test_a_wait_without_a_known_cause(void **state)
{
	struct run *run = run_two();
	struct interval_cursor cursor = {0};
	struct timeline *timeline;
	struct interval interval;

	(void)state;
	run->episodes[1].wait = 0;
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	timeline_next(timeline, &timeline->lanes[1], &cursor, &interval);
	timeline_next(timeline, &timeline->lanes[1], &cursor, &interval);
	assert_non_null(interval.cause);
	assert_null(interval.cause->wait);
	assert_int_equal(interval.state, STATE_SYNC);
	assert_true(interval.cause->cause[0]);
	timeline_close(timeline);
	run_free(run);
}

static void test_impossible_episodes_are_refused(void **state)
{
	struct run_episode *episode;
	struct run *run = run_two();
	char reason[RUN_REASON_BYTES];

	(void)state;
	episode = &run->episodes[1];
	assert_int_equal(run_check(run, reason), 0);
#define REFUSED(member, value)                                                                                                   \
	do {                                                                                                                     \
		__typeof__(episode->member) was_ = episode->member;                                                              \
		episode->member = (value);                                                                                       \
		assert_int_equal(run_check(run, reason), -EINVAL);                                                               \
		episode->member = was_;                                                                                          \
	} while (0)
	REFUSED(out_ns, 5 * MS);      /* before its thread's birth */
	REFUSED(blocked_ns, 60 * MS); /* into the next one */
	REFUSED(queued_ns, UINT64_MAX);
	REFUSED(thread, 7);
	REFUSED(thread, 1); /* overlaps the main thread's */
	REFUSED(wait, 1);   /* of another thread */
	REFUSED(wait, 99);
	REFUSED(class, CLASS_USER);
	REFUSED(class, CLASS_PREEMPTED); /* with a blocked part */
	run->moments[0].at_ns = 60 * MS;
	assert_int_equal(run_check(run, reason), -EINVAL);
	run_free(run);
}

static void test_an_explanation_has_its_timeline(void **state)
{
	struct run *run = run_two();
	struct explanation *explanation = explained_on(run, 2);

	(void)state;
	assert_non_null(explanation->timeline);
	assert_ptr_equal(explanation->timeline->lanes[1].thread, explanation->threads[1].thread);
	explanation_free(explanation);
	run->timeline = false;
	explanation = explained_on(run, 2);
	assert_null(explanation->timeline);
	explanation_free(explanation);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_intervals_follow_each_other),     cmocka_unit_test(test_samples_of_a_time),
	    cmocka_unit_test(test_what_a_lane_lacks_is_told),       cmocka_unit_test(test_a_wait_without_a_known_cause),
	    cmocka_unit_test(test_impossible_episodes_are_refused), cmocka_unit_test(test_an_explanation_has_its_timeline),
	};

	return cmocka_run_group_tests_name("explain: the run in time", tests, NULL, NULL);
}
