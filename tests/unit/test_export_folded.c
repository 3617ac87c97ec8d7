/* SPDX-License-Identifier: Apache-2.0 */
/* Folded stacks: what flamegraph.pl would read, and that no time is lost on the way. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "explain/stacks.h"
#include "flame_fixture.h"

static char *folded(const struct run *run, const char *states, enum export_by by)
{
	struct export_options options = {.by = by};

	if (states)
		assert_true(export_states_parse(states, &options.states));
	return exported("folded", run, &options);
}

/*
 * As flamegraph.pl and stackvis read a line: stack, space, digits. Checks every line, and gives the sum of those that begin with `begin`
 * and contain `part`.
 */
static uint64_t sum_of(const char *text, const char *begin, const char *part)
{
	uint64_t sum = 0;

	while (*text) {
		const char *end = strchr(text, '\n'), *value = end;
		char *line;

		assert_non_null(end);
		while (value > text && isdigit((unsigned char)value[-1]))
			value--;
		assert_true(value < end && value > text + 1 && value[-1] == ' ');
		assert_int_not_equal(*value, '0');
		line = strndup(text, value - 1 - text);
		assert_true(line[0] != ';' && line[strlen(line) - 1] != ';' && !strstr(line, ";;"));
		for (const char *s = line; *s; s++)
			assert_false(iscntrl((unsigned char)*s));
		if (!strncmp(line, begin, strlen(begin)) && strstr(line, part))
			sum += strtoull(value, NULL, 10);
		free(line);
		text = end + 1;
	}
	return sum;
}

static uint64_t total(const char *text)
{
	return sum_of(text, "", "");
}

static void test_lines(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct run_thread *thread;
	struct run_wait *wait;
	char *text;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	build_cpu(thread, 300 * MS, 100 * MS);
	build_sample(run, thread, "main;work;fast_[i]", 2);
	build_sample(run, thread, "main;work", 1);
	build_sample(run, thread, "main;write;entry_SYSCALL_64_[k];vfs_write_[k]", 9);
	wait = build_futex(run, thread, "orders_lock", 0, true, 3, 350 * MS);
	wait->stack = build_stack(run, "main;work;__lll_lock_wait");
	wait = build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 1, 150 * MS);
	wait->stack = build_stack(run, "[unfinished: no_tables];nap");
	build_rest_in_queue(run, thread);
	text = folded(run, NULL, EXPORT_BY_THREAD);
	assert_string_equal(text, "r (5001);main;work 100000\n"
				  "r (5001);main;work;__lll_lock_wait;[lock] orders_lock 350000\n"
				  "r (5001);main;work;fast_[i] 200000\n"
				  "r (5001);main;write;entry_SYSCALL_64_[k];vfs_write_[k] 100000\n"
				  "r (5001);[unfinished: no_tables];nap;[sleep] 150000\n"
				  "r (5001);[run_queue] preempted 100000\n");
	free(text);
	text = folded(run, "off-cpu", EXPORT_BY_CAUSE);
	assert_string_equal(text, "[run_queue] preempted 100000\n"
				  "[lock] orders_lock;main;work;__lll_lock_wait 350000\n"
				  "[sleep];[unfinished: no_tables];nap 150000\n");
	free(text);
	text = folded(run, "kernel", EXPORT_BY_NONE);
	assert_string_equal(text, "main;write;entry_SYSCALL_64_[k];vfs_write_[k] 100000\n");
	free(text);
	run_free(run);
}

static void test_every_choice_adds_up(void **state)
{
	static const enum export_by by[] = {EXPORT_BY_THREAD, EXPORT_BY_PROCESS, EXPORT_BY_NAME, EXPORT_BY_CAUSE, EXPORT_BY_NONE};
	struct run *run = run_orders();
	uint64_t lives = 0;

	(void)state;
	for (size_t i = 0; i < run->n_threads; i++)
		lives += run->threads[i].life_ns;
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		uint64_t states = 0;
		char *wall = folded(run, NULL, by[i]), *on = folded(run, "on-cpu", by[i]), *off = folded(run, "off-cpu", by[i]);

		assert_int_equal(total(wall), lives / 1000);
		/* Each is rounded alone. */
		assert_in_range(total(on) + total(off), lives / 1000 - 1, lives / 1000 + 1);
		for (int j = 0; j < STATE_COUNT; j++) {
			char *one = folded(run, state_info[j].name, by[i]);

			states += total(one);
			free(one);
		}
		assert_in_range(states, lives / 1000 - STATE_COUNT, lives / 1000 + STATE_COUNT);
		assert_null(strstr(on, "[lock]"));
		assert_non_null(strstr(on, "longest_match"));
		assert_null(strstr(off, "longest_match"));
		free(wall);
		free(on);
		free(off);
	}
	run_free(run);
}

