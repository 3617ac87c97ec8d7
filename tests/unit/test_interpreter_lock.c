/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter lock keeps its promises: one holder, a request after the interval, a switch that really happens. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "models/clock.h"
#include "models/interpreter_lock.h"

#define THREADS 4

struct fixture {
	struct interpreter_lock lock;
	atomic_int inside;
	atomic_bool two_inside, kept;
	uint64_t counter; /* guarded by the lock alone */
	uint64_t until_ns;
	unsigned int rounds;
};

struct spinner {
	struct fixture *fixture;
	struct lock_user user;
	pthread_t thread;
	uint64_t steps, yields;
};

static void enter(struct fixture *fixture)
{
	if (atomic_fetch_add(&fixture->inside, 1) != 0)
		atomic_store(&fixture->two_inside, true);
}

static void leave(struct fixture *fixture)
{
	atomic_fetch_sub(&fixture->inside, 1);
}

/* Takes and drops; in between it is alone, also across a requested drop. */
static void *take_and_drop(void *arg)
{
	struct spinner *self = arg;
	struct fixture *fixture = self->fixture;

	for (unsigned int i = 0; i < fixture->rounds; i++) {
		interpreter_lock_take(&fixture->lock, &self->user);
		for (int j = 0; j < 50; j++) {
			enter(fixture);
			fixture->counter++;
			leave(fixture);
			interpreter_lock_check(&fixture->lock, &self->user);
		}
		interpreter_lock_drop(&fixture->lock, &self->user);
	}
	return NULL;
}

/* Never gives the lock up by itself. A yield must not return before the lock has been away and come back: two hand-offs. */
static void *spin(void *arg)
{
	struct spinner *self = arg;
	struct fixture *fixture = self->fixture;

	interpreter_lock_take(&fixture->lock, &self->user);
	while (now_ns() < fixture->until_ns) {
		self->steps++;
		if (atomic_load(&fixture->lock.drop_request)) {
			uint64_t before = fixture->lock.handoffs;

			interpreter_lock_yield(&fixture->lock, &self->user);
			self->yields++;
			if (fixture->lock.handoffs < before + 2)
				atomic_store(&fixture->kept, true);
		}
	}
	interpreter_lock_drop(&fixture->lock, &self->user);
	return NULL;
}

static void run(struct fixture *fixture, struct spinner *spinners, int count, void *(*body)(void *))
{
	for (int i = 0; i < count; i++) {
		spinners[i] = (struct spinner){.fixture = fixture};
		assert_int_equal(pthread_create(&spinners[i].thread, NULL, body, &spinners[i]), 0);
	}
	for (int i = 0; i < count; i++)
		pthread_join(spinners[i].thread, NULL);
}

static void there_is_never_more_than_one_holder(void **state)
{
	struct fixture fixture = {.rounds = 3000};
	struct spinner spinners[THREADS];

	(void)state;
	assert_int_equal(interpreter_lock_init(&fixture.lock, 50), 0);
	run(&fixture, spinners, THREADS, take_and_drop);
	assert_false(atomic_load(&fixture.two_inside));
	assert_true(fixture.counter == THREADS * 3000ull * 50);
	assert_false(fixture.lock.locked);
	assert_true(fixture.lock.handoffs > 0);
	interpreter_lock_destroy(&fixture.lock);
}

static void a_forced_switch_really_hands_over(void **state)
{
	struct fixture fixture = {.until_ns = now_ns() + NSEC_PER_SEC / 2};
	struct spinner spinners[2];

	(void)state;
	assert_int_equal(interpreter_lock_init(&fixture.lock, 500), 0);
	run(&fixture, spinners, 2, spin);
	assert_false(atomic_load(&fixture.kept));
	assert_true(spinners[0].steps > 0 && spinners[1].steps > 0);
	assert_true(spinners[0].yields > 0 && spinners[1].yields > 0);
	/* Two threads take turns. */
	assert_true(spinners[0].yields <= spinners[1].yields + 1 && spinners[1].yields <= spinners[0].yields + 1);
	assert_true(fixture.lock.forced == spinners[0].yields + spinners[1].yields);
	assert_in_range(fixture.lock.handoffs, fixture.lock.forced, fixture.lock.forced + 1);
	assert_true(spinners[0].user.wait_ns > 0 && spinners[1].user.wait_ns > 0);
	interpreter_lock_destroy(&fixture.lock);
}

static uint64_t handoffs_with(unsigned int interval_us)
{
	struct fixture fixture = {.until_ns = now_ns() + NSEC_PER_SEC / 2};
	struct spinner spinners[2];

	assert_int_equal(interpreter_lock_init(&fixture.lock, interval_us), 0);
	run(&fixture, spinners, 2, spin);
	interpreter_lock_destroy(&fixture.lock);
	return fixture.lock.handoffs;
}

/* Threads that have to wait for a CPU hand over late whatever the interval: on a machine with other work it can take some tries. */
static void a_shorter_interval_switches_more_often(void **state)
{
	uint64_t slow = 0, fast = 0;

	(void)state;
	for (int i = 0; i < 10 && (!slow || fast <= 3 * slow); i++) {
		slow = handoffs_with(50000);
		fast = handoffs_with(1000);
	}
	assert_true(slow > 0);
	assert_true(fast > 3 * slow);
}

static void a_lone_thread_is_never_asked(void **state)
{
	struct fixture fixture = {.until_ns = now_ns() + NSEC_PER_SEC / 20};
	struct spinner spinner;

	(void)state;
	assert_int_equal(interpreter_lock_init(&fixture.lock, 1), 0);
	run(&fixture, &spinner, 1, spin);
	assert_int_equal(spinner.yields, 0);
	assert_int_equal(fixture.lock.handoffs, 0);
	assert_int_equal(fixture.lock.forced, 0);
	interpreter_lock_destroy(&fixture.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_is_never_more_than_one_holder),
	    cmocka_unit_test(a_forced_switch_really_hands_over),
	    cmocka_unit_test(a_shorter_interval_switches_more_often),
	    cmocka_unit_test(a_lone_thread_is_never_asked),
	};

	return cmocka_run_group_tests_name("interpreter lock", tests, NULL, NULL);
}
