/* SPDX-License-Identifier: Apache-2.0 */
/* What if: recordings made by hand, small enough that what a change brings can be computed by hand, too. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/predict.h"
#include "explain/timeline.h"
#include "explained.h"
#include "run_builder.h"
#include "predicted.h"

static void test_without_a_lock_cpus_are_the_limit(void **state)
{
	static const char *const symbols[] = {"orders_lock", "interpreter_lock"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct run *run = run_turns(symbols[i]);
		const char *name = i ? "GIL" : "orders_lock";

		takes(run, 2, WITHOUT(name), 50);
		takes(run, 1, WITHOUT(name), 100);
		takes(run, 2, SCALED(name, 0), 50);
		takes(run, 2, ON_CPUS(1), 100);
		takes(run, 2, ON_CPUS(8), 100);
		run_free(run);
	}
}

static void test_words_of_a_prediction(void **state)
{
	struct run *run = run_turns("orders_lock");
	struct prediction *prediction = predicted(run, 2, WITHOUT("orders_lock"));
	bool told = false;

	(void)state;
	says(prediction->headline,
	     "Without the lock \"orders_lock\", this run would take about 50.0 ms instead of 100 ms (2.00x).");
	says(prediction->calibration, "100 ms, measured 100 ms (+0.0%)");
	assert_int_equal(prediction->cpus, 2);
	for (char **assumption = prediction->assumptions; *assumption; assumption++)
		told |= strstr(*assumption, "lock guards") != NULL;
	assert_true(told);
	assert_true(fabs(prediction->running - 2) < 0.01);
	prediction_free(prediction);
	/* On one CPU that is the limit then. */
	prediction = predicted(run, 1, WITHOUT("orders_lock"));
	says(prediction->limit, "the CPU is the limit");
	prediction_free(prediction);
	run_free(run);
}

/* One makes an item each 10 ms, the other needs 5 ms for it. */
static struct run *run_pipeline(void)
{
	struct run *run = build_run("pipeline", 35 * MS);
	struct run_thread *source, *sink;

	build_process(run, 0, "source");
	build_process(run, 1, "sink");
	source = build_thread(run, 1, 0, "source", 0, 35 * MS);
	sink = build_thread(run, 2, 1, "sink", 0, 35 * MS);
	build_cpu(source, 30 * MS, 0);
	build_cpu(sink, 15 * MS, 0);
	off(run, source, build_wait(run, source, CLASS_CHILD, "wait4", 1, 5 * MS), sink, 30, 5, 0);
	for (int i = 0; i < 3; i++)
		off(run, sink, pipe_wait(run, sink, "pipe:[1]", i ? 5 : 10), source, i ? 5 + 10 * i : 0, i ? 5 : 10, 0);
	return run;
}

static void test_a_pipeline(void **state)
{
	struct run *run = run_pipeline();

	(void)state;
	takes(run, 2, ON_CPUS(2), 35);
	takes(run, 2, ON_CPUS(1), 45);
	takes(run, 2, SCALED("pipe:[1]", 0), 30);
	/* The wait for the child is then longer than it was. */
	takes(run, 2, SCALED("pipe:[1]", 4), 95);
	run_free(run);
}

static void test_what_is_bound_by_a_timer(void **state)
{
	struct run *run = build_run("timer", 70 * MS);
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "timer");
	thread = build_thread(run, 1, 0, "timer", 0, 70 * MS);
	build_cpu(thread, 20 * MS, 0);
	off(run, thread, sleep_wait(run, thread, 50), NULL, 10, 50, 0);
	takes(run, 2, ON_CPUS(4), 70);
	takes(run, 2, SCALED("sleep", 0.5), 45);
	takes(run, 2, SCALED("sleep", 0), 20);
	takes(run, 2, SCALED("sleep", 3), 170);
	run_free(run);
}

/* main creates four at 10 ms, each computes for `ms[i]`; it is seen to wait for the last alone, and then works for 5 ms. */
static struct run *run_fan(const uint64_t ms[4], uint64_t most_ms)
{
	struct run *run = build_run("fan", (15 + most_ms) * MS);
	struct run_thread *first, *workers[4];

	build_process(run, 0, "fan");
	first = build_thread(run, 1, 0, "fan", 0, (15 + most_ms) * MS);
	build_cpu(first, 15 * MS, 0);
	for (int i = 0; i < 4; i++) {
		workers[i] = build_thread(run, 1, 1, "worker", 10 * MS, ms[i] * MS);
		build_cpu(workers[i], ms[i] * MS, 0);
	}
	off(run, first, build_join(run, first, most_ms * MS), workers[0], 10, most_ms, 0);
	return run;
}