/* Thousands of stacks of less than a microsecond: none may vanish from the total. */
static void test_rounding_loses_nothing(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct run_thread *thread;
	uint64_t life = 0;
	char *text;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	for (int i = 0; i < 3000; i++) {
		struct run_wait *wait = build_wait(run, thread, CLASS_PIPE, "read", 1, 300 + i % 7);
		char name[32];

		snprintf(name, sizeof(name), "f%d", i);
		wait->stack = build_stack(run, name);
		life += 300 + i % 7;
	}
	thread->life_ns = life;
	text = folded(run, NULL, EXPORT_BY_NONE);
	assert_int_equal(total(text), (life + 500) / 1000);
	free(text);
	run_free(run);
}

static void test_roots(void **state)
{
	struct run *run = run_orders();
	char *text = folded(run, "lock", EXPORT_BY_THREAD);

	(void)state;
	assert_int_equal(sum_of(text, "worker (7003);", ""), 750000 + 130000);
	free(text);
	/* In the order in which threads were made, not of their names. */
	text = folded(run, NULL, EXPORT_BY_THREAD);
	assert_int_equal(strncmp(text, "orders (5001);", 14), 0);
	assert_true(strstr(text, "worker (7005);") < strstr(text, "gzip (5002);"));
	free(text);
	text = folded(run, NULL, EXPORT_BY_PROCESS);
	assert_int_equal(sum_of(text, "gzip (5002);", ""), 1200000);
	free(text);
	text = folded(run, "lock", EXPORT_BY_CAUSE);
	assert_int_equal(sum_of(text, "[lock] log_lock;clone3;", ""), 4 * 130000);
	free(text);
	text = folded(run, "lock", EXPORT_BY_NONE);
	assert_int_equal(sum_of(text, "clone3;start_thread;", "[lock] log_lock"), 4 * 130000);
	free(text);
	run_free(run);
}

static void test_many_threads_are_not_roots_unless_asked_for(void **state)
{
	struct run *threads = run_pool_io("threads-io", 730 * MS, 400 * MS, 1050);
	struct run *processes = build_run("r", 1 * S);
	char *text = folded(threads, NULL, EXPORT_BY_DEFAULT);

	(void)state;
	assert_int_equal(sum_of(text, "threads-io (5001);", ""), total(text));
	free(text);
	for (int i = 0; i < EXPORT_ROOTS_MAX + 1; i++) {
		build_process(processes, i > 0, "r");
		build_rest_in_queue(processes, build_thread(processes, i + 1, 0, "r", 0, 1 * S));
	}
	text = folded(processes, NULL, EXPORT_BY_DEFAULT);
	assert_string_equal(text, "r;[run_queue] preempted 51000000\n");
	free(text);
	text = folded(processes, NULL, EXPORT_BY_THREAD);
	assert_int_equal(sum_of(text, "r (5051);", ""), 1000000);
	free(text);
	run_free(threads);
	run_free(processes);
}

static void test_unknown_things_are_said(void **state)
{
	struct run *run = run_serial_cpu(0);
	char *text;

	(void)state;
	set_text(&run->threads[0].comm, "main");
	run->processes[0].undelivered_threads = 1;
	run->processes[0].undelivered_life_ns = 5000;
	run->processes[0].undelivered_ns[CLASS_FUTEX] = 2000;
	run->processes[0].undelivered_ns[CLASS_USER] = 3000;
	text = folded(run, NULL, EXPORT_BY_THREAD);
	assert_int_equal(sum_of(text, "main (5001);[not sampled]", ""), 2395000);
	assert_int_equal(sum_of(text, "serial-cpu (5001), other threads;[no record of the thread]", ""), 5);
	assert_int_equal(sum_of(text, "", "[sync] futex, unattributed"), 2);
	free(text);
	/* A frame without a name. */
	build_sample(run, &run->threads[0], "nameless", 1);
	set_text(&run->frames[0].function, "");
	text = folded(run, "on-cpu", EXPORT_BY_NONE);
	assert_int_equal(sum_of(text, "program+0x1010", ""), 2380000);
	free(text);
	run_free(run);
}

