/* SPDX-License-Identifier: Apache-2.0 */
/* The text for people: what must be in it, where, and what must never be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "profile/profile.h"
#include "report/report.h"
#include "run_builder.h"

static const struct explain_options two_cpus = {.cpus = 2};
static const struct report_options plain = {.width = 120};

static char *report_of(const struct run *before, const struct run *after, const struct report_options *options)
{
	struct explanation *first = NULL, *second = NULL;
	struct comparison *comparison = NULL;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (before)
		assert_int_equal(explain_run(before, &two_cpus, &first), 0);
	assert_int_equal(explain_run(after, &two_cpus, &second), 0);
	if (before)
		assert_int_equal(explain_difference(first, second, &comparison), 0);
	assert_int_equal(report_runs(out, first, second, comparison, options), 0);
	fclose(out);
	comparison_free(comparison);
	explanation_free(first);
	explanation_free(second);
	return text;
}

static size_t longest_line(const char *text)
{
	size_t longest = 0, length;

	for (; *text; text += length + (text[length] == '\n')) {
		size_t columns = 0;

		length = strcspn(text, "\n");
		for (size_t i = 0; i < length; i++)
			columns += (text[i] & 0xc0) != 0x80;
		longest = columns > longest ? columns : longest;
	}
	return longest;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void contains(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("not in the report: %s\n%s", what, text);
}

/* The same wherever the text was wrapped. */
static void says(const char *text, const char *what)
{
	char *flat = calloc(1, strlen(text) + 1);
	size_t n = 0;

	for (; *text; text++)
		if ((*text != ' ' && *text != '\n') || !n || flat[n - 1] != ' ')
			flat[n++] = *text == '\n' ? ' ' : *text;
	contains(flat, what);
	free(flat);
}

static void contains_not(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("in the report: %s\n%s", what, text);
}

static void test_the_main_job(void **state)
{
	struct run *before = run_serial_cpu(0), *after = run_threads_cpu("interpreter_lock");
	char *text = report_of(before, after, &plain);

	(void)state;
	assert_int_equal(strncmp(text, "threads-cpu: 0.91x of serial-cpu. 5 workers, but only 0.99 ran at a time", 72), 0);
	contains(text, "lock \"GIL\"  (main, joining)\n");
	contains(text, "threads-cpu  2.65 s  2.62 s     0.99       0.04        3.96             0.99\n");
	says(text, "speedup 0.91 = progress 0.91 (225 ms more CPU: 200 ms of it in the kernel, 5,200 waits");
	contains(text, "= progress                               2.40 s       2.62 s     +225 ms\n");
	says(text, "residual 0 ns); 5,261 switches, the kernel counts the same; on-CPU within 0.00% of the kernel's (0 ns a "
		   "switch); nothing lost.");
	says(text, "nothing lost.");
	says(text, "concprof itself: 61.0 ms of CPU");
	contains_not(text, "\033");
	assert_true(longest_line(text) <= 120);
	free(text);
	run_free(before);
	run_free(after);
}

