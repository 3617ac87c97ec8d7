/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are repeated: medians and intervals by the book, what is noise and what is not, and what the first line says of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explain/repeats.h"
#include "explained.h"
#include "run_builder.h"

#define N(times) (sizeof(times) / sizeof((times)[0]))

static struct spread spread_of(const uint64_t *ns, size_t n)
{
	struct spread spread;

	assert_int_equal(spread_compute(ns, n, &spread), 0);
	return spread;
}

/* 1, 2 ... n, not in order. */
static struct spread spread_of_first(size_t n)
{
	uint64_t ns[1000];

	for (size_t i = 0; i < n; i++)
		ns[i] = i % 2 ? n - i / 2 : i / 2 + 1;
	return spread_of(ns, n);
}

static void test_medians(void **state)
{
	static const uint64_t one[] = {7}, two[] = {9, 4}, odd[] = {30, 10, 20}, even[] = {40, 10, 20, 35},
			      huge[] = {UINT64_MAX, UINT64_MAX - 2};

	(void)state;
	assert_int_equal(spread_of(one, 1).median_ns, 7);
	assert_int_equal(spread_of(two, 2).median_ns, 6);
	assert_int_equal(spread_of(odd, 3).median_ns, 20);
	assert_int_equal(spread_of(even, 4).median_ns, 27);
	assert_int_equal(spread_of(even, 4).min_ns, 10);
	assert_int_equal(spread_of(even, 4).max_ns, 40);
	assert_int_equal(spread_of(huge, 2).median_ns, UINT64_MAX - 1);
}

/* Ranks and coverage as tables of the sign test have them (95%, two-sided). */
static void test_intervals_are_those_of_the_tables(void **state)
{
	static const struct {
		size_t n, rank;
		double coverage;
	} table[] = {
	    {1, 1, 0},       {2, 1, 0.5},     {3, 1, 0.75},    {5, 1, 0.9375},  {6, 1, 0.96875}, {8, 1, 0.9921875},
	    {9, 2, 0.96094}, {10, 2, 0.9785}, {15, 4, 0.9648}, {20, 6, 0.9586}, {25, 8, 0.9567}, {30, 10, 0.9572},
	};

	(void)state;
	for (size_t i = 0; i < N(table); i++) {
		struct spread spread = spread_of_first(table[i].n);

		assert_int_equal(spread.low_ns, table[i].rank);
		assert_int_equal(spread.high_ns, table[i].n + 1 - table[i].rank);
		if (fabs(spread.coverage - table[i].coverage) > 5e-5)
			fail_msg("%zu runs: coverage %f", table[i].n, spread.coverage);
	}
	/* n/2 - 0.98 sqrt(n), for large n. */
	assert_in_range(spread_of_first(1000).low_ns, 467, 471);
}

static enum spread_verdict verdict(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b)
{
	struct spread x = spread_of(a, n_a), y = spread_of(b, n_b);

	/* Which of the two is the first does not matter. */
	assert_int_equal(spread_compare(&x, &y), spread_compare(&y, &x));
	return spread_compare(&x, &y);
}

static void test_verdicts(void **state)
{
	static const uint64_t quick[] = {100, 103, 101, 104, 102}, slow[] = {150, 152, 151, 149, 155};
	static const uint64_t same[] = {103, 105, 101, 107, 104}, outlier[] = {100, 103, 101, 900, 102};
	static const uint64_t slow_outlier[] = {150, 152, 5000, 149, 155};
	/* Apart, but hardly more than each is wide: one of ten pairs of threes of the same thing looks so. */
	static const uint64_t three[] = {100, 103, 106}, next[] = {108, 110, 115}, far[] = {180, 190, 191};

	(void)state;
	assert_int_equal(verdict(quick, 5, slow, 5), SPREAD_DIFFERENCE);
	assert_int_equal(verdict(quick, 5, same, 5), SPREAD_NOISE);
	assert_int_equal(verdict(quick, 5, quick, 5), SPREAD_NOISE);
	assert_int_equal(verdict(outlier, 5, slow, 5), SPREAD_NOISE);
	assert_int_equal(verdict(quick, 5, slow_outlier, 5), SPREAD_DIFFERENCE);
	assert_int_equal(verdict(three, 3, next, 3), SPREAD_NOISE);
	assert_int_equal(verdict(three, 3, far, 3), SPREAD_DIFFERENCE);
	/* Too few to tell, whatever they are. */
	assert_int_equal(verdict(quick, 1, slow, 1), SPREAD_UNKNOWN);
	assert_int_equal(verdict(quick, 1, quick, 1), SPREAD_UNKNOWN);
	assert_int_equal(verdict(quick, 1, slow, 5), SPREAD_UNKNOWN);
	assert_int_equal(verdict(quick, 2, slow, 2), SPREAD_UNKNOWN);
	assert_int_equal(verdict(quick, 2, quick, 2), SPREAD_NOISE);
}

