/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/spaces.h"

#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "trace/eras.h"
#include "trace/lists.h"
#include "trace/proc_maps.h"

#define HASH_SLOTS 4096

struct space {
	uint32_t pid;
	uint64_t process;  /* serial */
	uint64_t begin_ns; /* of the address space; 0: before the measurement */
	struct spans spans;
	struct list *list; /* published last; NULL: none */
	bool changed;      /* since then */
	struct space *next;
};

/* A process's birth or its end. */
struct event {
	uint64_t time_ns;
	bool is_end;
	struct record_fork fork; /* of an end: process and tgid only */
};

struct spaces {
	struct kernel *kernel;
	struct tables *tables;
	struct lists *lists; /* NULL without tables */
	struct eras *eras;   /* the same */
	struct space *by_pid[HASH_SLOTS];
	struct event *events; /* not applied yet, in the order of time */
	size_t n_events, room_events, applied_events;
	struct space **changed; /* in this round */
	size_t n_changed, room_changed;
	uint64_t until_ns; /* of the last round */
	uint64_t full;
};

int spaces_open(struct kernel *kernel, struct tables *tables, struct spaces **ret)
{
	struct spaces *spaces = calloc(1, sizeof(*spaces));
	int err = 0;

	if (!spaces)
		return -ENOMEM;
	spaces->kernel = kernel;
	spaces->tables = tables;
	if (tables)
		err = lists_open(kernel, &spaces->lists);
	if (!err && tables)
		err = eras_open(spaces->lists, &spaces->eras);
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

/*
 * The address space is about to go; what it looked like at its end stays known for a while. That includes what was not published, for want of
 * time: a process may have lived and died since.
 */
static void space_past(struct spaces *spaces, struct space *space, uint64_t end_ns)
{
	struct list *list;

	if (!spaces->lists || !space->spans.n)
		return;
	list = space->changed || !space->list ? lists_keep(spaces->lists, &space->spans) : list_share(space->list);
	if (!list || eras_add(spaces->eras, space->process, space->begin_ns, end_ns, list))
		spaces->full++;
}

static void space_remove(struct spaces *spaces, struct space **place)
{
	struct space *space = *place;

	for (size_t i = 0; space->changed && i < spaces->n_changed; i++)
		if (spaces->changed[i] == space)
			spaces->changed[i--] = spaces->changed[--spaces->n_changed];
	*place = space->next;
	lists_drop(spaces->lists, space->list);
	spans_free(&space->spans);
	free(space);
}

/* A process that was not followed yet, in place of an older one of that pid, whose end has not been heard of. */
static struct space *space_new(struct spaces *spaces, uint32_t pid, uint64_t process, uint64_t time_ns)
{
	struct space **place = place_of(spaces, pid), *space;

	if (*place) {
		space_past(spaces, *place, time_ns);
		space_remove(spaces, place);
	}
	space = calloc(1, sizeof(*space));
	if (!space) {
		spaces->full++;
		return NULL;
	}
	space->pid = pid;
	space->process = process;
	space->next = spaces->by_pid[pid % HASH_SLOTS];
	spaces->by_pid[pid % HASH_SLOTS] = space;
	return space;
}

/* Whether it lay there already, as before: protections that change, and change back, are heard of as well. */
static bool is_there(const struct space *space, const struct span *span)
{
	const struct span *there = spans_find(space->spans.all, space->spans.n, span->start);

	return there && there->start == span->start && there->end == span->end && there->bias == span->bias &&
	       there->object == span->object;
}

static void apply_mapping(struct spaces *spaces, struct space *space, const struct mapping *mapping)
{
	struct span span = {.start = mapping->start, .end = mapping->start + mapping->length, .since_ns = mapping->time_ns};

	if (span.end <= span.start)
		return;
	if (mapping->kind != MAPPING_ANONYMOUS) {
		span.object = tables_object(spaces->tables, mapping);
		/* A file that is no ELF object holds code made at run time, too. */
		if (span.object && (!span.object->object ||
				    !unwind_object_bias(span.object->object, mapping->start, mapping->file_offset, &span.bias)))
			span.object = NULL;
	}
	if (is_there(space, &span))
		return;
	if (spans_put(&space->spans, &span))
		spaces->full++;
	mark_changed(spaces, space);
}

static void apply_exec(struct spaces *spaces, struct space *space, uint64_t time_ns)
{
	space_past(spaces, space, time_ns);
	space->spans.n = 0;
	space->begin_ns = time_ns;
	if (spaces->tables)
		mark_changed(spaces, space);
}

static void apply_fork(struct spaces *spaces, const struct record_fork *fork)
{
	struct space *parent, *child = space_new(spaces, fork->tgid, fork->process, fork->time_ns);
	struct list *list;

	parent = *place_of(spaces, fork->parent_tgid);
	if (!child || !parent || !spaces->lists)
		return;
	list = fork->generation ? lists_find(spaces->lists, fork->generation) : NULL;
	child->begin_ns = parent->begin_ns;
	if (spans_copy(&child->spans, &parent->spans)) {
		spaces->full++;
		return;
	}
	child->list = list_share(list);
	/* The child began with what had been published by then. */
	if (parent->changed || !list || list != parent->list)
		mark_changed(spaces, child);
}

static void apply_end(struct spaces *spaces, const struct event *end)
{
	struct space **place = place_of(spaces, end->fork.tgid);

	/* Its pid may be another's by now. */
	if (!*place || (*place)->process != end->fork.process)
		return;
	space_past(spaces, *place, end->time_ns);
	space_remove(spaces, place);
}

static void apply_until(struct spaces *spaces, uint64_t time_ns)
{
	while (spaces->applied_events < spaces->n_events && spaces->events[spaces->applied_events].time_ns <= time_ns) {
		const struct event *event = &spaces->events[spaces->applied_events++];

		if (event->is_end)
			apply_end(spaces, event);
		else
			apply_fork(spaces, &event->fork);
	}
}

static void forget_applied(struct spaces *spaces)
{
	spaces->n_events -= spaces->applied_events;
	if (spaces->applied_events && spaces->n_events)
		memmove(spaces->events, spaces->events + spaces->applied_events, spaces->n_events * sizeof(*spaces->events));
	spaces->applied_events = 0;
}

static void add_event(struct spaces *spaces, const struct event *event)
{
	size_t at = spaces->n_events;

	if (spaces->n_events == spaces->room_events) {
		size_t room = spaces->room_events ? 2 * spaces->room_events : 64;
		struct event *grown = reallocarray(spaces->events, room, sizeof(*grown));

		if (!grown) {
			spaces->full++;
			return;
		}
		spaces->events = grown;
		spaces->room_events = room;
	}
	/* CPUs that write at once may come in the other order. */
	for (; at > spaces->applied_events && spaces->events[at - 1].time_ns > event->time_ns; at--)
		spaces->events[at] = spaces->events[at - 1];
	spaces->events[at] = *event;
	spaces->n_events++;
}

void spaces_fork(struct spaces *spaces, const struct record_fork *fork)
{
	add_event(spaces, &(struct event){.time_ns = fork->time_ns, .fork = *fork});
}

void spaces_ended(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns)
{
	add_event(spaces, &(struct event){.time_ns = time_ns, .is_end = true, .fork = {.process = process, .tgid = pid}});
}

/* The kernel side counts processes from 1, and the root is the first. */
#define ROOT_PROCESS 1

int spaces_root(struct spaces *spaces, uint32_t pid)
{
	if (!space_new(spaces, pid, ROOT_PROCESS, 0))
		return -ENOMEM;
	return spaces->tables ? kernel_add_space(spaces->kernel, pid) : 0;
}

/* --- publishing --- */

static void publish(struct spaces *spaces, struct space *space)
{
	struct unwind_space value = {.process = space->process, .begin_ns = space->begin_ns};
	struct list *list = NULL;

	space->changed = false;
	if (space->spans.n) {
		list = lists_publish(spaces->lists, &space->spans);
		if (!list)
			spaces->full++;
	}
	if (list) {
		value.generation = list->generation;
		value.first = list->first;
		value.count = list->count;
	}
	kernel_set_space(spaces->kernel, space->pid, &value);
	lists_drop(spaces->lists, space->list);
	space->list = list;
}

static bool hear(void *context, const struct mapping *mapping)
{
	struct spaces *spaces = context;
	struct space *space;

	apply_until(spaces, mapping->time_ns);
	space = *place_of(spaces, mapping->pid);
	if (!space)
		return false;
	if (mapping->kind == MAPPING_EXEC)
		apply_exec(spaces, space, mapping->time_ns);
	else if (spaces->tables)
		apply_mapping(spaces, space, mapping);
	return true;
}

void spaces_round(struct spaces *spaces, struct mappings *mappings, uint64_t until_ns)
{
	if (mappings)
		mappings_deliver(mappings, until_ns, hear, spaces);
	apply_until(spaces, until_ns);
	forget_applied(spaces);
	if (!spaces->tables)
		return;
	if (spaces->n_changed)
		tables_settle(spaces->tables);
	for (size_t i = 0; i < spaces->n_changed; i++)
		publish(spaces, spaces->changed[i]);
	spaces->n_changed = 0;
	/* While the ring is held up, what it has to tell may still refer to what has gone. */
	if (until_ns > spaces->until_ns) {
		eras_round(spaces->eras);
		lists_round(spaces->lists);
	}
	spaces->until_ns = until_ns;
}

/* --- a process that is alive --- */

int spaces_attach(struct spaces *spaces, struct mappings *mappings, uint32_t pid, uint64_t process)
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
	space = space_new(spaces, pid, process, 0);
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

const struct span *spaces_find(const struct spaces *spaces, uint64_t generation, uint64_t address, uint64_t time_ns)
{
	const struct list *list = generation ? lists_find(spaces->lists, generation) : NULL;
	const struct span *span = list ? spans_find(list->spans, list->n_spans, address) : NULL;

	return span && span->since_ns <= time_ns ? span : NULL;
}

uint64_t spaces_at(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns, bool *is_there_still)
{
	const struct space *space = *place_of(spaces, pid);
	const struct list *list;

	*is_there_still = space && space->process == process && time_ns >= space->begin_ns;
	list = *is_there_still ? space->list : eras_find(spaces->eras, process, time_ns);
	return list ? list->generation : 0;
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
	eras_close(spaces->eras);
	/* Only then: spaces and eras refer to lists. */
	lists_close(spaces->lists);
	free(spaces->events);
	free(spaces->changed);
	free(spaces);
}