/* Each thread on a line of its own, whatever it and its functions are called. */
static void test_hostile_names(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct run_thread *thread;
	struct run_wait *wait;
	char *text, *endless = malloc(100001);

	(void)state;
	memset(endless, 'x', 100000);
	endless[100000] = '\0';
	build_process(run, 0, HOSTILE);
	thread = build_thread(run, 1, 0, "a;b\n1 2", 0, 1 * S);
	wait = build_socket(run, thread, "poll", HOSTILE ";\r\n", 1, 1 * S);
	wait->stack = build_stack(run, "main;evil;longer");
	set_text(&run->frames[1].function, "; ;\n 99\n\xff\xc2\x9b");
	set_text(&run->frames[2].function, endless);
	text = folded(run, NULL, EXPORT_BY_THREAD);
	assert_int_equal(total(text), 1000000);
	assert_non_null(strstr(text, "a:b?1 2 (5001);main;: :? 99???;xxx"));
	assert_true(strlen(text) < 3000);
	free(text);
	free(endless);
	run_free(run);
}

/* As no program has: it ends, it is cut at the root, and that is said. */
static void test_endless_stacks(void **state)
{
	struct run *run = build_run("r", 1 * S);
	const size_t deep = 200000;
	char *text;

	(void)state;
	build_process(run, 0, "r");
	build_sample(run, build_thread(run, 1, 0, "r", 0, 1 * S), "a", 1);
	build_cpu(&run->threads[0], 1 * S, 0);
	free(run->stacks);
	run->stacks = calloc(deep, sizeof(*run->stacks));
	for (size_t i = 0; i < deep; i++)
		run->stacks[i] = (struct run_stack){.id = i + 1, .parent = i, .frame = 1};
	run->n_stacks = deep;
	free(run->samples);
	run->samples = calloc(deep, sizeof(*run->samples));
	run->n_samples = 1000;
	for (size_t i = 0; i < run->n_samples; i++)
		run->samples[i] = (struct run_sample){.thread = 1, .stack = deep - i, .count = 1};
	text = folded(run, NULL, EXPORT_BY_NONE);
	assert_int_equal(total(text), 1000000);
	assert_int_equal(sum_of(text, "[unfinished: deeper than 1024 frames];a;a;a", ""), 1000000);
	free(text);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_orders();
	struct explanation *explanation = NULL;
	struct export_input input = {.runs = (const struct explanation *const *)&explanation, .n_runs = 1};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(exporter_folded.write(full, &input), -ENOSPC);
	input.n_runs = 0;
	assert_int_equal(exporter_folded.write(full, &input), -ENODATA);
	fclose(full);
	explanation_free(explanation);
	run_free(run);
}

static void test_names_of_states(void **state)
{
	uint32_t wall, on, off, some;

	(void)state;
	assert_true(export_states_parse("wall", &wall) && export_states_parse("on-cpu", &on) &&
		    export_states_parse("off-cpu", &off));
	assert_int_equal(on | off, wall);
	assert_int_equal(on & off, 0);
	assert_int_equal(on, 1u << STATE_USER | 1u << STATE_KERNEL | 1u << STATE_CPU);
	assert_true(export_states_parse("lock,run_queue", &some));
	assert_int_equal(some, 1u << STATE_LOCK | 1u << STATE_RUN_QUEUE);
	assert_false(export_states_parse("", &some));
	assert_false(export_states_parse("lock,", &some));
	assert_false(export_states_parse("locks", &some));
	assert_false(export_states_parse("loc", &some));
	assert_string_equal(export_states_words(0), "wall-clock");
	assert_string_equal(export_states_words(on), "on-CPU");
	assert_string_equal(export_states_words(1u << STATE_LOCK), "lock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_every_choice_adds_up),
	    cmocka_unit_test(test_rounding_loses_nothing),
	    cmocka_unit_test(test_roots),
	    cmocka_unit_test(test_many_threads_are_not_roots_unless_asked_for),
	    cmocka_unit_test(test_unknown_things_are_said),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_endless_stacks),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	    cmocka_unit_test(test_names_of_states),
	};

	return cmocka_run_group_tests_name("folded stacks", tests, NULL, NULL);
}
