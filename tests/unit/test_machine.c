/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's own sums: what they say of a time, and that they say nothing where they contradict themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trace/machine.h"

static void test_a_difference_is_what_came_about(void **state)
{
	const struct machine_times from = {.busy_ns = 100, .stolen_ns = 10}, to = {.busy_ns = 130, .stolen_ns = 12};
	const struct machine_times between = machine_between(&from, &to);

	(void)state;
	assert_int_equal(between.busy_ns, 30);
	assert_int_equal(between.stolen_ns, 2);
}

static void test_sums_that_go_backwards_or_are_not_known_say_nothing(void **state)
{
	const struct machine_times from = {.busy_ns = 100, .stolen_ns = 10}, back = {.busy_ns = 99, .stolen_ns = 9}, none = {0};
	const struct machine_times cases[] = {machine_between(&from, &back), machine_between(&from, &none),
					      machine_between(&none, &from)};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cases[i].busy_ns, 0);
		assert_int_equal(cases[i].stolen_ns, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_difference_is_what_came_about),
	    cmocka_unit_test(test_sums_that_go_backwards_or_are_not_known_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
