/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/unwind_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

#define SLOTS_FIRST 2048

struct unwind_rules {
	struct unwind_rule *all;
	size_t count, room;
	uint16_t *slots; /* open addressing: a rule's number, or 0 for none (rule 0 is never looked for: see below) */
	size_t n_slots;  /* a power of two, at least twice the rules */
};

static size_t hash(const struct unwind_rule *rule)
{
	uint64_t words[2], mixed;

	memcpy(words, rule, sizeof(words));
	mixed = (words[0] ^ words[1] * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
	return mixed ^ mixed >> 32;
}

/* The slot where the rule stands, or the empty one where it belongs. */
static uint16_t *find(const struct unwind_rules *rules, const struct unwind_rule *rule)
{
	size_t at = hash(rule);

	for (;; at++) {
		uint16_t *slot = &rules->slots[at & (rules->n_slots - 1)];

		if (*slot == 0 || memcmp(&rules->all[*slot], rule, sizeof(*rule)) == 0)
			return slot;
	}
}

static int grow_slots(struct unwind_rules *rules)
{
	uint16_t *old = rules->slots, *slots = calloc(2 * rules->n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	rules->slots = slots;
	rules->n_slots *= 2;
	for (size_t i = 1; i < rules->count; i++)
		*find(rules, &rules->all[i]) = i;
	free(old);
	return 0;
}

static int grow(struct unwind_rules *rules)
{
	size_t room = 2 * rules->room;
	struct unwind_rule *all = reallocarray(rules->all, room, sizeof(*all));

	if (!all)
		return -ENOMEM;
	rules->all = all;
	rules->room = room;
	return 0;
}

int unwind_rules_new(struct unwind_rules **ret)
{
	const struct unwind_rule unsupported = {.cfa = UNWIND_UNSUPPORTED};
	struct unwind_rules *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	rules->room = SLOTS_FIRST / 2;
	rules->n_slots = SLOTS_FIRST;
	rules->all = calloc(rules->room, sizeof(*rules->all)); /* the first is UNWIND_NONE, all zero */
	rules->slots = calloc(rules->n_slots, sizeof(*rules->slots));
	if (!rules->all || !rules->slots) {
		unwind_rules_free(rules);
		return -ENOMEM;
	}
	rules->count = 1;
	unwind_rules_number(rules, &unsupported); /* there is room */
	*ret = rules;
	return 0;
}

int unwind_rules_number(struct unwind_rules *rules, const struct unwind_rule *rule)
{
	uint16_t *slot;
	int err;

	if (rule->cfa == UNWIND_NONE)
		return UNWIND_RULE_NONE;
	slot = find(rules, rule);
	if (*slot)
		return *slot;
	if (rules->count == UNWIND_RULES_MAX)
		return -ENOSPC;
	if (rules->count == rules->room) {
		err = grow(rules);
		if (err)
			return err;
	}
	if (2 * (rules->count + 1) > rules->n_slots) {
		err = grow_slots(rules);
		if (err)
			return err;
		slot = find(rules, rule);
	}
	*slot = rules->count;
	rules->all[rules->count] = *rule;
	return rules->count++;
}

const struct unwind_rule *unwind_rules_all(const struct unwind_rules *rules, size_t *count)
{
	*count = rules->count;
	return rules->all;
}

void unwind_rules_free(struct unwind_rules *rules)
{
	if (!rules)
		return;
	free(rules->all);
	free(rules->slots);
	free(rules);
}
