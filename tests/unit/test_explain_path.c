/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path by its definition, one rule at a time, on hand-made runs; and that it is whole on any run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "explain/path.h"
#include "explained.h"
#include "path_runs.h"
#include "run_builder.h"

#define NOBODY 0

/* In milliseconds; threads by serial. */
struct part {
	uint64_t begin, end;
	uint64_t thread;
	enum state state;
	const char *cause;
};

static void path_is_so(const struct run *run, const struct part *parts, size_t n)
{
	struct timeline *timeline;
	struct path *path;

	assert_int_equal(run_check(run, NULL), 0);
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(path_open(timeline, &path), 0);
	path_is_whole(timeline, path);
	for (size_t i = 0; i < n && i < path->n_segments; i++) {
		const struct path_segment *segment = &path->segments[i];

		if (segment->begin_ns != parts[i].begin * MS || segment->end_ns != parts[i].end * MS ||
		    (segment->thread ? segment->thread->id : NOBODY) != parts[i].thread || segment->state != parts[i].state ||
		    strcmp(segment->cause, parts[i].cause))
			fail_msg("segment %zu is %llu..%llu us of thread %llu: %s \"%s\"", i,
				 (unsigned long long)segment->begin_ns / 1000, (unsigned long long)segment->end_ns / 1000,
				 (unsigned long long)(segment->thread ? segment->thread->id : 0), state_info[segment->state].name,
				 segment->cause);
	}
	assert_int_equal(path->n_segments, n);
	path_close(path);
	timeline_close(timeline);
}

#define PATH(run, ...)                                                                                                           \
	do {                                                                                                                     \
		const struct part parts_[] = {__VA_ARGS__};                                                                      \
                                                                                                                                 \
		path_is_so(run, parts_, sizeof(parts_) / sizeof(parts_[0]));                                                     \
	} while (0)

/* 100 ms; `n` threads of one process that live all the time, each the first one's child. */
static struct run *run_of(unsigned int n)
{
	struct run *run = build_run("made", 100 * MS);

	build_process(run, 0, "made");
	for (unsigned int i = 0; i < n; i++)
		build_thread(run, 1, i ? 1 : 0, i ? "worker" : "made", 0, 100 * MS);
	run->timeline = true;
	return run;
}

static void lives(struct run *run, unsigned int thread, uint64_t begin, uint64_t end)
{
	run->threads[thread - 1].begin_ns = run->begin_ns + begin * MS;
	run->threads[thread - 1].life_ns = (end - begin) * MS;
}

static struct run_wait *lock(struct run *run, unsigned int thread, uint64_t waker)
{
	struct run_wait *wait = build_futex(run, &run->threads[thread - 1], "big_lock", 0, true, 1, 0);

	wait->waker = waker;
	return wait;
}

static struct run_wait *join(struct run *run, unsigned int thread, uint64_t waker)
{
	struct run_wait *wait = build_join(run, &run->threads[thread - 1], 0);

	wait->waker = waker;
	return wait;
}

static struct run_wait *sleeps(struct run *run, unsigned int thread)
{
	struct run_wait *wait = build_wait(run, &run->threads[thread - 1], CLASS_SLEEP, "clock_nanosleep", 1, 0);

	wait->waker_name = copy("timer");
	return wait;
}

static void off(struct run *run, unsigned int thread, const struct run_wait *wait, uint64_t out, uint64_t blocked,
		uint64_t queued)
{
	build_episode(run, &run->threads[thread - 1], wait, out * MS, blocked * MS, queued * MS);
}

/* --- the rules --- */