static void test_fan_out_and_in(void **state)
{
	static const uint64_t same[4] = {20, 20, 20, 20}, one_long[4] = {60, 20, 20, 20};
	struct run *run = run_fan(same, 20);

	(void)state;
	takes(run, 4, ON_CPUS(4), 35);
	takes(run, 4, ON_CPUS(1), 95);
	run_free(run);
	/* On one CPU the long one is over last; the others, whose ends were not waited for, are needed all the same. */
	run = run_fan(one_long, 60);
	takes(run, 4, ON_CPUS(4), 75);
	takes(run, 4, ON_CPUS(1), 135);
	run_free(run);
}

/* Joins that found their thread ended are not seen: with less time for the one that was waited for, they would be. */
static void test_joins_that_were_not_seen(void **state)
{
	struct run *run = build_run("joins", 60 * MS);
	struct run_thread *first, *a, *b;

	(void)state;
	build_process(run, 0, "joins");
	first = build_thread(run, 1, 0, "joins", 0, 60 * MS);
	a = build_thread(run, 1, 1, "a", 0, 50 * MS);
	b = build_thread(run, 1, 1, "b", 0, 40 * MS);
	build_cpu(first, 10 * MS, 0);
	build_cpu(a, 10 * MS, 0);
	build_cpu(b, 40 * MS, 0);
	off(run, first, build_join(run, first, 50 * MS), a, 0, 50, 0);
	off(run, a, sleep_wait(run, a, 40), NULL, 10, 40, 0);
	takes(run, 2, SCALED("sleep", 0), 50);
	run_free(run);
}

/* A chain: each is woken by the one before, which has slept. */
static void test_a_chain_of_wakes(void **state)
{
	struct run *run = build_run("chain", 90 * MS);
	struct run_thread *threads[3];

	(void)state;
	build_process(run, 0, "chain");
	for (int i = 0; i < 3; i++) {
		threads[i] = build_thread(run, 1, i ? 1 : 0, "chain", 0, 30 * (i + 1) * MS);
		build_cpu(threads[i], 10 * MS, 0);
	}
	off(run, threads[0], sleep_wait(run, threads[0], 20), NULL, 0, 20, 0);
	for (int i = 1; i < 3; i++) {
		off(run, threads[i], build_futex(run, threads[i], "ready", 0, false, 1, 30 * i * MS), threads[i - 1], 0, 30 * i,
		    0);
		off(run, threads[i], sleep_wait(run, threads[i], 20), NULL, 30 * i, 20, 0);
	}
	takes(run, 2, SCALED("sleep", 0.5), 60);
	takes(run, 2, SCALED("sleep", 0), 30);
	run_free(run);
}

/* Two that wake each other in turn: more CPUs are of no use. */
static void test_threads_that_wake_each_other(void **state)
{
	struct run *run = build_run("turn", 100 * MS);
	struct run_thread *threads[2];

	(void)state;
	build_process(run, 0, "turn");
	threads[0] = build_thread(run, 1, 0, "a", 0, 90 * MS);
	threads[1] = build_thread(run, 1, 1, "b", 0, 100 * MS);
	for (int i = 0; i < 2; i++) {
		build_cpu(threads[i], 50 * MS, 0);
		for (int k = 0; k < (i ? 5 : 4); k++)
			off(run, threads[i], build_futex(run, threads[i], "turn", 0, false, 1, 10 * MS), threads[!i],
			    i ? 20 * k : 10 + 20 * k, 10, 0);
	}
	takes(run, 2, ON_CPUS(1), 100);
	takes(run, 2, ON_CPUS(4), 100);
	takes(run, 2, SCALED("turn", 0), 50);
	run_free(run);
}

