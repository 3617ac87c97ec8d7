/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes as text: the talk's three pictures letter by letter, colours on a terminal only, what is left out and said. With `--record FILE`,
 * `--record-hostile FILE` and `--record-sums FILE` it writes recordings instead, for tests/cli/lanes.bats.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explained.h"
#include "lanes_fixture.h"
#include "profile/profile.h"
#include "profile/window.h"
#include "report/report.h"

static char *lanes_of(const struct run *const *runs, size_t n, const struct lanes_options *options)
{
	struct explanation *explanations[4] = {NULL};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	for (size_t i = 0; i < n; i++)
		explanations[i] = explained_on(runs[i], 2);
	assert_int_equal(report_lanes(out, (const struct explanation *const *)explanations, n, options), 0);
	fclose(out);
	for (size_t i = 0; i < n; i++)
		explanation_free(explanations[i]);
	return text;
}

static void shows(struct run *run, const struct lanes_options *options, const char *expected)
{
	const struct run *const runs[] = {run};
	char *text = lanes_of(runs, 1, options);

	assert_string_equal(text, expected);
	free(text);
	run_free(run);
}

static const struct lanes_options narrow = {.width = 80};

static void test_one_thread_that_downloads(void **state)
{
	(void)state;
	shows(picture_serial_io(), &narrow,
	      "serial-io: 1 thread in 100 ms; a column is 2.27 ms\n"
	      "serial-io/5001 cNNNcnNNncNNNcNNNnnNNNcNNNcnNNncNNNcNNNnnNNN 80% socket 127.0.0..\n"
	      "               |0                   |50 ms\n"
	      "of all threads' lives:  C cpu 20.0%,  N socket 80.0%\n"
	      "\n"
	      " C cpu       on a CPU\n"
	      " N socket    blocked on a socket, or on a poll set that holds sockets\n"
	      "A capital: at least 90% of the cell; a small letter: the largest part of it.\n");
}

static void test_threads_that_download(void **state)
{
	(void)state;
	shows(picture_threads_io(), &narrow,
	      "threads-io: 4 threads in 50.0 ms; a column is 1.16 ms\n"
	      "threads-io/5001 CCCsSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSScC 88% joining: join\n"
	      "worker/7002     cCcNNNNNNcCnNNNNNNCcNNNNNNnCnNNNNNNn        80% socket 127.0.0..\n"
	      "worker/7003      cCnNNNNNNcCNNNNNNNCcNNNNNNnCnNNNNNNn       80% socket 127.0.0..\n"
	      "worker/7004       cCnNNNNNNccNNNNNNnCnNNNNNNcCNNNNNNN       80% socket 127.0.0..\n"
	      "on a CPU        1232.    1221     122.    .121.          11\n"
	      "                |0               |20 ms           |40 ms\n"
	      "of all threads' lives:  C cpu 17.6%,  S sync 25.9%,  N socket 56.5%\n"
	      "\n"
	      " C cpu       on a CPU\n"
	      " S sync      blocked until another thread signals\n"
	      " N socket    blocked on a socket, or on a poll set that holds sockets\n"
	      "A capital: at least 90% of the cell; a small letter: the largest part of it.\n");
}

static void test_threads_under_one_lock(void **state)
{
	(void)state;
	shows(picture_threads_cpu(), &narrow,
	      "threads-cpu: 4 threads in 90.0 ms; a column is 2.05 ms\n"
	      "threads-cpu/5001 SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS 100% joining: join\n"
	      "worker/7002      CCCCcLLLLLLLLLlCCCCcLLLLLLLLLcCCCClLLLLLLLLL 67% lock \"GIL\"\n"
	      "worker/7003      LLLLlCCCCcLLLLLLLLLlCCCClLLLLLLLLLcCCCClLLLL 67% lock \"GIL\"\n"
	      "worker/7004      LLLLLLLLLlCCCCcLLLLLLLLLcCCCClLLLLLLLLLcCCCC 67% lock \"GIL\"\n"
	      "on a CPU         11111111111111111111111111111111111111111111\n"
	      "                 |0                      |50 ms\n"
	      "of all threads' lives:  C cpu 25.0%,  L lock 50.0%,  S sync 25.0%\n"
	      "\n"
	      " C cpu       on a CPU\n"
	      " L lock      blocked until another thread releases something\n"
	      " S sync      blocked until another thread signals\n"
	      "A capital: at least 90% of the cell; a small letter: the largest part of it.\n");
}

