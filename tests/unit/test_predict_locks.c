/* SPDX-License-Identifier: Apache-2.0 */
/* Who held a lock when, inferred from recordings made by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/predict_locks.h"
#include "explained.h"
#include "run_builder.h"
#include "predicted.h"

struct held {
	uint32_t lane;
	enum step_kind kind;
	double at_ms;
};

/* Exactly these, in this order (by lock, thread and time); `vain`: how many waits did not get the lock. */
static void infers(const struct run *run, const struct held *expected, size_t n, size_t vain)
{
	struct timeline *timeline;
	struct actions actions = {0};
	struct fates fates = {.factor = 1};
	struct replay_lock *locks;
	size_t n_locks, in_vain = 0;
	bool *marks = calloc(run->n_episodes + 1, sizeof(*marks));

	assert_int_equal(timeline_open(run, NULL, &timeline), 0);
	fates.n = run->n_waits + CLASS_COUNT;
	fates.changed = calloc(fates.n, sizeof(bool));
	assert_non_null(fates.changed);
	assert_non_null(marks);
	assert_int_equal(locks_infer(timeline, &fates, &actions, marks, &locks, &n_locks), 0);
	for (size_t i = 0; i < actions.n && i < n; i++)
		if (actions.items[i].lane != expected[i].lane || actions.items[i].kind != expected[i].kind ||
		    actions.items[i].at_ns != (uint64_t)(expected[i].at_ms * MS))
			fail_msg("%zu: thread %u %s at %.3f ms", i, actions.items[i].lane,
				 actions.items[i].kind == STEP_ACQUIRE ? "has it" : "gives it up", actions.items[i].at_ns / 1e6);
	assert_int_equal(actions.n, n);
	for (size_t i = 0; i < run->n_episodes; i++)
		in_vain += marks[i];
	assert_int_equal(in_vain, vain);
	assert_int_equal(n_locks, 1);
	free(actions.items);
	free(fates.changed);
	free(locks);
	free(marks);
	timeline_close(timeline);
}

#define INFERS(run, vain, ...)                                                                                                   \
	infers(run, (struct held[]){__VA_ARGS__}, sizeof((struct held[]){__VA_ARGS__}) / sizeof(struct held), vain)

static struct run *two_threads(struct run_thread *threads[2])
{
	struct run *run = build_run("locks", 100 * MS);

	build_process(run, 0, "locks");
	threads[0] = build_thread(run, 1, 0, "a", 0, 100 * MS);
	threads[1] = build_thread(run, 1, 1, "b", 0, 100 * MS);
	return run;
}

/* b waits from 10 to 40, when a ends that: a had it at 10 at the latest. b keeps it as long as that is known of nobody: not at all. */
static void test_held_until_it_is_given_on(void **state)
{
	struct run_thread *threads[2];
	struct run *run = two_threads(threads);

	(void)state;
	off(run, threads[0], lock_wait(run, threads[0], "orders_lock", 10), threads[1], 60, 10, 0);
	off(run, threads[1], lock_wait(run, threads[1], "orders_lock", 30), threads[0], 10, 30, 0);
	/* b has it from its wait's begin in the replay's terms, to 70; a from 60, for 30 ms, as b had it. */
	INFERS(run, 0, {0, STEP_ACQUIRE, 10}, {0, STEP_RELEASE, 40}, {0, STEP_ACQUIRE, 60}, {0, STEP_RELEASE, 70},
	       {1, STEP_ACQUIRE, 10}, {1, STEP_RELEASE, 70});
	run_free(run);
}

/* Three waits at once are one; the others were in vain. Then it holds the lock, as it waits for nothing, until it sleeps. */
static void test_an_interpreters_lock_is_held_until_the_next_wait(void **state)
{
	struct run_thread *threads[2];
	struct run *run = two_threads(threads);
	struct run_wait *wait;

	(void)state;
	for (int i = 0; i < 3; i++) {
		wait = build_futex(run, threads[1], "interpreter_lock", 48, false, 1, 5 * MS);
		wait->waker = i == 2 ? threads[0]->id : 0;
		build_episode(run, threads[1], wait, 20 * MS + i * (5 * MS + 10000), 5 * MS, 0);
	}
	off(run, threads[1], sleep_wait(run, threads[1], 10), NULL, 60, 10, 0);
	/* a is not known to have had it before the wait that it ended began, at 30.020 ms; it ended that at 35.020. */
	INFERS(run, 2, {0, STEP_ACQUIRE, 30.02}, {0, STEP_RELEASE, 35.02}, {1, STEP_ACQUIRE, 20}, {1, STEP_RELEASE, 60});
	run_free(run);
}

/* Who has got an interpreter's lock tells its former holder so: that is not giving it up. */
static void test_telling_the_former_holder(void **state)
{
	struct run_thread *threads[2];
	struct run *run = two_threads(threads);
	struct run_wait *told;

	(void)state;
	told = build_futex(run, threads[0], "interpreter_lock", 52, false, 1, MS);
	told->waker = threads[1]->id;
	build_episode(run, threads[0], told, 40 * MS, 10000, 0);
	off(run, threads[1], build_futex(run, threads[1], "interpreter_lock", 48, false, 1, 20 * MS), threads[0], 20, 20, 0);
	/* b has it at 40 and tells a at 40.010; nothing says that it gives it up before its end. */
	INFERS(run, 0, {0, STEP_ACQUIRE, 20}, {0, STEP_RELEASE, 40}, {0, STEP_ACQUIRE, 40}, {0, STEP_RELEASE, 100},
	       {1, STEP_ACQUIRE, 20}, {1, STEP_RELEASE, 100});
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_held_until_it_is_given_on),
	    cmocka_unit_test(test_an_interpreters_lock_is_held_until_the_next_wait),
	    cmocka_unit_test(test_telling_the_former_holder),
	};

	return cmocka_run_group_tests_name("predict: who held a lock when", tests, NULL, NULL);
}
