/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path by its definition, one rule at a time, on hand-made runs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/path.h"
#include "explained.h"
#include "run_builder.h"

#include "path_runs.h"

#define NOBODY 0

/* In milliseconds; threads by serial. */
struct part {
	uint64_t begin, end;
	uint64_t thread;
	enum state state;
	const char *cause;
};

static void path_is_so(const struct run *run, const struct thread_view *views, const struct part *parts, size_t n)
{
	struct timeline *timeline;
	struct path *path;

	assert_int_equal(run_check(run, NULL), 0);
	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	assert_int_equal(path_open(timeline, views, &path), 0);
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

#define PATH_BESIDE(run, views, ...)                                                                                             \
	do {                                                                                                                     \
		const struct part parts_[] = {__VA_ARGS__};                                                                      \
                                                                                                                                 \
		path_is_so(run, views, parts_, sizeof(parts_) / sizeof(parts_[0]));                                              \
	} while (0)
#define PATH(run, ...) PATH_BESIDE(run, NULL, __VA_ARGS__)

static void lives(struct run *run, unsigned int thread, uint64_t begin, uint64_t end)
{
	run->threads[thread - 1].begin_ns = run->begin_ns + begin * MS;
	run->threads[thread - 1].life_ns = (end - begin) * MS;
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

/*
 * An interpreter's lock is waited for with a limit, again and again, and may be free just when the limit has come: nobody ended that wait, but
 * somebody had the lock until then.
 */
static void test_a_lock_that_is_free_when_the_time_is_over_leads_to_who_had_it(void **state)
{
	struct run *run = run_of(3);
	struct run_wait *in_time = lock(run, 1, 0), *got = lock(run, 2, 3), *vain = lock(run, 3, 0), *own = lock(run, 1, 3);

	(void)state;
	in_time->waker_name = copy("timer");
	vain->waker_name = copy("timer");
	off(run, 1, own, 5, 5, 0);
	off(run, 1, in_time, 30, 20, 0);
	off(run, 1, in_time, 50, 20, 0); /* the one before was in vain */
	off(run, 2, got, 35, 5, 0);      /* who got it last before 70 */
	off(run, 3, vain, 56, 5, 0);
	off(run, 3, vain, 61, 39, 0); /* so that its first one gave it nothing */
	PATH(run, {0, 40, 3, STATE_CPU, ""}, {40, 70, 2, STATE_CPU, ""}, {70, 100, 1, STATE_CPU, ""});
	/* The program's own account of who has it comes first; and that one waits itself. */
	in_time->holder = 3;
	PATH(run, {0, 40, 3, STATE_CPU, ""}, {40, 61, 2, STATE_CPU, ""}, {61, 70, 3, STATE_LOCK, "big_lock"},
	     {70, 100, 1, STATE_CPU, ""});
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
	struct run *run = run_of(1);

	(void)state;
	build_process(run, 1, "daemon");
	build_thread(run, 2, 1, "daemon", 10 * MS, 90 * MS);
	build_thread(run, 1, 1, "worker", 20 * MS, 80 * MS);
	lives(run, 1, 0, 60);
	PATH(run, {0, 20, 1, STATE_CPU, ""}, {20, 100, 3, STATE_CPU, ""});
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
	build_thread(run, 1, 1, "gone", 10 * MS, 85 * MS);
	PATH(run, {0, 80, 2, STATE_CPU, ""}, {80, 100, 2, STATE_SLEEP, "sleep"});
	run_free(run);
}

/* A part of a run, or one that was interrupted: its main thread waits on, nobody knows for whom. */
static void test_where_nobody_ends_it_begins_where_work_was_last(void **state)
{
	struct run *run = run_of(2);

	(void)state;
	off(run, 1, join(run, 1, 0), 10, 90, 0);
	PATH(run, {0, 10, 1, STATE_CPU, ""}, {10, 100, 1, STATE_SYNC, "join"});
	run->threads[0].ended = false;
	PATH(run, {0, 100, 2, STATE_CPU, ""});
	run_free(run);
}

/* A server's helper looks around after its session has ended: that is no reason to tell of the helper's rest alone. */
static void test_an_idle_thread_does_not_hide_who_worked(void **state)
{
	struct thread_view views[3] = {{.idle = true}, {.idle = true}, {0}};
	struct run *run = run_of(3);

	(void)state;
	run->attached = true;
	off(run, 1, sleeps(run, 1), 0, 100, 0);
	off(run, 2, sleeps(run, 2), 5, 85, 0);
	off(run, 2, sleeps(run, 2), 95, 5, 0);
	lives(run, 3, 20, 70);
	off(run, 3, sleeps(run, 3), 40, 20, 0);
	PATH_BESIDE(run, views, {0, 20, 1, STATE_SLEEP, "sleep"}, {20, 40, 3, STATE_CPU, ""}, {40, 60, 3, STATE_SLEEP, "sleep"},
		    {60, 70, 3, STATE_CPU, ""}, {70, 90, 2, STATE_SLEEP, "sleep"}, {90, 95, 2, STATE_CPU, ""},
		    {95, 100, 2, STATE_SLEEP, "sleep"});
	/* Where the end of the root's main thread says what was waited for, it is what it is. */
	run->attached = false;
	PATH_BESIDE(run, views, {0, 100, 1, STATE_SLEEP, "sleep"});
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
	struct run *run = run_of(3);

	(void)state;
	off(run, 1, join(run, 1, 2), 30, 40, 0);
	lives(run, 2, 20, 65);
	PATH(run, {0, 20, 1, STATE_CPU, ""}, {20, 65, 2, STATE_CPU, ""}, {65, 70, 1, STATE_SYNC, "join"},
	     {70, 100, 1, STATE_CPU, ""});
	lives(run, 2, 20, 30);
	PATH(run, {0, 30, 1, STATE_CPU, ""}, {30, 70, 1, STATE_SYNC, "join"}, {70, 100, 1, STATE_CPU, ""});
	lives(run, 2, 70, 80);
	run->threads[1].parent = 3;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_thread_alone_is_the_path),
	    cmocka_unit_test(test_a_wait_inside_goes_on_with_its_waker_and_a_birth_with_the_creator),
	    cmocka_unit_test(test_a_lock_leads_to_who_released_it),
	    cmocka_unit_test(test_a_lock_that_is_free_when_the_time_is_over_leads_to_who_had_it),
	    cmocka_unit_test(test_who_is_not_followed_leads_nowhere),
	    cmocka_unit_test(test_a_wait_for_something_outside_is_the_threads_own),
	    cmocka_unit_test(test_a_signal_of_a_followed_thread_leads_to_it),
	    cmocka_unit_test(test_an_open_wait_is_charged_to_its_cause),
	    cmocka_unit_test(test_it_begins_on_the_root_whatever_lives_on),
	    cmocka_unit_test(test_the_roots_main_thread_may_end_before_its_others),
	    cmocka_unit_test(test_attached_it_begins_where_work_was_last),
	    cmocka_unit_test(test_where_nobody_ends_it_begins_where_work_was_last),
	    cmocka_unit_test(test_an_idle_thread_does_not_hide_who_worked),
	    cmocka_unit_test(test_nothing_but_waiting_is_a_path_too),
	    cmocka_unit_test(test_without_a_creator_it_goes_on_where_work_was_last),
	    cmocka_unit_test(test_before_everybody_is_nobody),
	    cmocka_unit_test(test_two_that_wake_each_other_at_the_same_instant),
	    cmocka_unit_test(test_who_wakes_itself),
	    cmocka_unit_test(test_a_waker_that_was_not_on_a_cpu),
	    cmocka_unit_test(test_a_waker_that_had_ended_or_was_not_born),
	    cmocka_unit_test(test_creators_that_cannot_be),
	    cmocka_unit_test(test_what_lies_after_the_end_does_not_count),
	};

	return cmocka_run_group_tests_name("explain: the critical path", tests, NULL, NULL);
}
