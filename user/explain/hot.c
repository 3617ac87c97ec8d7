/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions by their own time on a CPU: the weighted stacks by their innermost frames, so that tables and flame graphs say the same. A
 * thread's samples divide its exact time; threads that were sampled less often count no less.
 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/stacks.h"
#include "lib/cleanup.h"

/* What one row is worth, at its innermost frame. */
struct share {
	const struct run_frame *frame;
	uint64_t samples;
	uint64_t ns;
};

static int by_function(const void *a, const void *b)
{
	const struct run_frame *x = ((const struct share *)a)->frame, *y = ((const struct share *)b)->frame;
	bool kernel = x->kind == FRAME_KERNEL;
	int result;

	if (x == y)
		return 0;
	if (kernel != (y->kind == FRAME_KERNEL))
		return kernel ? 1 : -1;
	result = strcmp(x->function, y->function);
	return result ? result : strcmp(x->object, y->object);
}

static int by_time(const void *a, const void *b)
{
	const struct hot_function *x = a, *y = b;
	int result;

	if (x->self_ns != y->self_ns)
		return x->self_ns > y->self_ns ? -1 : 1;
	result = strcmp(x->function, y->function);
	return result ? result : strcmp(x->object, y->object);
}

static int merge(struct explanation *explanation, struct share *shares, size_t n)
{
	if (!n)
		return 0;
	explanation->hot = calloc(n, sizeof(*explanation->hot));
	if (!explanation->hot)
		return -ENOMEM;
	qsort(shares, n, sizeof(*shares), by_function);
	for (size_t i = 0; i < n;) {
		const struct run_frame *frame = shares[i].frame;
		struct hot_function *hot = &explanation->hot[explanation->n_hot++];
		size_t first = i;

		*hot = (struct hot_function){
		    .function = frame->function, .object = frame->object, .kernel = frame->kind == FRAME_KERNEL};
		for (; i < n && !by_function(&shares[first], &shares[i]); i++) {
			hot->self_ns += shares[i].ns;
			hot->samples += shares[i].samples;
		}
	}
	qsort(explanation->hot, explanation->n_hot, sizeof(*explanation->hot), by_time);
	return 0;
}

/* On-CPU rows without a stack are what no sample met. Returns how many shares there are. */
static size_t collect(struct explanation *explanation, const struct weighted_stacks *stacks, struct share *shares)
{
	const struct run *run = explanation->run;
	size_t n = 0;

	for (size_t i = 0; i < stacks->n; i++) {
		const struct weighted_stack *row = &stacks->rows[i];

		if (state_info[row->state].group != STATE_GROUP_CPU)
			continue;
		if (!row->stack) {
			explanation->not_sampled_ns += row->ns;
			continue;
		}
		shares[n++] = (struct share){&run->frames[run->stacks[row->stack - 1].frame - 1], row->count, row->ns};
		explanation->samples += row->count;
	}
	return n;
}

int explain_hot_functions(struct explanation *explanation, const struct explain_options *options)
{
	_cleanup_free_ struct share *shares = NULL;
	struct weighted_stacks *stacks = NULL;
	int err;

	if (!explanation->run->n_samples)
		return 0;
	err = explain_stacks(explanation->run, options, &stacks);
	if (err)
		return err;
	shares = calloc(stacks->n + 1, sizeof(*shares));
	err = shares ? merge(explanation, shares, collect(explanation, stacks, shares)) : -ENOMEM;
	weighted_stacks_free(stacks);
	return err;
}
