/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a run, and what is not: idle helpers, causes without number, and trifles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explained.h"
#include "run_builder.h"

/* Two threads on a thousand locks each; `one_ns` of it on the first. */
static struct run *run_many_locks(bool mutexes, uint64_t one_ns)
{
	struct run *run = build_run("dm", 10 * S);

	build_process(run, 0, "dm");
	for (int i = 0; i < 2; i++) {
		struct run_thread *thread = build_thread(run, 1, 0, "dm", 0, 10 * S);

		build_cpu(thread, 2 * S, 0);
		for (uint64_t j = 0; j < 1000; j++)
			build_futex(run, thread, "", 64 * j, mutexes, 1, j ? (7 * S - one_ns) / 999 : one_ns);
		build_rest_in_queue(run, thread);
	}
	return run;
}

static void test_causes_without_number_are_told_by_their_state(void **state)
{
	struct run *run = run_many_locks(false, 7 * MS);
	struct explanation *explanation = explained_on(run, 2);

	(void)state;
	assert_int_equal(explanation->n_causes, 1001);
	says(explanation->headline, "1.40 waited for wake-ups (1,000 different futexes).");
	assert_int_equal(explanation->n_topics, 2);
	assert_int_equal(explanation->topics[0].kinds, 1000);
	assert_int_equal(explanation->topics[0].total_ns, explanation->ns[STATE_SYNC]);
	assert_int_equal(explanation->threads[1].most.state, STATE_SYNC);
	assert_int_equal(explanation->threads[1].most.kinds, 1000);
	assert_int_equal(explanation->threads[1].most.total_ns, explanation->threads[1].ns[STATE_SYNC]);
	explanation_free(explanation);
	run_free(run);

	run = run_many_locks(true, 7 * MS);
	explanation = explained_on(run, 2);
	says(explanation->headline, "1.40 waited for 1,000 different locks.");
	says(finding_of(explanation, "lock")->sentence,
	     "1,000 different locks hold threads up: 1.40 threads waited for one of them");
	explanation_free(explanation);
	run_free(run);
}

/* One that has half of it is named, however many others there are. */
static void test_the_one_that_stands_out_is_named(void **state)
{
	struct run *run = run_many_locks(true, 4 * S);
	struct explanation *explanation = explained_on(run, 2);

	(void)state;
	says(explanation->headline, "0.80 waited for the lock \"mutex in [heap] at 0x5581000\".");
	says(finding_of(explanation, "lock")->sentence, "The lock \"mutex in [heap] at 0x5581000\" holds threads up");
	assert_string_equal(explanation->threads[0].most.cause, "mutex in [heap] at 0x5581000");
	assert_int_equal(explanation->threads[0].most.total_ns, 4 * S);
	explanation_free(explanation);
	run_free(run);
}

/* A server that works in one thread, beside three that wait for work all the time. */
static struct run *run_server(uint64_t helper_cpu_ns, uint64_t wakes)
{
	struct run *run = build_run("server", 10 * S);

	build_process(run, 0, "server");
	for (int i = 0; i < 4; i++) {
		struct run_thread *thread = build_thread(run, 1, i ? 1 : 0, i ? "bio" : "server", 0, 10 * S);

		build_cpu(thread, i ? helper_cpu_ns : 4 * S, i ? 0 : 4 * S);
		if (i)
			build_futex(run, thread, "jobs", 0, false, wakes, 10 * S - helper_cpu_ns);
		else
			build_socket(run, thread, "epoll_wait", PEER, 10000, 1500 * MS);
		build_rest_in_queue(run, thread);
	}
	return run;
}

