/* SPDX-License-Identifier: Apache-2.0 */
/* The report of programs that nobody built for concprof: many processes, cgroups, stacks, and what was attached to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "report/report.h"
#include "run_builder.h"

static const struct report_options plain = {.width = 120}, all = {.width = 120, .all = true};

static char *report_of(const struct run *run, const struct report_options *options)
{
	static const struct explain_options two_cpus = {.cpus = 2};
	struct explanation *explanation = NULL;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(explain_run(run, &two_cpus, &explanation), 0);
	assert_int_equal(report_runs(out, NULL, explanation, NULL, options), 0);
	fclose(out);
	explanation_free(explanation);
	return text;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		longest = length > longest ? length : longest;
		text += length + (text[length] == '\n');
	}
	return longest;
}

static void contains(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("not in the report: %s\n%s", what, text);
}

static void contains_not(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("in the report: %s\n%s", what, text);
}

static void comes_before(const char *text, const char *first, const char *second)
{
	contains(text, first);
	contains(text, second);
	if (strstr(text, first) > strstr(text, second))
		fail_msg("%s stands after %s in:\n%s", first, second, text);
}

/* Everything at once: a lock with a holder, many kinds of threads, samples, stacks. */
static struct run *run_rich(void)
{
	struct run *run = build_run("shop", 10 * S);
	char name[32];

	build_process(run, 0, "shop");
	for (int i = 0; i < 200; i++) {
		struct run_thread *thread;
		struct run_wait *wait;

		snprintf(name, sizeof(name), "%c%c-%d", 'a' + i % 13, 'z' - i % 7, i);
		thread = build_thread(run, 1, i ? 1 : 0, name, 0, 10 * S);
		build_cpu(thread, 5 * MS + i % 13 * MS, 0);
		wait = build_futex(run, thread, "orders_lock", 0, true, 50, 5 * S);
		wait->holder = 1;
		wait->waker = 2;
		wait->stack = build_stack(run, "main;handle_request;orders_add;pthread_mutex_lock;futex_wait_[k]");
		build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 1, 1 * S);
		build_wait(run, thread, CLASS_FILE, "fsync", 3, 1 * S);
		build_rest_in_queue(run, thread);
		build_sample(run, thread, i % 2 ? "main;hash" : "main;read;copy_[k]", 10);
	}
	build_figure(run->stack_figures, &run->n_stack_figures, "whole", 12345);
	build_figure(run->stack_figures, &run->n_stack_figures, "unfinished_no_rule", 9);
	build_figure(run->stack_figures, &run->n_stack_figures, "unfinished_memory", 3);
	build_figure(run->stack_figures, &run->n_stack_figures, "whole", 1e300);
	return run;
}

static void test_one_screen_in_the_order_of_questions(void **state)
{
	struct run *run = run_rich();
	char *text = report_of(run, &plain);

	(void)state;
	comes_before(text, "shop: 10.0 s, 200 threads", "running and waiting: mean number");
	comes_before(text, "running and waiting: mean number", "shop: threads (means)");
	comes_before(text, "shop: threads (means)", "\nwaited for  ");
	comes_before(text, "\nwaited for  ", "on a CPU in (own time, sampled at 997 Hz)");
	comes_before(text, "on a CPU in (own time, sampled at 997 Hz)", "* The lock \"orders_lock\"");
	comes_before(text, "* The lock \"orders_lock\"", "Checked shop");
	assert_true(lines(text) <= 43);
	assert_true(longest_line(text) <= 120);
	free(text);
	run_free(run);
}

static void test_causes_have_holder_waker_place_and_percentiles(void **state)
{
	struct run *run = run_rich();
	char *text = report_of(run, &plain);

	(void)state;
	/* 50 waits of 100 ms each in the bucket from 67.1 to 100 ms. */
	contains(text, "\nwaited for             total  at a time   count      p50      p95      p99  longest\n");
	contains(text, "lock \"orders_lock\"    1000 s     100.00  10,000  83.6 ms  98.4 ms  99.7 ms   100 ms\n");
	contains(text, "   held by az-0/5001 100%, released by by-1/7002 100%, in orders_add <- handle_request <- main 100%\n");
	contains(text, "copy [kernel] ");
	contains(text, "stacks: 12,345 whole, 12 unfinished (no rule 9, memory 3).\n");
	free(text);
	run_free(run);
}

