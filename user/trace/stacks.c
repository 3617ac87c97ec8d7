/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/stacks.h"

#include <errno.h>
#include <inttypes.h>

#include "lib/cleanup.h"
#include "lib/pairs.h"
#include "trace/parked.h"

/*
 * A place is a pair: what holds the address in `a`, its kind in the lowest bits (objects are aligned), the address in `b`.
 * A node is a pair: its parent's number + 1, its place's number. A stack id leads to a node.
 */
enum place_kind {
	PLACE_CALL,       /* a: struct table_object; b: a return address */
	PLACE_EXACT,      /* the same, where the thread itself was */
	PLACE_KERNEL,     /* b: a kernel address */
	PLACE_JIT,        /* a: serial of the process; b: address in memory without a file */
	PLACE_UNKNOWN,    /* the same, in memory that nothing is known of */
	PLACE_UNFINISHED, /* b: enum unwind_stop */
};
#define PLACE_BITS    3
#define PLACE_KIND(a) ((a) & ((1u << PLACE_BITS) - 1))

#define INLINED_MAX 16

/* Frames of the run for a place: from `first` on, `n` of them, innermost first. */
struct named {
	uint64_t first;
	uint32_t n;
};

struct stacks {
	struct spaces *spaces;
	struct symbolizer *symbolizer;
	struct parked *parked;
	struct pairs places, nodes;
	struct pairs ids; /* (id, 0) -> number -> node_of */
	uint32_t *node_of;
	size_t room_ids;
	struct pairs kernel_ids; /* the same for kernel sides -> kernel_of, indexes into kernel_frames */
	struct {
		uint32_t first, n;
	} * kernel_of;
	size_t room_kernel;
	uint64_t *kernel_frames;
	size_t n_kernel_frames, room_kernel_frames;
	/* While the run is built. */
	struct named *names;  /* by place */
	uint64_t *run_stacks; /* by node: number in the run; 0: not yet */
	size_t room_run_frames, room_run_stacks;
};

static const char *const stop_words[UNWIND_STOP_COUNT] = {
#define X(id, name, words) [id] = words,
    UNWIND_STOPS(X)
#undef X
};

int stacks_open(struct spaces *spaces, struct symbolizer *symbolizer, struct stacks **ret)
{
	struct stacks *stacks = calloc(1, sizeof(*stacks));

	if (!stacks)
		return -ENOMEM;
	stacks->spaces = spaces;
	stacks->symbolizer = symbolizer;
	if (parked_open(spaces, &stacks->parked)) {
		free(stacks);
		return -ENOMEM;
	}
	*ret = stacks;
	return 0;
}

/* Adds a node below `node` (number + 1; 0: a root). Returns number + 1, or 0 without memory. */
static uint32_t descend(struct stacks *stacks, uint32_t node, uint64_t a, uint64_t b)
{
	uint32_t place = pairs_add(&stacks->places, a, b);
	uint32_t child = place == PAIRS_NONE ? PAIRS_NONE : pairs_add(&stacks->nodes, node, place);

	return child == PAIRS_NONE ? 0 : child + 1;
}

static uint32_t descend_user(struct stacks *stacks, uint32_t node, const struct record_stack *record, size_t frame)
{
	/* A return address belongs to the call before it. */
	uint64_t address = record->frame[frame];
	const struct span *span = spaces_find(stacks->spaces, record->generation, address - (frame > 0), record->time_ns);
	uint64_t process = record->process << PLACE_BITS;

	if (!span)
		return descend(stacks, node, process | PLACE_UNKNOWN, address);
	if (!span->object)
		return descend(stacks, node, process | PLACE_JIT, address);
	return descend(stacks, node, (uintptr_t)span->object | (frame > 0 ? PLACE_CALL : PLACE_EXACT), address - span->bias);
}

