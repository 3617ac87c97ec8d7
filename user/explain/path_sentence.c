/* SPDX-License-Identifier: Apache-2.0 */
/* What the wall time of a run consists of, in one sentence: "of 2.65 s: 2.41 s on a CPU in hash_step (5 threads in turn), 0.21 s ...". */
#include <errno.h>

#include "explain/internal.h"
#include "explain/path_internal.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define PARTS_SAID         4
#define SHARE_WORTH_A_WORD 0.01
#define ALL_OF_IT          0.95
#define MOST_OF_IT         0.3

/* Rows that are one thing to say: all CPU time, or a wait wherever in the program it was. */
struct part {
	enum state state; /* STATE_CPU for all CPU time */
	const char *cause;
	uint64_t ns;
	const struct path_row *most; /* its largest row */
};

static bool is_cpu(enum state state)
{
	return state_info[state].group == STATE_GROUP_CPU;
}

static int by_what(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int result = (int)x->state - (int)y->state;

	if (!result && x->cause != y->cause)
		result = strcmp(x->cause, y->cause);
	/* Rows are in the order of their sizes. */
	return result ? result : (x->most > y->most) - (x->most < y->most);
}

static int by_size(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : by_what(a, b);
}

static size_t make_parts(const struct path *path, struct part *parts)
{
	size_t n = 0;

	for (size_t i = 0; i < path->n_rows; i++) {
		const struct path_row *row = &path->rows[i];

		parts[i] = (struct part){is_cpu(row->state) ? STATE_CPU : row->state, row->cause, row->ns, row};
	}
	qsort(parts, path->n_rows, sizeof(*parts), by_what);
	for (size_t i = 0; i < path->n_rows; i++) {
		if (n && parts[n - 1].state == parts[i].state && !strcmp(parts[n - 1].cause, parts[i].cause))
			parts[n - 1].ns += parts[i].ns;
		else
			parts[n++] = parts[i];
	}
	qsort(parts, n, sizeof(*parts), by_size);
	return n;
}

/* The user and the kernel side of a function are one to say. */
static uint64_t function_ns(const struct path *path, const char *function)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < path->n_rows; i++)
		if (is_cpu(path->rows[i].state) && !strcmp(path->rows[i].function, function))
			ns += path->rows[i].ns;
	return ns;
}

static void say_cpu(struct text *text, const struct path *path, const struct part *part)
{
	const struct path_row *most = part->most;
	uint64_t ns = function_ns(path, most->function);

	text_add(text, "%s on a CPU", FIGURE_NS(part->ns));
	if (most->function[0] && ns >= ALL_OF_IT * part->ns)
		text_add(text, " in %.60s", most->function);
	else if (most->function[0] && ns >= MOST_OF_IT * part->ns)
		text_add(text, ", %s of it in %.60s", FIGURE_NS(ns), most->function);
	if (most->n_threads > 1)
		text_add(text, " (%zu threads in turn)", most->n_threads);
}

static int say_wait(struct text *text, const struct part *part)
{
	static const char after_lock[] = "after lock ";
	_cleanup_free_ char *words = NULL;

	if (part->state == STATE_RUN_QUEUE) {
		if (!strncmp(part->cause, after_lock, sizeof(after_lock) - 1))
			text_add(text, "%s handing the %.100s over", FIGURE_NS(part->ns), part->cause + strlen("after "));
		else
			text_add(text, "%s waiting for a CPU (%.100s)", FIGURE_NS(part->ns), part->cause);
		return 0;
	}
	if (part->state == STATE_OTHER && !strcmp(part->cause, PATH_NOBODY)) {
		text_add(text, "%s with %s alive", FIGURE_NS(part->ns), PATH_NOBODY);
		return 0;
	}
	words = cause_words(part->state, part->cause, 1);
	if (!words)
		return -ENOMEM;
	text_add(text, "%s waiting for %.100s", FIGURE_NS(part->ns), words);
	return 0;
}

int path_tell(struct path *path)
{
	_cleanup_free_ struct part *parts = calloc(path->n_rows + 1, sizeof(*parts));
	_cleanup_text_ struct text text = {0};
	uint64_t rest_ns = path->wall_ns;
	size_t n;
	int err = 0;

	if (!parts)
		return -ENOMEM;
	n = make_parts(path, parts);
	text_add(&text, "of %s: ", FIGURE_NS(path->wall_ns));
	for (size_t i = 0; !err && i < n && i < PARTS_SAID; i++) {
		if (i && parts[i].ns < SHARE_WORTH_A_WORD * path->wall_ns)
			break;
		text_add(&text, "%s", i ? ", " : "");
		if (parts[i].state == STATE_CPU)
			say_cpu(&text, path, &parts[i]);
		else
			err = say_wait(&text, &parts[i]);
		rest_ns -= parts[i].ns;
	}
	if (rest_ns)
		text_add(&text, ", %s of anything else", FIGURE_NS(rest_ns));
	path->sentence = err ? NULL : text_take(&text);
	return path->sentence ? 0 : -ENOMEM;
}
