/* SPDX-License-Identifier: Apache-2.0 */
/* The difference of two runs: the algebra is exact, the items add up, and the first line says the true reason. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "run_builder.h"

/* Two runs, explained and compared; freed together. */
struct pair {
	struct run *run[2];
	struct explanation *explanation[2];
	struct comparison *comparison;
};

/* What must hold of every comparison. */
static void check_difference(const struct pair *pair)
{
	const struct comparison *comparison = pair->comparison;
	int64_t progress = 0, before = 0, after = 0;

	assert_true(fabs(comparison->speedup - comparison->progress_ratio * comparison->overlap_ratio) <
		    1e-12 * comparison->speedup);
	for (size_t i = 0; i < comparison->n_items; i++) {
		const struct difference *item = &comparison->items[i];

		before += item->before_ns;
		after += item->after_ns;
		if (item->progress)
			progress += (int64_t)(item->before_ns - item->after_ns);
		for (size_t j = 0; j < i; j++)
			assert_false(
			    comparison->items[j].state == item->state && comparison->items[j].progress == item->progress &&
			    comparison->items[j].joining == item->joining && !strcmp(comparison->items[j].cause, item->cause));
	}
	assert_int_equal(progress, (int64_t)(pair->explanation[0]->progress_ns - pair->explanation[1]->progress_ns));
	for (int state = 0; state < STATE_COUNT; state++) {
		before -= pair->explanation[0]->ns[state];
		after -= pair->explanation[1]->ns[state];
	}
	assert_int_equal(before, 0);
	assert_int_equal(after, 0);
	assert_null(strchr(comparison->headline, '\n'));
	assert_true(comparison->reason[0]);
}

static struct pair compared(struct run *before, struct run *after)
{
	static const struct explain_options options = {.cpus = 2};
	struct pair pair = {.run = {before, after}};

	for (int i = 0; i < 2; i++)
		assert_int_equal(explain_run(pair.run[i], &options, &pair.explanation[i]), 0);
	assert_int_equal(explain_difference(pair.explanation[0], pair.explanation[1], &pair.comparison), 0);
	check_difference(&pair);
	return pair;
}

static void release(struct pair *pair)
{
	comparison_free(pair->comparison);
	for (int i = 0; i < 2; i++) {
		explanation_free(pair->explanation[i]);
		run_free(pair->run[i]);
	}
}

static void expect_headline(struct run *before, struct run *after, const char *headline)
{
	struct pair pair = compared(before, after);

	assert_string_equal(pair.comparison->headline, headline);
	release(&pair);
}

static void test_one_lock(void **state)
{
	(void)state;
	expect_headline(
	    run_serial_cpu(0), run_threads_cpu("interpreter_lock"),
	    "threads-cpu: 0.91x of serial-cpu. 5 workers, but only 0.99 ran at a time: the others waited for the lock \"GIL\".");
	expect_headline(
	    run_serial_cpu(0), run_threads_cpu("turnstile"),
	    "threads-cpu: 0.91x of serial-cpu. 5 workers, but only 0.99 ran at a time: the others waited for a wake-up "
	    "(turnstile).");
}

static void test_more_cpus(void **state)
{
	(void)state;
	expect_headline(run_serial_cpu(0), run_parallel_cpu("processes-cpu", true),
			"processes-cpu: 1.90x of serial-cpu. 5 workers, 1.95 ran at a time (2 CPUs); the rest waited for a CPU.");
	expect_headline(run_serial_cpu(0), run_parallel_cpu("threads-cpu", false),
			"threads-cpu: 1.90x of serial-cpu. 5 workers, 1.95 ran at a time (2 CPUs); the rest waited for a CPU.");
}

static void test_overlapping_waits(void **state)
{
	(void)state;
	expect_headline(run_serial_io(), run_pool_io("threads-io", 640 * MS, 400 * MS, 1050),
			"threads-io: 4.69x of serial-io. 5 workers: 4.3 waits (socket " PEER
			") overlapped at a time instead of 0.86.");
	expect_headline(run_serial_io(), run_pool_io("session-io", 560 * MS, 300 * MS, 50),
			"session-io: 5.36x of serial-io. 5 workers: 4.4 waits (socket " PEER
			") overlapped at a time instead of 0.86; "
			"1,050 connects became 50.");
}