/* A timer releases nothing, and who held it for a moment is not who held it. */
static void test_a_timeout_is_no_release(void **state)
{
	struct run *run = build_run("turns", 10 * S);
	struct run_thread *thread;
	char *text;

	(void)state;
	build_process(run, 0, "turns");
	thread = build_thread(run, 1, 0, "turns", 0, 10 * S);
	build_futex(run, thread, "the_lock", 0, true, 9, 9 * S + 500 * MS)->waker_name = copy("timer");
	build_futex(run, thread, "the_lock", 0, true, 1, 500 * MS)->holder = 1;
	text = report_of(run, &plain);
	contains(text, "   ended by timer 95%\n");
	contains_not(text, "released by");
	contains_not(text, "held by");
	free(text);
	run_free(run);
}

/* What to do is said where most stacks without an end are of code made at run time, and only there. */
static void test_advice_for_code_made_at_run_time(void **state)
{
	for (int jit = 0; jit < 2; jit++) {
		struct run *run = build_run("java", 10 * S);
		struct run_thread *thread;
		struct run_wait *wait;
		char *text;

		build_process(run, 0, "java");
		thread = build_thread(run, 1, 0, "java", 0, 10 * S);
		wait = build_wait(run, thread, CLASS_SLEEP, "futex", 10, 9 * S);
		wait->stack = build_stack(run, "[unfinished: no progress];0x7f00;park");
		wait = build_wait(run, thread, CLASS_SLEEP, "read", jit ? 3 : 30, 1 * S);
		wait->stack = build_stack(run, "[unfinished: no_rule];other;nap");
		for (size_t i = 0; i < run->n_frames; i++)
			if (!strcmp(run->frames[i].function, "0x7f00"))
				set_text(&run->frames[i].object, "[jit]");
		build_figure(run->stack_figures, &run->n_stack_figures, "whole", 20);
		build_figure(run->stack_figures, &run->n_stack_figures, "unfinished_no_progress", 10);
		text = report_of(run, &plain);
		if (jit)
			contains(text, "(no progress 10). Most of these end in code made at run");
		if (jit)
			contains(text, "-XX:+PreserveFramePointer");
		else
			contains_not(text, "PreserveFramePointer");
		free(text);
		run_free(run);
	}
	(void)state;
}

static void test_without_stacks_nothing_is_said_of_them(void **state)
{
	struct run *run = run_serial_io();
	char *text = report_of(run, &plain);

	(void)state;
	contains_not(text, "stacks:");
	contains_not(text, "sampled");
	contains_not(text, "held by");
	free(text);
	run_free(run);
}

static struct run *run_build_tools(void)
{
	struct run *run = build_run("make", 100 * S);
	char name[32];

	build_process(run, 0, "make");
	build_wait(run, build_thread(run, 1, 0, "make", 0, 100 * S), CLASS_CHILD, "wait4", 4000, 100 * S);
	for (int i = 0; i < 4000; i++) {
		struct run_process *process;
		struct run_thread *thread;

		snprintf(name, sizeof(name), "conftest%d", i);
		process = build_process(run, 1, i % 4 == 0 ? "sh" : i % 4 == 3 ? name : "cc1");
		process->cgroup = copy(i % 2 ? "/build.slice/a.service" : "/build.slice/b.service/job");
		process->begin_ns = run->begin_ns + i * 20 * MS;
		process->end_ns = process->begin_ns + (i == 1 ? 90 * MS : 40 * MS);
		thread = build_thread(run, process->id, 1, process->comm, i * 20 * MS, process->end_ns - process->begin_ns);
		build_cpu(thread, i % 4 == 0 ? 1 * MS : 30 * MS, 0);
		build_rest_in_queue(run, thread);
	}
	return run;
}