static void says_once(const char *text, const char *what)
{
	const char *first = strstr(text, what);

	if (!first || strstr(first + 1, what))
		fail_msg("not said just once: %s; in: %s", what, text);
}

/* Two runs: one scale, each under its name, one legend. */
static void test_several_runs_on_one_scale(void **state)
{
	struct run *runs[] = {picture_serial_io(), picture_threads_io()};
	char *text = lanes_of((const struct run *const *)runs, 2, &narrow);
	const char *serial = strstr(text, "serial-io: 1 thread in 100 ms"),
		   *threads = strstr(text, "threads-io: 4 threads in 50.0 ms");

	(void)state;
	assert_non_null(serial);
	assert_true(threads > serial);
	says_once(text, "\n C cpu ");
	/* Half the time, half the columns. */
	says(text, "\nserial-io/5001  cNNNcnNNnnNNncNNNcNNNcnNNncNNNcNNNcnNNncNNN 80%");
	says(text, "\nworker/7002     cnNNncNNNcNNNcnNNn      ");
	free(text);
	run_free(runs[0]);
	run_free(runs[1]);
}

static void test_an_emphasis_shows_what_is_meant_wherever_it_is(void **state)
{
	const struct lanes_options options = {.width = 80, .states = 1u << STATE_LOCK};
	const struct lanes_options on_cpu = {.width = 80, .states = 1u << STATE_USER};
	struct run *run = picture_threads_cpu();
	char *text = lanes_of((const struct run *const *)&run, 1, &options);

	(void)state;
	says(text, "\nthreads-cpu/5001 ............................................ 100%");
	says(text, "\nworker/7002      ....lLLLLLLLLLl....lLLLLLLLLLl....lLLLLLLLLL 67%");
	says(text, "a dot: only");
	free(text);
	text = lanes_of((const struct run *const *)&run, 1, &on_cpu);
	says(text, "\nworker/7002      CCCCc.........cCCCCc.........cCCCCc......... 67%");
	free(text);
	run_free(run);
}

static void test_colours_are_for_terminals(void **state)
{
	struct lanes_options options = {.width = 80, .colour = true, .ink = LANES_TRUE};
	struct run *run = picture_threads_cpu();
	char *text = lanes_of((const struct run *const *)&run, 1, &options);

	(void)state;
	says(text, "\033[48;2;229;57;53m\033[38;2;255;255;255mL\033[0m"); /* 0xe53935 */
	says(text, "\033[38;2;0;0;0mC\033[0m");
	says_not(text, "\xe2\x96");
	free(text);
	options.ink = LANES_256;
	options.blocks = true;
	text = lanes_of((const struct run *const *)&run, 1, &options);
	says(text, "\033[48;5;167m");
	says(text, "\xe2\x96\x84\033[0m"); /* a cell that is half on a CPU, half waiting */
	says(text, "as high as their parts");
	free(text);
	/* Neither NO_COLOR nor a pipe gets any of it, whatever the ink is. */
	options.colour = false;
	text = lanes_of((const struct run *const *)&run, 1, &options);
	says_not(text, "\033");
	says_not(text, "\xe2\x96");
	free(text);
	run_free(run);
}

static void test_names_of_strangers(void **state)
{
	struct run *run = picture_hostile();
	char *text = lanes_of((const struct run *const *)&run, 1, &narrow);

	(void)state;
	for (const char *c = text; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || *c == '\n');
	says(text, "\n?[31m?"
		   "?/7003");
	free(text);
	run_free(run);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static void test_thousands_of_threads_fit_a_screen(void **state)
{
	struct lanes_options options = {.width = 100};
	struct run *run = build_run("many", 100 * MS);
	char *text;

	(void)state;
	build_process(run, 0, "many");
	for (uint64_t i = 0; i < 3000; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "w", 0, 100 * MS);
		struct run_wait *wait = build_wait(run, thread, CLASS_SLEEP, "nanosleep", 1, i < 5 ? 40 * MS : 90 * MS);

		build_cpu(thread, i < 5 ? 60 * MS : 10 * MS, 0);
		build_episode(run, thread, wait, i < 5 ? 60 * MS : 10 * MS, i < 5 ? 40 * MS : 90 * MS, 0);
	}
	text = lanes_of((const struct run *const *)&run, 1, &options);
	assert_in_range(lines(text), 25, 40);
	says(text, "\nand 2,976 more threads");
	says(text, "\non a CPU                 ++++"); /* more than nine */
	says(text, "55555555");
	free(text);
	options.all = true;
	text = lanes_of((const struct run *const *)&run, 1, &options);
	assert_in_range(lines(text), 3000, 3020);
	says_not(text, "more threads");
	free(text);
	run_free(run);
}

