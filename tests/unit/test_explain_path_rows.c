/* SPDX-License-Identifier: Apache-2.0 */
/* What the critical path consists of: by state, cause and function; what it passed through; its sentence, and its difference to another. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/path.h"
#include "explained.h"
#include "report/report.h"
#include "run_builder.h"

#include "path_runs.h"

/*
 * A main thread that joins two workers, which take turns under a lock. `wall` ms in all, of which the workers hash all but 20; the lock is
 * handed over once, which takes 2 ms; `salt` changes what the system chooses for each run.
 */
static struct run *run_turns(uint64_t wall, unsigned int salt)
{
	struct run *run = build_run("turns", wall * MS);
	struct run_wait *joining, *taking, *port;
	struct run_thread *first, *a, *b;
	char peer[40];

	build_process(run, 0, "turns");
	first = build_thread(run, 1, 0, "turns", 0, wall * MS);
	a = build_thread(run, 1, 1, "worker", 10 * MS, wall * MS / 2 - 10 * MS);
	b = build_thread(run, 1, 1, "worker", 10 * MS, (wall - 15) * MS);
	build_cpu(first, 15 * MS, 0);
	build_cpu(a, 60 * MS, 20 * MS);
	build_cpu(b, 40 * MS, 20 * MS);
	joining = build_join(run, first, (wall - 20) * MS);
	joining->waker = b->id;
	taking = build_futex(run, b, "", 0x40 * salt, true, 1, wall * MS / 2 - 13 * MS);
	build_wait(run, b, CLASS_WOKEN, "", 1, 2 * MS);
	taking->waker = a->id;
	taking->stack = build_stack(run, "main;take_turn;pthread_mutex_lock;futex_wait_[k]");
	snprintf(peer, sizeof(peer), "127.0.0.1:%u", 40000 + salt);
	port = build_socket(run, a, "recvfrom", peer, 1, 5 * MS);
	port->stack = build_stack(run, "main;recv.constprop.0;__libc_read");
	build_episode(run, first, joining, 10 * MS, (wall - 20) * MS, 0);
	build_episode(run, a, port, 12 * MS, 5 * MS, 0);
	build_episode(run, b, taking, 11 * MS, wall * MS / 2 - 13 * MS, 2 * MS);
	build_moment(run, a, "main;hash", 11 * MS);
	build_moment(run, a, "main;hash", 18 * MS);
	build_moment(run, a, "main;hash;memcpy", 19 * MS);
	build_moment(run, a, "main;hash;write;sys_write_[k]", 20 * MS);
	build_moment(run, b, "main;hash", wall * MS / 2 + 5 * MS);
	return run;
}

static const struct path_row *row_of(const struct path *path, enum state state, const char *cause, const char *function)
{
	for (size_t i = 0; i < path->n_rows; i++) {
		const struct path_row *row = &path->rows[i];

		if (row->state == state && !strcmp(row->cause, cause) && !strcmp(row->function, function))
			return row;
	}
	fail_msg("no row %s \"%s\" in %s", state_info[state].name, cause, function);
	return NULL;
}

/* A run of one thread on a CPU for 100 ms. */
static struct run *run_computing(uint64_t user, uint64_t kernel)
{
	struct run *run = build_run("one", 100 * MS);

	build_process(run, 0, "one");
	build_cpu(build_thread(run, 1, 0, "one", 0, 100 * MS), user, kernel);
	run->timeline = true;
	return run;
}

static struct explanation *whole(const struct run *run)
{
	struct explanation *explanation = explained_on(run, 2);

	assert_non_null(explanation->path);
	path_is_whole(explanation->timeline, explanation->path);
	return explanation;
}

