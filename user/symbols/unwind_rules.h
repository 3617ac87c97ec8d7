/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that all unwind tables share, each once. They are only ever appended, and a rule's number never changes: who mirrors them
 * elsewhere copies what is new.
 */
#ifndef CONCPROF_UNWIND_RULES_H
#define CONCPROF_UNWIND_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "unwind_rule.h"

struct unwind_rules;

/* Every collection begins with these two. */
enum { UNWIND_RULE_NONE, UNWIND_RULE_UNSUPPORTED };

/* 0 or -ENOMEM. */
int unwind_rules_new(struct unwind_rules **ret);
void unwind_rules_free(struct unwind_rules *rules); /* NULL is fine */

/* The rule's number, found or appended; -ENOSPC when there are UNWIND_RULES_MAX others; -ENOMEM. Fields without meaning must be 0. */
int unwind_rules_number(struct unwind_rules *rules, const struct unwind_rule *rule);

/* Valid until the next rule is appended. */
const struct unwind_rule *unwind_rules_all(const struct unwind_rules *rules, size_t *count);

#endif