/* Of a part of the time the axis goes on from where it was. */
static void test_a_window_says_where_it_is(void **state)
{
	struct run *run = picture_threads_cpu(), *part = NULL;
	char *text;

	(void)state;
	assert_int_equal(run_window(run, 40 * MS, 70 * MS, &part), 0);
	text = lanes_of((const struct run *const *)&part, 1, &narrow);
	says(text, "threads-cpu: 4 threads in 30.0 ms, from 40.0 ms to 70.0 ms of 90.0 ms");
	says(text, "|40 ms ");
	says(text, "|60 ms");
	says(text, "\nworker/7003      CCCCCCCCCCCCCCcLLLLLLLLLLLLLLLLLLLLLLLLLLLLL");
	free(text);
	run_free(part);
	run_free(run);
}

static void test_what_a_timeline_lacks_is_told(void **state)
{
	struct run *run = picture_threads_cpu();
	char *text;

	(void)state;
	run->n_episodes--;
	text = lanes_of((const struct run *const *)&run, 1, &narrow);
	says(text, "Not in the timeline: 20.0 ms");
	free(text);
	run_free(run);
}

static void test_refusals_are_returned(void **state)
{
	const struct lanes_options nobody = {.width = 80, .thread = "nobody"};
	struct run *run = picture_threads_cpu();
	struct explanation *explanation = explained_on(run, 2);
	const struct explanation *const explanations[] = {explanation};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(report_lanes(full, explanations, 1, &narrow), -ENOSPC);
	assert_int_equal(report_lanes(full, explanations, 1, &nobody), -ENOENT);
	fclose(full);
	explanation_free(explanation);
	run_free(run);
}

static int record(const char *path, struct run *const *runs, size_t n)
{
	static char kernel[] = "6.1.0", version[] = "v1";
	const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct profile *profile = NULL;
	char error[PROFILE_ERROR_BYTES] = "";
	int err = profile_create(path, -1, -1, &host, &profile, error);

	for (size_t i = 0; i < n; i++) {
		if (!err)
			err = profile_store_run(profile, runs[i], error);
		run_free(runs[i]);
	}
	if (!err)
		err = profile_commit(profile, error);
	if (err)
		fprintf(stderr, "%s\n", error);
	profile_close(profile);
	return !!err;
}

/* What main() is asked to record; false: nothing. */
static bool asked_for(const char *what, struct run *runs[3], size_t *n)
{
	*n = 1;
	if (!strcmp(what, "--record")) {
		runs[0] = picture_serial_io();
		runs[1] = picture_threads_io();
		runs[2] = picture_threads_cpu();
		*n = 3;
	} else if (!strcmp(what, "--record-hostile")) {
		runs[0] = picture_hostile();
	} else if (!strcmp(what, "--record-sums")) {
		runs[0] = run_threads_cpu("interpreter_lock");
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_thread_that_downloads),
	    cmocka_unit_test(test_threads_that_download),
	    cmocka_unit_test(test_threads_under_one_lock),
	    cmocka_unit_test(test_several_runs_on_one_scale),
	    cmocka_unit_test(test_an_emphasis_shows_what_is_meant_wherever_it_is),
	    cmocka_unit_test(test_colours_are_for_terminals),
	    cmocka_unit_test(test_names_of_strangers),
	    cmocka_unit_test(test_thousands_of_threads_fit_a_screen),
	    cmocka_unit_test(test_a_window_says_where_it_is),
	    cmocka_unit_test(test_what_a_timeline_lacks_is_told),
	    cmocka_unit_test(test_refusals_are_returned),
	};
	struct run *runs[3];
	size_t n;

	if (argc == 3 && asked_for(argv[1], runs, &n))
		return record(argv[2], runs, n);
	return cmocka_run_group_tests_name("report: lanes", tests, NULL, NULL);
}
