/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a thread blocked, in a few words: the innermost functions of the program itself. Libraries of locks, and what leads from them into
 * the kernel, are in every such stack and tell nothing.
 *
 * To leave out more: a line in `objects` or `functions`.
 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/strings.h"
#include "lib/text.h"

#define PLACE_FRAMES 3
/* A stack in a recording may be a chain without end. More than what is kept of one (UNWIND_FRAMES_MAX), with inlined functions. */
#define WALK_MAX 512

struct places {
	struct explanation *explanation;
	const char **known; /* by stack id; NULL: not yet asked for, or none */
	bool *asked;
};

static bool begins(const char *text, const char *const *beginnings)
{
	for (; *beginnings; beginnings++)
		if (!strncmp(text, *beginnings, strlen(*beginnings)))
			return true;
	return false;
}

bool explain_is_plumbing(const struct run_frame *frame)
{
	static const char *const objects[] = {"libc.so", "libc-2", "libpthread", "ld-linux", "ld-musl", "[vdso]", NULL};
	/* In static executables, and around locks in other libraries. */
	static const char *const functions[] = {"pthread_",
						"__pthread",
						"___pthread",
						"futex_",
						"__futex",
						"__lll_",
						"sem_wait",
						"sem_timed",
						"__new_sem",
						"__libc_start",
						"__libc_read",
						"__GI_",
						"__syscall",
						"syscall",
						"_start",
						"start_thread",
						"clone",
						"__clone",
						"PyThread_acquire_",
						"take_gil",
						"drop_gil",
						"std::mutex",
						"std::__1::mutex",
						"std::condition_variable",
						"std::unique_lock",
						"std::lock_guard",
						"__gthread_",
						NULL};

	return frame->kind != FRAME_USER || begins(frame->object, objects) || begins(frame->function, functions);
}

int places_new(struct explanation *explanation, struct places **ret)
{
	size_t n = explanation->run->n_stacks + 1;
	struct places *places = calloc(1, sizeof(*places));

	if (!places)
		return -ENOMEM;
	places->explanation = explanation;
	places->known = calloc(n, sizeof(*places->known));
	places->asked = calloc(n, sizeof(*places->asked));
	if (!places->known || !places->asked) {
		places_free(places);
		return -ENOMEM;
	}
	*ret = places;
	return 0;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	free(places->known);
	free(places->asked);
	free(places);
}

static void add_frame(struct text *text, const struct run_frame *frame)
{
	if (text->length)
		text_add(text, " <- ");
	if (frame->function[0])
		text_add(text, "%.60s", frame->function);
	else
		text_add(text, "%.40s+0x%llx", frame->object[0] ? frame->object : "?", (unsigned long long)frame->address);
}

static int spell(struct places *places, uint64_t stack, const char **ret)
{
	const struct run *run = places->explanation->run;
	const char *last = NULL;
	struct text text = {0};
	int found = 0;

	for (int walked = 0; stack && found < PLACE_FRAMES && walked < WALK_MAX; walked++) {
		const struct run_stack *node = &run->stacks[stack - 1];
		const struct run_frame *frame = &run->frames[node->frame - 1];

		stack = node->parent;
		/* A function that calls itself is told once. */
		if (explain_is_plumbing(frame) || (last && frame->function[0] && !strcmp(last, frame->function)))
			continue;
		add_frame(&text, frame);
		last = frame->function;
		found++;
	}
	if (!found)
		return 0;
	*ret = strings_take(&places->explanation->strings, text_take(&text));
	return *ret ? 0 : -ENOMEM;
}

int places_of(struct places *places, uint64_t stack, const char **ret)
{
	int err = 0;

	*ret = NULL;
	if (!stack)
		return 0;
	if (!places->asked[stack])
		err = spell(places, stack, &places->known[stack]);
	places->asked[stack] = !err;
	*ret = places->known[stack];
	return err;
}
