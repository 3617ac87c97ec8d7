/* SPDX-License-Identifier: Apache-2.0 */
/* Threads on CPUs, replayed: schedules whose answer is computed by hand, and random ones, which must end and be possible. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/predict_replay.h"

#define MS 1000000ull

#define STEPS_MAX 4096

/* A replay in the making: threads one after the other, each with its steps. */
struct plan {
	struct replay_input input;
	struct step steps[STEPS_MAX];
	struct replay_thread threads[64];
	struct replay_lock locks[8];
};

static struct plan *plan_new(unsigned int cpus)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	assert_non_null(plan);
	plan->input = (struct replay_input){
	    .steps = plan->steps, .threads = plan->threads, .locks = plan->locks, .n_locks = 8, .n_causes = 4, .cpus = cpus};
	return plan;
}

static void thread(struct plan *plan, uint64_t start_ns, uint64_t cpu_ns)
{
	plan->threads[plan->input.n_threads++] = (struct replay_thread){
	    .piece = {.first = plan->input.n_steps, .end = plan->input.n_steps, .to_ns = cpu_ns},
	    .start_ns = start_ns,
	    .pool = REPLAY_NOBODY,
	    .also = REPLAY_NOBODY,
	    .counts = true,
	};
}

/* Of the thread begun last. Returns its index. */
static uint32_t step(struct plan *plan, enum step_kind kind, uint64_t at_ns, uint32_t target, uint64_t ns)
{
	assert_true(plan->input.n_steps < STEPS_MAX);
	plan->steps[plan->input.n_steps] = (struct step){.at_ns = at_ns, .kind = kind, .target = target, .ns = ns, .cause = 1};
	plan->threads[plan->input.n_threads - 1].piece.end++;
	return plan->input.n_steps++;
}

static struct replay_result replayed(struct plan *plan)
{
	struct replay_result result;

	assert_int_equal(replay(&plan->input, &result), 0);
	return result;
}

static uint64_t end_of(struct plan *plan)
{
	struct replay_result result = replayed(plan);
	uint64_t end_ns = result.end_ns;

	assert_int_equal(result.forced, 0);
	replay_free(&result);
	return end_ns;
}

static void test_cpus_are_shared_and_none_idles(void **state)
{
	struct plan *plan = plan_new(1);
	struct replay_result result;

	(void)state;
	for (int i = 0; i < 4; i++)
		thread(plan, 0, 30 * MS);
	result = replayed(plan);
	assert_int_equal(result.end_ns, 120 * MS);
	assert_int_equal(result.cpu_ns, 120 * MS);
	/* Fairly: all end about together, so each waits for nearly all of the others' time. */
	assert_in_range(result.queue_ns, 4 * 80 * MS, 4 * 90 * MS);
	replay_free(&result);
	plan->input.cpus = 2;
	assert_in_range(end_of(plan), 60 * MS, 61 * MS);
	plan->input.cpus = 4;
	assert_int_equal(end_of(plan), 30 * MS);
	plan->input.cpus = 400;
	assert_int_equal(end_of(plan), 30 * MS);
	free(plan);
}

static void test_who_slept_gets_a_cpu_soon(void **state)
{
	struct plan *plan = plan_new(1);

	(void)state;
	/* 20 times 1 ms of sleep and a little work, beside one that computes for 200 ms: preempting it, that is over in about 20 ms. */
	thread(plan, 0, 200 * MS);
	plan->threads[0].counts = false;
	thread(plan, 0, 2 * MS);
	for (int i = 0; i < 20; i++)
		step(plan, STEP_SLEEP, i * MS / 10, 0, MS);
	assert_in_range(end_of(plan), 22 * MS, 26 * MS);
	free(plan);
}

/* But not all that it slept through: from then on it has its share. */
static void test_sleep_is_not_saved_up(void **state)
{
	struct plan *plan = plan_new(1);

	(void)state;
	thread(plan, 0, 400 * MS);
	plan->threads[0].counts = false;
	thread(plan, 0, 100 * MS);
	step(plan, STEP_SLEEP, 0, 0, 150 * MS);
	assert_in_range(end_of(plan), 340 * MS, 352 * MS);
	free(plan);
}

