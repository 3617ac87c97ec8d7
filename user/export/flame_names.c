/* SPDX-License-Identifier: Apache-2.0 */
#include "export/flame_names.h"

#include <errno.h>
#include <inttypes.h>

#include "export/flame_tree.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* Names as they come, many of them the same; then sorted, and each kept once. */
struct candidates {
	struct flame_name *names;
	size_t n, room;
	bool failed;
};

/* Takes the text over; NULL is a failure. Returns the candidate's number. */
static size_t add(struct candidates *candidates, struct flame_name name)
{
	if (!candidates->failed && candidates->n == candidates->room) {
		size_t room = candidates->room ? 2 * candidates->room : 256;
		struct flame_name *names = reallocarray(candidates->names, room, sizeof(*names));

		candidates->failed = !names;
		if (names) {
			candidates->names = names;
			candidates->room = room;
		}
	}
	candidates->failed |= !name.text;
	if (candidates->failed) {
		free(name.text);
		return 0;
	}
	if (strlen(name.text) > FLAME_NAME_BYTES)
		memcpy(name.text + FLAME_NAME_BYTES - 3, "...", 4);
	candidates->names[candidates->n] = name;
	return candidates->n++;
}

static size_t add_mark(struct candidates *candidates, char *text)
{
	return add(candidates, (struct flame_name){.text = text, .kind = FLAME_MARK});
}

static size_t add_frame(struct candidates *candidates, const struct run_frame *frame)
{
	enum flame_kind kind = frame->kind == FRAME_KERNEL ? FLAME_KERNEL : frame->inlined ? FLAME_INLINED : FLAME_USER;

	if (frame->kind == FRAME_UNFINISHED)
		return add_mark(candidates, text_format("[unfinished: %s]", frame->function));
	if (frame->function[0])
		return add(candidates, (struct flame_name){.text = strdup(frame->function), .kind = kind});
	return add(candidates,
		   (struct flame_name){
		       .text = text_format("%s+0x%" PRIx64, frame->object[0] ? frame->object : "[unknown]", frame->address),
		       .kind = kind});
}

/* "[lock] orders_lock"; of "sleep" for the state sleep "[sleep]". */
static struct flame_name name_cause(const struct weighted_stack *row, enum flame_kind kind)
{
	const char *state = state_info[row->state].name;
	bool plain = !row->cause[0] || !strcmp(row->cause, state);

	return (struct flame_name){
	    .text = plain ? text_format("[%s]", state) : text_format("[%s] %s", state, row->cause),
	    .kind = kind,
	    .state = row->state,
	};
}

static struct flame_name name_root(const struct weighted_stack *row, enum export_by by)
{
	const struct run_process *process = row->process;

	if (by == EXPORT_BY_CAUSE)
		return name_cause(row, FLAME_ROOT);
	if (by == EXPORT_BY_NAME)
		return (struct flame_name){.text = process->comm[0] ? strdup(process->comm) : strdup("[unnamed]"),
					   .kind = FLAME_ROOT};
	if (by == EXPORT_BY_THREAD && row->thread)
		return (struct flame_name){.text = text_format("%s (%u)", row->thread->comm, row->thread->tid),
					   .kind = FLAME_ROOT,
					   .order = row->thread->id};
	/* Threads without a record come last. */
	return (struct flame_name){
	    .text = text_format(by == EXPORT_BY_THREAD ? "%s (%u), other threads" : "%s (%u)", process->comm, process->pid),
	    .kind = FLAME_ROOT,
	    .order = by == EXPORT_BY_THREAD ? UINT64_MAX : process->id};
}

int flame_name_compare(const struct flame_name *a, const struct flame_name *b)
{
	/* Functions of all kinds stand together. */
	static const int class[] = {
	    [FLAME_ROOT] = 0, [FLAME_USER] = 1, [FLAME_INLINED] = 1, [FLAME_KERNEL] = 1, [FLAME_MARK] = 2, [FLAME_WAIT] = 3};
	int order = class[a->kind] - class[b->kind];

	if (!order)
		order = (int)a->state - (int)b->state;
	if (!order)
		order = a->order < b->order ? -1 : a->order > b->order;
	if (!order)
		order = strcmp(a->text, b->text);
	return order ? order : (int)a->kind - (int)b->kind;
}

