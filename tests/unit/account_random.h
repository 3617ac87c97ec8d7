/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of account.h share: a repeatable random source, and the account's first invariant. */
#ifndef CONCPROF_TESTS_ACCOUNT_RANDOM_H
#define CONCPROF_TESTS_ACCOUNT_RANDOM_H

#include "account.h"

#define START 1000000ull

static __u64 rng_state;

/* ACCOUNT_SEED varies a run; without it every run is the same. */
static inline void seed_random(void)
{
	const char *seed = getenv("ACCOUNT_SEED");

	rng_state = seed ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15ull;
}

static inline __u64 rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static inline __u64 below(__u64 n)
{
	return rnd() % n;
}

static inline int one_in(__u64 n)
{
	return below(n) == 0;
}

static inline unsigned long rounds(void)
{
	const char *text = getenv("ACCOUNT_ROUNDS");

	return text ? strtoul(text, NULL, 10) : 100000;
}

static inline uint8_t any_wait(void)
{
	return (uint8_t)(CLASS_FUTEX + below(CLASS_COUNT - CLASS_FUTEX));
}

static inline uint8_t any_side(void)
{
	return one_in(5) ? CLASS_CPU : one_in(2) ? CLASS_KERNEL : CLASS_USER;
}

static inline __u64 sum(const __u64 *ns)
{
	__u64 all = 0;

	for (int i = 0; i < CLASS_SLOTS; i++)
		all += ns[i];
	return all;
}

static inline int consistent(const struct account *a)
{
	return sum(a->ns) == a->since_ns - a->begin_ns && a->since_ns >= a->begin_ns;
}

static inline struct account started(uint8_t phase)
{
	struct account a;

	memset(&a, 0, sizeof(a));
	account_begin(&a, START, phase, CLASS_USER);
	return a;
}

#endif
