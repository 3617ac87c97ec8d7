/* SPDX-License-Identifier: Apache-2.0 */
/* Who held, who woke, where and how long: merged over rows that differ by stack, waker and holder. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "run_builder.h"

static struct explanation *explained(const struct run *run)
{
	static const struct explain_options two_cpus = {.cpus = 2};
	struct explanation *explanation = NULL;

	assert_int_equal(explain_run(run, &two_cpus, &explanation), 0);
	return explanation;
}

static const struct cause_view *cause_of(const struct explanation *explanation, const char *cause)
{
	for (size_t i = 0; i < explanation->n_causes; i++)
		if (!strcmp(explanation->causes[i].cause, cause))
			return &explanation->causes[i];
	fail_msg("no cause %s", cause);
	return NULL;
}

static struct run_wait *build_locked(struct run *run, struct run_thread *thread, uint64_t holder, uint64_t waker,
				     const char *stack, uint64_t count, uint64_t total_ns)
{
	struct run_wait *wait = build_futex(run, thread, "orders_lock", 0, true, count, total_ns);

	wait->holder = holder;
	wait->waker = waker;
	wait->stack = build_stack(run, stack);
	return wait;
}

#define LOCKING ";pthread_mutex_lock;__lll_lock_wait;futex_wait_[k]"

/* Threads 2 and 3 wait for a lock that thread 1 holds most. */
static struct run *run_shop(void)
{
	struct run *run = build_run("shop", 10 * S);

	build_process(run, 0, "shop");
	for (int i = 0; i < 3; i++)
		build_thread(run, 1, i ? 1 : 0, i ? "worker" : "keeper", 0, 10 * S);
	build_locked(run, &run->threads[1], 1, 1, "main;serve;orders_add" LOCKING, 10, 3 * S);
	build_locked(run, &run->threads[1], 1, 3, "main;serve;orders_add" LOCKING, 10, 1 * S);
	build_locked(run, &run->threads[1], 1, 3, "main;cleanup" LOCKING, 5, 1 * S);
	build_locked(run, &run->threads[1], 3, 3, "main;cleanup" LOCKING, 5, 1 * S);
	build_locked(run, &run->threads[2], 1, 0, "main;serve;orders_add" LOCKING, 20, 2 * S);
	run->waits[run->n_waits - 1].waker_name = copy("sshd[812]");
	build_locked(run, &run->threads[2], 0, 0, "", 1, 2 * S);
	build_cpu(&run->threads[0], 9 * S, 0);
	build_rest_in_queue(run, &run->threads[0]);
	build_wait(run, &run->threads[1], CLASS_SLEEP, "clock_nanosleep", 4, 4 * S);
	build_wait(run, &run->threads[2], CLASS_SLEEP, "clock_nanosleep", 6, 6 * S);
	return run;
}

static void test_rows_merge_by_thread_cause_holder_and_waker(void **state)
{
	struct run *run = run_shop();
	struct explanation *explanation = explained(run);
	size_t locks = 0;

	(void)state;
	for (size_t i = 0; i < explanation->n_waits; i++) {
		const struct wait *wait = &explanation->waits[i];

		if (wait->state != STATE_LOCK)
			continue;
		locks++;
		if (wait->thread == &run->threads[1] && wait->holder == &run->threads[0] && wait->waker == &run->threads[2]) {
			assert_int_equal(wait->total_ns, 2 * S);
			assert_int_equal(wait->count, 15);
			assert_int_equal(wait->max_ns, 200 * MS);
		}
		if (wait->waker_name) {
			assert_null(wait->waker);
			assert_string_equal(wait->waker_name, "sshd[812]");
		}
	}
	/* (1,1) (1,3) (3,3) of one thread; (1, sshd) and (-, -) of the other. */
	assert_int_equal(locks, 5);
	explanation_free(explanation);
	run_free(run);
}