static void test_idle_helpers_are_apart(void **state)
{
	struct run *run = run_server(1 * MS, 1);
	struct explanation *explanation = explained_on(run, 2);
	double sum = 0;

	(void)state;
	says(explanation->headline, "0.80 ran at a time (2 CPUs), 0.15 waited (socket " PEER ").");
	assert_false(explanation->threads[0].idle);
	for (int i = 1; i < 4; i++)
		assert_true(explanation->threads[i].idle);
	assert_int_equal(explanation->workers, 1);
	assert_true(fabs(explanation->idle - 3 * 0.9999) < 1e-9);
	/* The account itself knows no idle threads. */
	for (int i = 0; i < STATE_COUNT; i++)
		sum += explanation->budget[i];
	assert_true(fabs(sum - 4) < 1e-9);
	assert_true(fabs(explanation->budget[STATE_SYNC] - explanation->idle) < 1e-9);
	explanation_free(explanation);
	run_free(run);
}

static void test_who_works_or_is_woken_is_not_idle(void **state)
{
	struct run *works = run_server(200 * MS, 1), *woken = run_server(1 * MS, 5000);
	struct explanation *explanation = explained_on(works, 2);

	(void)state;
	assert_false(explanation->threads[1].idle);
	says(explanation->headline, "one thread did the work, server/5001 (93% of the CPU time), while the others waited.");
	explanation_free(explanation);
	run_free(works);
	explanation = explained_on(woken, 2);
	assert_false(explanation->threads[1].idle);
	explanation_free(explanation);
	run_free(woken);
}

/* `timeout` sleeps until the end, the command does the work. */
static void test_a_parent_that_only_waits_for_signals(void **state)
{
	struct run *run = build_run("timeout", 10 * S);
	struct run_thread *thread;
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "timeout");
	thread = build_thread(run, 1, 0, "timeout", 0, 10 * S);
	build_cpu(thread, 0, 1 * MS);
	build_wait(run, thread, CLASS_SIGNAL, "rt_sigsuspend", 1, 10 * S - 1 * MS);
	build_process(run, 1, "work");
	thread = build_thread(run, 2, 1, "work", 1 * MS, 10 * S - 1 * MS);
	build_cpu(thread, 3 * S, 0);
	build_wait(run, thread, CLASS_FILE, "getdents64", 1000, 6 * S);
	build_rest_in_queue(run, thread);
	explanation = explained_on(run, 2);
	assert_true(explanation->threads[0].idle);
	assert_false(explanation->threads[1].idle);
	says(explanation->headline, "0.60 waited (disk getdents64)");
	says_not(explanation->headline, "signal");
	says(finding_of(explanation, "disk")->sentence, "mostly waiting for the disk (getdents64)");
	explanation_free(explanation);
	run_free(run);
}

/* Where nobody else works, or not at the same time, waiting is all there is to tell; and a lock is never idled at. */
static void test_waiting_that_matters_is_not_idle(void **state)
{
	struct run *run = build_run("sh", 10 * S);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "sh");
	build_wait(run, build_thread(run, 1, 0, "sleep", 0, 9 * S), CLASS_SLEEP, "clock_nanosleep", 1, 9 * S);
	build_cpu(build_thread(run, 1, 0, "work", 9 * S, 1 * S), 1 * S, 0);
	explanation = explained_on(run, 2);
	assert_false(explanation->threads[0].idle);
	says(explanation->headline, "0.90 waited (sleep)");
	explanation_free(explanation);
	run_free(run);

	run = build_run("held", 10 * S);
	build_process(run, 0, "held");
	build_cpu(build_thread(run, 1, 0, "held", 0, 10 * S), 10 * S, 0);
	build_futex(run, build_thread(run, 1, 1, "held", 0, 10 * S), "big_lock", 0, true, 1, 10 * S);
	explanation = explained_on(run, 2);
	assert_false(explanation->threads[1].idle);
	says(explanation->headline, "1.00 waited for the lock \"big_lock\"");
	explanation_free(explanation);
	run_free(run);
}