static void test_one_poll_set(void **state)
{
	struct pair pair = compared(run_serial_io(), run_async_io());

	(void)state;
	assert_string_equal(
	    pair.comparison->headline,
	    "async-io: 4.29x of serial-io. One thread waited for its sockets together, in one poll set: waiting (socket " PEER
	    ") fell from 2.59 s to 340 ms.");
	assert_true(pair.comparison->progress_ratio > 4);
	assert_true(fabs(pair.comparison->overlap_ratio - 1) < 0.02);
	release(&pair);
}

static void test_a_sleep_removed_is_no_parallelism(void **state)
{
	struct pair pair = compared(run_serial_cpu(1 * S), run_serial_cpu(0));

	(void)state;
	assert_string_equal(pair.comparison->headline,
			    "serial-cpu: 1.42x of the run before. Waiting (sleep) fell from 1.00 s to 0.");
	assert_int_equal(pair.comparison->items[0].state, STATE_SLEEP);
	assert_int_equal(pair.comparison->items[0].before_ns, 1 * S);
	release(&pair);

	pair = compared(run_serial_cpu(0), run_serial_cpu(1 * S));
	assert_string_equal(pair.comparison->headline,
			    "serial-cpu: 0.71x of the run before. Waiting (sleep) rose from 0 to 1.00 s.");
	release(&pair);

	/* Both: the sleep went, and two run at a time. */
	pair = compared(run_serial_cpu(1 * S), run_parallel_cpu("processes-cpu", true));
	assert_non_null(strstr(pair.comparison->headline, "1.95 ran at a time"));
	assert_non_null(strstr(pair.comparison->headline, "; also waiting (sleep) fell from 1.00 s to 0"));
	release(&pair);
}

static void test_no_difference(void **state)
{
	struct run *run = run_serial_cpu(0);

	(void)state;
	set_text(&run->name, "other");
	run->end_ns += 10 * MS;
	expect_headline(run_serial_cpu(0), run, "other: no difference from serial-cpu (1.00x).");
}

static void test_less_work(void **state)
{
	struct run *run = build_run("fast", 1200 * MS);

	(void)state;
	build_process(run, 0, "fast");
	build_cpu(build_thread(run, 1, 0, "fast", 0, 1200 * MS), 1190 * MS, 10 * MS);
	expect_headline(run_serial_cpu(0), run, "fast: 2.00x of serial-cpu. CPU time fell from 2.40 s to 1.20 s.");
}

/* Extra CPU time is given a cause only with a measured quantity behind it. */
static void test_extra_cpu_has_measured_causes(void **state)
{
	struct pair pair = compared(run_serial_cpu(0), run_threads_cpu("interpreter_lock"));
	struct run *run;

	(void)state;
	assert_string_equal(pair.comparison->progress_reason,
			    "225 ms more CPU: 200 ms of it in the kernel, 5,200 waits for the lock \"GIL\", "
			    "5,251 more context switches");
	release(&pair);
	run = build_run("slow", 4800 * MS);
	build_process(run, 0, "slow");
	build_cpu(build_thread(run, 1, 0, "slow", 0, 4800 * MS), 4790 * MS, 10 * MS);
	pair = compared(run_serial_cpu(0), run);
	assert_string_equal(pair.comparison->progress_reason, "2.40 s more CPU");
	release(&pair);
}

static void test_fewer_at_once(void **state)
{
	struct pair pair = compared(run_parallel_cpu("threads-cpu", false), run_threads_cpu("interpreter_lock"));

	(void)state;
	assert_non_null(strstr(pair.comparison->headline, "0.48x of the run before. 5 workers, but only 0.99 ran at a time"));
	release(&pair);
	pair = compared(run_threads_cpu("interpreter_lock"), run_parallel_cpu("threads-cpu", false));
	assert_non_null(strstr(pair.comparison->headline,
			       "5 workers, 1.95 ran at a time (2 CPUs) instead of 0.99: 3.96 waited for the lock "
			       "\"GIL\", now 0.00; the rest waited for a CPU"));
	release(&pair);
}

