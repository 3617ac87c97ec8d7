/* SPDX-License-Identifier: Apache-2.0 */
/* What if, where it is less simple: machines that others use, replays that are off, recordings that no program made. */
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

static void test_a_run_that_is_confined(void **state)
{
	struct run *run = build_run("confined", 202 * MS);
	struct run_thread *threads[2];
	struct prediction *prediction;

	(void)state;
	build_process(run, 0, "confined");
	for (int i = 0; i < 2; i++)
		threads[i] = build_thread(run, 1, i ? 1 : 0, "confined", 0, (201 + i) * MS);
	for (int i = 0; i < 2; i++) {
		build_cpu(threads[i], 101 * MS, 0);
		for (int k = 0; k < (i ? 101 : 100); k++) {
			build_episode(run, threads[i], NULL, (2 * k + !i) * MS, 0, MS);
			build_wait(run, threads[i], CLASS_PREEMPTED, "", 1, MS);
		}
	}
	prediction = predicted(run, 2, ON_CPUS(2));
	assert_true(prediction->confined);
	assert_int_equal(prediction->cpus_seen, 1);
	assert_in_range(prediction->replayed_ns, 201 * MS, 203 * MS);
	assert_in_range(prediction->predicted_ns, 101 * MS, 102 * MS);
	prediction_free(prediction);
	run_free(run);
}

static bool is_assumed(const struct prediction *prediction, const char *what)
{
	for (char *const *assumption = prediction->assumptions; *assumption; assumption++)
		if (strstr(*assumption, what))
			return true;
	return false;
}

/* Others use half of the CPU's time: 100 of 200 ms. */
static void test_a_machine_that_others_use(void **state)
{
	struct run *run = build_run("busy", 200 * MS);
	struct prediction *prediction;
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "busy");
	thread = build_thread(run, 1, 0, "busy", 0, 200 * MS);
	build_cpu(thread, 100 * MS, 0);
	for (int k = 0; k < 20; k++) {
		build_episode(run, thread, NULL, (10 * k + 5) * MS, 0, 5 * MS);
		build_wait(run, thread, CLASS_PREEMPTED, "", 1, 5 * MS);
	}
	prediction = predicted(run, 2, ON_CPUS(2));
	assert_in_range(prediction->replayed_ns, 199 * MS, 201 * MS);
	assert_in_range(prediction->predicted_ns, 199 * MS, 201 * MS);
	assert_true(is_assumed(prediction, "Others used 100 ms of CPU time"));
	prediction_free(prediction);
	/* They spread over twice the CPUs, or move to the CPU that this run leaves to them. */
	prediction = predicted(run, 2, ON_CPUS(4));
	assert_in_range(prediction->predicted_ns, 149 * MS, 151 * MS);
	prediction_free(prediction);
	prediction = predicted(run, 2, ON_CPUS(1));
	assert_in_range(prediction->predicted_ns, 99 * MS, 101 * MS);
	prediction_free(prediction);
	run_free(run);
}

/* A wait for a thread that is not followed ended early in truth; here two signals of it are missing. */
static void test_a_replay_that_is_off_is_told(void **state)
{
	struct run *run = run_turns("orders_lock");
	struct prediction *prediction;

	(void)state;
	/* The recording lacks what b did from 50 to 100: main's wait was for 100 ms all the same. */
	run->threads[2].life_ns = 60 * MS;
	prediction = predicted(run, 2, ON_CPUS(2));
	assert_true(prediction->doubtful);
	assert_true(prediction->replay_error < -PREDICT_ERROR_MAX);
	says(prediction->calibration, "too far off");
	prediction_free(prediction);
	run_free(run);
}

static void test_hostile_recordings(void **state)
{
	struct run *run = build_run("hostile", 100 * MS);
	struct run_thread *threads[3];
	struct prediction *prediction;

	(void)state;
	build_process(run, 0, "hostile");
	for (int i = 0; i < 3; i++)
		threads[i] = build_thread(run, 1,
					  i == 1   ? 3
					  : i == 2 ? 2
						   : 0,
					  "hostile", i ? 10 * MS : 0, i ? 50 * MS : 100 * MS);
	/* Two that created each other, and woke each other out of the same wait, after their ends. */
	threads[1]->ended = threads[2]->ended = true;
	build_cpu(threads[0], 100 * MS, 0);
	off(run, threads[1], build_join(run, threads[1], 20 * MS), threads[2], 20, 20, 0);
	off(run, threads[2], lock_wait(run, threads[2], "a", 20), threads[1], 20, 20, 0);
	prediction = predicted(run, 2, WITHOUT("a"));
	assert_true(prediction->refused || prediction->predicted_ns >= 100 * MS);
	prediction_free(prediction);
	run_free(run);
}

static uint32_t random_below(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % n;
}

static struct run *random_run(uint64_t seed)
{
	static const char *const symbols[] = {"interpreter_lock", "a", "b"};
	struct run *run = build_run("random", 100 * MS);
	uint32_t n = 2 + random_below(&seed, 6);

