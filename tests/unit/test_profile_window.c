/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of a run: what is cut, what is kept, and that windows sum to the whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "profile/window.h"
#include "run_builder.h"

enum { MAIN, WORKER, LATE };

/*
 * 100 ms: a main thread that joins; a worker that computes, waits for a lock and is preempted; in a process of its own a thread that is born
 * at 60 ms, waits for its first CPU, and sleeps until the end.
 */
static struct run *run_three(void)
{
	struct run *run = build_run("three", 100 * MS);
	struct run_thread *first, *worker, *late;
	struct run_wait *join, *lock, *sleep;

	build_process(run, 0, "three");
	first = build_thread(run, 1, 0, "three", 0, 100 * MS);
	worker = build_thread(run, 1, 1, "worker", 10 * MS, 80 * MS);
	build_process(run, 1, "late")->begin_ns += 60 * MS;
	late = build_thread(run, 2, 1, "late", 60 * MS, 40 * MS);
	build_cpu(first, 15 * MS, 0);
	build_cpu(worker, 30 * MS + 1, 20 * MS - 1);
	build_cpu(late, 3 * MS, 0);
	join = build_join(run, first, 80 * MS);
	lock = build_futex(run, worker, "big_lock", 0, true, 1, 20 * MS);
	sleep = build_wait(run, late, CLASS_SLEEP, "nanosleep", 1, 36 * MS);
	sleep->timed_out = 1;
	lock->waker = lock->holder = first->id;
	join->waker = worker->id;
	build_wait(run, first, CLASS_WOKEN, "", 1, 5 * MS);
	build_wait(run, worker, CLASS_WOKEN, "", 1, 3 * MS);
	build_wait(run, worker, CLASS_PREEMPTED, "", 1, 7 * MS);
	build_wait(run, late, CLASS_WOKEN, "", 1, 1 * MS);
	build_episode(run, first, join, 12 * MS, 80 * MS, 5 * MS);
	build_episode(run, worker, lock, 20 * MS, 20 * MS, 3 * MS);
	build_episode(run, worker, NULL, 60 * MS, 0, 7 * MS);
	build_episode(run, late, NULL, 60 * MS, 0, 1 * MS);
	run->episodes[run->n_episodes - 1].class = CLASS_WOKEN;
	build_episode(run, late, sleep, 64 * MS, 36 * MS, 0);
	build_moment(run, worker, "main;work", 15 * MS);
	build_moment(run, worker, "main;work", 50 * MS);
	build_moment(run, worker, "main;other", 70 * MS);
	build_sample(run, worker, "main;work", 2);
	build_sample(run, worker, "main;other", 1);
	worker->syscalls = 9;
	build_figure(run->ledger, &run->n_ledger, "wall_ns", 100.0 * MS);
	build_figure(run->losses, &run->n_losses, "map_full", 3);
	run->processes[0].undelivered_threads = 1;
	run->processes[0].undelivered_life_ns = run->processes[0].undelivered_ns[CLASS_SLEEP] = 77777777;
	return run;
}

static struct run *window(const struct run *run, uint64_t from_ns, uint64_t to_ns)
{
	char reason[RUN_REASON_BYTES] = "";
	struct run *out = NULL;

	assert_int_equal(run_window(run, from_ns, to_ns, &out), 0);
	if (run_check(out, reason))
		fail_msg("the window is no run: %s", reason);
	return out;
}

static const struct run_thread *thread_of(const struct run *run, uint64_t id)
{
	for (size_t i = 0; i < run->n_threads; i++)
		if (run->threads[i].id == id)
			return &run->threads[i];
	return NULL;
}

static const struct run_wait *wait_of(const struct run *run, uint64_t thread, uint32_t class)
{
	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].thread == thread && run->waits[i].class == class)
			return &run->waits[i];
	return NULL;
}

static void sums_to_life(const struct run *run)
{
	for (size_t i = 0; i < run->n_threads; i++) {
		uint64_t sum = 0, waits[CLASS_SLOTS] = {0};

		for (int class = 0; class < CLASS_COUNT; class ++)
			sum += run->threads[i].ns[class];
		assert_int_equal(sum, run->threads[i].life_ns);
		for (size_t j = 0; j < run->n_waits; j++)
			if (run->waits[j].thread == run->threads[i].id)
				waits[run->waits[j].class] += run->waits[j].total_ns;
		for (int class = CLASS_CPU + 1; class < CLASS_COUNT; class ++)
			assert_int_equal(waits[class], run->threads[i].ns[class]);
	}
}

