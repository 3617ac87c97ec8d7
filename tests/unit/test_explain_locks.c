/* SPDX-License-Identifier: Apache-2.0 */
/* What a futex is: by the function on the stack that waits for it; and what a lock without a symbol is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "run_builder.h"

static struct run *one_process(void)
{
	struct run *run = build_run("shop", 1 * S);

	build_process(run, 0, "shop");
	build_thread(run, 1, 0, "shop", 0, 1 * S);
	build_thread(run, 1, 1, "clerk", 0, 1 * S);
	return run;
}

/* The only cause of the run must be this. */
static void expect_cause(struct run *run, enum state state, const char *cause)
{
	struct explanation *explanation;

	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(explanation->n_causes, 1);
	assert_string_equal(explanation->causes[0].cause, cause);
	assert_int_equal(explanation->causes[0].state, state);
	explanation_free(explanation);
}

static void test_the_function_on_the_stack_says_what_it_is(void **unused)
{
	static const struct {
		const char *stack;
		bool expects_2;
		enum state state;
		const char *cause;
	} cases[] = {
	    {"main;work;pthread_mutex_lock;lll_lock_wait;futex_wait_[k]", true, STATE_LOCK, "thing"},
	    {"main;work;___pthread_mutex_lock@@GLIBC_2.2.5;__lll_lock_wait", true, STATE_LOCK, "thing"},
	    /* Not the value, but the function: a robust mutex has its owner in the word, a barrier may have a 2. */
	    {"main;work;pthread_mutex_timedlock", false, STATE_LOCK, "thing"},
	    {"main;work;pthread_barrier_wait;futex_wait", true, STATE_SYNC, "barrier thing"},
	    {"main;work;pthread_rwlock_rdlock", true, STATE_LOCK, "rwlock thing (to read)"},
	    {"main;work;__pthread_rwlock_wrlock_full64", false, STATE_LOCK, "rwlock thing (to write)"},
	    {"main;work;pthread_rwlock_timedrdlock", false, STATE_LOCK, "rwlock thing (to read)"},
	    {"main;work;pthread_cond_timedwait@@GLIBC_2.3.2;__futex_abstimed_wait_common", false, STATE_SYNC, "condition thing"},
	    /* The mutex is taken again before the wait for the condition returns. */
	    {"main;work;pthread_cond_wait;__pthread_mutex_cond_lock", true, STATE_LOCK, "thing"},
	    {"main;work;pthread_cond_wait", true, STATE_LOCK, "thing"},
	    {"main;work;sem_wait;__new_sem_wait_slow64", false, STATE_SYNC, "semaphore thing"},
	    {"main;work;__new_sem_wait_slow64", true, STATE_SYNC, "semaphore thing"},
	    {"main;acquire;PyThread_acquire_lock_timed;sem_clockwait", false, STATE_SYNC, "runtime event or queue"},
	    {"main;work;pthread_once;__pthread_once_slow", false, STATE_LOCK, "once thing"},
	    {"main;work;__cxa_guard_acquire;syscall", false, STATE_LOCK, "once thing"},
	    {"main;work;__pthread_clockjoin_ex", false, STATE_SYNC, "join"},
	    /* Names that only begin alike are others. */
	    {"main;sem_waiting_room", false, STATE_SYNC, "thing"},
	    {"main;my_pthread_mutex_lock", false, STATE_SYNC, "thing"},
	    {"main;work;syscall", true, STATE_LOCK, "thing"},
	    /* Kernel functions are no library's. */
	    {"main;work;mtx_lock_[k]", false, STATE_SYNC, "thing"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run *run = one_process();

		build_futex(run, &run->threads[0], "thing", 0, cases[i].expects_2, 1, 1000)->stack =
		    build_stack(run, cases[i].stack);
		expect_cause(run, cases[i].state, cases[i].cause);
		run_free(run);
	}
}

static void test_words_of_one_thing_are_one_cause(void **unused)
{
	struct run *run = one_process();

	(void)unused;
	for (uint64_t word = 40; word <= 44; word += 4)
		build_futex(run, &run->threads[0], "ready", word, false, 1, 1000)->stack =
		    build_stack(run, "main;pthread_cond_wait");
	expect_cause(run, STATE_SYNC, "condition ready");
	run_free(run);

	run = one_process();
	for (uint64_t word = 400; word <= 404; word += 4)
		build_futex(run, &run->threads[0], "shelves", word, false, 1, 1000)->stack =
		    build_stack(run, "main;pthread_cond_wait");
	expect_cause(run, STATE_SYNC, "condition shelves+400");
	run_free(run);
}

static struct run_wait *heap_lock(struct run *run, struct run_thread *thread, uint64_t address, const char *stack, uint64_t ns)
{
	struct run_wait *wait = build_futex(run, thread, "", 0, true, 1, ns);

	set_text(&wait->file, "");
	wait->address = address;
	wait->stack = build_stack(run, stack);
	return wait;
}

static void test_a_heap_lock_has_one_name_wherever_it_is_taken(void **unused)
{
	struct run *run = one_process();

	(void)unused;
	heap_lock(run, &run->threads[0], 0x5000, "main;drain;pthread_mutex_lock", 1000);
	heap_lock(run, &run->threads[1], 0x5000, "start;fill;std::mutex::lock;pthread_mutex_lock", 3000);
	expect_cause(run, STATE_LOCK, "mutex of fill() at 0x5000");
	run_free(run);

	/* Of as long waits the first name: the same in every run. */
	run = one_process();
	heap_lock(run, &run->threads[1], 0x5000, "start;fill;pthread_mutex_lock", 1000);
	heap_lock(run, &run->threads[0], 0x5000, "main;drain;pthread_mutex_lock", 1000);
	expect_cause(run, STATE_LOCK, "mutex of drain() at 0x5000");
	run_free(run);

	/* Several short waits of one function are more than a long one of another. */
	run = one_process();
	heap_lock(run, &run->threads[0], 0x5000, "main;drain;pthread_mutex_lock", 1500);
	heap_lock(run, &run->threads[0], 0x5000, "main;fill;pthread_mutex_lock", 1000);
	heap_lock(run, &run->threads[1], 0x5000, "start;fill;pthread_mutex_lock", 1000);
	expect_cause(run, STATE_LOCK, "mutex of fill() at 0x5000");
	run_free(run);
}

static void test_the_same_address_in_another_process_is_another_lock(void **unused)
{
	struct run *run = one_process();
	struct explanation *explanation;

	(void)unused;
	build_process(run, 1, "shop");
	build_thread(run, 2, 1, "shop", 0, 1 * S);
	heap_lock(run, &run->threads[0], 0x5000, "main;drain;pthread_mutex_lock", 3000);
	heap_lock(run, &run->threads[2], 0x5000, "main;fill;pthread_mutex_lock", 1000);
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(explanation->n_causes, 2);
	assert_string_equal(explanation->causes[0].cause, "mutex of drain() at 0x5000");
	assert_string_equal(explanation->causes[1].cause, "mutex of fill() at 0x5000");
	explanation_free(explanation);
	run_free(run);
}

static void test_a_caller_without_a_name_is_its_object(void **unused)
{
	struct run *run = one_process();
	uint64_t frame;

	(void)unused;
	heap_lock(run, &run->threads[0], 0x5000, "main;nameless;pthread_mutex_lock", 1000);
	frame = run->stacks[run->stacks[run->waits[0].stack - 1].parent - 1].frame;
	set_text(&run->frames[frame - 1].function, "");
	set_text(&run->frames[frame - 1].object, "libshop.so.2");
	expect_cause(run, STATE_LOCK, "mutex of libshop.so.2 at 0x5000");
	run_free(run);
}

static void test_kernel_locks_by_who_takes_them(void **unused)
{
	struct run *run = one_process();
	struct run_wait *wait = build_wait(run, &run->threads[0], CLASS_KLOCK, "write", 1, 1000);

	(void)unused;
	set_text(&wait->object, "rwsem (to write)");
	wait->stack = build_stack(
	    run, "main;write;ksys_write_[k];ext4_write_[k];down_write_[k];rwsem_down_write_slowpath_[k];schedule_[k]");
	expect_cause(run, STATE_LOCK, "kernel rwsem (to write) in ext4_write()");
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_function_on_the_stack_says_what_it_is),
	    cmocka_unit_test(test_words_of_one_thing_are_one_cause),
	    cmocka_unit_test(test_a_heap_lock_has_one_name_wherever_it_is_taken),
	    cmocka_unit_test(test_the_same_address_in_another_process_is_another_lock),
	    cmocka_unit_test(test_a_caller_without_a_name_is_its_object),
	    cmocka_unit_test(test_kernel_locks_by_who_takes_them),
	};

	return cmocka_run_group_tests_name("explain: locks", tests, NULL, NULL);
}
