/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/spaces.h"

#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "trace/proc_maps.h"
#include "trace/regions.h"

#define HASH_SLOTS 4096

/* A list as it was published; immutable. Kept while a process has it, and two rounds longer: stacks and forks may still refer to it. */
struct list {
	uint64_t generation;
	struct span *spans; /* by address */
	size_t n_spans;
	struct region region;
	unsigned int processes; /* that have it */
	uint64_t unused_since;  /* round; meaningful without processes */
	struct list *next;
};

struct space {
	uint32_t pid;
	uint64_t begin_ns; /* of the address space; 0: before the measurement */
	struct spans spans;
	struct list *list; /* published last; NULL: none */
	bool changed;      /* since then */
	struct space *next;
};

struct spaces {
	struct kernel *kernel;
	struct tables *tables;
	struct regions *regions;
	struct space *by_pid[HASH_SLOTS];
	struct list *by_generation[HASH_SLOTS];
	struct record_fork *forks; /* not applied yet, in the order of time */
	size_t n_forks, room_forks, applied_forks;
	struct space **changed; /* in this round */
	size_t n_changed, room_changed;
	uint64_t generation, round, full;
	uint64_t cleaned; /* round in which unused lists were last looked for */
};

int spaces_open(struct kernel *kernel, struct tables *tables, struct spaces **ret)
{
	struct spaces *spaces = calloc(1, sizeof(*spaces));
	int err;

	if (!spaces)
		return -ENOMEM;
	spaces->kernel = kernel;
	spaces->tables = tables;
	err = tables ? regions_open(kernel, &spaces->regions) : 0;
	if (err)
		spaces_close(spaces);
	else
		*ret = spaces;
	return err;
}

static struct space **place_of(struct spaces *spaces, uint32_t pid)
{
	struct space **place = &spaces->by_pid[pid % HASH_SLOTS];

	while (*place && (*place)->pid != pid)
		place = &(*place)->next;
	return place;
}

static struct list *list_of(const struct spaces *spaces, uint64_t generation)
{
	struct list *list = spaces->by_generation[generation % HASH_SLOTS];

	while (list && list->generation != generation)
		list = list->next;
	return list;
}

static void list_drop(struct spaces *spaces, struct list *list)
{
	if (list && --list->processes == 0)
		list->unused_since = spaces->round;
}

static void mark_changed(struct spaces *spaces, struct space *space)
{
	if (space->changed)
		return;
	if (spaces->n_changed == spaces->room_changed) {
		size_t room = spaces->room_changed ? 2 * spaces->room_changed : 64;
		struct space **grown = reallocarray(spaces->changed, room, sizeof(*grown));

		if (!grown) {
			spaces->full++;
			return;
		}
		spaces->changed = grown;
		spaces->room_changed = room;
	}
	spaces->changed[spaces->n_changed++] = space;
	space->changed = true;
}

static void space_remove(struct spaces *spaces, struct space **place)
{
	struct space *space = *place;

	for (size_t i = 0; space->changed && i < spaces->n_changed; i++)
		if (spaces->changed[i] == space)
			spaces->changed[i--] = spaces->changed[--spaces->n_changed];
	*place = space->next;
	list_drop(spaces, space->list);
	spans_free(&space->spans);
	free(space);
}

/* A process that was not followed yet, in place of an older one of that pid. */
static struct space *space_new(struct spaces *spaces, uint32_t pid)
{
	struct space **place = place_of(spaces, pid), *space;

	if (*place)
		space_remove(spaces, place);
	space = calloc(1, sizeof(*space));
	if (!space) {
		spaces->full++;
		return NULL;
	}
	space->pid = pid;
	space->next = spaces->by_pid[pid % HASH_SLOTS];
	spaces->by_pid[pid % HASH_SLOTS] = space;
	return space;
}

static void apply_mapping(struct spaces *spaces, struct space *space, const struct mapping *mapping)
{
	struct span span = {.start = mapping->start, .end = mapping->start + mapping->length};

	if (span.end <= span.start)
		return;
	if (mapping->kind != MAPPING_ANONYMOUS) {
		span.object = tables_object(spaces->tables, mapping);
		/* A file that is no ELF object holds code made at run time, too. */
		if (span.object && (!span.object->object ||
				    !unwind_object_bias(span.object->object, mapping->start, mapping->file_offset, &span.bias)))
			span.object = NULL;
	}
	if (spans_put(&space->spans, &span))
		spaces->full++;
	mark_changed(spaces, space);
}

static void apply_exec(struct spaces *spaces, struct space *space, uint64_t time_ns)
{
	space->spans.n = 0;
	space->begin_ns = time_ns;
	if (spaces->tables)
		mark_changed(spaces, space);
}