static void test_a_thread_alone_is_the_path(void **state)
{
	struct run *run = run_of(1);

	(void)state;
	off(run, 1, sleeps(run, 1), 20, 30, 4);
	off(run, 1, NULL, 80, 0, 6);
	PATH(run, {0, 20, 1, STATE_CPU, ""}, {20, 50, 1, STATE_SLEEP, "sleep"}, {50, 54, 1, STATE_RUN_QUEUE, "after sleep"},
	     {54, 80, 1, STATE_CPU, ""}, {80, 86, 1, STATE_RUN_QUEUE, PATH_PREEMPTED}, {86, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_a_wait_inside_goes_on_with_its_waker_and_a_birth_with_the_creator(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	lives(run, 2, 10, 91);
	off(run, 1, join(run, 1, 2), 12, 78, 3);
	off(run, 2, lock(run, 2, 1), 40, 0, 5); /* woken before it was blocked: nobody's doing */
	PATH(run, {0, 10, 1, STATE_CPU, ""}, {10, 40, 2, STATE_CPU, ""}, {40, 45, 2, STATE_RUN_QUEUE, "after lock \"big_lock\""},
	     {45, 90, 2, STATE_CPU, ""}, {90, 93, 1, STATE_RUN_QUEUE, "after join"}, {93, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_a_lock_leads_to_who_released_it(void **state)
{
	struct run *run = run_of(3);

	(void)state;
	/* 1 waits for 2, which waits for 3: only the last one's time counts, until it had the lock itself. */
	off(run, 1, lock(run, 1, 2), 10, 70, 0);
	off(run, 2, lock(run, 2, 3), 20, 30, 2);
	off(run, 3, sleeps(run, 3), 5, 35, 0);
	PATH(run, {0, 5, 3, STATE_CPU, ""}, {5, 40, 3, STATE_SLEEP, "sleep"}, {40, 50, 3, STATE_CPU, ""},
	     {50, 52, 2, STATE_RUN_QUEUE, "after lock \"big_lock\""}, {52, 80, 2, STATE_CPU, ""}, {80, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_who_is_not_followed_leads_nowhere(void **state)
{
	struct run *run = run_of(2);
	struct run_wait *wait = lock(run, 1, 0);

	(void)state;
	wait->waker_name = copy("sshd[812]");
	off(run, 1, wait, 30, 40, 0);
	off(run, 1, lock(run, 1, 0), 80, 5, 0);  /* not known at all */
	off(run, 1, lock(run, 1, 77), 90, 5, 0); /* a thread that is not in the recording */
	PATH(run, {0, 30, 1, STATE_CPU, ""}, {30, 70, 1, STATE_LOCK, "big_lock"}, {70, 80, 1, STATE_CPU, ""},
	     {80, 85, 1, STATE_LOCK, "big_lock"}, {85, 90, 1, STATE_CPU, ""}, {90, 95, 1, STATE_LOCK, "big_lock"},
	     {95, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_a_wait_for_something_outside_is_the_threads_own(void **state)
{
	struct run *run = run_of(2);
	struct run_wait *disk = build_wait(run, &run->threads[0], CLASS_FILE, "read", 1, 0);
	struct run_wait *peer = build_socket(run, &run->threads[0], "poll", "10.0.0.1:80", 1, 0);
	struct run_wait *inside = build_socket(run, &run->threads[0], "poll", "127.0.0.1:80", 1, 0);

	(void)state;
	disk->waker = peer->waker = inside->waker = 2;
	inside->inside = true;
	off(run, 1, disk, 60, 10, 0);
	off(run, 1, peer, 75, 10, 0);
	off(run, 1, inside, 90, 5, 0);
	PATH(run, {0, 95, 2, STATE_CPU, ""}, {95, 100, 1, STATE_CPU, ""});
	inside->inside = false;
	PATH(run, {0, 60, 1, STATE_CPU, ""}, {60, 70, 1, STATE_DISK, "read"}, {70, 75, 1, STATE_CPU, ""},
	     {75, 85, 1, STATE_SOCKET, "10.0.0.1:80"}, {85, 90, 1, STATE_CPU, ""}, {90, 95, 1, STATE_SOCKET, "127.0.0.1:80"},
	     {95, 100, 1, STATE_CPU, ""});
	run_free(run);
}

/* A shell waits for its children by a signal. */
static void test_a_signal_of_a_followed_thread_leads_to_it(void **state)
{
	struct run *run = run_of(2);
	struct run_wait *wait = build_wait(run, &run->threads[0], CLASS_SIGNAL, "rt_sigsuspend", 1, 0);

	(void)state;
	off(run, 1, wait, 20, 60, 0);
	PATH(run, {0, 20, 1, STATE_CPU, ""}, {20, 80, 1, STATE_OTHER, "signal"}, {80, 100, 1, STATE_CPU, ""});
	wait->waker = 2;
	PATH(run, {0, 80, 2, STATE_CPU, ""}, {80, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_an_open_wait_is_charged_to_its_cause(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	run->attached = true;
	run->threads[0].ended = run->threads[1].ended = false;
	off(run, 1, lock(run, 1, 2), 40, 60, 0); /* until the end */
	off(run, 2, lock(run, 2, 0), 30, 70, 0);
	/* 1 was on a CPU last. What the end of the run cuts off, nobody has ended. */
	PATH(run, {0, 40, 1, STATE_CPU, ""}, {40, 100, 1, STATE_LOCK, "big_lock"});
	run_free(run);
}

/* --- where it begins and ends --- */

static void test_it_begins_on_the_root_whatever_lives_on(void **state)
{
	struct run *run = run_of(1);

	(void)state;
	build_process(run, 1, "daemon")->ended = false;
	build_thread(run, 2, 1, "daemon", 50 * MS, 50 * MS)->ended = false;
	build_thread(run, 1, 1, "worker", 20 * MS, 80 * MS);
	PATH(run, {0, 100, 1, STATE_CPU, ""});
	/* Waited for: then the one that ended last. */
	lives(run, 1, 0, 60);
	lives(run, 3, 20, 80);
	PATH(run, {0, 50, 1, STATE_CPU, ""}, {50, 100, 2, STATE_CPU, ""});
	lives(run, 2, 50, 70);
	PATH(run, {0, 20, 1, STATE_CPU, ""}, {20, 80, 3, STATE_CPU, ""}, {80, 100, NOBODY, STATE_OTHER, PATH_NOBODY});
	run_free(run);
}

static void test_the_roots_main_thread_may_end_before_its_others(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	build_process(run, 1, "daemon");
	build_thread(run, 2, 1, "daemon", 10 * MS, 90 * MS);
	lives(run, 1, 0, 60);
	PATH(run, {0, 100, 2, STATE_CPU, ""});
	run_free(run);
}

static void test_attached_it_begins_where_work_was_last(void **state)
{
	struct run *run = run_of(3);

	(void)state;
	run->attached = true;
	off(run, 1, lock(run, 1, 0), 70, 30, 0);
	off(run, 2, sleeps(run, 2), 80, 20, 0);
	off(run, 3, NULL, 0, 0, 100); /* never on a CPU */
	PATH(run, {0, 80, 2, STATE_CPU, ""}, {80, 100, 2, STATE_SLEEP, "sleep"});
	run_free(run);
}

static void test_nothing_but_waiting_is_a_path_too(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	run->attached = true;
	off(run, 1, sleeps(run, 1), 0, 100, 0);
	off(run, 2, sleeps(run, 2), 0, 100, 0);
	PATH(run, {0, 100, 1, STATE_SLEEP, "sleep"});
	run_free(run);
}

/* Of several roots, or where who created it is left out: the thread that was at work last before. */
static void test_without_a_creator_it_goes_on_where_work_was_last(void **state)
{
	struct run *run = run_of(4);

	(void)state;
	lives(run, 1, 50, 100);
	run->threads[0].parent = 0;
	lives(run, 2, 20, 60);
	run->threads[1].parent = 99;
	lives(run, 3, 0, 15);
	lives(run, 4, 0, 12);
	off(run, 2, sleeps(run, 2), 40, 15, 0);
	/* 2 was at work until 40, 3 until 15, 4 until 12; before 20 nobody was there for 5 ms. */
	PATH(run, {0, 15, 3, STATE_CPU, ""}, {15, 20, NOBODY, STATE_OTHER, PATH_NOBODY}, {20, 40, 2, STATE_CPU, ""},
	     {40, 50, 2, STATE_SLEEP, "sleep"}, {50, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_before_everybody_is_nobody(void **state)
{
	struct run *run = run_of(1);

	(void)state;
	lives(run, 1, 3, 100);
	PATH(run, {0, 3, NOBODY, STATE_OTHER, PATH_NOBODY}, {3, 100, 1, STATE_CPU, ""});
	run->n_threads = 0;
	PATH(run, {0, 100, NOBODY, STATE_OTHER, PATH_NOBODY});
	run->n_threads = 1;
	run_free(run);
}

/* --- clocks, and recordings that contradict themselves --- */

static void test_two_that_wake_each_other_at_the_same_instant(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	off(run, 1, lock(run, 1, 2), 30, 40, 0);
	off(run, 2, lock(run, 2, 1), 20, 50, 0);
	/* Each is followed once; then the first wait is its thread's own. */
	PATH(run, {0, 30, 1, STATE_CPU, ""}, {30, 70, 1, STATE_LOCK, "big_lock"}, {70, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_who_wakes_itself(void **state)
{
	struct run *run = run_of(1);

	(void)state;
	off(run, 1, lock(run, 1, 1), 30, 40, 0);
	PATH(run, {0, 30, 1, STATE_CPU, ""}, {30, 70, 1, STATE_LOCK, "big_lock"}, {70, 100, 1, STATE_CPU, ""});
	run_free(run);
}

/* By its CPU's clock the waker was off it already, or not on it yet, when it woke. */
static void test_a_waker_that_was_not_on_a_cpu(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	off(run, 1, lock(run, 1, 2), 30, 40, 0);
	off(run, 2, sleeps(run, 2), 69, 20, 0);
	PATH(run, {0, 69, 2, STATE_CPU, ""}, {69, 70, 2, STATE_SLEEP, "sleep"}, {70, 100, 1, STATE_CPU, ""});
	run->n_episodes--;
	off(run, 2, sleeps(run, 2), 50, 10, 11);
	PATH(run, {0, 50, 2, STATE_CPU, ""}, {50, 60, 2, STATE_SLEEP, "sleep"}, {60, 70, 2, STATE_RUN_QUEUE, "after sleep"},
	     {70, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_a_waker_that_had_ended_or_was_not_born(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	off(run, 1, join(run, 1, 2), 30, 40, 0);
	lives(run, 2, 20, 65);
	PATH(run, {0, 20, 1, STATE_CPU, ""}, {20, 65, 2, STATE_CPU, ""}, {65, 70, 1, STATE_SYNC, "join"},
	     {70, 100, 1, STATE_CPU, ""});
	lives(run, 2, 20, 30);
	PATH(run, {0, 30, 1, STATE_CPU, ""}, {30, 70, 1, STATE_SYNC, "join"}, {70, 100, 1, STATE_CPU, ""});
	lives(run, 2, 70, 80);
	PATH(run, {0, 30, 1, STATE_CPU, ""}, {30, 70, 1, STATE_SYNC, "join"}, {70, 100, 1, STATE_CPU, ""});
	run_free(run);
}

static void test_creators_that_cannot_be(void **state)
{
	struct run *run = run_of(3);

	(void)state;
	lives(run, 1, 40, 100);
	lives(run, 2, 40, 100);
	run->threads[0].parent = 1; /* itself */
	PATH(run, {0, 40, 3, STATE_CPU, ""}, {40, 100, 1, STATE_CPU, ""});
	run->threads[0].parent = 2; /* each other */
	run->threads[1].parent = 1;
	PATH(run, {0, 40, 3, STATE_CPU, ""}, {40, 100, 1, STATE_CPU, ""});
	run->threads[0].parent = 3; /* who had ended */
	lives(run, 3, 0, 38);
	PATH(run, {0, 38, 3, STATE_CPU, ""}, {38, 40, NOBODY, STATE_OTHER, PATH_NOBODY}, {40, 100, 1, STATE_CPU, ""});
	run_free(run);
}

/* A life may go on after the end of the run. */
static void test_what_lies_after_the_end_does_not_count(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	run->threads[0].life_ns = 200 * MS;
	off(run, 1, sleeps(run, 1), 90, 30, 5);
	off(run, 1, lock(run, 1, 2), 150, 10, 0);
	PATH(run, {0, 90, 1, STATE_CPU, ""}, {90, 100, 1, STATE_SLEEP, "sleep"});
	run_free(run);
}

/* --- any run at all --- */

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
		char reason[RUN_REASON_BYTES];
		struct path *path;

		if (run_check(run, reason))
			fail_msg("run %llu is none: %s", (unsigned long long)seed, reason);
		assert_int_equal(timeline_open(run, NULL, &timeline), 0);
		assert_int_equal(path_open(timeline, &path), 0);
		path_is_whole(timeline, path);
		path_close(path);
		timeline_close(timeline);
		run_free(run);
	}
}

/* --- time --- */

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

		assert_int_equal(path_open(timeline, &path), 0);
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
	    cmocka_unit_test(test_a_thread_alone_is_the_path),
	    cmocka_unit_test(test_a_wait_inside_goes_on_with_its_waker_and_a_birth_with_the_creator),
	    cmocka_unit_test(test_a_lock_leads_to_who_released_it),
	    cmocka_unit_test(test_who_is_not_followed_leads_nowhere),
	    cmocka_unit_test(test_a_wait_for_something_outside_is_the_threads_own),
	    cmocka_unit_test(test_a_signal_of_a_followed_thread_leads_to_it),
	    cmocka_unit_test(test_an_open_wait_is_charged_to_its_cause),
	    cmocka_unit_test(test_it_begins_on_the_root_whatever_lives_on),
	    cmocka_unit_test(test_the_roots_main_thread_may_end_before_its_others),
	    cmocka_unit_test(test_attached_it_begins_where_work_was_last),
	    cmocka_unit_test(test_nothing_but_waiting_is_a_path_too),
	    cmocka_unit_test(test_without_a_creator_it_goes_on_where_work_was_last),
	    cmocka_unit_test(test_before_everybody_is_nobody),
	    cmocka_unit_test(test_two_that_wake_each_other_at_the_same_instant),
	    cmocka_unit_test(test_who_wakes_itself),
	    cmocka_unit_test(test_a_waker_that_was_not_on_a_cpu),
	    cmocka_unit_test(test_a_waker_that_had_ended_or_was_not_born),
	    cmocka_unit_test(test_creators_that_cannot_be),
	    cmocka_unit_test(test_what_lies_after_the_end_does_not_count),
	    cmocka_unit_test(test_any_run_has_a_path_that_is_whole),
	    cmocka_unit_test(test_a_million_episodes_take_no_pairs),
	};

	return cmocka_run_group_tests_name("explain: the critical path", tests, NULL, NULL);
}
