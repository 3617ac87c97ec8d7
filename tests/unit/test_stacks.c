/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted stacks: every nanosecond once, in its own state, however the samples fell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/stacks.h"
#include "run_builder.h"

static struct weighted_stacks *weigh(const struct run *run)
{
	struct weighted_stacks *stacks = NULL;

	assert_int_equal(explain_stacks(run, NULL, &stacks), 0);
	return stacks;
}

/* Of one thread; a NULL thread: of all; STATE_COUNT: in any state; a stack of 0 is one that is not known, -1 any. */
#define ANY_STACK UINT64_MAX
static uint64_t sum(const struct weighted_stacks *stacks, const struct run_thread *thread, enum state state, uint64_t stack)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < stacks->n; i++) {
		const struct weighted_stack *row = &stacks->rows[i];

		if ((!thread || row->thread == thread) && (state == STATE_COUNT || row->state == state) &&
		    (stack == ANY_STACK || row->stack == stack))
			ns += row->ns;
	}
	return ns;
}

/* The rows against the account itself and against the explanation, which gets there on another way. */
static void check_sums(const struct run *run)
{
	struct weighted_stacks *stacks = weigh(run);
	struct explanation *explanation = NULL;
	uint64_t lives = 0;

	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	for (size_t i = 0; i < run->n_threads; i++) {
		const struct run_thread *thread = &run->threads[i];

		lives += thread->life_ns;
		assert_int_equal(sum(stacks, thread, STATE_COUNT, ANY_STACK), thread->life_ns);
		for (int state = 0; state < STATE_COUNT; state++)
			assert_int_equal(sum(stacks, thread, state, ANY_STACK), explanation->threads[i].ns[state]);
	}
	for (size_t i = 0; i < run->n_processes; i++)
		lives += run->processes[i].undelivered_life_ns;
	assert_int_equal(stacks->total_ns, lives);
	for (size_t i = 0; i < stacks->n; i++)
		assert_in_range(stacks->rows[i].ns, 1, lives); /* or a sum has wrapped */
	assert_int_equal(stacks->residual_ns, 0);
	for (int state = 0; state < STATE_COUNT; state++)
		assert_int_equal(stacks->ns[state], explanation->ns[state]);
	explanation_free(explanation);
	weighted_stacks_free(stacks);
}

static void test_rows_sum_to_the_lives_of_all_threads(void **state)
{
	struct run *runs[] = {run_threads_cpu("interpreter_lock"), run_parallel_cpu("p", true), run_async_io(),
			      run_pool_io("threads-io", 730 * MS, 400 * MS, 1050)};

	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		check_sums(runs[i]);
		run_free(runs[i]);
	}
}

/* Primes, so that nothing divides evenly. */
static void test_samples_divide_each_side_exactly(void **state)
{
	struct run *run = build_run("r", 3 * S);
	struct weighted_stacks *stacks;
	struct run_thread *thread;
	uint64_t total;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 3 * S);
	build_cpu(thread, 1000000007, 99999989);
	build_sample(run, thread, "main;a", 7);
	build_sample(run, thread, "main;b", 13);
	build_sample(run, thread, "main;c", 977);
	build_sample(run, thread, "main;write;entry_SYSCALL_64_after_hwframe_[k];vfs_write_[k]", 3);
	build_sample(run, thread, "main;read;entry_SYSCALL_64_after_hwframe_[k];vfs_read_[k]", 4);
	build_rest_in_queue(run, thread);
	check_sums(run);

	stacks = weigh(run);
	total = 0;
	for (size_t i = 0; i < 3; i++) {
		static const struct {
			const char *frames;
			uint64_t samples;
		} parts[] = {{"main;a", 7}, {"main;b", 13}, {"main;c", 977}};
		uint64_t ns = sum(stacks, thread, STATE_USER, build_stack(run, parts[i].frames));

		assert_in_range(ns, 1000000007 * parts[i].samples / 997, 1000000007 * parts[i].samples / 997 + 1);
		total += ns;
	}
	assert_int_equal(total, 1000000007);
	assert_int_equal(sum(stacks, thread, STATE_USER, 0), 0);
	assert_int_equal(sum(stacks, thread, STATE_KERNEL, 0), 0);
	weighted_stacks_free(stacks);
	run_free(run);
}