/* Of many pairs of the same thing, few are called different. A generator of its own: the same numbers each time. */
static void test_the_same_thing_is_seldom_called_different(void **state)
{
	static const struct {
		size_t n;
		unsigned int most; /* of 2,000, by three standard deviations above what spread.h says */
	} cases[] = {{3, 60}, {4, 80}, {5, 28}, {8, 15}, {20, 25}};
	uint64_t seed = 42;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		unsigned int found = 0;

		for (int pair = 0; pair < 2000; pair++) {
			uint64_t ns[2][20];

			for (size_t j = 0; j < 2 * cases[i].n; j++) {
				double uniform;

				seed = seed * 6364136223846793005u + 1442695040888963407u;
				uniform = ((seed >> 33) + 0.5) / (1u << 31);
				/* Never shorter than what has to be done, and now and then much longer. */
				ns[j / cases[i].n][j % cases[i].n] = 1e9 - 1e7 * log(uniform);
			}
			found += verdict(ns[0], cases[i].n, ns[1], cases[i].n) == SPREAD_DIFFERENCE;
		}
		if (found > cases[i].most)
			fail_msg("%zu runs each: %u of 2,000", cases[i].n, found);
	}
}

/* What is thrown away on the way is never what is wanted at the end. */
static void test_the_middle_run_is_kept(void **state)
{
	static const uint64_t ns[] = {50, 20, 20, 90, 10, 70, 20, 60, 30};
	bool kept[N(ns)];

	(void)state;
	for (size_t planned = 1; planned <= N(ns); planned++) {
		size_t left = 0, at = 0, shorter = 0, longer = 0;

		for (size_t i = 0; i < planned; i++)
			kept[i] = true;
		for (size_t n = 1; n <= planned; n++) {
			bool needed[N(ns)];

			assert_int_equal(spread_middle(ns, n, planned, needed), 0);
			for (size_t i = 0; i < n; i++) {
				assert_true(kept[i] || !needed[i]);
				kept[i] = needed[i];
			}
		}
		for (size_t i = 0; i < planned; i++) {
			left += kept[i];
			at = kept[i] ? i : at;
		}
		assert_int_equal(left, 1);
		for (size_t i = 0; i < planned; i++) {
			shorter += ns[i] < ns[at] || (ns[i] == ns[at] && i < at);
			longer += ns[i] > ns[at] || (ns[i] == ns[at] && i > at);
		}
		assert_int_equal(shorter, (planned - 1) / 2);
		assert_int_equal(longer, planned / 2);
	}
}

/* --- the first line --- */

struct compared {
	struct run *before, *after;
	struct explanation *a, *b;
	struct comparison *comparison;
};

static struct compared compare(uint64_t sleep_ns)
{
	struct compared c = {.before = run_serial_cpu(0), .after = run_serial_cpu(sleep_ns)};

	c.a = explained_on(c.before, 2);
	c.b = explained_on(c.after, 2);
	assert_int_equal(explain_difference(c.a, c.b, &c.comparison), 0);
	return c;
}

static void release(struct compared *c)
{
	comparison_free(c->comparison);
	explanation_free(c->a);
	explanation_free(c->b);
	run_free(c->before);
	run_free(c->after);
}

static void test_noise_is_never_a_speedup(void **state)
{
	static const uint64_t before[] = {2400 * MS, 2350 * MS, 3100 * MS}, after[] = {2900 * MS, 3400 * MS, 2390 * MS};
	struct compared c = compare(500 * MS);

	(void)state;
	says(c.comparison->headline, "0.83x");
	assert_int_equal(explain_repeats(c.comparison, before, 3, after, 3), 0);
	assert_string_equal(c.comparison->headline,
			    "no difference: 2.40 s and 2.90 s, within the spread of 3 runs each (2.35 s .. 3.40 s); more "
			    "runs may tell.");
	assert_string_equal(c.comparison->reason, "no difference: within the spread");
	assert_int_equal(c.comparison->repeats->verdict, SPREAD_NOISE);
	assert_int_equal(c.comparison->repeats->after_ns[1], 3400 * MS);
	release(&c);
}