static void test_timers_and_latency(void **state)
{
	struct plan *plan = plan_new(2);
	struct replay_result result;

	(void)state;
	thread(plan, 5 * MS, 20 * MS);
	step(plan, STEP_SLEEP, 10 * MS, 0, 50 * MS);
	result = replayed(plan);
	assert_int_equal(result.end_ns, 75 * MS);
	assert_int_equal(result.wait_ns[1], 50 * MS);
	assert_int_equal(result.wait_ns[0], 0);
	replay_free(&result);
	plan->input.latency_ns = 2 * MS;
	assert_int_equal(end_of(plan), 77 * MS);
	free(plan);
}

static void test_a_signal_before_its_wait_is_kept(void **state)
{
	struct plan *plan = plan_new(2);

	(void)state;
	thread(plan, 0, 10 * MS);
	step(plan, STEP_SIGNAL, 10 * MS, 1, 0);
	thread(plan, 0, 40 * MS);
	step(plan, STEP_WAIT, 30 * MS, 0, 1);
	assert_int_equal(end_of(plan), 40 * MS);
	/* And one that comes later is waited for. */
	plan->threads[0].piece.to_ns = plan->steps[0].at_ns = 35 * MS;
	assert_int_equal(end_of(plan), 45 * MS);
	/* Two are needed, one comes: in the end nothing else would end it. */
	plan->steps[1].ns = 2;
	{
		struct replay_result result = replayed(plan);

		assert_int_equal(result.forced, 1);
		assert_int_equal(result.end_ns, 45 * MS);
		replay_free(&result);
	}
	free(plan);
}

static void test_births_and_parked_threads(void **state)
{
	struct plan *plan = plan_new(2);

	(void)state;
	thread(plan, 0, 20 * MS);
	step(plan, STEP_BIRTH, 15 * MS, 1, 0);
	thread(plan, REPLAY_BORN_BY_STEP, 30 * MS);
	assert_int_equal(end_of(plan), 45 * MS);
	thread(plan, 0, 5 * MS);
	step(plan, STEP_PARK, 2 * MS, 0, 0);
	plan->threads[2].counts = false;
	assert_int_equal(end_of(plan), 45 * MS);
	free(plan);
}

/* A chain of creations must not be one of calls. */
static void test_long_chains_of_births(void **state)
{
	const size_t n = 300000;
	struct step *steps = calloc(n, sizeof(*steps));
	struct replay_thread *threads = calloc(n, sizeof(*threads));
	struct replay_input input = {.steps = steps, .n_steps = n, .threads = threads, .n_threads = n, .n_causes = 1, .cpus = 1};
	struct replay_result result;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		steps[i] = (struct step){.kind = STEP_BIRTH, .target = (i + 1) % n};
		threads[i] = (struct replay_thread){.piece = {.first = i, .end = i + 1},
						    .start_ns = i ? REPLAY_BORN_BY_STEP : 0,
						    .pool = REPLAY_NOBODY,
						    .also = REPLAY_NOBODY,
						    .counts = true};
	}
	assert_int_equal(replay(&input, &result), 0);
	assert_int_equal(result.end_ns, 0);
	assert_int_equal(result.forced, 0);
	replay_free(&result);
	free(steps);
	free(threads);
}

static void test_locks_exclude(void **state)
{
	struct plan *plan = plan_new(4);
	struct replay_result result;

	(void)state;
	/* Each 10 ms alone, 20 ms under the lock, 10 ms alone. */
	for (int i = 0; i < 3; i++) {
		thread(plan, 0, 40 * MS);
		step(plan, STEP_ACQUIRE, 10 * MS, 0, 0);
		step(plan, STEP_RELEASE, 30 * MS, 0, 0);
	}
	result = replayed(plan);
	assert_int_equal(result.end_ns, 80 * MS);
	assert_int_equal(result.wait_ns[1], 60 * MS);
	replay_free(&result);
	plan->locks[0].handed_on = true;
	assert_int_equal(end_of(plan), 80 * MS);
	/* Another lock each: nobody waits. */
	for (int i = 0; i < 6; i++)
		plan->steps[i].target = i / 2;
	assert_int_equal(end_of(plan), 40 * MS);
	free(plan);
}