static void test_a_cause_names_its_holder_waker_and_place(void **state)
{
	struct run *run = run_shop();
	struct explanation *explanation = explained(run);
	const struct cause_view *lock = cause_of(explanation, "orders_lock");

	(void)state;
	assert_int_equal(lock->total_ns, 10 * S);
	assert_int_equal(lock->threads, 2);
	assert_int_equal(lock->count, 51);
	assert_ptr_equal(lock->holder.thread, &run->threads[0]);
	assert_int_equal(lock->holder.ns, 7 * S);
	assert_int_equal(lock->holder.count, 2);
	assert_string_equal(PARTY_LABEL(&lock->holder), "keeper/5001");
	/* 3 s by thread 1, 3 s by thread 3, 2 s by sshd: the earlier thread of two that are alike. */
	assert_ptr_equal(lock->waker.thread, &run->threads[0]);
	assert_int_equal(lock->waker.ns, 3 * S);
	assert_int_equal(lock->waker.count, 3);
	/* The library of the lock and the kernel say nothing of where it was. */
	assert_string_equal(lock->place, "orders_add <- serve <- main");
	assert_int_equal(lock->place_ns, 6 * S);
	assert_int_equal(lock->placed_ns, 8 * S);
	explanation_free(explanation);
	run_free(run);
}

/* Of a lock that hardly anybody was seen to hold, nobody is "the" holder. */
static void test_the_finding_is_silent_on_a_holder_of_next_to_nothing(void **state)
{
	struct run *run = run_shop();
	struct explanation *explanation;
	bool found = false;

	(void)state;
	for (size_t i = 0; i < run->n_waits; i++)
		run->waits[i].holder = 0;
	build_locked(run, &run->threads[1], 1, 1, "main;serve;orders_add" LOCKING, 1, 10 * MS);
	run->threads[1].life_ns += 10 * MS;
	explanation = explained(run);
	for (size_t i = 0; i < explanation->n_findings; i++) {
		if (strcmp(explanation->findings[i].rule, "lock"))
			continue;
		found = true;
		assert_null(strstr(explanation->findings[i].sentence, "held"));
	}
	assert_true(found);
	explanation_free(explanation);
	run_free(run);
}

static void test_the_finding_names_the_holder(void **state)
{
	struct run *run = run_shop();
	struct explanation *explanation = explained(run);
	bool found = false;

	(void)state;
	for (size_t i = 0; i < explanation->n_findings; i++) {
		if (strcmp(explanation->findings[i].rule, "lock"))
			continue;
		found = true;
		assert_non_null(
		    strstr(explanation->findings[i].sentence, "keeper/5001 held it when waits of 70% of that time began"));
	}
	assert_true(found);
	assert_non_null(strstr(explanation->headline, "waited for the lock \"orders_lock\" (held by keeper/5001)"));
	explanation_free(explanation);
	run_free(run);
}

static void place_is(const char *stack, const char *place)
{
	struct run *run = build_run("one", 1 * S);
	struct explanation *explanation;

	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 1 * S);
	build_wait(run, &run->threads[0], CLASS_SLEEP, "clock_nanosleep", 1, 1 * S)->stack = build_stack(run, stack);
	explanation = explained(run);
	if (place)
		assert_string_equal(explanation->causes[0].place, place);
	else
		assert_null(explanation->causes[0].place);
	explanation_free(explanation);
	run_free(run);
}

static void test_places_are_the_programs_own(void **state)
{
	(void)state;
	place_is("", NULL);
	place_is("start_thread;pthread_cond_wait;do_futex_[k]", NULL);
	place_is("_start;__libc_start_main;main;sem_wait;do_futex_[k]", "main");
	place_is("main;a;b;c;d;sem_wait", "d <- c <- b");
	place_is("main;walk;walk;walk;walk;read_leaf", "read_leaf <- walk <- main");
	place_is("[unfinished: no tables];leaf;pthread_mutex_lock", "leaf");
}

static void heap_lock_is(const char *stack, const char *name)
{
	struct run *run = build_run("one", 1 * S);
	struct explanation *explanation;
	struct run_wait *wait;

	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 1 * S);
	wait = build_futex(run, &run->threads[0], "", 0, true, 1, 1 * S);
	wait->address = 0x5581000;
	wait->stack = build_stack(run, stack);
	explanation = explained(run);
	assert_string_equal(explanation->causes[0].cause, name);
	explanation_free(explanation);
	run_free(run);
}