static void test_thousands_of_processes_are_grouped_by_name(void **state)
{
	struct run *run = run_build_tools();
	char *text = report_of(run, &plain);

	(void)state;
	contains(text, "make: by name  processes  on CPU  share  run queue  alive at a time  mean life  longest\n");
	contains(text, "cc1                2,000  60.0 s    66%     20.1 s             0.80    40.0 ms  90.0 ms\n");
	contains(text, "conftest#          1,000  30.0 s    33%     10.0 s             0.40    40.0 ms  40.0 ms\n");
	contains(text, "sh                 1,000  1.00 s     1%     39.0 s             0.40    40.0 ms  40.0 ms\n");
	contains_not(text, "cc#");
	contains(text, "make: threads (means)");
	assert_true(lines(text) <= 40);
	free(text);
	text = report_of(run, &all);
	contains(text, "conftest3 [");
	assert_true(lines(text) > 4000);
	free(text);
	run_free(run);
}

static void test_cgroups_have_a_table_when_there_are_several(void **state)
{
	struct run *run = run_build_tools();
	char *text = report_of(run, &plain);

	(void)state;
	contains(text, "make: by cgroup");
	contains(text, "/build.slice/a.service");
	contains(text, "(not known)");
	free(text);
	for (size_t i = 0; i < run->n_processes; i++)
		set_text(&run->processes[i].cgroup, "/one");
	text = report_of(run, &plain);
	contains_not(text, "by cgroup");
	free(text);
	run_free(run);
}

static void kept(const char *cgroup, int processes)
{
	struct run *run = run_build_tools();
	uint64_t cpu_ns = 0;

	build_wait(run, &run->threads[1], CLASS_FUTEX, "futex", 1, 0)->waker = 3;
	run->waits[run->n_waits - 1].holder = 3;
	build_sample(run, &run->threads[2], "main", 1);
	build_episode(run, &run->threads[1], &run->waits[run->n_waits - 1], 0, 5, 0);
	build_episode(run, &run->threads[2], NULL, 21 * MS, 0, 7);
	build_moment(run, &run->threads[2], "main", 22 * MS);
	assert_int_equal(run_keep_cgroup(run, cgroup), processes);
	assert_int_equal(run->n_processes, processes);
	assert_int_equal(run_check(run, NULL), 0); /* which knows episodes that lead to another's wait */
	for (size_t i = 0; i < run->n_threads; i++)
		cpu_ns += run->threads[i].ns[CLASS_USER];
	if (processes)
		assert_true(cpu_ns > 0);
	if (processes == 2000 && !strcmp(cgroup, "b.service")) {
		const struct run_wait *last = &run->waits[run->n_waits - 1];

		/* Thread 2 is kept; thread 3, which woke it, keeps its name alone. */
		assert_int_equal(last->waker, 0);
		assert_int_equal(last->holder, 0);
		assert_string_equal(last->waker_name, "cc1[5003]");
		assert_int_equal(run->n_samples, 0);
		assert_int_equal(run->n_moments, 0);
		assert_int_equal(run->n_episodes, 1);
		assert_int_equal(run->episodes[0].wait, run->n_waits);
	}
	run_free(run);
}

static void test_a_cgroup_is_chosen_by_path_or_by_its_last_part(void **state)
{
	(void)state;
	kept("/build.slice/a.service", 2000);
	kept("/build.slice/a.service/", 2000);
	kept("a.service", 2000);
	kept("b.service", 2000);
	kept("b.service/job", 2000);
	kept("job", 2000);
	kept("/build.slice", 4000);
	kept("/", 4000);
	kept("a.serv", 0);
	kept("/a.service", 0);
	kept("service", 0);
	kept("", 0);
}