/* Without the sleep before it, a thread comes to the lock first: locks are not replayed in their order. */
static void test_locks_may_change_their_order(void **state)
{
	struct run *run = build_run("order", 60 * MS);
	struct run_thread *a, *b, *c;

	(void)state;
	build_process(run, 0, "order");
	a = build_thread(run, 1, 0, "a", 0, 60 * MS);
	b = build_thread(run, 1, 1, "b", 0, 40 * MS);
	c = build_thread(run, 1, 1, "c", 0, 60 * MS);
	build_cpu(a, 20 * MS, 0);
	build_cpu(b, 30 * MS, 0);
	build_cpu(c, 20 * MS, 0);
	/* a holds the lock from 0 to 20, b from 20 to 40, c, which comes at 30, from 40 to 60. */
	off(run, a, build_join(run, a, 40 * MS), c, 20, 40, 0);
	off(run, b, lock_wait(run, b, "orders_lock", 10), a, 10, 10, 0);
	off(run, c, sleep_wait(run, c, 30), NULL, 0, 30, 0);
	off(run, c, lock_wait(run, c, "orders_lock", 10), b, 30, 10, 0);
	takes(run, 4, ON_CPUS(4), 60);
	/*
	 * c comes at 0 and has it at once: nobody is known to hold it before 10, when b waits. It gives it up at 20, the mean of what was seen
	 * (b's 20 ms). a, known to hold it from 10, comes to it at 10 and has it from 20 to 30, b, behind it, from 30 to 50.
	 */
	takes(run, 4, SCALED("sleep", 0), 50);
	run_free(run);
}

/* As CPython does it: who waits asks again each 5 ms, who got the lock tells the former holder. That is one wait for one lock. */
static void test_an_interpreters_lock(void **state)
{
	struct run *run = build_run("gil", 40 * MS);
	struct run_thread *a, *b;
	struct run_wait *wait;

	(void)state;
	build_process(run, 0, "gil");
	a = build_thread(run, 1, 0, "a", 0, 40 * MS);
	b = build_thread(run, 1, 1, "b", 0, 40 * MS);
	build_cpu(a, 20 * MS, 0);
	build_cpu(b, 20 * MS, 0);
	for (int i = 0; i < 4; i++) {
		struct run_thread *thread = i < 2 ? a : b;
		uint64_t begin_ms = i < 2 ? 10 + 20 * i : 20 * (i - 2);

		/* Told at once, by who waited, that it is taken; then 5 ms of patience, and the rest. */
		wait = build_futex(run, thread, "interpreter_lock", 52, false, 1, 0);
		wait->waker = i < 2 ? b->id : a->id;
		if (i != 1 && i != 2)
			build_episode(run, thread, wait, begin_ms * MS, 10000, 0);
		wait = build_futex(run, thread, "interpreter_lock", 48, false, 1, 5 * MS);
		build_episode(run, thread, wait, begin_ms * MS + 20000, 5 * MS, 0);
		wait = build_futex(run, thread, "interpreter_lock", 48, false, 1, 5 * MS - 30000);
		wait->waker = i < 2 ? b->id : a->id;
		if (i != 1)
			build_episode(run, thread, wait, begin_ms * MS + 5 * MS + 30000, 5 * MS - 30000, 0);
		else
			run->episodes[run->n_episodes - 1].blocked_ns = 10 * MS - 20000;
	}
	{
		struct prediction *same = predicted(run, 2, ON_CPUS(2)), *without = predicted(run, 2, WITHOUT("GIL"));

		/* To within what it costs to ask. */
		assert_in_range(same->replayed_ns, 39 * MS, 41 * MS);
		assert_in_range(same->predicted_ns, 39 * MS, 41 * MS);
		assert_in_range(without->predicted_ns, 20 * MS, 21 * MS);
		prediction_free(same);
		prediction_free(without);
	}
	run_free(run);
}

/* Two workers; each does four items of 10 ms for the peer and 5 ms of CPU; main joins both. */
static struct run *run_workers(bool waits)
{
	struct run *run = build_run("pool", 60 * MS);
	struct run_thread *first, *workers[2];

	build_process(run, 0, "pool");
	first = build_thread(run, 1, 0, "pool", 0, 60 * MS);
	for (int i = 0; i < 2; i++)
		workers[i] = build_thread(run, 1, 1, i ? "worker-2" : "worker-1", 0, 60 * MS);
	off(run, first, build_join(run, first, 60 * MS), workers[1], 0, 60, 0);
	for (int i = 0; i < 2; i++) {
		build_cpu(workers[i], (waits ? 20 : 60) * MS, 0);
		for (int k = 0; k < 4 && waits; k++)
			off(run, workers[i], build_socket(run, workers[i], "poll", "10.0.0.1:80", 1, 10 * MS), NULL, 15 * k, 10,
			    0);
	}
	return run;
}

