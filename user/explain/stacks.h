/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weighted stacks: where every nanosecond of a run was spent, by thread, state, cause and stack. For flame graphs of every kind: their
 * widths are sums of these rows.
 *
 * The rows of a thread sum to its classes, and so to its life (its residual, if it has one, is in no row); its rows of one state sum
 * to its time in that state, exactly:
 *   - a wait is one row, with its own exact time. What a class has beyond its waits is a row without a stack.
 *   - on a CPU, time is exact and its division over stacks is sampled: the thread's time in syscalls is divided by its samples inside
 *     syscalls, the rest by the others, so that the parts differ by less than 1 ns from what is proportional, and sum exactly. Time
 *     of a side that no sample hit has one row without a stack; a sample of a side without any time counts for the other side.
 *   - threads whose records were not delivered are rows of their process, by class.
 */
#ifndef CONCPROF_STACKS_H
#define CONCPROF_STACKS_H

#include "explain/explain.h"

struct weighted_stack {
	const struct run_process *process;
	const struct run_thread *thread; /* NULL: threads of the process without a record of their own */
	enum state state;
	char *cause;    /* as struct wait's; "" on a CPU */
	uint64_t stack; /* id of a run_stack; 0: not known, on a CPU: not sampled */
	uint64_t ns;    /* never 0 */
	uint64_t count; /* waits, or on a CPU samples; 0: not known */
};

/* Refers to the run, which must outlive it. */
struct weighted_stacks {
	struct weighted_stack *rows;
	size_t n;
	uint64_t total_ns;        /* sum of the rows */
	uint64_t ns[STATE_COUNT]; /* the same by state */
	uint64_t residual_ns;     /* sum over threads of |life - rows|: 0, or something is wrong */
};

/* 0; -ENOMEM; -EINVAL when the run contradicts itself (run_check). `options` may be NULL. */
int explain_stacks(const struct run *run, const struct explain_options *options, struct weighted_stacks **ret);
void weighted_stacks_free(struct weighted_stacks *stacks); /* NULL is fine */

/*
 * Divides a whole in proportion to parts that come one after the other: `before` is the sum of the parts before this one, `all` the sum of
 * all of them (> 0). The shares sum to `whole`, each within 1 of what is proportional.
 */
uint64_t share_of(uint64_t whole, uint64_t before, uint64_t part, uint64_t all);

#endif