/* Reading a recording needs no more than the recording. */
static void test_a_recording_reads_like_the_live_run(void **state)
{
	struct run *runs[2] = {run_serial_io(), run_pool_io("session-io", 560 * MS, 300 * MS, 50)}, *loaded[2];
	static char name[] = "x";
	struct host host = {.kernel = name, .cpus = 2, .version = name};
	struct report_options all = {.width = 120, .all = true};
	char *live = report_of(runs[0], runs[1], &all), *recorded;
	struct profile *profile;

	(void)state;
	assert_int_equal(profile_create(NULL, -1, -1, &host, &profile, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(profile_store_run(profile, runs[i], NULL), 0);
	assert_int_equal(profile_commit(profile, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(profile_load_run(profile, i, &loaded[i], NULL), 0);
	recorded = report_of(loaded[0], loaded[1], &all);
	assert_string_equal(live, recorded);
	for (int i = 0; i < 2; i++) {
		run_free(runs[i]);
		run_free(loaded[i]);
	}
	profile_close(profile);
	free(live);
	free(recorded);
}

static void test_what_went_wrong_comes_first(void **state)
{
	struct run *before = run_serial_io(), *after = run_pool_io("threads-io", 100 * MS, 40 * MS, 50);
	char *text;

	(void)state;
	after->failure = copy("GET http://127.0.0.1:9/1.jpg: connection refused");
	after->exit_status = 1;
	build_figure(after->losses, &after->n_losses, "wake_lost", 12);
	after->threads[1].audit_switches += 3;
	text = report_of(before, after, &plain);
	assert_int_equal(strncmp(text, "threads-io FAILED: GET http://127.0.0.1:9/1.jpg: connection refused.", 68), 0);
	says(text, "LOST in threads-io: wake_lost 12: a wake-up was not seen");
	says(text, "not compared with serial-io");
	contains_not(text, "x of serial-io");
	contains_not(text, "speedup");
	says(text, "1 of 51 threads DIFFER");
	says(text, "something was LOST");
	free(text);
	run_free(before);
	run_free(after);
}

static void test_an_interrupted_run_says_so(void **state)
{
	struct run *run = run_serial_io();
	char *text;

	(void)state;
	run->interrupted = true;
	run->exit_status = 130;
	run->threads[0].ended = false;
	text = report_of(NULL, run, &plain);
	contains(text, "serial-io was ended by signal 2.\n");
	says(text, "this is the account of its first 3.00 s.");
	says(text, "no thread ended, so the kernel's counts are not final");
	free(text);
	run_free(run);
}

/* A terminal must not obey what programs call themselves. */
static void test_hostile_names(void **state)
{
	struct run *run = run_threads_cpu("\033]0;owned\007\xff\xc2\x9b");
	char *text;

	(void)state;
	set_text(&run->name, "na\033[2Jme\r\n\xe2\x28");
	for (size_t i = 0; i < run->n_threads; i++)
		set_text(&run->threads[i].comm, "\033[31m\xc3\x9f%s%n");
	text = report_of(NULL, run, &plain);
	for (const char *s = text; *s; s++)
		assert_true((unsigned char)*s >= 0x20 || *s == '\n');
	contains_not(text, "\xc2\x9b");
	contains_not(text, "\xff");
	contains(text, "?[31m\xc3\x9f%s%n [");
	free(text);
	run_free(run);
}

static void test_a_thousand_threads_fit_a_screen(void **state)
{
	struct run *run = build_run("many", 10 * S);
	struct report_options all = {.width = 120, .all = true};
	char name[32], *text;

	(void)state;
	build_process(run, 0, "many");
	for (int i = 0; i < 1000; i++) {
		struct run_thread *thread;

		snprintf(name, sizeof(name), "%s-%d", i % 2 ? "reader" : "writer", i);
		thread = build_thread(run, 1, 0, name, 0, 10 * S);
		build_cpu(thread, 10 * MS, 0);
		build_futex(run, thread, i % 2 ? "readers" : "writers", 0, true, 5, 9 * S);
		build_rest_in_queue(run, thread);
	}
	text = report_of(NULL, run, &plain);
	contains(text, "500 x reader-#");
	contains(text, "500 x writer-#");
	contains(text, "lock \"readers\" 90%");
	assert_true(lines(text) < 40);
	free(text);
	text = report_of(NULL, run, &all);
	contains(text, "reader-999 [");
	assert_true(lines(text) > 1000);
	free(text);
	run_free(run);
}

static void test_many_kinds_of_threads_are_folded(void **state)
{
	struct run *run = build_run("zoo", 10 * S);
	char name[32], *text;

	(void)state;
	build_process(run, 0, "zoo");
	for (int i = 0; i < 300; i++) {
		struct run_thread *thread;

		snprintf(name, sizeof(name), "%c%c-%d", 'a' + i % 26, 'a' + i / 26, i);
		thread = build_thread(run, 1, 0, name, 0, 10 * S);
		build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 1, 10 * S);
	}
	text = report_of(NULL, run, &plain);
	contains(text, "292 x (others)");
	assert_true(lines(text) < 40);
	free(text);
	run_free(run);
}

static void test_long_names_keep_the_width(void **state)
{
	struct run *run = run_threads_cpu("");
	char *text;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct run_wait *wait = build_wait(run, &run->threads[1 + i], CLASS_FILE, "fdatasync", 1, 100 * MS);

		set_text(&wait->object,
			 "/a/very/long/path/that/nobody/would/want/to/see/in/a/table/of/figures/but/there/it/is.sqlite");
		run->threads[1 + i].life_ns += 100 * MS;
	}
	text = report_of(NULL, run, &plain);
	assert_true(longest_line(text) <= 120);
	free(text);
	run_free(run);
}

/* A pattern stands for names that differ; a digit in a name that all have is a part of it. */
static void test_groups_keep_the_names_that_they_have(void **state)
{
	struct run *run = build_run("make", 10 * S);
	char name[32], *text;

	(void)state;
	build_process(run, 0, "make");
	for (int i = 0; i < 40; i++) {
		struct run_thread *thread;

		snprintf(name, sizeof(name), "t%dk", i);
		thread = build_thread(run, 1, 0, i < 20 ? "cc1" : i == 20 ? "python3" : name, 0, 10 * S);
		build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 1, 10 * S);
	}
	text = report_of(NULL, run, &plain);
	contains(text, "20 x cc1 ");
	contains(text, "python3 [");
	contains(text, "19 x t#k ");
	contains_not(text, "cc#");
	contains_not(text, "python#");
	free(text);
	run_free(run);
}

static void test_groups_forget_where_a_lock_is_and_close_its_quote(void **state)
{
	struct run *run = build_run("sort", 10 * S);
	char *text;

	(void)state;
	build_process(run, 0, "sort");
	for (int i = 0; i < 20; i++)
		build_futex(run, build_thread(run, 1, 0, "sort", 0, 10 * S), "", 64 * i, true, 1, 10 * S);
	text = report_of(NULL, run, &plain);
	contains(text, "20 x sort ");
	contains(text, "  lock \"mutex in [heap]\" 100%\n");
	free(text);
	run_free(run);
}

/* A moment's wait does not make a group of its own. */
static void test_groups_do_not_split_over_trifles(void **state)
{
	struct run *run = build_run("make", 10 * S);
	char *text;

	(void)state;
	build_process(run, 0, "make");
	for (int i = 0; i < 40; i++) {
		struct run_thread *thread = build_thread(run, 1, 0, "cc1", 0, 10 * S);

		build_cpu(thread, 9 * S, 0);
		if (i % 2)
			build_wait(run, thread, CLASS_FILE, "unlink", 1, 50 * MS);
		build_rest_in_queue(run, thread);
	}
	text = report_of(NULL, run, &plain);
	contains(text, "40 x cc1 ");
	free(text);
	run_free(run);
}

static void test_what_cannot_be_listed_has_a_column(void **state)
{
	struct run *run = build_run("dm", 10 * S);
	char *text;

	(void)state;
	build_process(run, 0, "dm");
	for (int i = 0; i < 3; i++) {
		struct run_thread *thread = build_thread(run, 1, 0, i < 2 ? "dm" : "bio", 0, 10 * S);

		for (uint64_t j = 0; i < 2 && j < 1000; j++)
			build_futex(run, thread, "", 64 * j, false, 1, 7 * MS);
		if (i == 2)
			build_futex(run, thread, "jobs", 0, false, 1, 10 * S - 1 * MS);
		build_cpu(thread, i < 2 ? 3 * S : 1 * MS, 0);
	}
	text = report_of(NULL, run, &plain);
	contains(text, "for a CPU  sync (1,000 different futexes)  (idle)\n");
	contains(text, "6.00 s     0.60          -                            1.40    1.00\n");
	contains_not(text, "else");
	contains(text, "sync (1,000 different futexes) 70%\n");
	contains(text, "idle: sync jobs 100%\n");
	free(text);
	run_free(run);
}

static void test_a_difference_from_the_kernels_account_is_not_praised(void **state)
{
	struct report_options colour = {.width = 200, .colour = true};
	struct run *run = run_serial_cpu(0);
	char *text;

	(void)state;
	run->threads[0].audit_on_cpu_ns += 1 * MS;
	text = report_of(NULL, run, &colour);
	contains(text, "\033[32mChecked serial-cpu: ");
	contains(text, "; on-CPU within 0.04% of the kernel's (100 us a switch); ");
	free(text);
	run->threads[0].audit_on_cpu_ns += 1 * S;
	text = report_of(NULL, run, &colour);
	contains(text, "\033[1;31mChecked serial-cpu: ");
	contains(text, "; but on-CPU DIFFERS from the kernel's by 29.48% (100 ms a switch); ");
	free(text);
	run_free(run);
}

static void test_a_cut_account_says_so(void **state)
{
	struct run *run = run_parallel_cpu("dm", true);
	char *text;

	(void)state;
	run->processes[2].ended = run->threads[2].ended = false;
	text = report_of(NULL, run, &plain);
	assert_ptr_equal(strstr(text, "1 process was still running when dm ended; --wait-all waits for it.\n"), text);
	free(text);
	run->processes[3].ended = run->threads[3].ended = false;
	text = report_of(NULL, run, &plain);
	contains(text, "2 processes were still running when dm ended; --wait-all waits for them.\n");
	free(text);
	run->interrupted = true; /* has been said then */
	text = report_of(NULL, run, &plain);
	contains_not(text, "wait-all");
	free(text);
	run_free(run);
}

static void test_suite(void **state)
{
	struct run *runs[3] = {run_serial_cpu(0), run_threads_cpu("interpreter_lock"), run_parallel_cpu("processes-cpu", true)};
	struct explanation *explanations[3];
	struct comparison *comparisons[3] = {NULL};
	struct suite_row rows[4] = {
	    {.name = "serial-cpu", .talk_seconds = 4.83},
	    {.name = "threads-cpu", .talk_seconds = 6.0, .talk_baseline_seconds = 4.83},
	    {.name = "processes-cpu", .talk_seconds = 1.91, .talk_baseline_seconds = 4.83},
	    {.name = "session-io", .error = "the cat server is down", .talk_baseline_seconds = 1.34},
	};
	size_t length;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(explain_run(runs[i], &two_cpus, &explanations[i]), 0);
		if (i)
			assert_int_equal(explain_difference(explanations[0], explanations[i], &comparisons[i]), 0);
		rows[i].explanation = explanations[i];
		rows[i].comparison = comparisons[i];
	}
	assert_int_equal(report_suite(out, rows, 4, &plain), 0);
	fclose(out);
	contains(text, "session-io: the cat server is down\n");
	contains(text, "0.91x");
	contains(text, "3.96  lock \"GIL\"");
	contains(text, "0.99 at a time: lock \"GIL\"");
	contains(text, "6.00 s    0.81x\n");
	contains(text, "1.91 s    2.53x\n");
	assert_true(longest_line(text) <= 120);
	free(text);
	for (int i = 0; i < 3; i++) {
		comparison_free(comparisons[i]);
		explanation_free(explanations[i]);
		run_free(runs[i]);
	}
}