static void test_a_lock_on_the_heap_is_called_by_the_function_that_waits_for_it(void **state)
{
	(void)state;
	heap_lock_is("main;orders_add;pthread_mutex_lock", "mutex of orders_add() at 0x5581000");
	heap_lock_is("main;Orders::add(int);pthread_mutex_lock", "mutex of Orders::add(int) at 0x5581000");
	/* Not by those of a runtime that all of its locks are waited for in. */
	heap_lock_is("main;CompileQueue::get();Monitor::wait(long);os::PlatformMonitor::wait(long);pthread_mutex_lock",
		     "mutex of CompileQueue::get() at 0x5581000");
	heap_lock_is("main;Refine::run();PosixSemaphore::wait();sem_wait", "semaphore of Refine::run() at 0x5581000");
}

/* Under `depth` frames that are not worth a word, as no program but a recording may have them without end. */
static struct run *run_deep(size_t depth)
{
	struct run *run = build_run("one", 1 * S);

	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 1 * S);
	build_stack(run, "main;sem_wait");
	for (; run->n_stacks < depth + 1; run->n_stacks++)
		run->stacks[run->n_stacks] = (struct run_stack){.id = run->n_stacks + 1, .parent = run->n_stacks, .frame = 2};
	build_wait(run, &run->threads[0], CLASS_SLEEP, "nanosleep", 1, 1 * S)->stack = run->n_stacks;
	return run;
}

static void test_an_endless_stack_ends(void **state)
{
	for (size_t depth = 200; depth < 4000; depth += 3000) {
		struct run *run = run_deep(depth);
		struct explanation *explanation = explained(run);

		if (depth == 200)
			assert_string_equal(explanation->causes[0].place, "main");
		else
			assert_null(explanation->causes[0].place);
		explanation_free(explanation);
		run_free(run);
	}
	(void)state;
}

static void test_percentiles(void **state)
{
	uint64_t log2_ns[WAIT_LOG2_SLOTS] = {0};

	(void)state;
	assert_int_equal(explain_percentile(log2_ns, 1000, 0.5), 0);
	log2_ns[21] = 1;
	assert_int_equal(explain_percentile(log2_ns, 3000000, 0.5), 3000000); /* one wait took what it took */
	log2_ns[21] = 0;
	log2_ns[10] = 90; /* 1024 .. 2047 */
	log2_ns[20] = 10; /* 1048576 .. 2097151 */
	assert_int_equal(explain_percentile(log2_ns, 1500000, 0.45), 1536);
	assert_int_equal(explain_percentile(log2_ns, 1500000, 0.9), 2048);
	/* The longest bounds its bucket: between 1048576 and 1500000. */
	assert_int_equal(explain_percentile(log2_ns, 1500000, 0.95), (1048576 + 1500000) / 2);
	assert_int_equal(explain_percentile(log2_ns, 1500000, 1), 1500000);
	for (double q = 0, last = 0; q <= 1; q += 0.01) {
		double value = explain_percentile(log2_ns, 1500000, q);

		assert_true(value >= last && value <= 1500000);
		last = value;
	}
	/* A maximum that contradicts the histogram wins: nothing beyond it is ever told. */
	assert_int_equal(explain_percentile(log2_ns, 5, 0.99), 5);
	log2_ns[WAIT_LOG2_SLOTS - 1] = 1000;
	assert_true(explain_percentile(log2_ns, 3ull << WAIT_LOG2_SLOTS, 0.99) <= 3ull << WAIT_LOG2_SLOTS);
	assert_true(explain_percentile(log2_ns, 3ull << WAIT_LOG2_SLOTS, 0.99) > 1ull << WAIT_LOG2_SLOTS);
	/* Most had ended when they began: half of a nanosecond is no length. */
	memset(log2_ns, 0, sizeof(log2_ns));
	log2_ns[0] = 60;
	log2_ns[17] = 12;
	assert_int_equal(explain_percentile(log2_ns, 200000, 0.5), 0);
	assert_true(explain_percentile(log2_ns, 200000, 0.95) >= 131072);
}

