/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that could not be followed to their end: whether that is because of code that a program made at run time. */
#include <errno.h>

#include "explain/internal.h"
#include "lib/cleanup.h"

enum end {
	END_WHOLE,
	END_OPEN, /* the mark alone: it is not known where it came from */
	END_JIT,  /* the outermost frame that was found lies in code made at run time */
	END_OTHER,
};

/* Mappings without a file are code only where a program put some there. */
static bool is_jit(const struct run_frame *frame)
{
	return frame->kind == FRAME_USER && (!strcmp(frame->object, "[jit]") || !strcmp(frame->object, "[anon]"));
}

/* A stack ends as its caller's does, which has a smaller id; and the frame above the mark says where that is. */
static void find_ends(const struct run *run, enum end *ends)
{
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_stack *stack = &run->stacks[i];
		const struct run_frame *frame = &run->frames[stack->frame - 1];
		enum end outer = stack->parent ? ends[stack->parent - 1] : END_WHOLE;

		if (!stack->parent && frame->kind == FRAME_UNFINISHED)
			ends[i] = END_OPEN;
		else if (outer == END_OPEN)
			ends[i] = is_jit(frame) ? END_JIT : END_OTHER;
		else
			ends[i] = outer;
	}
}

int explain_unfinished(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ enum end *ends = calloc(run->n_stacks + 1, sizeof(*ends));
	double jit = 0, others = 0;

	if (!ends)
		return -ENOMEM;
	find_ends(run, ends);
	for (size_t i = 0; i < run->n_waits + run->n_samples; i++) {
		bool wait = i < run->n_waits;
		uint64_t stack = wait ? run->waits[i].stack : run->samples[i - run->n_waits].stack;
		uint64_t count = wait ? run->waits[i].count : run->samples[i - run->n_waits].count;

		if (!stack || ends[stack - 1] == END_WHOLE)
			continue;
		if (ends[stack - 1] == END_JIT)
			jit += count;
		else
			others += count;
	}
	explanation->jit_unfinished = jit > others;
	return 0;
}
