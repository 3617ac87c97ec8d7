/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pairs.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024

/* splitmix64's finaliser (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* The slot that holds the pair, or the free one where it belongs. There is always a free one. */
static uint32_t *slot_of(const struct pairs *pairs, uint64_t a, uint64_t b)
{
	size_t i = mix(mix(a) ^ b) & (pairs->n_slots - 1);

	while (pairs->slots[i]) {
		const struct pair *pair = &pairs->all[pairs->slots[i] - 1];

		if (pair->a == a && pair->b == b)
			break;
		i = (i + 1) & (pairs->n_slots - 1);
	}
	return &pairs->slots[i];
}

/* Makes room for one more, at most three quarters full. */
static int grow(struct pairs *pairs)
{
	if (pairs->n == pairs->room) {
		size_t room = pairs->room ? 2 * pairs->room : SLOTS_FIRST / 2;
		struct pair *all = reallocarray(pairs->all, room, sizeof(*all));

		if (!all)
			return -1;
		pairs->all = all;
		pairs->room = room;
	}
	if (4 * (pairs->n + 1) > 3 * pairs->n_slots) {
		size_t n_slots = pairs->n_slots ? 2 * pairs->n_slots : SLOTS_FIRST;
		uint32_t *slots = calloc(n_slots, sizeof(*slots));

		if (!slots)
			return -1;
		free(pairs->slots);
		pairs->slots = slots;
		pairs->n_slots = n_slots;
		for (size_t i = 0; i < pairs->n; i++)
			*slot_of(pairs, pairs->all[i].a, pairs->all[i].b) = i + 1;
	}
	return 0;
}

uint32_t pairs_add(struct pairs *pairs, uint64_t a, uint64_t b)
{
	uint32_t number = pairs_find(pairs, a, b);

	if (number != PAIRS_NONE)
		return number;
	if (pairs->n >= UINT32_MAX - 2 || grow(pairs))
		return PAIRS_NONE;
	pairs->all[pairs->n] = (struct pair){a, b};
	*slot_of(pairs, a, b) = pairs->n + 1;
	return pairs->n++;
}

uint32_t pairs_find(const struct pairs *pairs, uint64_t a, uint64_t b)
{
	uint32_t slot = pairs->n_slots ? *slot_of(pairs, a, b) : 0;

	return slot ? slot - 1 : PAIRS_NONE;
}

void pairs_free(struct pairs *pairs)
{
	free(pairs->all);
	free(pairs->slots);
	memset(pairs, 0, sizeof(*pairs));
}