/* Handed on, a lock goes round; freed, whoever is on a CPU has it again. */
static void test_a_lock_that_is_handed_on_goes_round(void **state)
{
	struct plan *plan = plan_new(2);

	(void)state;
	for (int i = 0; i < 2; i++) {
		thread(plan, 0, 40 * MS);
		for (int k = 0; k < 4; k++) {
			step(plan, STEP_RELEASE, k * 10 * MS, 0, 0);
			step(plan, STEP_ACQUIRE, k * 10 * MS, 0, 0);
		}
	}
	plan->threads[1].counts = false;
	plan->locks[0].handed_on = true;
	assert_int_equal(end_of(plan), 70 * MS);
	plan->locks[0].handed_on = false;
	assert_int_equal(end_of(plan), 40 * MS);
	free(plan);
}

static void test_a_thread_that_ends_gives_its_locks_up(void **state)
{
	struct plan *plan = plan_new(2);

	(void)state;
	thread(plan, 0, 10 * MS);
	for (int i = 0; i < 4; i++)
		step(plan, STEP_ACQUIRE, 0, i, 0);
	step(plan, STEP_RELEASE, 0, 2, 0);
	thread(plan, 1, 10 * MS);
	for (int i = 0; i < 4; i++)
		step(plan, STEP_ACQUIRE, 0, i, 0);
	assert_int_equal(end_of(plan), 20 * MS);
	free(plan);
}

static void test_circles_are_cut(void **state)
{
	struct plan *plan = plan_new(2);
	struct replay_result result;

	(void)state;
	/* Each waits for the other's signal, which comes after its own wait. */
	thread(plan, 0, 10 * MS);
	step(plan, STEP_WAIT, 5 * MS, 0, 1);
	step(plan, STEP_SIGNAL, 5 * MS, 2, 0);
	thread(plan, 0, 10 * MS);
	step(plan, STEP_WAIT, 5 * MS, 0, 1);
	step(plan, STEP_SIGNAL, 5 * MS, 0, 0);
	result = replayed(plan);
	assert_int_equal(result.forced, 1);
	assert_int_equal(result.end_ns, 10 * MS);
	replay_free(&result);
	/* Two locks in different orders. */
	plan->steps[0] = plan->steps[2] = (struct step){.kind = STEP_ACQUIRE, .at_ns = 0};
	plan->steps[1] = plan->steps[3] = (struct step){.kind = STEP_ACQUIRE, .at_ns = 5 * MS};
	plan->steps[0].target = plan->steps[3].target = 1;
	result = replayed(plan);
	assert_int_equal(result.forced, 1);
	replay_free(&result);
	free(plan);
}

static void test_endless_circles_are_given_up(void **state)
{
	struct plan *plan = plan_new(1);
	struct replay_result result;

	(void)state;
	thread(plan, 0, MS);
	for (int i = 0; i < REPLAY_FORCED_MAX + 1; i++)
		step(plan, STEP_WAIT, 0, 0, 1);
	assert_int_equal(replay(&plan->input, &result), -EDEADLK);
	assert_null(result.wait_ns);
	free(plan);
}

static void test_a_pool_takes_items_in_turn(void **state)
{
	struct plan *plan = plan_new(8);
	struct piece items[6];
	uint32_t end = 0;
	struct replay_pool pool = {.items = items, .n_items = 6, .ends = &end, .n_ends = 1};

	(void)state;
	/* The first thread waits for the pool; items: 10 ms of sleep, 10 ms of CPU. */
	thread(plan, 0, 0);
	step(plan, STEP_WAIT, 0, 0, 1);
	for (int i = 0; i < 3; i++) {
		thread(plan, 0, 0);
		plan->threads[1 + i].pool = 0;
		plan->threads[1 + i].counts = false;
	}
	for (int i = 0; i < 6; i++) {
		items[i] = (struct piece){.first = plan->input.n_steps, .end = plan->input.n_steps + 1, .to_ns = 10 * MS};
		step(plan, STEP_SLEEP, 0, 0, 10 * MS);
		plan->threads[3].piece.end = plan->threads[3].piece.first;
	}
	plan->input.pools = &pool;
	plan->input.n_pools = 1;
	assert_int_equal(end_of(plan), 40 * MS);
	plan->threads[3].pool = REPLAY_NOBODY;
	assert_int_equal(end_of(plan), 60 * MS);
	plan->threads[2].pool = REPLAY_NOBODY;
	assert_int_equal(end_of(plan), 120 * MS);
	free(plan);
}

