/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions to name parts of the critical path by. They are what two versions of a program have in common: so the program's own innermost one,
 * and not the library's that computed for it or blocked in it; nor is it told apart by who called it, nor by what compilers add to names.
 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/path_internal.h"
#include "explain/strings.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* How good a name is for a stack: outer frames' better ones come before. */
enum fit { FIT_NONE, FIT_KERNEL, FIT_LIBRARY, FIT_OBJECT, FIT_OWN };

static enum fit fit_of(const struct run_frame *frame)
{
	if (frame->kind == FRAME_UNFINISHED)
		return FIT_NONE;
	/* As trace/ calls code that lies in no mapping that was seen. */
	if (!frame->function[0] && (!frame->object[0] || !strcmp(frame->object, "[unknown]")))
		return FIT_NONE;
	if (frame->kind == FRAME_KERNEL)
		return FIT_KERNEL;
	if (explain_is_plumbing(frame))
		return FIT_LIBRARY;
	return frame->function[0] ? FIT_OWN : FIT_OBJECT;
}

static char *name_of(const struct run_frame *frame)
{
	_cleanup_free_ char *words = path_function_words(frame->function);

	if (!words)
		return NULL;
	if (!words[0])
		return text_format("(no symbols: %s)", frame->object);
	return text_format("%s%s", words, frame->kind == FRAME_KERNEL ? " [kernel]" : "");
}

struct named {
	const char *name;
	uint32_t frame; /* position */
};

static int by_address(const void *a, const void *b)
{
	const char *x = ((const struct named *)a)->name, *y = ((const struct named *)b)->name;

	return (x > y) - (x < y);
}

/* Equal names get equal numbers. */
static int number_frames(const struct run *run, struct strings **strings, struct path_functions *functions, uint32_t *of_frame)
{
	_cleanup_free_ struct named *named = calloc(run->n_frames + 1, sizeof(*named));
	size_t n = 0;

	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_frames; i++) {
		if (fit_of(&run->frames[i]) == FIT_NONE)
			continue;
		named[n] = (struct named){strings_take(strings, name_of(&run->frames[i])), i};
		if (!named[n++].name)
			return -ENOMEM;
	}
	if (n)
		qsort(named, n, sizeof(*named), by_address);
	for (size_t i = 0; i < n; i++) {
		if (!i || named[i].name != named[i - 1].name)
			functions->names[functions->n++] = named[i].name;
		of_frame[named[i].frame] = functions->n - 1;
	}
	return 0;
}

/* Parents come first: what a stack has, its parent has, or its own frame is better. */
static int choose(const struct run *run, const uint32_t *of_frame, uint32_t *of_stack)
{
	_cleanup_free_ uint8_t *fits = calloc(run->n_stacks + 1, sizeof(*fits));

	if (!fits)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_stack *stack = &run->stacks[i];
		enum fit fit = fit_of(&run->frames[stack->frame - 1]);
		bool own = fit && fit >= (enum fit)fits[stack->parent];

		fits[stack->id] = own ? fit : fits[stack->parent];
		of_stack[stack->id] = own ? of_frame[stack->frame - 1] : of_stack[stack->parent];
	}
	return 0;
}

int path_functions_find(const struct run *run, struct strings **strings, struct path_functions *ret)
{
	_cleanup_free_ uint32_t *of_frame = calloc(run->n_frames + 1, sizeof(*of_frame));
	int err;

	*ret = (struct path_functions){.n = 1};
	ret->names = calloc(run->n_frames + 1, sizeof(*ret->names));
	ret->of_stack = calloc(run->n_stacks + 1, sizeof(*ret->of_stack));
	if (!of_frame || !ret->names || !ret->of_stack)
		return -ENOMEM;
	ret->names[0] = "";
	err = number_frames(run, strings, ret, of_frame);
	return err ? err : choose(run, of_frame, ret->of_stack);
}

void path_functions_free(struct path_functions *functions)
{
	free(functions->names);
	free(functions->of_stack);
}
