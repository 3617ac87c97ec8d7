/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/spread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

static int by_length(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* P(B = k), B binomial of n and 1/2; by logarithms, as 2^-n is 0 for very many runs. */
static double probability(size_t n, size_t k)
{
	return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) - n * log(2));
}

/* How many of the smallest times may be left out, as many as of the largest, so that the interval still covers enough. */
static size_t left_out(size_t n, double *coverage)
{
	double tail = 0;
	size_t k = 0;

	*coverage = 0;
	for (; k <= (n - 1) / 2; k++) {
		tail += probability(n, k);
		if (k && 1 - 2 * tail < SPREAD_COVERAGE)
			break;
		*coverage = 1 - 2 * tail;
	}
	return k - 1;
}

int spread_compute(const uint64_t *ns, size_t n, struct spread *ret)
{
	_cleanup_free_ uint64_t *sorted = calloc(n, sizeof(*sorted));
	size_t out;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, ns, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_length);
	*ret = (struct spread){.n = n, .min_ns = sorted[0], .max_ns = sorted[n - 1]};
	ret->median_ns = sorted[(n - 1) / 2] + (sorted[n / 2] - sorted[(n - 1) / 2]) / 2;
	out = left_out(n, &ret->coverage);
	ret->low_ns = sorted[out];
	ret->high_ns = sorted[n - 1 - out];
	return 0;
}

enum spread_verdict spread_compare(const struct spread *a, const struct spread *b)
{
	const struct spread *fast = a->median_ns <= b->median_ns ? a : b, *slow = fast == a ? b : a;
	size_t least = a->n < b->n ? a->n : b->n;
	uint64_t reach;

	if (least == 1)
		return SPREAD_UNKNOWN;
	if (fast->high_ns >= slow->low_ns)
		return SPREAD_NOISE;
	if (least < SPREAD_RUNS_MIN)
		return SPREAD_UNKNOWN;
	reach = (fast->high_ns - fast->median_ns) + (slow->median_ns - slow->low_ns);
	if (least == SPREAD_RUNS_MIN && slow->median_ns - fast->median_ns <= 2 * reach)
		return SPREAD_NOISE;
	return SPREAD_DIFFERENCE;
}

struct ranked {
	uint64_t ns;
	size_t at;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

int spread_middle(const uint64_t *ns, size_t n, size_t planned, bool *needed)
{
	_cleanup_free_ struct ranked *ranked = calloc(n + 1, sizeof(*ranked));
	size_t middle = (planned - 1) / 2, to_come = planned - n;

	if (!ranked)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){ns[i], i};
	qsort(ranked, n, sizeof(*ranked), by_rank);
	/* Those to come may all be smaller, or all larger. */
	for (size_t i = 0; i < n; i++)
		needed[ranked[i].at] = i <= middle && i + to_come >= middle;
	return 0;
}