static void apply_fork(struct spaces *spaces, const struct record_fork *fork)
{
	struct space *parent, *child = space_new(spaces, fork->tgid);
	struct list *list = list_of(spaces, fork->generation);

	parent = *place_of(spaces, fork->parent_tgid);
	if (!child || !parent || !spaces->tables)
		return;
	child->begin_ns = parent->begin_ns;
	if (spans_copy(&child->spans, &parent->spans)) {
		spaces->full++;
		return;
	}
	child->list = list;
	if (list)
		list->processes++;
	/* The child began with what had been published by then. */
	if (parent->changed || !list || list != parent->list)
		mark_changed(spaces, child);
}

static void apply_forks_until(struct spaces *spaces, uint64_t time_ns)
{
	while (spaces->applied_forks < spaces->n_forks && spaces->forks[spaces->applied_forks].time_ns <= time_ns)
		apply_fork(spaces, &spaces->forks[spaces->applied_forks++]);
}

void spaces_fork(struct spaces *spaces, const struct record_fork *fork)
{
	if (spaces->n_forks == spaces->room_forks) {
		size_t room = spaces->room_forks ? 2 * spaces->room_forks : 64;
		struct record_fork *grown = reallocarray(spaces->forks, room, sizeof(*grown));

		if (!grown) {
			spaces->full++;
			return;
		}
		spaces->forks = grown;
		spaces->room_forks = room;
	}
	spaces->forks[spaces->n_forks++] = *fork;
}

void spaces_ended(struct spaces *spaces, uint32_t pid)
{
	struct space **place;

	/* What ended may have forked just before, or be one whose birth is still to be applied. */
	apply_forks_until(spaces, UINT64_MAX);
	place = place_of(spaces, pid);
	if (*place)
		space_remove(spaces, place);
}

int spaces_root(struct spaces *spaces, uint32_t pid)
{
	if (!space_new(spaces, pid))
		return -ENOMEM;
	return spaces->tables ? kernel_add_space(spaces->kernel, pid) : 0;
}

/* --- publishing --- */

/* The kernel's entries for a span: its object's parts, and what no part covers. Returns how many; `to` may be NULL. */
static size_t span_entries(const struct span *span, struct unwind_mapping *to)
{
	uint64_t at = span->start;
	size_t n = 0;

#define ENTRY(...)                                                                                                               \
	do {                                                                                                                     \
		if (to)                                                                                                          \
			to[n] = (struct unwind_mapping){__VA_ARGS__};                                                            \
		n++;                                                                                                             \
	} while (0)
	for (size_t i = 0; span->object && i < span->object->n_parts; i++) {
		const struct table_part *part = &span->object->parts[i];
		uint64_t start = part->start + span->bias, end = part->end + span->bias;

		if (end <= at || start >= span->end)
			continue;
		if (start > at) {
			ENTRY(.start = at, .end = start, .segment = UNWIND_NO_SEGMENT);
			at = start;
		}
		if (end > span->end)
			end = span->end;
		ENTRY(.start = at, .end = end, .base = start, .segment = part->segment, .index_word = part->index_word,
		      .rows_word = part->rows_word);
		at = end;
	}
	if (at < span->end)
		ENTRY(.start = at, .end = span->end, .segment = UNWIND_NO_SEGMENT,
		      .flags = span->object ? 0 : UNWIND_MAPPING_FRAME);
#undef ENTRY
	return n;
}

static struct list *list_new(struct spaces *spaces, const struct space *space)
{
	struct list *list = calloc(1, sizeof(*list));
	size_t entries = 0;

	if (!list)
		return NULL;
	for (size_t i = 0; i < space->spans.n; i++)
		entries += span_entries(&space->spans.all[i], NULL);
	list->spans = malloc(space->spans.n * sizeof(*list->spans) + 1);
	if (!list->spans || regions_take(spaces->regions, entries, &list->region)) {
		free(list->spans);
		free(list);
		return NULL;
	}
	memcpy(list->spans, space->spans.all, space->spans.n * sizeof(*list->spans));
	list->n_spans = space->spans.n;
	list->generation = ++spaces->generation;
	entries = 0;
	for (size_t i = 0; i < list->n_spans; i++)
		entries += span_entries(&list->spans[i], list->region.entries + entries);
	region_seal(&list->region, list->generation);
	list->next = spaces->by_generation[list->generation % HASH_SLOTS];
	spaces->by_generation[list->generation % HASH_SLOTS] = list;
	return list;
}