static void test_failed_and_interrupted_runs_are_not_compared(void **state)
{
	struct run *run = run_parallel_cpu("processes-cpu", true);
	struct pair pair;

	(void)state;
	run->failure = copy("GET http://127.0.0.1:1/1.jpg: HTTP 404");
	pair = compared(run_serial_cpu(0), run);
	assert_non_null(pair.comparison->refused);
	assert_string_equal(
	    pair.comparison->headline,
	    "processes-cpu: not compared with serial-cpu, as processes-cpu failed (GET http://127.0.0.1:1/1.jpg: HTTP 404).");
	release(&pair);

	run = run_serial_cpu(0);
	run->interrupted = true;
	pair = compared(run, run_parallel_cpu("processes-cpu", true));
	assert_string_equal(pair.comparison->headline,
			    "processes-cpu: not compared with serial-cpu, as serial-cpu was interrupted.");
	release(&pair);

	run = run_serial_cpu(0);
	run->attached = run->interrupted = true;
	pair = compared(run, run_parallel_cpu("processes-cpu", true));
	assert_string_equal(pair.comparison->refused, "serial-cpu was observed for a time, not run to its end");
	release(&pair);
}

/* One lock explains why a run is not faster; where it is, the reason is another one. */
static void test_faster_in_spite_of_the_lock(void **state)
{
	struct run *before = build_run("slow", 5300 * MS);

	(void)state;
	build_process(before, 0, "slow");
	build_cpu(build_thread(before, 1, 0, "slow", 0, 5300 * MS), 5290 * MS, 10 * MS);
	expect_headline(
	    before, run_threads_cpu("interpreter_lock"),
	    "threads-cpu: 2.00x of slow. CPU time fell from 5.30 s to 2.62 s; 5 workers, but only 0.99 ran at a time: the "
	    "others waited for the lock \"GIL\".");
}

/* A main thread that works and then joins does not wait for a resource. */
static void test_a_join_is_nobodys_bottleneck(void **state)
{
	struct run *run = build_run("half", 1200 * MS);
	struct run_thread *main_thread;
	struct pair pair;

	(void)state;
	build_process(run, 0, "half");
	main_thread = build_thread(run, 1, 0, "half", 0, 1200 * MS);
	build_cpu(main_thread, 600 * MS, 0);
	build_join(run, main_thread, 600 * MS);
	build_cpu(build_thread(run, 1, 1, "half", 600 * MS, 600 * MS), 600 * MS, 0);
	pair = compared(run_serial_cpu(0), run);
	assert_string_equal(pair.comparison->headline, "half: 2.00x of serial-cpu. CPU time fell from 2.40 s to 1.20 s.");
	release(&pair);
}

/* The explanation of a run does not depend on what it is called. */
static void test_names_have_no_influence(void **state)
{
	struct run *run = run_threads_cpu("interpreter_lock"), *serial = run_serial_cpu(0);

	(void)state;
	set_text(&run->name, "a");
	set_text(&serial->name, "b");
	expect_headline(serial, run,
			"a: 0.91x of b. 5 workers, but only 0.99 ran at a time: the others waited for the lock \"GIL\".");
}

static struct run *run_on_lock_at(uint64_t offset, const char *peer, uint64_t syscalls)
{
	struct run *run = build_run("xz", 10 * S);
	struct run_thread *thread;

	build_process(run, 0, "xz");
	for (int i = 0; i < 2; i++) {
		thread = build_thread(run, 1, i, "xz", 0, 10 * S);
		build_cpu(thread, 2 * S, syscalls > 1000 ? 3 * S : 1 * S);
		thread->syscalls = syscalls / 2;
		build_futex(run, thread, "", offset, false, 10, 3 * S);
		build_futex(run, thread, "", 0x800, false, 10, 1 * S);
		build_socket(run, thread, "recvfrom", peer, 10, 500 * MS);
		build_rest_in_queue(run, thread);
	}
	return run;
}