static uint32_t random_below(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % n;
}

static struct plan *random_plan(uint64_t seed)
{
	struct plan *plan = plan_new(1 + random_below(&seed, 4));
	uint32_t n_threads = 1 + random_below(&seed, 12), room = 40;

	for (uint32_t i = 0; i < n_threads; i++) {
		uint64_t cpu_ns = random_below(&seed, 20 * MS), at_ns = 0;

		thread(plan, i && !random_below(&seed, 3) ? REPLAY_BORN_BY_STEP : random_below(&seed, MS), cpu_ns);
		for (uint32_t k = 0; k < room; k++) {
			enum step_kind kind = random_below(&seed, STEP_PARK);
			uint32_t target = random_below(&seed, n_threads);

			at_ns += random_below(&seed, cpu_ns / room + 1);
			/* Signals go to any step: most hit none that waits. */
			if (kind == STEP_SIGNAL)
				target = random_below(&seed, n_threads * room);
			else if (kind != STEP_BIRTH)
				target = random_below(&seed, 8);
			step(plan, kind, at_ns, target, kind == STEP_WAIT ? 1 : random_below(&seed, MS));
		}
	}
	plan->input.latency_ns = random_below(&seed, 2) * 10000;
	for (int i = 0; i < 8; i++)
		plan->locks[i].handed_on = random_below(&seed, 2);
	return plan;
}

static void test_random_replays_end_and_are_possible(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct plan *plan = random_plan(seed);
		struct replay_result first, second;
		uint64_t most_ns = 0, all_ns = 0;

		first = replayed(plan);
		second = replayed(plan);
		assert_int_equal(first.end_ns, second.end_ns);
		assert_int_equal(first.queue_ns, second.queue_ns);
		assert_int_equal(first.forced, second.forced);
		for (size_t i = 0; i < plan->input.n_threads; i++) {
			uint64_t cpu_ns = plan->threads[i].piece.to_ns;

			most_ns = cpu_ns > most_ns ? cpu_ns : most_ns;
			all_ns += cpu_ns;
		}
		assert_true(first.end_ns >= most_ns);
		assert_true(first.end_ns >= all_ns / plan->input.cpus);
		assert_int_equal(first.cpu_ns, all_ns);
		replay_free(&first);
		replay_free(&second);
		free(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cpus_are_shared_and_none_idles),
	    cmocka_unit_test(test_who_slept_gets_a_cpu_soon),
	    cmocka_unit_test(test_sleep_is_not_saved_up),
	    cmocka_unit_test(test_timers_and_latency),
	    cmocka_unit_test(test_a_signal_before_its_wait_is_kept),
	    cmocka_unit_test(test_births_and_parked_threads),
	    cmocka_unit_test(test_long_chains_of_births),
	    cmocka_unit_test(test_locks_exclude),
	    cmocka_unit_test(test_a_lock_that_is_handed_on_goes_round),
	    cmocka_unit_test(test_a_thread_that_ends_gives_its_locks_up),
	    cmocka_unit_test(test_circles_are_cut),
	    cmocka_unit_test(test_endless_circles_are_given_up),
	    cmocka_unit_test(test_a_pool_takes_items_in_turn),
	    cmocka_unit_test(test_random_replays_end_and_are_possible),
	};

	return cmocka_run_group_tests_name("predict: threads on CPUs, replayed", tests, NULL, NULL);
}