/* As the account charges them: a fault's kernel frames are time outside syscalls. */
static void test_faults_belong_to_where_they_land(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct weighted_stacks *stacks;
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	build_cpu(thread, 600 * MS, 400 * MS);
	build_sample(run, thread, "main;asm_exc_page_fault_[k];clear_page_[k]", 10);
	build_sample(run, thread, "main;read;entry_SYSCALL_64_after_hwframe_[k];copy_[k];asm_exc_page_fault_[k]", 10);
	check_sums(run);
	stacks = weigh(run);
	assert_int_equal(sum(stacks, thread, STATE_USER, build_stack(run, "main;asm_exc_page_fault_[k];clear_page_[k]")),
			 600 * MS);
	assert_int_equal(stacks->n, 2);
	weighted_stacks_free(stacks);
	run_free(run);
}

static void test_what_no_sample_hit_is_said_to_be_so(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct weighted_stacks *stacks;
	struct run_thread *sampled, *unsampled;

	(void)state;
	build_process(run, 0, "r");
	sampled = build_thread(run, 1, 0, "sampled", 0, 1 * S);
	unsampled = build_thread(run, 1, 1, "unsampled", 0, 2 * MS);
	build_cpu(sampled, 900 * MS, 100 * MS);
	build_cpu(unsampled, 2 * MS, 0);
	build_sample(run, sampled, "main;work", 900);
	check_sums(run);
	stacks = weigh(run);
	assert_int_equal(stacks->n, 3);
	assert_int_equal(sum(stacks, sampled, STATE_KERNEL, 0), 100 * MS);
	assert_int_equal(sum(stacks, unsampled, STATE_USER, 0), 2 * MS);
	weighted_stacks_free(stacks);
	run_free(run);
}

/* The account is right, the side of the stack is a guess. */
static void test_samples_of_a_side_without_time_are_not_lost(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct weighted_stacks *stacks;
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	build_cpu(thread, 1 * S, 0);
	build_sample(run, thread, "main", 3);
	build_sample(run, thread, "main;odd_entry_[k]", 1);
	check_sums(run);
	stacks = weigh(run);
	assert_int_equal(sum(stacks, thread, STATE_USER, build_stack(run, "main;odd_entry_[k]")), 250 * MS);
	weighted_stacks_free(stacks);
	run_free(run);
}

static void test_without_sides_all_samples_count(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct weighted_stacks *stacks;
	struct run_thread *thread;
	uint64_t count = 0;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	thread->ns[CLASS_CPU] = 600 * MS; /* attached: until its first syscall */
	build_cpu(thread, 400 * MS, 0);
	build_sample(run, thread, "main;a", 1);
	build_sample(run, thread, "main;write;entry_SYSCALL_64_[k]", 3);
	check_sums(run);
	stacks = weigh(run);
	assert_int_equal(sum(stacks, thread, STATE_CPU, build_stack(run, "main;a")), 150 * MS);
	assert_int_equal(sum(stacks, thread, STATE_USER, build_stack(run, "main;a")), 100 * MS);
	for (size_t i = 0; i < stacks->n; i++)
		count += stacks->rows[i].count;
	assert_int_equal(count, 4);
	weighted_stacks_free(stacks);
	run_free(run);
}

static void test_waits_keep_their_own_stacks_and_causes(void **state)
{
	struct run *run = build_run("r", 1 * S);
	struct weighted_stacks *stacks;
	struct run_thread *thread;
	struct run_wait *wait;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	wait = build_futex(run, thread, "orders_lock", 0, true, 10, 300 * MS);
	wait->stack = build_stack(run, "main;add;__lll_lock_wait");
	wait = build_futex(run, thread, "orders_lock", 0, true, 5, 200 * MS);
	wait->stack = build_stack(run, "main;remove;__lll_lock_wait");
	thread->ns[CLASS_FUTEX] += 100 * MS; /* whose cause could not be kept */
	build_rest_in_queue(run, thread);
	check_sums(run);
	stacks = weigh(run);
	assert_int_equal(stacks->n, 4);
	assert_int_equal(stacks->rows[0].state, STATE_LOCK);
	assert_string_equal(stacks->rows[0].cause, "orders_lock");
	assert_int_equal(stacks->rows[0].ns, 300 * MS);
	assert_int_equal(stacks->rows[0].count, 10);
	assert_int_equal(sum(stacks, thread, STATE_LOCK, build_stack(run, "main;remove;__lll_lock_wait")), 200 * MS);
	assert_int_equal(sum(stacks, thread, STATE_SYNC, 0), 100 * MS);
	assert_int_equal(sum(stacks, thread, STATE_RUN_QUEUE, 0), 400 * MS);
	weighted_stacks_free(stacks);
	run_free(run);
}