static void test_the_full_window_is_the_run(void **state)
{
	struct run *run = run_three(), *full = window(run, 0, 100 * MS);

	(void)state;
	sums_to_life(full);
	assert_int_equal(full->n_threads, run->n_threads);
	for (size_t i = 0; i < run->n_threads; i++) {
		struct run_thread a = run->threads[i], b = full->threads[i];

		assert_string_equal(a.comm, b.comm);
		a.comm = b.comm = NULL;
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_int_equal(full->n_waits, run->n_waits);
	assert_int_equal(full->n_episodes, run->n_episodes);
	assert_memory_equal(full->episodes, run->episodes, run->n_episodes * sizeof(*run->episodes));
	assert_int_equal(full->n_moments, 3);
	assert_int_equal(full->n_samples, 2);
	assert_int_equal(full->n_ledger, 1);
	assert_int_equal(full->processes[0].undelivered_life_ns, 77777777);
	assert_string_equal(full->command[1], run->command[1]);
	assert_int_equal(full->whole_ns, 0);
	run_free(full);
	run_free(run);
}

static void test_what_is_cut(void **state)
{
	struct run *run = run_three(), *part = window(run, 30 * MS, 65 * MS);
	const struct run_thread *worker = thread_of(part, WORKER + 1), *late = thread_of(part, LATE + 1);
	const struct run_wait *lock = wait_of(part, WORKER + 1, CLASS_FUTEX);

	(void)state;
	sums_to_life(part);
	assert_int_equal(part->end_ns - part->begin_ns, 35 * MS);
	assert_int_equal(part->cut_ns, 30 * MS);
	assert_int_equal(part->whole_ns, 100 * MS);
	/* The lock's second half, the queue, 17 ms of computing, 5 of 7 ms preempted. */
	assert_int_equal(worker->life_ns, 35 * MS);
	assert_int_equal(worker->ns[CLASS_FUTEX], 10 * MS);
	assert_int_equal(worker->ns[CLASS_WOKEN], 3 * MS);
	assert_int_equal(worker->ns[CLASS_PREEMPTED], 5 * MS);
	assert_int_equal(worker->ns[CLASS_USER] + worker->ns[CLASS_KERNEL], 17 * MS);
	assert_in_range(worker->ns[CLASS_USER], 10199999, 10200001);
	assert_int_equal(worker->voluntary, 0); /* it was switched out for the lock before */
	assert_int_equal(worker->involuntary, 1);
	assert_int_equal(worker->syscalls, 0);
	assert_false(worker->ended);
	assert_int_equal(lock->count, 1);
	assert_int_equal(lock->total_ns, 10 * MS);
	assert_int_equal(lock->max_ns, 10 * MS);
	assert_int_equal(lock->log2_ns[23], 1);
	assert_int_equal(lock->waker, MAIN + 1);
	assert_string_equal(lock->symbol, "big_lock");
	/* At its birth it was not switched out. */
	assert_int_equal(late->voluntary, 1);
	assert_int_equal(late->involuntary, 0);
	assert_int_equal(late->ns[CLASS_SLEEP], 1 * MS);
	assert_int_equal(wait_of(part, LATE + 1, CLASS_SLEEP)->timed_out, 1);
	assert_int_equal(part->n_moments, 1);
	assert_int_equal(part->moments[0].at_ns, 20 * MS);
	assert_int_equal(part->n_samples, 1);
	assert_int_equal(part->n_ledger, 0);
	assert_int_equal(part->n_losses, 1);
	assert_false(part->processes[0].ended);
	run_free(part);
	run_free(run);
}

static void test_a_window_after_the_wake_up_begins_in_the_queue(void **state)
{
	struct run *run = run_three(), *part = window(run, 41 * MS, 50 * MS);

	(void)state;
	sums_to_life(part);
	assert_int_equal(part->n_threads, 2);
	assert_int_equal(part->n_processes, 1);
	assert_int_equal(part->episodes[1].class, CLASS_WOKEN);
	assert_int_equal(part->episodes[1].wait, 0);
	assert_int_equal(part->episodes[1].queued_ns, 2 * MS);
	assert_null(wait_of(part, WORKER + 1, CLASS_FUTEX));
	assert_int_equal(wait_of(part, WORKER + 1, CLASS_WOKEN)->total_ns, 2 * MS);
	run_free(part);
	run_free(run);
}

/* Whoever ended or held a wait and is not in the window is known by name alone. */
static void test_parties_outside_the_window(void **state)
{
	struct run *run = run_three(), *part;

	(void)state;
	run->waits[0].holder = run->waits[0].waker = WORKER + 1; /* main's, until 92 ms */
	part = window(run, 91 * MS, 100 * MS);
	assert_int_equal(part->n_threads, 2);
	assert_int_equal(part->waits[0].class, CLASS_FUTEX);
	assert_int_equal(part->waits[0].waker, 0);
	assert_int_equal(part->waits[0].holder, 0);
	assert_string_equal(part->waits[0].waker_name, "worker[5001]");
	run_free(part);
	run_free(run);
}

/* At every grid, the odd ones too, and windows of windows. */
static void test_windows_sum_to_the_run(void **state)
{
	static const uint64_t widths[] = {1 * MS, 7 * MS + 3, 33333333, 99 * MS};
	struct run *run = run_three();

	(void)state;
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		uint64_t ns[3][CLASS_SLOTS] = {{0}}, undelivered = 0, switches[3] = {0};
		size_t moments = 0, samples = 0;

		for (uint64_t from = 0; from < 100 * MS; from += widths[w]) {
			struct run *part = window(run, from, from + widths[w]);

			sums_to_life(part);
			for (size_t i = 0; i < part->n_threads; i++) {
				const struct run_thread *thread = &part->threads[i];

				for (int class = 0; class < CLASS_COUNT; class ++)
					ns[thread->id - 1][class] += thread->ns[class];
				switches[thread->id - 1] += thread->voluntary + thread->involuntary;
			}
			moments += part->n_moments;
			for (size_t i = 0; i < part->n_samples; i++)
				samples += part->samples[i].count;
			undelivered += part->n_processes ? part->processes[0].undelivered_life_ns : 0;
			run_free(part);
		}
		for (size_t i = 0; i < 3; i++) {
			assert_memory_equal(ns[i], run->threads[i].ns, sizeof(ns[i]));
			assert_int_equal(switches[i], run->threads[i].voluntary + run->threads[i].involuntary);
		}
		assert_int_equal(moments, 3);
		assert_int_equal(samples, 3);
		assert_int_equal(undelivered, 77777777);
	}
	run_free(run);
}