static void test_what_was_attached_to_was_observed(void **state)
{
	struct run *run = run_build_tools();
	char *text;

	(void)state;
	set_text(&run->name, "make");
	run->attached = run->interrupted = true;
	run->exit_status = 130;
	run->processes[0].ended = false;
	text = report_of(run, &plain);
	assert_ptr_equal(strstr(text, "observed 100 s of make[5001]: "), text);
	contains_not(text, "was ended by signal");
	contains_not(text, "ended before it was done");
	contains_not(text, "still running");
	contains_not(text, "interrupted");
	free(text);
	/* One that has its pid in its name does not get another. */
	set_text(&run->name, "make[7]");
	text = report_of(run, &plain);
	assert_ptr_equal(strstr(text, "observed 100 s of make[7]: "), text);
	free(text);
	run_free(run);
}

static void test_a_terminal_does_not_obey_names_in_notes(void **state)
{
	struct run *run = run_rich();
	char *text;

	(void)state;
	set_text(&run->threads[0].comm, "\033[31m");
	set_text(&run->frames[2].function, "or\033]0;x\007ders");
	text = report_of(run, &plain);
	for (const char *c = text; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || *c == '\n');
	contains(text, "held by ?[31m/5001");
	free(text);
	run_free(run);
}

/* What is spread over many files has a row, though none of them has. */
static void test_what_is_spread_over_many_causes_has_a_row(void **state)
{
	struct run *run = build_run("tar", 10 * S);
	struct run_thread *thread;
	char *text;

	(void)state;
	build_process(run, 0, "tar");
	thread = build_thread(run, 1, 0, "tar", 0, 10 * S);
	build_cpu(thread, 2 * S, 0);
	for (int i = 0; i < 1500; i++) {
		char file[30];

		snprintf(file, sizeof(file), "/usr/file%d", i);
		set_text(&build_wait(run, thread, CLASS_FILE, "read", 1, i ? 4 * MS : 104 * MS)->object, file);
	}
	build_rest_in_queue(run, thread);
	text = report_of(run, &plain);
	contains(text, "disk read /usr/file0 ");
	contains(text, "disk, 1,499 other causes");
	contains(text, "6.00 s       0.60  1,499");
	free(text);
	run_free(run);
}

/* Waiting for a CPU, of two kinds, is less than each of five pipes and more than any of twenty. */
static void test_the_rest_is_named_as_people_name_it(void **state)
{
	struct run *run = build_run("pipes", 10 * S);
	struct run_thread *thread;
	char *text;

	(void)state;
	build_process(run, 0, "pipes");
	thread = build_thread(run, 1, 0, "pipes", 0, 10 * S);
	thread->connects = 1;
	build_cpu(thread, 500 * MS, 0);
	for (int i = 0; i < 25; i++) {
		char pipe[30];

		snprintf(pipe, sizeof(pipe), "pipe to sink[%d]", 100 + i);
		set_text(&build_wait(run, thread, CLASS_PIPE, "write", 1, i < 5 ? 1200 * MS : 100 * MS)->object, pipe);
	}
	build_wait(run, thread, CLASS_PREEMPTED, "", 10, 700 * MS);
	build_wait(run, thread, CLASS_WOKEN, "", 10, 800 * MS);
	text = report_of(run, &plain);
	contains(text, "\n20 other pipes  ");
	contains(text, "\nfor a CPU  ");
	free(text);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_screen_in_the_order_of_questions),
	    cmocka_unit_test(test_causes_have_holder_waker_place_and_percentiles),
	    cmocka_unit_test(test_a_timeout_is_no_release),
	    cmocka_unit_test(test_advice_for_code_made_at_run_time),
	    cmocka_unit_test(test_without_stacks_nothing_is_said_of_them),
	    cmocka_unit_test(test_thousands_of_processes_are_grouped_by_name),
	    cmocka_unit_test(test_cgroups_have_a_table_when_there_are_several),
	    cmocka_unit_test(test_a_cgroup_is_chosen_by_path_or_by_its_last_part),
	    cmocka_unit_test(test_what_was_attached_to_was_observed),
	    cmocka_unit_test(test_a_terminal_does_not_obey_names_in_notes),
	    cmocka_unit_test(test_the_rest_is_named_as_people_name_it),
	    cmocka_unit_test(test_what_is_spread_over_many_causes_has_a_row),
	};

	return cmocka_run_group_tests_name("report: any program", tests, NULL, NULL);
}