static void test_a_difference_is_that_of_the_medians_and_has_its_reason(void **state)
{
	static const uint64_t before[] = {2400 * MS, 2410 * MS, 2390 * MS, 2405 * MS},
			      after[] = {2900 * MS, 2910 * MS, 4800 * MS, 2890 * MS};
	static const uint64_t hardly[] = {2418 * MS, 2419 * MS, 2420 * MS, 2421 * MS};
	struct compared c = compare(500 * MS);

	(void)state;
	assert_int_equal(explain_repeats(c.comparison, before, 4, after, 4), 0);
	assert_string_equal(
	    c.comparison->headline,
	    "serial-cpu: 0.83x of the run before, medians of 4 runs each: 2.40 s and 2.90 s, beyond their spread. "
	    "Waiting (sleep) rose from 0 to 500 ms.");
	assert_int_equal(c.comparison->repeats->verdict, SPREAD_DIFFERENCE);
	release(&c);
	c = compare(20 * MS);
	assert_int_equal(explain_repeats(c.comparison, before, 4, hardly, 4), 0);
	says(c.comparison->headline, "serial-cpu: 0.71% slower than the run before, medians of 4 runs each");
	says_not(c.comparison->headline, "no difference");
	release(&c);
}

static void test_one_run_each_says_nothing_of_the_spread(void **state)
{
	struct compared c = compare(500 * MS);
	uint64_t two[] = {2400 * MS, 2401 * MS}, other[] = {2900 * MS, 2901 * MS};

	(void)state;
	assert_int_equal(explain_repeats(c.comparison, &c.a->wall_ns, 1, &c.b->wall_ns, 1), 0);
	says(c.comparison->headline, "0.83x of the run before. Waiting (sleep) rose");
	says(c.comparison->headline, " One run each: nothing is known of the spread.");
	assert_int_equal(c.comparison->repeats->verdict, SPREAD_UNKNOWN);
	release(&c);
	c = compare(500 * MS);
	assert_int_equal(explain_repeats(c.comparison, two, 2, other, 2), 0);
	says(c.comparison->headline, " Few runs: too little is known of the spread.");
	release(&c);
}

static void test_runs_that_are_not_compared_get_no_verdict(void **state)
{
	static const uint64_t ns[] = {1, 2, 3};
	struct compared c = {.before = run_serial_cpu(0), .after = run_serial_cpu(0)};

	(void)state;
	c.after->interrupted = true;
	c.a = explained_on(c.before, 2);
	c.b = explained_on(c.after, 2);
	assert_int_equal(explain_difference(c.a, c.b, &c.comparison), 0);
	assert_int_equal(explain_repeats(c.comparison, ns, 3, ns, 3), 0);
	assert_null(c.comparison->repeats);
	says(c.comparison->headline, "interrupted");
	release(&c);
}

/* A child has another pid in each run; it is one item, with both times. */
static void test_children_are_matched_by_name(void **state)
{
	struct compared c = {.before = run_parallel_cpu("shell", true), .after = run_parallel_cpu("shell", true)};
	struct run *runs[] = {c.before, c.after};
	size_t items = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < runs[i]->n_waits; j++)
			if (runs[i]->waits[j].class == CLASS_CHILD)
				set_text(&runs[i]->waits[j].object, i ? "sleep[2222]" : "sleep[1111]");
	c.a = explained_on(c.before, 2);
	c.b = explained_on(c.after, 2);
	assert_int_equal(explain_difference(c.a, c.b, &c.comparison), 0);
	for (size_t i = 0; i < c.comparison->n_items; i++) {
		const struct difference *item = &c.comparison->items[i];

		if (item->state != STATE_CHILD)
			continue;
		items++;
		assert_null(strchr(item->cause, '['));
		assert_true(item->before_ns && item->before_ns == item->after_ns);
	}
	assert_int_equal(items, 1);
	release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_medians),
	    cmocka_unit_test(test_intervals_are_those_of_the_tables),
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_the_same_thing_is_seldom_called_different),
	    cmocka_unit_test(test_the_middle_run_is_kept),
	    cmocka_unit_test(test_noise_is_never_a_speedup),
	    cmocka_unit_test(test_a_difference_is_that_of_the_medians_and_has_its_reason),
	    cmocka_unit_test(test_one_run_each_says_nothing_of_the_spread),
	    cmocka_unit_test(test_runs_that_are_not_compared_get_no_verdict),
	    cmocka_unit_test(test_children_are_matched_by_name),
	};

	return cmocka_run_group_tests_name("repeated runs", tests, NULL, NULL);
}
