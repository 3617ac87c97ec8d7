/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path of any run is whole, and takes as many steps as there are episodes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "explain/path.h"
#include "run_builder.h"

#include "path_runs.h"

static uint64_t below(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return n ? *seed % n : 0;
}

static void add_random_waits(struct run *run, uint64_t *seed)
{
	static const uint32_t classes[] = {CLASS_FUTEX, CLASS_SLEEP, CLASS_PIPE, CLASS_SIGNAL, CLASS_SOCKET, CLASS_CHILD};

	for (size_t i = 0; i < run->n_threads; i++)
		for (uint64_t n = below(seed, 6); n; n--) {
			struct run_wait *wait =
			    build_wait(run, &run->threads[i], classes[below(seed, 6)], "x", 1, below(seed, 9));

			wait->waker = below(seed, run->n_threads + 2);
			wait->inside = below(seed, 2);
		}
}

static const struct run_wait *random_wait(const struct run *run, uint64_t thread, uint64_t *seed)
{
	const struct run_wait *found = NULL;
	uint64_t n = 0;

	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].thread == thread && !below(seed, ++n))
			found = &run->waits[i];
	return found;
}

/* Times of a few nanoseconds, so that everything happens at the same instants; threads and wakers as they come. */
static struct run *run_random(uint64_t seed)
{
	struct run *run = build_run("random", 1 + below(&seed, 200));

	run->timeline = true;
	run->attached = below(&seed, 2);
	build_process(run, 0, "random");
	for (uint64_t n = below(&seed, 9); n; n--) {
		uint64_t begin = below(&seed, 3) ? below(&seed, 150) : 0;

		build_thread(run, 1, below(&seed, 10), "t", begin, below(&seed, 220));
	}
	add_random_waits(run, &seed);
	for (size_t i = 0; i < run->n_threads; i++) {
		struct run_thread *thread = &run->threads[i];
		uint64_t at = thread->begin_ns - run->begin_ns, end = at + thread->life_ns;

		thread->process = 1;
		for (int n = 0; n < 60 && at < end; n++) {
			uint64_t out = at + below(&seed, 4), left = out < end ? end - out : 0;
			const struct run_wait *wait = below(&seed, 4) ? random_wait(run, thread->id, &seed) : NULL;
			uint64_t blocked = wait ? below(&seed, left < 20 ? left + 1 : 20) : 0;
			uint64_t queued = below(&seed, left - blocked < 4 ? left - blocked + 1 : 4);

			if (out > end)
				break;
			build_episode(run, thread, wait, out, blocked, queued);
			at = out + blocked + queued;
			if (below(&seed, 3) == 0 && at <= run->end_ns - run->begin_ns)
				build_moment(run, thread, below(&seed, 2) ? "main;a" : "main;b;sys_read_[k]", at);
		}
	}
	return run;
}

static void test_any_run_has_a_path_that_is_whole(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct run *run = run_random(seed * 0x9e3779b97f4a7c15);
		struct timeline *timeline;
		struct thread_view *views = calloc(run->n_threads + 1, sizeof(*views));
		char reason[RUN_REASON_BYTES];
		struct path *path;

		assert_non_null(views);
		if (run_check(run, reason))
			fail_msg("run %llu is none: %s", (unsigned long long)seed, reason);
		assert_int_equal(timeline_open(run, NULL, &timeline), 0);
		assert_int_equal(path_open(timeline, NULL, &path), 0);
		path_is_whole(timeline, path);
		path_close(path);
		/* So it is beside any idle threads, observed. */
		run->attached = seed % 4 != 0;
		for (size_t i = 0; i < run->n_threads; i++)
			views[i] = (struct thread_view){.idle = (seed >> (i % 8)) & 1};
		assert_int_equal(path_open(timeline, views, &path), 0);
		path_is_whole(timeline, path);
		path_close(path);
		free(views);
		timeline_close(timeline);
		run_free(run);
	}
}

/* Five threads that hand a lock around, each time to the next; the main thread joins them. */
static struct run *run_convoy(size_t n)
{
	struct run *run = run_of(6);
	size_t each = n / 5;
	struct run_wait *waits[6] = {join(run, 1, 2)};

	run->end_ns = run->begin_ns + (5 * each + 5) * 100;
	free(run->episodes);
	run->episodes = calloc(n + 1, sizeof(*run->episodes));
	for (unsigned int i = 1; i <= 6; i++) {
		run->threads[i - 1].life_ns = run->end_ns - run->begin_ns;
		build_cpu(&run->threads[i - 1], 1, 0);
		if (i > 1)
			waits[i - 1] = lock(run, i, i == 2 ? 6 : i - 1);
	}
	for (unsigned int i = 0; i < 6; i++)
		for (size_t k = 0; k < (i ? each : 1); k++) {
			uint64_t out = i ? 500 * k + 100 * (i - 1) + 100 : 0, wake = i ? out + 400 : 500 * each - 100;

			run->episodes[run->n_episodes++] = (struct run_episode){
			    .out_ns = out, .blocked_ns = wake - out, .thread = i + 1, .class = CLASS_FUTEX, .wait = waits[i]->id};
		}
	return run;
}

static double seconds_for(size_t n)
{
	struct run *run = run_convoy(n);
	struct timeline *timeline;
	double best = 0;

	assert_int_equal(run_check(run, NULL), 0);
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	for (int i = 0; i < 3; i++) {
		clock_t begin = clock();
		struct path *path;
		double seconds;

		assert_int_equal(path_open(timeline, NULL, &path), 0);
		seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
		best = !i || seconds < best ? seconds : best;
		/* It has been everywhere: through each episode but the first ones, for which nobody released the lock yet. */
		assert_true(path->n_through == 2 && path->through[0].count + path->through[1].count >= n - 10);
		assert_true(path->n_segments >= n - 10);
		path_close(path);
	}
	timeline_close(timeline);
	run_free(run);
	return best;
}

static void test_a_million_episodes_take_no_pairs(void **state)
{
	double few = seconds_for(125000), many = seconds_for(1000000);

	(void)state;
	print_message("125,000 episodes: %.4f s, 1,000,000 episodes: %.4f s\n", few, many);
	assert_true(many < 30 * few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_run_has_a_path_that_is_whole),
	    cmocka_unit_test(test_a_million_episodes_take_no_pairs),
	};

	return cmocka_run_group_tests_name("explain: critical paths of any runs", tests, NULL, NULL);
}