static void test_samples_on_the_path_divide_its_cpu_time(void **state)
{
	struct run *run = run_computing(60 * MS, 40 * MS);
	struct run_wait *wait = build_wait(run, &run->threads[0], CLASS_SLEEP, "clock_nanosleep", 1, 0);
	struct explanation *explanation;
	const struct path *path;

	(void)state;
	build_episode(run, &run->threads[0], wait, 50 * MS, 20 * MS, 0);
	build_moment(run, &run->threads[0], "main;a", 10 * MS);
	build_moment(run, &run->threads[0], "main;a;inner", 20 * MS);
	build_moment(run, &run->threads[0], "main;a;b;sys_read_[k]", 30 * MS);
	build_moment(run, &run->threads[0], "main;other", 60 * MS); /* not on a CPU then: of clocks that differ */
	explanation = whole(run);
	path = explanation->path;
	assert_int_equal(path->cpu_ns, 80 * MS);
	assert_int_equal(path->samples, 3);
	assert_int_equal(path->sampled_ns, 80 * MS);
	/* So few samples leave the sides to the account. */
	assert_int_equal(row_of(path, STATE_USER, "", "a")->ns, 24 * MS);
	assert_int_equal(row_of(path, STATE_USER, "", "inner")->ns, 24 * MS);
	assert_int_equal(row_of(path, STATE_KERNEL, "", "b")->ns, 32 * MS);
	assert_int_equal(row_of(path, STATE_KERNEL, "", "b")->count, 1);
	assert_ptr_equal(row_of(path, STATE_SLEEP, "sleep", "")->thread, &run->threads[0]);
	explanation_free(explanation);
	run_free(run);
}

/* Part of a life that is not as the whole of it. */
static void test_many_samples_know_the_sides_better_than_the_account(void **state)
{
	struct run *run = run_computing(10 * MS, 90 * MS);
	struct run_wait *wait = build_wait(run, &run->threads[0], CLASS_SLEEP, "clock_nanosleep", 1, 0);
	struct explanation *explanation;

	(void)state;
	build_episode(run, &run->threads[0], wait, 50 * MS, 50 * MS, 0);
	for (int i = 0; i < 40; i++)
		build_moment(run, &run->threads[0], i % 4 ? "main;a" : "main;b;sys_read_[k]", i * MS);
	explanation = whole(run);
	assert_int_equal(row_of(explanation->path, STATE_KERNEL, "", "b")->ns, 50 * MS / 4);
	assert_int_equal(row_of(explanation->path, STATE_USER, "", "a")->ns, 50 * MS * 3 / 4);
	explanation_free(explanation);
	run->threads[0].ns[CLASS_KERNEL] = 41 * MS; /* nearly all of its time is on the path */
	explanation = whole(run);
	assert_in_range(row_of(explanation->path, STATE_KERNEL, "", "b")->ns, 40 * MS, 41 * MS);
	explanation_free(explanation);
	run_free(run);
}

/* A thread that was sampled only where it was not critical; and one that never was. */
static void test_other_samples_and_the_account_stand_in(void **state)
{
	struct run *run = run_computing(3, 1);
	struct explanation *explanation;
	struct run_thread *thread;

	(void)state;
	explanation = whole(run);
	assert_int_equal(row_of(explanation->path, STATE_USER, "", "")->ns, 75 * MS);
	assert_int_equal(row_of(explanation->path, STATE_KERNEL, "", "")->ns, 25 * MS);
	explanation_free(explanation);
	run->threads[0].ns[CLASS_USER] = run->threads[0].ns[CLASS_KERNEL] = 0;
	explanation = whole(run);
	assert_int_equal(row_of(explanation->path, STATE_CPU, "", "")->ns, 100 * MS);
	explanation_free(explanation);
	thread = build_thread(run, 1, 1, "worker", 0, 100 * MS);
	build_wait(run, &run->threads[0], CLASS_FUTEX, "futex", 1, 0)->waker = 2;
	build_episode(run, &run->threads[0], &run->waits[0], 10 * MS, 50 * MS, 0);
	build_cpu(thread, 100 * MS, 0);
	build_moment(run, thread, "main;late;sys_x_[k]", 80 * MS);
	explanation = whole(run);
	/* Its account has no time in the kernel: the stack deceives. */
	assert_int_equal(row_of(explanation->path, STATE_USER, "", "late")->ns, 60 * MS);
	assert_int_equal(row_of(explanation->path, STATE_USER, "", "late")->count, 0);
	assert_int_equal(explanation->path->samples, 0);
	explanation_free(explanation);
	run_free(run);
}

static void function_is(const char *stack, const char *function)
{
	struct run *run = run_computing(100 * MS, 0);
	struct explanation *explanation;

	build_moment(run, &run->threads[0], stack, 10 * MS);
	explanation = whole(run);
	assert_int_equal(explanation->path->n_rows, 1);
	assert_string_equal(explanation->path->rows[0].function, function);
	explanation_free(explanation);
	run_free(run);
}

