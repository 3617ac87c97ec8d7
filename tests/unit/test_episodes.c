/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a timeline while it comes: all of it, none, or moments thinned out evenly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "trace/episodes.h"

#define THREADS 4

static uint32_t wait_of(void *context, uint64_t thread, uint64_t cause)
{
	(void)context, (void)thread, (void)cause;
	return 0;
}

static int stack_of(void *context, uint64_t stack, uint64_t *ret)
{
	(void)context;
	*ret = stack;
	return 0;
}

/* The clocks of as many CPUs tick at once, one of the threads on each. */
static struct run *run_of(bool all, size_t ticks)
{
	const struct episode_names names = {.wait_of = wait_of, .stack_of = stack_of};
	struct run *run = calloc(1, sizeof(*run));
	struct episodes *episodes;
	uint64_t misfits;
	bool lost;

	assert_non_null(run);
	run->end_ns = UINT64_MAX / 4;
	run->threads = calloc(THREADS, sizeof(*run->threads));
	assert_non_null(run->threads);
	for (size_t i = 0; i < THREADS; i++)
		run->threads[run->n_threads++] = (struct run_thread){.id = i + 1, .process = 1, .life_ns = run->end_ns};
	assert_int_equal(episodes_open(all, &episodes), 0);
	for (size_t i = 0; i < ticks * THREADS; i++) {
		const struct record_moment moment = {
		    .kind = RECORD_MOMENT, .thread = i % THREADS + 1, .at_ns = i / THREADS * 10101010, .stack = 1};

		episodes_take(episodes, &moment, sizeof(moment));
	}
	assert_false(episodes_given_up(episodes, &lost));
	assert_int_equal(episodes_fill(episodes, &names, run, &misfits), 0);
	assert_true(run->timeline);
	episodes_close(episodes);
	return run;
}

static void test_few_moments_are_all_kept(void **state)
{
	struct run *run = run_of(false, MOMENTS_BUDGET / THREADS);

	(void)state;
	assert_int_equal(run->n_moments, MOMENTS_BUDGET);
	run_free(run);
}

static void test_of_many_moments_a_part_is_kept_that_leaves_no_thread_and_no_time_out(void **state)
{
	const size_t ticks = 2 * MOMENTS_BUDGET;
	struct run *run = run_of(false, ticks);
	size_t of_thread[THREADS + 1] = {0}, early = 0;

	(void)state;
	assert_in_range(run->n_moments, MOMENTS_BUDGET / 3, MOMENTS_BUDGET);
	for (size_t i = 0; i < run->n_moments; i++) {
		of_thread[run->moments[i].thread]++;
		early += run->moments[i].at_ns < ticks / 2 * 10101010;
	}
	for (size_t i = 1; i <= THREADS; i++)
		assert_in_range(of_thread[i], run->n_moments / THREADS * 95 / 100, run->n_moments / THREADS * 105 / 100);
	assert_in_range(early, run->n_moments * 48 / 100, run->n_moments * 52 / 100);
	run_free(run);
}

static void test_all_are_kept_if_all_are_wanted(void **state)
{
	struct run *run = run_of(true, MOMENTS_BUDGET);

	(void)state;
	assert_int_equal(run->n_moments, MOMENTS_BUDGET * THREADS);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_few_moments_are_all_kept),
	    cmocka_unit_test(test_of_many_moments_a_part_is_kept_that_leaves_no_thread_and_no_time_out),
	    cmocka_unit_test(test_all_are_kept_if_all_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