	build_process(run, 0, "random");
	build_process(run, 1, "random");
	for (uint32_t i = 0; i < n; i++) {
		uint64_t begin = i ? random_below(&seed, 20 * MS) : 0;

		build_thread(run, 1 + random_below(&seed, 2), random_below(&seed, n + 1), "worker-1", begin,
			     i ? random_below(&seed, 80 * MS) : 100 * MS)
		    ->ended = random_below(&seed, 4) > 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct run_thread *thread = &run->threads[i];
		uint64_t at = thread->begin_ns - run->begin_ns, end = at + thread->life_ns;

		while (at < end) {
			uint64_t out = at + random_below(&seed, 2 * MS),
				 blocked = random_below(&seed, 3) * random_below(&seed, 2 * MS);
			uint64_t queued = random_below(&seed, 2) * random_below(&seed, MS);
			struct run_wait *wait = NULL;

			at = out + blocked + queued;
			if (at > end || run->n_waits + 4 > BUILDER_ROOM)
				break;
			if (!blocked)
				;
			else if (random_below(&seed, 3))
				wait = lock_wait(run, thread, symbols[random_below(&seed, 3)], 0);
			else if (random_below(&seed, 2))
				wait = build_join(run, thread, 0);
			else
				wait = sleep_wait(run, thread, 0);
			if (wait)
				wait->waker = random_below(&seed, n + 1);
			if (blocked || queued)
				build_episode(run, thread, wait, out, blocked, queued);
		}
	}
	run->timeline = true;
	return run;
}

/* CPU time of the root's thread that used most. */
static uint64_t longest_cpu_ns(const struct timeline *timeline)
{
	uint64_t most_ns = 0;

	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];
		uint64_t cpu_ns = lane->end_ns - lane->begin_ns;

		for (size_t k = 0; k < lane->n_episodes; k++)
			cpu_ns -= lane->episodes[k].blocked_ns + lane->episodes[k].queued_ns;
		if (lane->thread->process == 1 && cpu_ns > most_ns)
			most_ns = cpu_ns;
	}
	return most_ns;
}

static void test_random_recordings(void **state)
{
	const struct predict_change changes[] = {WITHOUT("a"), WITHOUT("GIL"), SCALED("sleep", 0.3), ON_CPUS(1), ON_CPUS(7),
						 WORKERS(1),   WORKERS(9)};

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct run *run = random_run(seed);
		struct explanation *explanation = explained_on(run, 2);

		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			struct prediction *first = NULL, *second = NULL;

			assert_int_equal(predict(explanation, &changes[i], &first), 0);
			assert_int_equal(predict(explanation, &changes[i], &second), 0);
			assert_int_equal(first->predicted_ns, second->predicted_ns);
			assert_int_equal(first->replayed_ns, second->replayed_ns);
			if (!first->refused && changes[i].kind != PREDICT_THREADS)
				assert_true(first->predicted_ns >= longest_cpu_ns(explanation->timeline));
			prediction_free(first);
			prediction_free(second);
		}
		explanation_free(explanation);
		run_free(run);
	}
}

/* What a finding proposes comes with what it would bring; of a replay that is far off nothing is said. */
static void test_findings_promise_what_is_predicted(void **state)
{
	struct run *run = run_turns("orders_lock");
	struct explanation *explanation;

	(void)state;
	explanation = explained_on(run, 2);
	assert_non_null(finding_of(explanation, "lock"));
	says(finding_of(explanation, "lock")->try_next, "Without this lock about 50.0 ms instead of 100 ms (predicted).");
	explanation_free(explanation);
	explanation = explained_on(run, 1);
	says_not(finding_of(explanation, "lock")->try_next, "predicted");
	explanation_free(explanation);
	run->threads[2].life_ns = 60 * MS;
	explanation = explained_on(run, 2);
	says_not(finding_of(explanation, "lock")->try_next, "predicted");
	explanation_free(explanation);
	run_free(run);
}

static void test_without_a_timeline(void **state)
{
	struct run *run = run_turns("a");
	struct explanation *explanation;
	struct prediction *prediction = NULL;
	const struct predict_change change = ON_CPUS(1);

	(void)state;
	run->timeline = false;
	explanation = explained_on(run, 2);
	assert_int_equal(predict(explanation, &change, &prediction), -ENODATA);
	assert_null(prediction);
	explanation_free(explanation);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_run_that_is_confined),
	    cmocka_unit_test(test_a_machine_that_others_use),
	    cmocka_unit_test(test_a_replay_that_is_off_is_told),
	    cmocka_unit_test(test_hostile_recordings),
	    cmocka_unit_test(test_random_recordings),
	    cmocka_unit_test(test_findings_promise_what_is_predicted),
	    cmocka_unit_test(test_without_a_timeline),
	};

	return cmocka_run_group_tests_name("explain: what if, and its limits", tests, NULL, NULL);
}