/* Functions by their own time: exact time of threads, divided over their samples, whose number does not matter. */
static void test_functions_by_their_own_time(void **state)
{
	struct run *run = build_run("one", 10 * S);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "one");
	for (int i = 0; i < 3; i++)
		build_thread(run, 1, 0, "one", 0, 10 * S);
	build_cpu(&run->threads[0], 4 * S, 0);
	build_cpu(&run->threads[1], 4 * S, 2 * S);
	build_cpu(&run->threads[2], 1 * S, 0);
	build_sample(run, &run->threads[0], "main;hash", 1);
	build_sample(run, &run->threads[0], "main;work;hash", 2);
	build_sample(run, &run->threads[0], "main", 1);
	build_sample(run, &run->threads[1], "main", 4000);
	build_sample(run, &run->threads[1], "main;hash;entry_[k];copy_[k]", 2000);
	explanation = explained(run);
	assert_int_equal(explanation->n_hot, 3);
	assert_string_equal(explanation->hot[0].function, "main");
	assert_int_equal(explanation->hot[0].self_ns, 5 * S);
	assert_int_equal(explanation->hot[0].samples, 4001);
	assert_string_equal(explanation->hot[1].function, "hash");
	assert_int_equal(explanation->hot[1].self_ns, 3 * S);
	assert_string_equal(explanation->hot[2].function, "copy");
	assert_true(explanation->hot[2].kernel);
	assert_int_equal(explanation->hot[2].self_ns, 2 * S);
	assert_int_equal(explanation->not_sampled_ns, 1 * S);
	explanation_free(explanation);
	run_free(run);
}

/* Rows as a busy recording has them: each cause, stack, holder and waker is another one. */
static struct run *run_rows(size_t n)
{
	struct run *run = build_run("many", 10 * S);

	build_process(run, 0, "many");
	for (int i = 0; i < 1000; i++)
		build_thread(run, 1, 1, "worker", 0, 10 * S);
	for (int i = 0; i < 500; i++) {
		char stack[64];

		snprintf(stack, sizeof(stack), "main;f%d;pthread_mutex_lock", i);
		build_stack(run, stack);
	}
	run->waits = reallocarray(run->waits, n + 1000, sizeof(*run->waits));
	while (run->n_waits < n) {
		size_t i = run->n_waits;
		struct run_wait *wait = build_futex(run, &run->threads[i % 1000], "", 64 * (i % 25000), true, 1, 1000);

		wait->stack = 1 + i % run->n_stacks;
		wait->holder = 1 + i % 997;
		wait->waker = 1 + i % 991;
	}
	for (int i = 0; i < 1000; i++)
		build_rest_in_queue(run, &run->threads[i]);
	return run;
}

/* The best of three, as others use the machine too. */
static double seconds_for(size_t n)
{
	struct run *run = run_rows(n);
	double best = 0;

	for (int i = 0; i < 3; i++) {
		clock_t begin = clock();
		struct explanation *explanation = explained(run);
		double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;

		best = !i || seconds < best ? seconds : best;
		assert_int_equal(explanation->ns[STATE_LOCK], n * 1000);
		explanation_free(explanation);
	}
	run_free(run);
	return best;
}

static void test_a_hundred_thousand_rows_take_no_pairs(void **state)
{
	double few = seconds_for(12500), many = seconds_for(100000);

	(void)state;
	print_message("12,500 rows: %.3f s, 100,000 rows: %.3f s\n", few, many);
	/* Eight times the rows take eight to ten times as long; a loop over pairs would take 64 times. */
	assert_true(many < 30 * few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_merge_by_thread_cause_holder_and_waker),
	    cmocka_unit_test(test_a_cause_names_its_holder_waker_and_place),
	    cmocka_unit_test(test_the_finding_names_the_holder),
	    cmocka_unit_test(test_the_finding_is_silent_on_a_holder_of_next_to_nothing),
	    cmocka_unit_test(test_places_are_the_programs_own),
	    cmocka_unit_test(test_a_lock_on_the_heap_is_called_by_the_function_that_waits_for_it),
	    cmocka_unit_test(test_an_endless_stack_ends),
	    cmocka_unit_test(test_percentiles),
	    cmocka_unit_test(test_functions_by_their_own_time),
	    cmocka_unit_test(test_a_hundred_thousand_rows_take_no_pairs),
	};

	return cmocka_run_group_tests_name("explain: waits", tests, NULL, NULL);
}