static void publish(struct spaces *spaces, struct space *space)
{
	struct unwind_space value = {.begin_ns = space->begin_ns};
	struct list *list = NULL;

	space->changed = false;
	if (space->spans.n) {
		list = list_new(spaces, space);
		if (!list)
			spaces->full++;
	}
	if (list) {
		value.generation = list->generation;
		value.first = list->region.first;
		value.count = list->region.count;
		list->processes = 1;
	}
	kernel_set_space(spaces->kernel, space->pid, &value);
	list_drop(spaces, space->list);
	space->list = list;
}

/* Frees lists that nobody has had for two rounds: by now all records that refer to them have been seen. */
static void clean(struct spaces *spaces)
{
	for (size_t i = 0; i < HASH_SLOTS; i++) {
		struct list **place = &spaces->by_generation[i];

		while (*place) {
			struct list *list = *place;

			if (list->processes || spaces->round - list->unused_since < 2) {
				place = &list->next;
				continue;
			}
			*place = list->next;
			regions_give_back(spaces->regions, &list->region);
			free(list->spans);
			free(list);
		}
	}
}

static bool hear(void *context, const struct mapping *mapping)
{
	struct spaces *spaces = context;
	struct space *space;

	apply_forks_until(spaces, mapping->time_ns);
	space = *place_of(spaces, mapping->pid);
	if (!space)
		return false;
	if (mapping->kind == MAPPING_EXEC)
		apply_exec(spaces, space, mapping->time_ns);
	else if (spaces->tables)
		apply_mapping(spaces, space, mapping);
	return true;
}

#define CLEAN_EVERY 64 /* rounds */

void spaces_round(struct spaces *spaces, struct mappings *mappings)
{
	if (mappings)
		mappings_deliver(mappings, hear, spaces);
	apply_forks_until(spaces, UINT64_MAX);
	spaces->n_forks = spaces->applied_forks = 0;
	if (spaces->tables && spaces->n_changed)
		tables_settle(spaces->tables);
	for (size_t i = 0; i < spaces->n_changed; i++)
		publish(spaces, spaces->changed[i]);
	spaces->n_changed = 0;
	spaces->round++;
	if (spaces->tables && spaces->round - spaces->cleaned >= CLEAN_EVERY) {
		spaces->cleaned = spaces->round;
		clean(spaces);
	}
}

/* --- a process that is alive --- */

int spaces_attach(struct spaces *spaces, struct mappings *mappings, uint32_t pid)
{
	_cleanup_fclose_ FILE *maps = NULL;
	_cleanup_free_ char *line = NULL;
	struct space *space;
	char path[64];
	size_t room = 0;
	int err;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	space = space_new(spaces, pid);
	if (!space)
		return -ENOMEM;
	err = spaces->tables ? kernel_add_space(spaces->kernel, pid) : 0;
	if (err)
		return err;
	while (!err && getline(&line, &room, maps) > 0) {
		struct mapping mapping = {.pid = pid};

		if (!proc_maps_line(line, &mapping))
			continue;
		if (spaces->tables)
			apply_mapping(spaces, space, &mapping);
		if (mappings && mapping.kind == MAPPING_FILE)
			err = mappings_keep(mappings, &mapping);
	}
	return err;
}

const struct span *spaces_find(const struct spaces *spaces, uint64_t generation, uint64_t address)
{
	const struct list *list = generation ? list_of(spaces, generation) : NULL;
	size_t low = 0, high = list ? list->n_spans : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->spans[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address >= list->spans[low - 1].end)
		return NULL;
	return &list->spans[low - 1];
}

uint64_t spaces_generation(struct spaces *spaces, uint32_t pid)
{
	struct space *space = *place_of(spaces, pid);

	return space && space->list ? space->list->generation : 0;
}

const struct tables *spaces_tables(const struct spaces *spaces)
{
	return spaces->tables;
}

uint64_t spaces_full(const struct spaces *spaces)
{
	return spaces->full;
}

void spaces_close(struct spaces *spaces)
{
	if (!spaces)
		return;
	for (size_t i = 0; i < HASH_SLOTS; i++) {
		while (spaces->by_pid[i])
			space_remove(spaces, &spaces->by_pid[i]);
	}
	/* Only then: spaces refer to lists. */
	for (size_t i = 0; i < HASH_SLOTS; i++) {
		while (spaces->by_generation[i]) {
			struct list *list = spaces->by_generation[i];

			spaces->by_generation[i] = list->next;
			free(list->spans);
			free(list);
		}
	}
	regions_close(spaces->regions);
	free(spaces->forks);
	free(spaces->changed);
	free(spaces);
}