static int by_rank(const void *a, const void *b)
{
	return flame_name_compare(*(struct flame_name *const *)a, *(struct flame_name *const *)b);
}

/* Sorts, keeps each name once, and says which number each candidate got. */
static int rank(struct candidates *candidates, struct flame_names *names, uint32_t *number_of)
{
	_cleanup_free_ struct flame_name **sorted = calloc(candidates->n + 1, sizeof(*sorted));

	names->names = calloc(candidates->n + 1, sizeof(*names->names));
	if (!sorted || !names->names)
		return -ENOMEM;
	for (size_t i = 0; i < candidates->n; i++)
		sorted[i] = &candidates->names[i];
	qsort(sorted, candidates->n, sizeof(*sorted), by_rank);
	for (size_t i = 0; i < candidates->n; i++) {
		if (!i || flame_name_compare(sorted[i], &names->names[names->n - 1])) {
			names->names[names->n++] = *sorted[i];
			/* Its text has moved; the next of the same name are compared with where it is now. */
			sorted[i]->text = NULL;
		}
		number_of[sorted[i] - candidates->names] = names->n - 1;
	}
	return 0;
}

/* Candidates of frames come first, then those of rows: of_* hold candidates' numbers until they are ranked. */
static void collect(const struct run *run, const struct weighted_stacks *stacks, enum export_by by, struct candidates *candidates,
		    struct flame_names *names)
{
	names->not_sampled = add_mark(candidates, strdup("[not sampled]"));
	names->no_record = add_mark(candidates, strdup("[no record of the thread]"));
	names->deeper = add_mark(candidates, text_format("[unfinished: deeper than %d frames]", FLAME_DEPTH_MAX));
	for (size_t i = 0; i < run->n_frames; i++)
		names->of_frame[i] = add_frame(candidates, &run->frames[i]);
	for (size_t i = 0; i < stacks->n; i++) {
		const struct weighted_stack *row = &stacks->rows[i];

		if (by != EXPORT_BY_NONE)
			names->of_root[i] = add(candidates, name_root(row, by));
		if (by != EXPORT_BY_CAUSE && state_info[row->state].group != STATE_GROUP_CPU)
			names->of_leaf[i] = add(candidates, name_cause(row, FLAME_WAIT));
	}
}

static void renumber(uint32_t *numbers, size_t n, const uint32_t *number_of)
{
	for (size_t i = 0; i < n; i++)
		numbers[i] = number_of[numbers[i]];
}

static int make(const struct run *run, const struct weighted_stacks *stacks, enum export_by by, struct candidates *candidates,
		struct flame_names *names)
{
	_cleanup_free_ uint32_t *number_of = NULL;
	int err;

	names->of_frame = calloc(run->n_frames + 1, sizeof(*names->of_frame));
	names->of_root = calloc(stacks->n + 1, sizeof(*names->of_root));
	names->of_leaf = calloc(stacks->n + 1, sizeof(*names->of_leaf));
	if (!names->of_frame || !names->of_root || !names->of_leaf)
		return -ENOMEM;
	collect(run, stacks, by, candidates, names);
	number_of = calloc(candidates->n + 1, sizeof(*number_of));
	if (candidates->failed || !number_of)
		return -ENOMEM;
	if (candidates->n >= UINT32_MAX)
		return -ENOMEM;
	err = rank(candidates, names, number_of);
	if (err)
		return err;
	renumber(names->of_frame, run->n_frames, number_of);
	renumber(names->of_root, stacks->n, number_of);
	renumber(names->of_leaf, stacks->n, number_of);
	renumber(&names->not_sampled, 1, number_of);
	renumber(&names->no_record, 1, number_of);
	renumber(&names->deeper, 1, number_of);
	return 0;
}

int flame_names_make(const struct run *run, const struct weighted_stacks *stacks, enum export_by by, struct flame_names *names)
{
	struct candidates candidates = {0};
	int err;

	*names = (struct flame_names){0};
	err = make(run, stacks, by, &candidates, names);
	for (size_t i = 0; i < candidates.n; i++)
		free(candidates.names[i].text);
	free(candidates.names);
	if (err)
		flame_names_free(names);
	return err;
}

void flame_names_free(struct flame_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i].text);
	free(names->names);
	free(names->of_frame);
	free(names->of_root);
	free(names->of_leaf);
	*names = (struct flame_names){0};
}