static void test_functions_are_the_programs_own(void **state)
{
	(void)state;
	function_is("_start;__libc_start_main;main;work;pthread_mutex_lock;futex_[k]", "work");
	function_is("[unfinished: no tables];leaf.isra.0", "leaf");
	function_is("start_thread;__clone", "__clone");
	function_is("ret_from_fork_[k];kthread_[k]", "kthread [kernel]");
	function_is("[unfinished: no tables]", "");
}

static void test_code_without_symbols_is_called_by_its_file(void **state)
{
	struct run *run = run_computing(100 * MS, 0);
	struct explanation *explanation;

	(void)state;
	build_moment(run, &run->threads[0], "main", 10 * MS);
	set_text(&run->frames[0].function, "");
	set_text(&run->frames[0].object, "libx.so.1");
	explanation = whole(run);
	assert_string_equal(explanation->path->rows[0].function, "(no symbols: libx.so.1)");
	explanation_free(explanation);
	run_free(run);
}

static void test_turns_under_a_lock(void **state)
{
	struct run *run = run_turns(200, 1);
	struct explanation *explanation = whole(run);
	const struct path *path = explanation->path;
	const struct path_row *row;

	(void)state;
	assert_int_equal(path->n_threads, 3);
	assert_ptr_equal(path->threads[0].thread, &run->threads[2]);
	/* b had the lock for 90 ms at the end, 2 ms after a had left it. */
	assert_int_equal(path->threads[0].ns, 92 * MS);
	row = row_of(path, STATE_RUN_QUEUE, "after lock \"mutex of take_turn() at 0x5581040\"", "take_turn");
	assert_int_equal(row->ns, 2 * MS);
	assert_int_equal(row->n_threads, 1);
	assert_int_equal(row_of(path, STATE_SOCKET, "127.0.0.1:40001", "recv")->ns, 5 * MS);
	for (size_t i = 0; i < path->n_through; i++) {
		const struct path_through *through = &path->through[i];
		bool joined = through->state == STATE_SYNC;

		assert_int_equal(through->count, 1);
		assert_int_equal(through->ns, joined ? 180 * MS : 87 * MS);
		assert_int_equal(through->handover_ns, joined ? 0 : 2 * MS);
		assert_int_equal(through->handovers, joined ? 0 : 1);
	}
	assert_int_equal(path->n_through, 2);
	says(path->sentence, "of 200 ms: ");
	says(path->sentence, "2.00 ms handing the lock \"mutex of take_turn() at 0x5581040\" over");
	says(path->sentence, "5.00 ms waiting for 127.0.0.1:40001");
	explanation_free(explanation);
	run_free(run);
}

/* While one thread waited for the lock, so did who gave it to that one: the path's time is behind the lock once. */
static void test_waits_within_waits_count_once(void **state)
{
	struct run *run = run_of(3);
	struct explanation *explanation;
	const struct path_through *through;

	(void)state;
	build_episode(run, &run->threads[0], lock(run, 1, 2), 10 * MS, 70 * MS, 3 * MS);
	build_episode(run, &run->threads[1], lock(run, 2, 3), 5 * MS, 55 * MS, 0);
	build_episode(run, &run->threads[1], lock(run, 2, 3), 65 * MS, 0, 2 * MS); /* there was no wait to hand over from */
	build_episode(run, &run->threads[2], lock(run, 3, 1), 2 * MS, 6 * MS, 0);
	for (int i = 0; i < 3; i++)
		build_cpu(&run->threads[i], 1, 0);
	explanation = whole(run);
	through = &explanation->path->through[0];
	assert_int_equal(explanation->path->n_through, 1);
	assert_string_equal(through->cause, "big_lock");
	assert_int_equal(through->count, 3);
	assert_int_equal(through->ns, 78 * MS);
	assert_int_equal(through->handovers, 1);
	assert_int_equal(through->handover_ns, 3 * MS);
	explanation_free(explanation);
	run_free(run);
}

static void words_are(char *words, const char *expected)
{
	assert_string_equal(words, expected);
	free(words);
}

static void test_words_leave_out_what_the_system_chose(void **state)
{
	(void)state;
	words_are(path_words(""), "");
	words_are(path_words("orders_lock+64"), "orders_lock+64");
	words_are(path_words("mutex of f() at 0x55d0c0ffee"), "mutex of f() at #");
	words_are(path_words("pipe:[123456]"), "pipe:[#]");
	words_are(path_words("pipe from bash[15864]"), "pipe from bash[#]");
	words_are(path_words("recv from 127.0.0.1:40123"), "recv from 127.0.0.1:#");
	words_are(path_words("recv from 127.0.0.1:8000"), "recv from 127.0.0.1:8000");
	words_are(path_words("read /proc/4711/stat"), "read /proc/#/stat");
	words_are(path_words("read data/part-7.csv"), "read data/part-7.csv");
	words_are(path_words("a0x5[x]:99999999999999999999999"), "a0x5[x]:99999999999999999999999");
	words_are(path_function_words("hash.constprop.0"), "hash");
	words_are(path_function_words("ns::part.x"), "ns::part.x");
}