/* A lock under `timeout` is still a lock. */
/* A main thread waits for its workers' last item; they have too few CPUs. It takes no turns with them. */
static void test_who_lacks_a_cpu_takes_no_turns(void **state)
{
	struct run *run = build_run("git", 10 * S);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "git");
	for (int i = 0; i < 3; i++) {
		struct run_thread *thread = build_thread(run, 1, i ? 1 : 0, "git", 0, 10 * S);

		build_cpu(thread, i ? 5 * S : 200 * MS, 0);
		if (!i)
			build_futex(run, thread, "", 0, false, 300, 9700 * MS);
		build_rest_in_queue(run, thread);
	}
	explanation = explained_on(run, 2);
	assert_null(finding_of(explanation, "turns"));
	assert_non_null(finding_of(explanation, "run_queue"));
	says(explanation->headline, "1.02 ran at a time (2 CPUs), 1.01 waited for a CPU.");
	explanation_free(explanation);
	run_free(run);
}

/* Many share one wait that says little, and those that could go on lack a CPU: both are said. */
static void test_the_lack_of_cpus_is_said_beside_what_many_wait_for(void **state)
{
	struct run *run = build_run("vm", 10 * S);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "vm");
	for (int i = 0; i < 4; i++) {
		struct run_thread *thread = build_thread(run, 1, i ? 1 : 0, "vm", 0, 10 * S);

		build_cpu(thread, i < 2 ? 5 * S : 200 * MS, 0);
		if (i >= 2)
			build_futex(run, thread, "cond", 0, false, 300, 9600 * MS);
		build_rest_in_queue(run, thread);
	}
	explanation = explained_on(run, 2);
	says(explanation->headline, "1.92 waited for a wake-up (cond), 1.04 for a CPU.");
	assert_null(finding_of(explanation, "turns"));
	explanation_free(explanation);
	run_free(run);
}

/* Each of many files took little, and all of them much. */
static void test_many_files_are_told_in_words(void **state)
{
	struct run *run = build_run("tar", 10 * S);
	struct run_thread *thread;
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "tar");
	thread = build_thread(run, 1, 0, "tar", 0, 10 * S);
	build_cpu(thread, 2 * S, 0);
	for (int i = 0; i < 1500; i++) {
		char file[30];

		snprintf(file, sizeof(file), "/usr/file%d", i);
		set_text(&build_wait(run, thread, CLASS_FILE, "read", 1, 4 * MS)->object, file);
	}
	build_rest_in_queue(run, thread);
	explanation = explained_on(run, 2);
	says(explanation->headline, "0.60 waited for the disk (1,500 different causes), 0.20 waited for a CPU.");
	explanation_free(explanation);
	run_free(run);
}

/* An event loop waits for its timers with its sockets: the peer has nothing to do with it. */
static void test_timers_of_an_event_loop_are_no_peers(void **state)
{
	static const char *const said = "0.60 waited, mostly until a timeout (socket " PEER ").";
	struct run *run = build_run("loop", 10 * S);
	struct explanation *explanation;
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "loop");
	thread = build_thread(run, 1, 0, "loop", 0, 10 * S);
	thread->connects = 1;
	build_cpu(thread, 4 * S, 0);
	build_socket(run, thread, "epoll_wait", PEER, 50, 1 * S);
	build_socket(run, thread, "epoll_wait", PEER, 100, 5 * S)->timed_out = 100;
	explanation = explained_on(run, 2);
	says(explanation->headline, said);
	says(finding_of(explanation, "peer")->sentence, "mostly waiting for " PEER ", until a timeout: 6.00 s");
	says(finding_of(explanation, "peer")->try_next, "ended by a timeout, and not by the peer");
	explanation_free(explanation);
	run->waits[1].timed_out = 10;
	explanation = explained_on(run, 2);
	says(explanation->headline, "0.60 waited (socket " PEER ").");
	says(finding_of(explanation, "peer")->try_next, "Have more requests under way");
	explanation_free(explanation);
	run_free(run);
}

static void test_an_idle_parent_does_not_hide_what_takes_turns(void **state)
{
	struct run *run = run_threads_cpu("interpreter_lock");
	struct run_thread *thread;
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "timeout");
	thread = build_thread(run, 2, 0, "timeout", 0, 2650 * MS);
	build_wait(run, thread, CLASS_SIGNAL, "rt_sigsuspend", 1, 2650 * MS);
	explanation = explained_on(run, 2);
	says(finding_of(explanation, "lock")->sentence, "The lock \"GIL\" lets one thread run at a time");
	explanation_free(explanation);
	run_free(run);
}