static void test_other_numbers_of_workers(void **state)
{
	struct run *run = run_workers(true);
	struct prediction *prediction;
	bool told = false;

	(void)state;
	takes(run, 8, WORKERS(2), 60);
	takes(run, 8, WORKERS(1), 120);
	takes(run, 8, WORKERS(4), 30);
	takes(run, 8, WORKERS(8), 15);
	takes(run, 8, WORKERS(100), 15);
	/* Eight answers at the same time, and two CPUs for 40 ms. */
	takes(run, 2, WORKERS(8), 30);
	prediction = predicted(run, 8, WORKERS(4));
	for (char **assumption = prediction->assumptions; *assumption; assumption++)
		told |= strstr(*assumption, "worker-#") && strstr(*assumption, "(8 items)") && strstr(*assumption, "10.0.0.1:80");
	assert_true(told);
	prediction_free(prediction);
	run_free(run);
	run = run_workers(false);
	is_refused(run, WORKERS(4), "cannot be cut into items");
	run_free(run);
	run = run_pipeline();
	is_refused(run, WORKERS(4), "No pool of workers");
	run_free(run);
}

/* main goes on when all the pool's work is done, whoever does what of it; not when the last items of the workers of then are. */
static void test_a_pool_is_joined_as_a_whole(void **state)
{
	struct run *run = build_run("joined", 95 * MS);
	struct run_thread *first, *workers[2];

	(void)state;
	build_process(run, 0, "joined");
	first = build_thread(run, 1, 0, "joined", 0, 95 * MS);
	for (int i = 0; i < 2; i++)
		workers[i] = build_thread(run, 1, 1, "worker", 0, (i ? 60 : 90) * MS);
	build_cpu(first, 5 * MS, 0);
	off(run, first, build_join(run, first, 90 * MS), workers[0], 0, 90, 0);
	for (int i = 0; i < 2; i++) {
		uint64_t at_ms = 0;

		build_cpu(workers[i], (i ? 20 : 50) * MS, 0);
		for (int k = 0; k < 4; k++) {
			off(run, workers[i], build_socket(run, workers[i], "poll", "10.0.0.1:80", 1, 10 * MS), NULL, at_ms, 10,
			    0);
			at_ms += k || i ? 15 : 45; /* the first item is a long one */
		}
	}
	takes(run, 8, WORKERS(8), 50);
	run_free(run);
}

static void test_names_of_causes(void **state)
{
	struct run *run = build_run("names", 100 * MS);
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "names");
	thread = build_thread(run, 1, 0, "names", 0, 100 * MS);
	build_cpu(thread, 70 * MS, 0);
	off(run, thread, build_socket(run, thread, "poll", "10.0.0.1:80", 1, 10 * MS), NULL, 10, 10, 0);
	off(run, thread, build_socket(run, thread, "poll", "10.0.0.1:8080", 1, 10 * MS), NULL, 30, 10, 0);
	off(run, thread, sleep_wait(run, thread, 10), NULL, 50, 10, 0);
	takes(run, 1, SCALED("10.0.0.1:80", 0), 90);
	takes(run, 1, SCALED("socket 10.0.0.1:80", 0), 90);
	takes(run, 1, SCALED(":808", 0), 90);
	/* A state is all of its waits. */
	takes(run, 1, SCALED("socket", 0), 80);
	is_refused(run, SCALED("10.0.0", 0), "several");
	is_refused(run, SCALED("10.0.0", 0), "10.0.0.1:8080");
	is_refused(run, SCALED("nothing", 0), "there is: ");
	is_refused(run, SCALED("nothing", 0), "sleep");
	/* What is no lock is none to be taken away. */
	is_refused(run, WITHOUT("sleep"), "there is: nothing");
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_without_a_lock_cpus_are_the_limit),
	    cmocka_unit_test(test_words_of_a_prediction),
	    cmocka_unit_test(test_a_pipeline),
	    cmocka_unit_test(test_what_is_bound_by_a_timer),
	    cmocka_unit_test(test_fan_out_and_in),
	    cmocka_unit_test(test_joins_that_were_not_seen),
	    cmocka_unit_test(test_a_chain_of_wakes),
	    cmocka_unit_test(test_threads_that_wake_each_other),
	    cmocka_unit_test(test_locks_may_change_their_order),
	    cmocka_unit_test(test_an_interpreters_lock),
	    cmocka_unit_test(test_other_numbers_of_workers),
	    cmocka_unit_test(test_a_pool_is_joined_as_a_whole),
	    cmocka_unit_test(test_names_of_causes),
	};

	return cmocka_run_group_tests_name("explain: what if", tests, NULL, NULL);
}