static void test_a_window_of_a_window(void **state)
{
	struct run *run = run_three(), *outer = window(run, 30 * MS, 90 * MS), *inner = window(outer, 5 * MS, 20 * MS);
	struct run *direct = window(run, 35 * MS, 50 * MS);

	(void)state;
	assert_int_equal(inner->cut_ns, 35 * MS);
	assert_int_equal(inner->whole_ns, 100 * MS);
	assert_int_equal(inner->n_episodes, direct->n_episodes);
	for (size_t i = 0; i < direct->n_threads; i++)
		for (int class = CLASS_CPU + 1; class < CLASS_COUNT; class ++)
			assert_int_equal(inner->threads[i].ns[class], direct->threads[i].ns[class]);
	run_free(direct);
	run_free(inner);
	run_free(outer);
	run_free(run);
}

static void test_windows_that_are_none(void **state)
{
	struct run *run = run_three(), *part = NULL;

	(void)state;
	assert_int_equal(run_window(run, 100 * MS, 200 * MS, &part), -ERANGE);
	assert_int_equal(run_window(run, 50 * MS, 50 * MS, &part), -ERANGE);
	assert_int_equal(run_window(run, 60 * MS, 50 * MS, &part), -ERANGE);
	part = window(run, 99 * MS, UINT64_MAX);
	assert_int_equal(part->end_ns - part->begin_ns, 1 * MS);
	run_free(part);
	part = NULL;
	run->timeline = false;
	assert_int_equal(run_window(run, 0, 50 * MS, &part), -ENODATA);
	assert_null(part);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_full_window_is_the_run),
	    cmocka_unit_test(test_what_is_cut),
	    cmocka_unit_test(test_a_window_after_the_wake_up_begins_in_the_queue),
	    cmocka_unit_test(test_parties_outside_the_window),
	    cmocka_unit_test(test_windows_sum_to_the_run),
	    cmocka_unit_test(test_a_window_of_a_window),
	    cmocka_unit_test(test_windows_that_are_none),
	};

	return cmocka_run_group_tests_name("profile: windows of a run", tests, NULL, NULL);
}