static const struct difference *item_with(const struct comparison *comparison, const char *what)
{
	const struct difference *found = NULL;

	for (size_t i = 0; i < comparison->n_items; i++)
		if (strstr(comparison->items[i].cause, what)) {
			assert_null(found);
			found = &comparison->items[i];
		}
	assert_non_null(found);
	return found;
}

/* Where the heap and the server's port are is another place in each run: neither did one lock's waits end nor another's begin. */
static void test_what_lies_elsewhere_is_the_same(void **state)
{
	struct pair pair = compared(run_on_lock_at(0x1000, "127.0.0.1:40001 (server[71])", 100),
				    run_on_lock_at(0x7000, "127.0.0.1:50001 (server[92])", 100));
	const struct difference *item = item_with(pair.comparison, "in [heap] at #");

	(void)state;
	assert_int_equal(item->before_ns, 6 * S);
	assert_int_equal(item->after_ns, 6 * S);
	item = item_with(pair.comparison, "127.0.0.1:# (server[#])");
	assert_int_equal(item->before_ns, 1 * S);
	assert_int_equal(item->after_ns, 1 * S);
	/* As it is in sentences on how many waited for it before and after. */
	for (size_t i = 0; i < pair.explanation[1]->n_topics; i++)
		if (strstr(pair.explanation[1]->topics[i].cause, "at 0x5588000"))
			assert_true(
			    fabs(explain_topic_mean(pair.explanation[0], pair.explanation[1], &pair.explanation[1]->topics[i]) -
				 0.6) < 1e-9);
	/* What both have by one name keeps it. */
	item = item_with(pair.comparison, "at 0x5581800");
	assert_int_equal(item->before_ns, 2 * S);
	assert_int_equal(item->after_ns, 2 * S);
	release(&pair);
}

static void test_what_one_run_alone_has_keeps_its_name(void **state)
{
	struct pair pair = compared(run_on_lock_at(0x800, PEER, 100), run_on_lock_at(0x7000, PEER, 100));
	const struct difference *item = item_with(pair.comparison, "at 0x5588000");

	(void)state;
	assert_int_equal(item->before_ns, 0);
	assert_int_equal(item->after_ns, 6 * S);
	release(&pair);
}

static void test_syscalls_are_behind_time_in_the_kernel(void **state)
{
	struct pair pair = compared(run_on_lock_at(0x1000, PEER, 100000), run_on_lock_at(0x1000, PEER, 1000));

	(void)state;
	assert_non_null(strstr(pair.comparison->progress_reason, "all of it in the kernel, 99,000 fewer syscalls"));
	release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_lock),
	    cmocka_unit_test(test_more_cpus),
	    cmocka_unit_test(test_overlapping_waits),
	    cmocka_unit_test(test_one_poll_set),
	    cmocka_unit_test(test_a_sleep_removed_is_no_parallelism),
	    cmocka_unit_test(test_no_difference),
	    cmocka_unit_test(test_less_work),
	    cmocka_unit_test(test_extra_cpu_has_measured_causes),
	    cmocka_unit_test(test_fewer_at_once),
	    cmocka_unit_test(test_failed_and_interrupted_runs_are_not_compared),
	    cmocka_unit_test(test_faster_in_spite_of_the_lock),
	    cmocka_unit_test(test_a_join_is_nobodys_bottleneck),
	    cmocka_unit_test(test_names_have_no_influence),
	    cmocka_unit_test(test_what_lies_elsewhere_is_the_same),
	    cmocka_unit_test(test_what_one_run_alone_has_keeps_its_name),
	    cmocka_unit_test(test_syscalls_are_behind_time_in_the_kernel),
	};

	return cmocka_run_group_tests_name("explain: difference", tests, NULL, NULL);
}