static void test_the_difference_sums_to_that_of_the_wall_times(void **state)
{
	struct run *before = run_turns(200, 1), *after = run_turns(150, 2);
	struct explanation *a = whole(before), *b = whole(after);
	struct comparison *comparison;
	int64_t sum = 0;
	bool locked = false;

	(void)state;
	assert_int_equal(explain_difference(a, b, &comparison), 0);
	assert_int_equal(comparison->path_residual_ns, 0);
	for (size_t i = 0; i < comparison->n_path_items; i++) {
		const struct path_difference *item = &comparison->path_items[i];

		sum += (int64_t)(item->after_ns - item->before_ns);
		/* Another address is no other lock, and another port no other peer. */
		if (item->state == STATE_RUN_QUEUE || item->state == STATE_SOCKET)
			assert_int_equal(item->before_ns, item->after_ns);
		locked |= item->state == STATE_RUN_QUEUE;
	}
	assert_true(locked);
	assert_int_equal(sum, -50 * (int64_t)MS);
	comparison_free(comparison);
	after->timeline = false;
	explanation_free(b);
	b = explained_on(after, 2);
	assert_null(b->path);
	assert_int_equal(explain_difference(a, b, &comparison), 0);
	assert_int_equal(comparison->n_path_items, 0);
	comparison_free(comparison);
	explanation_free(a);
	explanation_free(b);
	run_free(before);
	run_free(after);
}

static char *report_of(const struct explanation *before, const struct explanation *after)
{
	const struct report_options options = {.all = true};
	struct comparison *comparison = NULL;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (before)
		assert_int_equal(explain_difference(before, after, &comparison), 0);
	assert_int_equal(report_runs(out, before, after, comparison, &options), 0);
	fclose(out);
	comparison_free(comparison);
	return text;
}

static void test_the_report_shows_it(void **state)
{
	struct run *before = run_turns(200, 1), *after = run_turns(150, 2);
	struct explanation *a = whole(before), *b = whole(after);
	char *text = report_of(NULL, a);

	(void)state;
	says(text, "\nthe critical path, of 200 ms: ");
	says(text, "\n  for a CPU, after lock \"mutex of take_turn() at 0x5581040\"");
	says(text, "2 x worker");
	says(text, "went from who waited to who ended the wait: join (1 time, 180 ms)");
	says_not(text, "no critical path");
	says_not(text, "lacks");
	free(text);
	text = report_of(a, b);
	says(text, "\nthe wall time's difference, along the critical path  ");
	says(text, "\n= wall time  ");
	says(text, " 200 ms  ");
	free(text);
	before->episodes[0].blocked_ns -= 1 * MS;
	explanation_free(a);
	a = whole(before);
	text = report_of(NULL, a);
	says(text, "the timeline lacks");
	free(text);
	explanation_free(b);
	after->timeline = false;
	b = explained_on(after, 2);
	text = report_of(a, b);
	says_not(text, "along the critical path");
	says(text, "no critical path: turns has no timeline");
	free(text);
	explanation_free(a);
	explanation_free(b);
	run_free(before);
	run_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples_on_the_path_divide_its_cpu_time),
	    cmocka_unit_test(test_many_samples_know_the_sides_better_than_the_account),
	    cmocka_unit_test(test_other_samples_and_the_account_stand_in),
	    cmocka_unit_test(test_functions_are_the_programs_own),
	    cmocka_unit_test(test_code_without_symbols_is_called_by_its_file),
	    cmocka_unit_test(test_turns_under_a_lock),
	    cmocka_unit_test(test_waits_within_waits_count_once),
	    cmocka_unit_test(test_words_leave_out_what_the_system_chose),
	    cmocka_unit_test(test_the_difference_sums_to_that_of_the_wall_times),
	    cmocka_unit_test(test_the_report_shows_it),
	};

	return cmocka_run_group_tests_name("explain: what the critical path consists of", tests, NULL, NULL);
}