static void test_a_full_disk_is_named(void **state)
{
	struct report_options all = {.all = true};
	struct run *run = run_pool_io("threads-io", 730 * MS, 400 * MS, 1050);
	struct explanation *explanation = NULL;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(explain_run(run, &two_cpus, &explanation), 0);
	assert_int_equal(report_runs(full, NULL, explanation, NULL, &all), -ENOSPC);
	fclose(full);
	explanation_free(explanation);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_main_job),
	    cmocka_unit_test(test_a_recording_reads_like_the_live_run),
	    cmocka_unit_test(test_what_went_wrong_comes_first),
	    cmocka_unit_test(test_an_interrupted_run_says_so),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_a_thousand_threads_fit_a_screen),
	    cmocka_unit_test(test_many_kinds_of_threads_are_folded),
	    cmocka_unit_test(test_long_names_keep_the_width),
	    cmocka_unit_test(test_groups_keep_the_names_that_they_have),
	    cmocka_unit_test(test_groups_forget_where_a_lock_is_and_close_its_quote),
	    cmocka_unit_test(test_groups_do_not_split_over_trifles),
	    cmocka_unit_test(test_what_cannot_be_listed_has_a_column),
	    cmocka_unit_test(test_a_difference_from_the_kernels_account_is_not_praised),
	    cmocka_unit_test(test_a_cut_account_says_so),
	    cmocka_unit_test(test_suite),
	    cmocka_unit_test(test_a_full_disk_is_named),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
