/* SPDX-License-Identifier: Apache-2.0 */
/* account.h, single cases in words: each race of the design once, with figures that can be checked by eye. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "account.h"
#include "account_random.h"

static void test_wait_is_split_at_the_wake_up(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split s;

	(void)state;
	account_switch_out(&a, START + 10, 1, CLASS_PIPE, &s);
	account_wake(&a, START + 100);
	account_switch_in(&a, START + 130, &s);
	assert_int_equal(a.ns[CLASS_USER], 10);
	assert_int_equal(a.ns[CLASS_PIPE], 90);
	assert_int_equal(a.ns[CLASS_WOKEN], 30);
	assert_int_equal(s.blocked, 1);
	assert_int_equal(s.queued, 1);
	assert_int_equal(s.class, CLASS_PIPE);
	assert_int_equal(s.blocked_ns, 90);
	assert_int_equal(s.queued_ns, 30);
	assert_int_equal(s.lost_wake, 0);
}

static void test_wake_before_the_switch_out_cancels_the_wait(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split s;

	(void)state;
	account_wake(&a, START + 9);
	account_switch_out(&a, START + 10, 1, CLASS_FUTEX, &s);
	account_switch_in(&a, START + 50, &s);
	assert_int_equal(a.ns[CLASS_FUTEX], 0);
	assert_int_equal(a.ns[CLASS_WOKEN], 40);
	assert_int_equal(s.lost_wake, 0);
}

static void test_wake_of_an_earlier_wait_says_nothing_about_a_later_one(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split s;

	(void)state;
	account_switch_out(&a, START + 10, 1, CLASS_FUTEX, &s);
	account_wake(&a, START + 20);
	account_switch_in(&a, START + 30, &s);
	account_switch_out(&a, START + 40, 1, CLASS_FUTEX, &s);
	account_switch_in(&a, START + 90, &s); /* its wake-up was lost */
	assert_int_equal(s.lost_wake, 1);
	assert_int_equal(s.blocked_ns, 50);
	assert_int_equal(a.ns[CLASS_FUTEX], 60);
	assert_int_equal(a.ns[CLASS_WOKEN], 10);
}

static void test_wait_given_up_without_a_switch_leaves_no_stale_wake(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split s;

	(void)state;
	account_wake(&a, START + 5);
	account_side(&a, START + 10, CLASS_USER);
	account_side(&a, START + 20, CLASS_KERNEL);
	account_switch_out(&a, START + 30, 1, CLASS_SOCKET, &s);
	account_switch_in(&a, START + 100, &s);
	assert_int_equal(s.lost_wake, 1);
	assert_int_equal(a.ns[CLASS_SOCKET], 70);
}

static void test_snapshot_of_an_open_wait_counts_up_to_the_edge(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split s;

	(void)state;
	account_switch_out(&a, START + 10, 1, CLASS_SLEEP, &s);
	account_wake(&a, START + 300); /* after the end of the measurement */
	account_end(&a, START + 200, &s);
	assert_int_equal(a.ns[CLASS_SLEEP], 190);
	assert_int_equal(a.ns[CLASS_WOKEN], 0);
}

static void test_nothing_happens_before_the_begin(void **state)
{
	struct account a, zero;
	struct account_split s;

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&zero, 0, sizeof(zero));
	account_side(&a, START, CLASS_KERNEL);
	account_switch_out(&a, START + 10, 1, CLASS_FUTEX, &s);
	assert_int_equal(s.blocked_ns + s.queued_ns, 0);
	account_switch_in(&a, START + 20, &s);
	account_switch_out(&a, START + 30, 0, CLASS_FUTEX, &s);
	assert_memory_equal(a.ns, zero.ns, sizeof(a.ns));
	assert_int_equal(a.phase, PHASE_OFF);
	account_begin(&a, START + 40, PHASE_ON_CPU, CLASS_USER);
	account_end(&a, START + 50, &s);
	assert_int_equal(sum(a.ns), 10);
}

/* One end for all: events at or after it are dropped, wake-ups may still come, and every life ends exactly there. */
static void test_end_of_measurement_is_the_same_for_every_account(void **state)
{
	(void)state;
	for (unsigned long i = 0; i < rounds() / 10; i++) {
		__u64 end = START + below(3000), now = START;
		struct account a = started(one_in(2) ? PHASE_WOKEN : PHASE_ON_CPU);
		struct account_split s;

		for (int k = 0; k < 20; k++) {
			unsigned int kind = (unsigned int)below(4);

			now += below(300);
			if (kind == 0)
				account_wake(&a, now);
			else if (now >= end)
				continue;
			else if (kind == 1)
				account_switch_out(&a, now, (int)below(2), any_wait(), &s);
			else if (kind == 2)
				account_switch_in(&a, now, &s);
			else
				account_side(&a, now, any_side());
		}
		account_end(&a, end, &s);
		assert_int_equal(sum(a.ns), end - START);
	}
}

/* Pending signal: the argument is stale, the task's own state is not. Qualifying bits mean nothing alone. */
static void test_blocks_only_if_argument_and_task_say_so(void **state)
{
	const __u64 interruptible = 1, uninterruptible = 2, dead = 0x80, waking = 0x200, noload = 0x400, report = 0x800,
		    freezable = 0x2000, frozen = 0x8000;

	(void)state;
	assert_true(account_blocks(0, interruptible, interruptible));
	assert_true(account_blocks(0, uninterruptible | noload, uninterruptible | noload));
	assert_true(account_blocks(0, interruptible | freezable, interruptible | freezable));
	assert_true(account_blocks(0, interruptible, waking));
	assert_true(account_blocks(0, frozen, frozen));
	assert_true(account_blocks(0, dead, dead));
	assert_false(account_blocks(0, interruptible, 0));
	assert_false(account_blocks(0, 0, interruptible));
	assert_false(account_blocks(1, interruptible, interruptible));
	assert_false(account_blocks(0, freezable, freezable));
	assert_false(account_blocks(0, noload, noload));
	assert_false(account_blocks(0, report, report));
	assert_false(account_blocks(0, interruptible, freezable));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wait_is_split_at_the_wake_up),
	    cmocka_unit_test(test_wake_before_the_switch_out_cancels_the_wait),
	    cmocka_unit_test(test_wake_of_an_earlier_wait_says_nothing_about_a_later_one),
	    cmocka_unit_test(test_wait_given_up_without_a_switch_leaves_no_stale_wake),
	    cmocka_unit_test(test_snapshot_of_an_open_wait_counts_up_to_the_edge),
	    cmocka_unit_test(test_nothing_happens_before_the_begin),
	    cmocka_unit_test(test_end_of_measurement_is_the_same_for_every_account),
	    cmocka_unit_test(test_blocks_only_if_argument_and_task_say_so),
	};

	seed_random();
	return cmocka_run_group_tests_name("account_cases", tests, NULL, NULL);
}