static void test_trifles_are_no_findings(void **state)
{
	/* All in the kernel; the same for 100 times as long. */
	for (uint64_t ms = 2; ms <= 200; ms *= 100) {
		struct run *run = build_run("id", ms * MS);
		struct explanation *explanation;

		build_process(run, 0, "id");
		build_cpu(build_thread(run, 1, 0, "id", 0, ms * MS), ms * MS / 10, ms * MS * 9 / 10);
		explanation = explained_on(run, 2);
		assert_int_equal(finding_of(explanation, "kernel") != NULL, ms == 200);
		explanation_free(explanation);
		run_free(run);
	}
	(void)state;
}

/* Gaps are told however short the run. */
static void test_gaps_are_no_trifle(void **state)
{
	struct run *run = build_run("id", 2 * MS);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "id");
	build_cpu(build_thread(run, 1, 0, "id", 0, 2 * MS), 1 * MS, 1 * MS);
	build_figure(run->losses, &run->n_losses, "wake_lost", 3);
	explanation = explained_on(run, 2);
	assert_non_null(finding_of(explanation, FINDING_LOSSES));
	explanation_free(explanation);
	run_free(run);
}

/* One thread that does it all is a finding when others were there for as long and did a little. */
static void test_one_thread_needs_others_that_could_share(void **state)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		struct run *run = build_run("pool", 10 * S);
		struct explanation *explanation;

		build_process(run, 0, "pool");
		build_cpu(build_thread(run, 1, 0, "pool", 0, 10 * S), 9900 * MS, 0);
		build_rest_in_queue(run, &run->threads[0]);
		for (int i = 0; i < 3; i++) {
			struct run_thread *thread = build_thread(run, 1, 1, "pool", 0, lasting ? 10 * S : 1 * S);

			build_cpu(thread, 150 * MS, 0);
			build_socket(run, thread, "poll", PEER, 500, thread->life_ns - 150 * MS);
		}
		explanation = explained_on(run, 2);
		assert_int_equal(finding_of(explanation, "one_thread") != NULL, lasting);
		explanation_free(explanation);
		run_free(run);
	}
	(void)state;
}

static void test_processes_that_outlive_the_root(void **state)
{
	struct run *run = run_parallel_cpu("dm", true);
	struct explanation *explanation = explained_on(run, 2);

	(void)state;
	assert_int_equal(explanation->checks.running_processes, 0);
	explanation_free(explanation);
	run->processes[2].ended = run->threads[2].ended = false;
	explanation = explained_on(run, 2);
	assert_int_equal(explanation->checks.running_processes, 1);
	explanation_free(explanation);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_causes_without_number_are_told_by_their_state),
	    cmocka_unit_test(test_the_one_that_stands_out_is_named),
	    cmocka_unit_test(test_idle_helpers_are_apart),
	    cmocka_unit_test(test_who_works_or_is_woken_is_not_idle),
	    cmocka_unit_test(test_a_parent_that_only_waits_for_signals),
	    cmocka_unit_test(test_waiting_that_matters_is_not_idle),
	    cmocka_unit_test(test_who_lacks_a_cpu_takes_no_turns),
	    cmocka_unit_test(test_the_lack_of_cpus_is_said_beside_what_many_wait_for),
	    cmocka_unit_test(test_many_files_are_told_in_words),
	    cmocka_unit_test(test_timers_of_an_event_loop_are_no_peers),
	    cmocka_unit_test(test_an_idle_parent_does_not_hide_what_takes_turns),
	    cmocka_unit_test(test_trifles_are_no_findings),
	    cmocka_unit_test(test_gaps_are_no_trifle),
	    cmocka_unit_test(test_one_thread_needs_others_that_could_share),
	    cmocka_unit_test(test_processes_that_outlive_the_root),
	};

	return cmocka_run_group_tests_name("explain: topics", tests, NULL, NULL);
}
