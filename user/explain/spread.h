/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the same thing takes when it is run again and again, and whether two things differ by more than that. Order statistics only: nothing
 * is assumed of how times are distributed, and one slow run among several changes little.
 *
 *   interval   of the median: from the k-th smallest to the k-th largest time, with the largest k for which it covers the true median with a
 *              probability of at least 95%. That probability is 1 - 2 P(B <= k - 1), B binomial of n and 1/2 (David, Nagaraja: Order
 *              Statistics, 7.1). Fewer than 6 runs cannot give 95%: for them it is all of the spread, and `coverage` says how much that is.
 *   verdict    two medians differ when their intervals have nothing in common. Of the same thing twice that happens by chance in 2 of (2n over n)
 *              cases with n < 6 runs each: 1 of 35 with 4, 1 of 126 with 5; and less than that with more. With 3 it would be 1 of 10: there the
 *              medians have also to be twice as far apart as their intervals reach towards one another, which is 1 of 50 (by simulation,
 *              for normal, exponential, lognormal and contaminated times alike). Two runs each can only turn out to be noise, and one
 *              run says nothing. A slow run on the far side does not matter.
 */
#ifndef CONCPROF_SPREAD_H
#define CONCPROF_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPREAD_COVERAGE 0.95
#define SPREAD_RUNS_MIN 3

struct spread {
	size_t n;           /* times; at least 1 */
	uint64_t median_ns; /* of an even number: the mean of the middle two */
	uint64_t min_ns, max_ns;
	uint64_t low_ns, high_ns; /* the interval */
	double coverage;          /* of the interval; 0 of one run */
};

enum spread_verdict {
	SPREAD_UNKNOWN, /* too few runs to tell */
	SPREAD_NOISE,
	SPREAD_DIFFERENCE,
};

/* n > 0. 0 or -ENOMEM. */
int spread_compute(const uint64_t *ns, size_t n, struct spread *ret);
enum spread_verdict spread_compare(const struct spread *a, const struct spread *b);
/*
 * Which of `planned` times is the representative one: in ascending order the one in the middle, of an even number the smaller of the middle two,
 * which is as near the median as the other. Of the n <= planned times known so far, sets needed[i] where ns[i] may still be it: at the end
 * that is one. Of equal times the earlier one is the smaller. 0 or -ENOMEM.
 */
int spread_middle(const uint64_t *ns, size_t n, size_t planned, bool *needed);

#endif