static int take_kernel(struct stacks *stacks, const struct record_stack *record)
{
	size_t before = stacks->kernel_ids.n;
	uint32_t number = pairs_add(&stacks->kernel_ids, record->id, 0);

	if (number == PAIRS_NONE)
		return -ENOMEM;
	if (stacks->kernel_ids.n == before)
		return 0;
	if (number >= stacks->room_kernel) {
		size_t room = stacks->room_kernel ? 2 * stacks->room_kernel : 64;
		void *grown = reallocarray(stacks->kernel_of, room, sizeof(*stacks->kernel_of));

		if (!grown)
			return -ENOMEM;
		stacks->kernel_of = grown;
		stacks->room_kernel = room;
	}
	if (stacks->n_kernel_frames + record->frames > stacks->room_kernel_frames) {
		size_t room = 2 * stacks->room_kernel_frames + 1024;
		uint64_t *grown = reallocarray(stacks->kernel_frames, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		stacks->kernel_frames = grown;
		stacks->room_kernel_frames = room;
	}
	stacks->kernel_of[number].first = stacks->n_kernel_frames;
	stacks->kernel_of[number].n = record->frames;
	if (record->frames)
		memcpy(stacks->kernel_frames + stacks->n_kernel_frames, record->frame, record->frames * sizeof(uint64_t));
	stacks->n_kernel_frames += record->frames;
	return 0;
}

/* Whether the process's code is made at run time: then its map is wanted while it lives. */
static void note_jit(struct stacks *stacks, const struct record_stack *record)
{
	struct perf_map *map;

	for (size_t i = 0; i < record->frames; i++) {
		const struct span *span =
		    spaces_find(stacks->spaces, record->generation, record->frame[i] - (i > 0), record->time_ns);

		if (span && !span->object) {
			symbolizer_perf_map(stacks->symbolizer, record->process, record->tgid, &map);
			return;
		}
	}
}

int stacks_take(struct stacks *stacks, const struct record_stack *record, size_t bytes)
{
	uint32_t node = 0, kernel, number;

	if (bytes < RECORD_STACK_BYTES(0) || record->frames > STACK_FRAMES_MAX || bytes < RECORD_STACK_BYTES(record->frames) ||
	    record->stop >= UNWIND_STOP_COUNT)
		return 0;
	if (record->side)
		return take_kernel(stacks, record);
	if (record->stop != UNWIND_WHOLE)
		node = descend(stacks, 0, PLACE_UNFINISHED, record->stop);
	for (size_t i = record->frames; i-- > 0;)
		node = descend_user(stacks, node, record, i);
	kernel = record->kernel ? pairs_find(&stacks->kernel_ids, record->kernel, 0) : PAIRS_NONE;
	if (kernel != PAIRS_NONE)
		for (uint32_t i = stacks->kernel_of[kernel].n; i-- > 0;)
			node = descend(stacks, node, PLACE_KERNEL, stacks->kernel_frames[stacks->kernel_of[kernel].first + i]);
	note_jit(stacks, record);
	number = node ? pairs_add(&stacks->ids, record->id, 0) : PAIRS_NONE;
	if (number == PAIRS_NONE)
		return record->frames ? -ENOMEM : 0;
	if (number >= stacks->room_ids) {
		size_t room = stacks->room_ids ? 2 * stacks->room_ids : 1024;
		uint32_t *grown = reallocarray(stacks->node_of, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		stacks->node_of = grown;
		stacks->room_ids = room;
	}
	stacks->node_of[number] = node;
	return 0;
}

int stacks_take_parked(struct stacks *stacks, const struct record_parked *record, size_t bytes)
{
	if (bytes < sizeof(*record) || record->bytes > PARKED_BYTES || record->bytes > bytes - sizeof(*record))
		return 0;
	return parked_add(stacks->parked, record, (const uint8_t *)(record + 1));
}

static int take_whole(void *context, const struct record_stack *record)
{
	return stacks_take(context, record, RECORD_STACK_BYTES(record->frames));
}

int stacks_round(struct stacks *stacks, uint64_t until_ns)
{
	return parked_round(stacks->parked, until_ns, take_whole, stacks);
}

void stacks_count_parked(const struct stacks *stacks, uint64_t *stops)
{
	parked_count(stacks->parked, stops);
}

void stacks_process_ends(struct stacks *stacks, uint64_t process, uint32_t pid)
{
	struct perf_map *map;

	for (size_t i = 0; i < stacks->places.n; i++) {
		if (stacks->places.all[i].a != (process << PLACE_BITS | PLACE_JIT))
			continue;
		symbolizer_perf_map(stacks->symbolizer, process, pid, &map);
		return;
	}
}

/* --- naming --- */

static struct run_frame *new_frame(struct stacks *stacks, struct run *run)
{
	if (run->n_frames == stacks->room_run_frames) {
		size_t room = stacks->room_run_frames ? 2 * stacks->room_run_frames : 256;
		struct run_frame *grown = reallocarray(run->frames, room, sizeof(*grown));

		if (!grown)
			return NULL;
		run->frames = grown;
		stacks->room_run_frames = room;
	}
	memset(&run->frames[run->n_frames], 0, sizeof(*run->frames));
	run->frames[run->n_frames].id = run->n_frames + 1;
	return &run->frames[run->n_frames++];
}

static int fill_frame(struct run_frame *frame, enum frame_kind kind, const char *function, const char *object, uint64_t address)
{
	frame->kind = kind;
	frame->address = address;
	frame->function = strdup(function ? function : "");
	frame->object = strdup(object);
	frame->source = strdup("");
	return frame->function && frame->object && frame->source ? 0 : -ENOMEM;
}

static int name_user(struct stacks *stacks, struct run *run, const struct table_object *object, uint64_t address, bool call)
{
	struct symbol_frame found[INLINED_MAX] = {{0}};
	size_t n = 1;
	int err = 0;

	if (object->symbols)
		n = symbolizer_user(stacks->symbolizer, object->symbols, address - call, found, INLINED_MAX);
	for (size_t i = 0; i < n && !err; i++) {
		struct run_frame *frame = new_frame(stacks, run);

		err = frame ? fill_frame(frame, FRAME_USER, found[i].function, object->name, address) : -ENOMEM;
		if (err)
			break;
		frame->line = found[i].line;
		frame->inlined = found[i].inlined;
		if (found[i].source) {
			free(frame->source);
			frame->source = strdup(found[i].source);
			err = frame->source ? 0 : -ENOMEM;
		}
	}
	return err;
}

static int name_other(struct stacks *stacks, struct run *run, const struct pair *place)
{
	struct run_frame *frame = new_frame(stacks, run);
	const char *module = NULL, *function = NULL;
	struct perf_map *map = NULL;
	uint64_t offset;

	if (!frame)
		return -ENOMEM;
	switch (PLACE_KIND(place->a)) {
	case PLACE_KERNEL:
		function = symbolizer_kernel(stacks->symbolizer, place->b, &offset, &module);
		return fill_frame(frame, FRAME_KERNEL, function, module ? module : "[kernel]", place->b);
	case PLACE_JIT:
		/* The process may be gone: its pid is then asked for in vain, and what was read before serves. */
		if (!symbolizer_perf_map(stacks->symbolizer, place->a >> PLACE_BITS, 0, &map))
			function = symbolizer_perf_map_find(stacks->symbolizer, map, place->b, &offset);
		return fill_frame(frame, FRAME_USER, function, "[jit]", place->b);
	case PLACE_UNFINISHED:
		return fill_frame(frame, FRAME_UNFINISHED, stop_words[place->b], "", 0);
	default:
		return fill_frame(frame, FRAME_USER, NULL, "[unknown]", place->b);
	}
}

/* The frames of a place, named when first asked for. */
static int name_place(struct stacks *stacks, struct run *run, uint32_t number)
{
	const struct pair *place = &stacks->places.all[number];
	struct named *named = &stacks->names[number];
	int err;

	if (named->n)
		return 0;
	named->first = run->n_frames;
	if (PLACE_KIND(place->a) <= PLACE_EXACT)
		err = name_user(stacks, run, (const void *)(uintptr_t)(place->a & ~((1ull << PLACE_BITS) - 1)), place->b,
				PLACE_KIND(place->a) == PLACE_CALL);
	else
		err = name_other(stacks, run, place);
	named->n = run->n_frames - named->first;
	return err;
}

static int add_stack(struct stacks *stacks, struct run *run, uint64_t parent, uint64_t frame, uint64_t *ret)
{
	if (run->n_stacks == stacks->room_run_stacks) {
		size_t room = stacks->room_run_stacks ? 2 * stacks->room_run_stacks : 1024;
		struct run_stack *grown = reallocarray(run->stacks, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		run->stacks = grown;
		stacks->room_run_stacks = room;
	}
	run->stacks[run->n_stacks] = (struct run_stack){.id = run->n_stacks + 1, .parent = parent, .frame = frame};
	*ret = ++run->n_stacks;
	return 0;
}

/* The node's number in the run; outer nodes are added before inner ones. */
static int convert(struct stacks *stacks, struct run *run, uint32_t node, uint64_t *ret)
{
	uint32_t path[STACK_FRAMES_MAX + STACK_KERNEL_MAX + 2];
	uint64_t stack = 0;
	size_t depth = 0;
	int err = 0;

	while (node && !stacks->run_stacks[node - 1] && depth < sizeof(path) / sizeof(path[0])) {
		path[depth++] = node;
		node = stacks->nodes.all[node - 1].a;
	}
	if (node)
		stack = stacks->run_stacks[node - 1];
	while (depth-- > 0 && !err) {
		uint32_t place = stacks->nodes.all[path[depth] - 1].b;
		const struct named *named = &stacks->names[place];

		err = name_place(stacks, run, place);
		for (uint32_t i = named->n; i-- > 0 && !err;)
			err = add_stack(stacks, run, stack, named->first + i + 1, &stack);
		stacks->run_stacks[path[depth] - 1] = stack;
	}
	*ret = stack;
	return err;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/*
 * At a block, our own frames lie on top: what the kernel calls at the tracepoint, and what that calls. (The scheduler's frames are not there:
 * the kernel leaves them out of stacks of tasks, in_sched_functions().)
 */
static uint32_t without_own_frames(struct stacks *stacks, uint32_t leaf)
{
	uint32_t node = leaf, own = leaf;

	while (node) {
		const struct pair *pair = &stacks->nodes.all[node - 1];
		const struct pair *place = &stacks->places.all[pair->b];
		const char *module, *function;
		uint64_t offset;

		if (PLACE_KIND(place->a) != PLACE_KERNEL)
			break;
		node = pair->a;
		/* Our programs may have no names: they are loaded while the kernel's names are read. */
		function = symbolizer_kernel(stacks->symbolizer, place->b, &offset, &module);
		if (!function)
			continue;
		if (!begins_with(function, "__traceiter_") && !begins_with(function, "__bpf_") && !begins_with(function, "bpf_"))
			break;
		own = node;
	}
	return own;
}

/* The kernel's addresses of nodes and places are final when this is called first. */
static int begin_naming(struct stacks *stacks)
{
	if (stacks->names)
		return 0;
	stacks->names = calloc(stacks->places.n + 1, sizeof(*stacks->names));
	stacks->run_stacks = calloc(stacks->nodes.n + 1, sizeof(*stacks->run_stacks));
	return stacks->names && stacks->run_stacks ? 0 : -ENOMEM;
}

int stacks_number(struct stacks *stacks, uint64_t id, struct run *run, uint64_t *ret)
{
	uint32_t number = id ? pairs_find(&stacks->ids, id, 0) : PAIRS_NONE;
	int err;

	*ret = 0;
	if (number == PAIRS_NONE)
		return 0;
	err = begin_naming(stacks);
	return err ? err : convert(stacks, run, without_own_frames(stacks, stacks->node_of[number]), ret);
}

void stacks_count_losses(const struct stacks *stacks, uint64_t *losses)
{
	const struct tables *tables = spaces_tables(stacks->spaces);
	struct symbolizer_counts counts;

	symbolizer_counts(stacks->symbolizer, &counts);
	losses[LOSS_UNWIND_FULL] += tables_full(tables) + spaces_full(stacks->spaces);
	losses[LOSS_OBJECT_UNNAMED] += tables_unnamed(tables) + counts.objects_unnamed;
	losses[LOSS_LINES_UNREAD] += counts.objects_no_lines;
	losses[LOSS_PERF_MAP_CUT] += counts.perf_maps_cut;
}

void stacks_close(struct stacks *stacks)
{
	if (!stacks)
		return;
	parked_close(stacks->parked);
	pairs_free(&stacks->places);
	pairs_free(&stacks->nodes);
	pairs_free(&stacks->ids);
	pairs_free(&stacks->kernel_ids);
	free(stacks->node_of);
	free(stacks->kernel_of);
	free(stacks->kernel_frames);
	free(stacks->names);
	free(stacks->run_stacks);
	free(stacks);
}