static void test_the_users_locks_are_known_here_too(void **state)
{
	static const char *const locks[] = {"table", NULL};
	const struct explain_options options = {.locks = locks};
	struct run *run = build_run("r", 1 * S);
	struct weighted_stacks *stacks = NULL;
	struct run_thread *thread;

	(void)state;
	build_process(run, 0, "r");
	thread = build_thread(run, 1, 0, "r", 0, 1 * S);
	build_futex(run, thread, "table", 64, false, 10, 1 * S);
	assert_int_equal(explain_stacks(run, &options, &stacks), 0);
	assert_int_equal(stacks->ns[STATE_LOCK], 1 * S);
	assert_string_equal(stacks->rows[0].cause, "table");
	weighted_stacks_free(stacks);
	run_free(run);
}

static void test_threads_without_a_record_are_rows_of_their_process(void **state)
{
	struct run *run = run_serial_cpu(0);
	struct run_process *process = &run->processes[0];
	struct weighted_stacks *stacks;
	uint64_t ns = 0;

	(void)state;
	process->undelivered_threads = 2;
	process->undelivered_life_ns = 30;
	process->undelivered_ns[CLASS_FUTEX] = 10;
	process->undelivered_ns[CLASS_USER] = 20;
	check_sums(run);
	stacks = weigh(run);
	for (size_t i = 0; i < stacks->n; i++)
		if (!stacks->rows[i].thread) {
			assert_ptr_equal(stacks->rows[i].process, process);
			ns += stacks->rows[i].ns;
		}
	assert_int_equal(ns, 30);
	weighted_stacks_free(stacks);
	run_free(run);
}

/* Defects upstream: shown as such, and no sum is wrong because of them. */
static void test_contradictions(void **state)
{
	struct run *run = run_serial_cpu(1 * S);
	struct weighted_stacks *stacks = NULL;
	struct run_thread *thread = &run->threads[0];

	(void)state;
	run->waits[0].total_ns += 5; /* more than its class has */
	check_sums(run);
	thread->life_ns += 7;
	stacks = weigh(run);
	assert_int_equal(stacks->residual_ns, 7);
	assert_int_equal(stacks->total_ns, thread->life_ns - 7);
	weighted_stacks_free(stacks);
	run->waits[0].stack = 1;
	assert_int_equal(explain_stacks(run, NULL, &stacks), -EINVAL);
	run_free(run);
}

static void test_shares(void **state)
{
	const uint64_t large = (1ull << 62) - 1;

	(void)state;
	assert_int_equal(share_of(10, 0, 1, 3) + share_of(10, 1, 1, 3) + share_of(10, 2, 1, 3), 10);
	assert_int_equal(share_of(large, 0, large, large), large);
	assert_int_equal(share_of(large, 0, large - 1, large) + share_of(large, large - 1, 1, large), large);
	assert_int_equal(share_of(0, 5, 5, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_sum_to_the_lives_of_all_threads),
	    cmocka_unit_test(test_samples_divide_each_side_exactly),
	    cmocka_unit_test(test_faults_belong_to_where_they_land),
	    cmocka_unit_test(test_what_no_sample_hit_is_said_to_be_so),
	    cmocka_unit_test(test_samples_of_a_side_without_time_are_not_lost),
	    cmocka_unit_test(test_without_sides_all_samples_count),
	    cmocka_unit_test(test_waits_keep_their_own_stacks_and_causes),
	    cmocka_unit_test(test_the_users_locks_are_known_here_too),
	    cmocka_unit_test(test_threads_without_a_record_are_rows_of_their_process),
	    cmocka_unit_test(test_contradictions),
	    cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests_name("weighted stacks", tests, NULL, NULL);
}
