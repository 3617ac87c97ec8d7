/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perfetto's track events: a track for each thread with a slice for each interval, flows from wakers, samples as instants, and counters of how
 * many threads are in each state. One sequence of packets, in the order of time but for samples, which come with the end of their slice. What
 * occurs again and again (names, stacks) is written once and referred to by a number, its iid.
 */
#include <errno.h>

#include "explain/level.h"
#include "export/slices.h"
#include "lib/pairs.h"
#include "perfetto.pb-c.h"

typedef Perfetto__Protos__TracePacket packet_t;
typedef Perfetto__Protos__TrackEvent event_t;
typedef Perfetto__Protos__DebugAnnotation annotation_t;
typedef Perfetto__Protos__InternedData interned_t;
typedef Perfetto__Protos__InternedName interned_name_t;
typedef Perfetto__Protos__InternedString interned_string_t;
#define EVENT(name) PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_##name

#define SEQUENCE         1
#define SEQUENCE_CLEARED 1
#define SEQUENCE_NEEDED  2
#define UNIT_COUNT       2

/* Annotations of slices: their iids are these numbers + 1. */
enum { NOTE_CAUSE, NOTE_WAKER, NOTE_HOLDER, NOTE_STACK, NOTE_COUNT };
static const char *const note_names[NOTE_COUNT] = {"cause", "waker", "holder", "stack"};

/* Categories beside the states: their iids are these numbers + 1. */
enum { CATEGORY_WAKE = STATE_COUNT, CATEGORY_SAMPLE, CATEGORY_COUNT };

/* What a text is of, as the first of a pair that stands for it. Those of names of intervals are enum state. */
enum { TEXT_PREEMPTED = STATE_COUNT, TEXT_WAKES, TEXT_FRAME, TEXT_CAUSE, TEXT_THREAD, TEXT_WAKER, TEXT_STACK };

struct perfetto {
	FILE *out;
	int err;
	const struct timeline *timeline;
	const struct run *run;
	struct pairs names, values; /* iid - 1 of event names, and of annotations' values */
	uint64_t flows;
	uint64_t shown[STATE_COUNT]; /* what the counters say */
	uint32_t counters;           /* states that have one: bits 1 << state */
	uint8_t *bytes;
	size_t room;
};

/* An event and what it brings along. The texts live as long. */
struct event {
	packet_t packet;
	event_t event;
	interned_t interned;
	uint64_t category;
	annotation_t annotations[NOTE_COUNT], *annotation_list[NOTE_COUNT];
	interned_name_t name, *name_list[1];
	interned_string_t values[NOTE_COUNT], *value_list[NOTE_COUNT];
	char name_text[SLICE_TEXT_BYTES];
	char value_text[NOTE_COUNT][SLICE_STACK_BYTES];
};

/* A trace is its packets one after the other: a message of one packet each. */
static void put(struct perfetto *perfetto, packet_t *packet)
{
	Perfetto__Protos__Trace trace = PERFETTO__PROTOS__TRACE__INIT;
	size_t length;

	if (perfetto->err)
		return;
	packet->has_trusted_packet_sequence_id = packet->has_sequence_flags = true;
	packet->trusted_packet_sequence_id = SEQUENCE;
	packet->sequence_flags |= SEQUENCE_NEEDED;
	trace.n_packet = 1;
	trace.packet = &packet;
	length = perfetto__protos__trace__get_packed_size(&trace);
	if (length > perfetto->room) {
		uint8_t *bytes = realloc(perfetto->bytes, 2 * length);

		if (!bytes) {
			perfetto->err = -ENOMEM;
			return;
		}
		perfetto->bytes = bytes;
		perfetto->room = 2 * length;
	}
	perfetto__protos__trace__pack(&trace, perfetto->bytes);
	errno = 0;
	if (fwrite(perfetto->bytes, 1, length, perfetto->out) != length)
		perfetto->err = errno ? -errno : -EIO;
}

/* --- tracks: processes, then threads, then states --- */

static uint64_t process_track(const struct perfetto *perfetto, const struct run_process *process)
{
	return 1 + (process - perfetto->run->processes);
}

static uint64_t thread_track(const struct perfetto *perfetto, const struct run_thread *thread)
{
	return 1 + perfetto->run->n_processes + (thread - perfetto->run->threads);
}

static uint64_t state_track(const struct perfetto *perfetto, enum state state)
{
	return 1 + perfetto->run->n_processes + perfetto->run->n_threads + state;
}

static void put_track(struct perfetto *perfetto, Perfetto__Protos__TrackDescriptor *track)
{
	packet_t packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;

	track->has_uuid = true;
	packet.track_descriptor = track;
	put(perfetto, &packet);
}

static void put_process(struct perfetto *perfetto, const struct run_process *process)
{
	Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	Perfetto__Protos__ProcessDescriptor descriptor = PERFETTO__PROTOS__PROCESS_DESCRIPTOR__INIT;

	descriptor.has_pid = true;
	descriptor.pid = process->pid;
	descriptor.process_name = (char *)SLICE_TEXT(process->comm);
	track.uuid = process_track(perfetto, process);
	track.process = &descriptor;
	put_track(perfetto, &track);
}

static void put_thread(struct perfetto *perfetto, const struct run_thread *thread, const struct slice_thread *slice)
{
	Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	Perfetto__Protos__ThreadDescriptor descriptor = PERFETTO__PROTOS__THREAD_DESCRIPTOR__INIT;
	char name[SLICE_TEXT_BYTES];

	descriptor.has_pid = descriptor.has_tid = true;
	descriptor.pid = slice->process->pid;
	descriptor.tid = slice->tid;
	descriptor.thread_name = (char *)slice_thread_name(name, thread, slice);
	track.uuid = thread_track(perfetto, thread);
	track.has_parent_uuid = true;
	track.parent_uuid = process_track(perfetto, slice->process);
	track.thread = &descriptor;
	put_track(perfetto, &track);
}

static void put_counter_track(struct perfetto *perfetto, enum state state)
{
	Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	Perfetto__Protos__CounterDescriptor descriptor = PERFETTO__PROTOS__COUNTER_DESCRIPTOR__INIT;
	char name[SLICE_TEXT_BYTES];

	snprintf(name, sizeof(name), "threads: %s", state_info[state].name);
	descriptor.has_unit = true;
	descriptor.unit = UNIT_COUNT;
	track.uuid = state_track(perfetto, state);
	track.name = name;
	track.counter = &descriptor;
	put_track(perfetto, &track);
}

/* The first packet: names that are known beforehand. */
static void put_begin(struct perfetto *perfetto)
{
	packet_t packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;
	interned_t interned = PERFETTO__PROTOS__INTERNED_DATA__INIT;
	interned_name_t names[CATEGORY_COUNT + NOTE_COUNT], *list[CATEGORY_COUNT + NOTE_COUNT];

	for (int i = 0; i < CATEGORY_COUNT + NOTE_COUNT; i++) {
		bool category = i < CATEGORY_COUNT;
		const char *name = i < STATE_COUNT      ? state_info[i].name
				   : i == CATEGORY_WAKE ? "wake"
				   : category           ? "sample"
							: note_names[i - CATEGORY_COUNT];

		names[i] = (interned_name_t)PERFETTO__PROTOS__INTERNED_NAME__INIT;
		names[i].has_iid = true;
		names[i].iid = 1 + (category ? i : i - CATEGORY_COUNT);
		names[i].name = (char *)name;
		list[i] = &names[i];
	}
	interned.n_event_categories = CATEGORY_COUNT;
	interned.event_categories = list;
	interned.n_debug_annotation_names = NOTE_COUNT;
	interned.debug_annotation_names = list + CATEGORY_COUNT;
	packet.interned_data = &interned;
	packet.sequence_flags = SEQUENCE_CLEARED;
	put(perfetto, &packet);
}

/* --- events --- */

static void begin_event(struct event *event, uint64_t at_ns, Perfetto__Protos__TrackEvent__Type type, uint64_t track)
{
	event->packet = (packet_t)PERFETTO__PROTOS__TRACE_PACKET__INIT;
	event->event = (event_t)PERFETTO__PROTOS__TRACK_EVENT__INIT;
	event->interned = (interned_t)PERFETTO__PROTOS__INTERNED_DATA__INIT;
	event->packet.has_timestamp = event->event.has_type = event->event.has_track_uuid = true;
	event->packet.timestamp = at_ns;
	event->packet.track_event = &event->event;
	event->event.type = type;
	event->event.track_uuid = track;
	event->event.debug_annotations = event->annotation_list;
	event->interned.event_names = event->name_list;
	event->interned.debug_annotation_string_values = event->value_list;
}

static void put_event(struct perfetto *perfetto, struct event *event)
{
	if (event->interned.n_event_names || event->interned.n_debug_annotation_string_values)
		event->packet.interned_data = &event->interned;
	put(perfetto, &event->packet);
}

/* The iid of a text; *fresh: it has not been written yet. */
static uint64_t intern(struct perfetto *perfetto, struct pairs *pairs, uint64_t kind, uint64_t which, bool *fresh)
{
	size_t before = pairs->n;
	uint32_t number = pairs_add(pairs, kind, which);

	if (number == PAIRS_NONE)
		perfetto->err = -ENOMEM;
	*fresh = pairs->n > before;
	return number + 1ull;
}

/* Gives the event its name and category. True: event->name_text is to be filled. */
static bool set_name(struct perfetto *perfetto, struct event *event, int category, uint64_t kind, uint64_t which)
{
	bool fresh;

	event->category = category + 1;
	event->event.n_category_iids = 1;
	event->event.category_iids = &event->category;
	event->event.has_name_iid = true;
	event->event.name_iid = intern(perfetto, &perfetto->names, kind, which, &fresh);
	if (!fresh)
		return false;
	event->name = (interned_name_t)PERFETTO__PROTOS__INTERNED_NAME__INIT;
	event->name.has_iid = true;
	event->name.iid = event->event.name_iid;
	event->name.name = event->name_text;
	event->name_list[event->interned.n_event_names++] = &event->name;
	return true;
}

/* Adds an annotation. Not NULL: the text is to be put there, SLICE_STACK_BYTES at most, before seal_note(). */
static char *add_note(struct perfetto *perfetto, struct event *event, int note, uint64_t kind, uint64_t which)
{
	size_t n = event->event.n_debug_annotations++, n_values = event->interned.n_debug_annotation_string_values;
	annotation_t *annotation = event->annotation_list[n] = &event->annotations[n];
	bool fresh;

	*annotation = (annotation_t)PERFETTO__PROTOS__DEBUG_ANNOTATION__INIT;
	annotation->has_name_iid = annotation->has_string_value_iid = true;
	annotation->name_iid = note + 1;
	annotation->string_value_iid = intern(perfetto, &perfetto->values, kind, which, &fresh);
	if (!fresh)
		return NULL;
	event->value_list[n_values] = &event->values[n_values];
	event->values[n_values] = (interned_string_t)PERFETTO__PROTOS__INTERNED_STRING__INIT;
	event->values[n_values].has_iid = event->values[n_values].has_str = true;
	event->values[n_values].iid = annotation->string_value_iid;
	event->values[n_values].str.data = (uint8_t *)event->value_text[n_values];
	event->interned.n_debug_annotation_string_values++;
	return event->value_text[n_values];
}

static void seal_note(struct event *event)
{
	ProtobufCBinaryData *str = &event->values[event->interned.n_debug_annotation_string_values - 1].str;

	str->len = strlen((char *)str->data);
}

static void add_text(struct perfetto *perfetto, struct event *event, int note, uint64_t kind, uint64_t which, const char *text)
{
	char *place = add_note(perfetto, event, note, kind, which);

	if (!place)
		return;
	slice_text(place, text);
	seal_note(event);
}

static void add_stack(struct perfetto *perfetto, struct event *event, uint64_t stack)
{
	char *place = add_note(perfetto, event, NOTE_STACK, TEXT_STACK, stack);

	if (!place)
		return;
	slice_stack(place, perfetto->run, stack);
	seal_note(event);
}

static void add_notes(struct perfetto *perfetto, struct event *event, const struct timeline_cause *cause)
{
	char text[SLICE_TEXT_BYTES];

	add_text(perfetto, event, NOTE_CAUSE, TEXT_CAUSE, (uintptr_t)cause->cause, cause->cause);
	if (slice_waker(text, cause)[0])
		add_text(perfetto, event, NOTE_WAKER, cause->waker ? TEXT_THREAD : TEXT_WAKER,
			 cause->waker ? (uintptr_t)cause->waker : (uintptr_t)cause->wait, text);
	if (cause->holder)
		add_text(perfetto, event, NOTE_HOLDER, TEXT_THREAD, (uintptr_t)cause->holder, slice_holder(text, cause));
	if (cause->wait && cause->wait->stack)
		add_stack(perfetto, event, cause->wait->stack);
}

static void put_slice_begin(struct perfetto *perfetto, const struct level_change *change, uint64_t flow)
{
	const struct interval *interval = change->begun;
	bool preempted = interval->episode && interval->episode->class == CLASS_PREEMPTED;
	struct event event;

	begin_event(&event, change->at_ns, EVENT(SLICE_BEGIN), thread_track(perfetto, change->lane->thread));
	if (set_name(perfetto, &event, interval->state, preempted ? TEXT_PREEMPTED : interval->state,
		     interval->cause ? (uintptr_t)interval->cause->cause : 0))
		slice_name(event.name_text, interval);
	if (interval->cause)
		add_notes(perfetto, &event, interval->cause);
	if (flow) {
		event.event.n_terminating_flow_ids = 1;
		event.event.terminating_flow_ids = &flow;
	}
	put_event(perfetto, &event);
}

/* An instant of its own: a flow begins at the end of the slice that it is part of, and the waker's goes on. */
static void put_wake(struct perfetto *perfetto, const struct level_change *change, uint64_t flow)
{
	struct event event;

	begin_event(&event, change->at_ns, EVENT(INSTANT), thread_track(perfetto, change->waker->thread));
	if (set_name(perfetto, &event, CATEGORY_WAKE, TEXT_WAKES, (uintptr_t)change->lane->thread)) {
		char whole[THREAD_LABEL_BYTES + 8];

		snprintf(whole, sizeof(whole), "wakes %s", THREAD_LABEL(change->lane->thread));
		slice_text(event.name_text, whole);
	}
	event.event.n_flow_ids = 1;
	event.event.flow_ids = &flow;
	put_event(perfetto, &event);
}

static void put_samples(struct perfetto *perfetto, const struct level_change *change)
{
	const struct lane *lane = change->lane;
	size_t n = 0;
	const struct run_moment *moments =
	    change->ended->episode ? NULL : timeline_moments(lane, change->ended->begin_ns, change->ended->end_ns, &n);

	for (size_t i = 0; i < n; i++) {
		const struct run_frame *frame;
		struct event event;

		if (!moments[i].stack)
			continue;
		frame = &perfetto->run->frames[perfetto->run->stacks[moments[i].stack - 1].frame - 1];
		begin_event(&event, moments[i].at_ns, EVENT(INSTANT), thread_track(perfetto, lane->thread));
		if (set_name(perfetto, &event, CATEGORY_SAMPLE, TEXT_FRAME, frame->id))
			slice_frame(event.name_text, frame);
		add_stack(perfetto, &event, moments[i].stack);
		put_event(perfetto, &event);
	}
}

static void put_slice_end(struct perfetto *perfetto, const struct level_change *change)
{
	struct event event;

	put_samples(perfetto, change);
	begin_event(&event, change->at_ns, EVENT(SLICE_END), thread_track(perfetto, change->lane->thread));
	put_event(perfetto, &event);
}

static void put_counters(struct perfetto *perfetto, uint64_t at_ns, const uint64_t threads[STATE_COUNT])
{
	for (int state = 0; state < STATE_COUNT; state++) {
		struct event event;

		if (perfetto->shown[state] == threads[state])
			continue;
		if (!(perfetto->counters & 1u << state))
			put_counter_track(perfetto, state);
		perfetto->counters |= 1u << state;
		perfetto->shown[state] = threads[state];
		begin_event(&event, at_ns, EVENT(COUNTER), state_track(perfetto, state));
		event.event.has_counter_value = true;
		event.event.counter_value = threads[state];
		put_event(perfetto, &event);
	}
}

static int put_tracks(struct perfetto *perfetto)
{
	const struct run *run = perfetto->run;
	struct slice_thread *threads;
	int err = slices_threads(run, &threads);

	if (err)
		return err;
	put_begin(perfetto);
	for (size_t i = 0; i < run->n_processes; i++)
		put_process(perfetto, &run->processes[i]);
	for (size_t i = 0; i < run->n_threads; i++)
		put_thread(perfetto, &run->threads[i], &threads[i]);
	free(threads);
	return perfetto->err;
}

static int put_run(struct perfetto *perfetto)
{
	struct level_change change;
	struct levels *levels;
	int err = put_tracks(perfetto);

	if (!err)
		err = levels_open(perfetto->timeline, &levels);
	if (err)
		return err;
	while (!perfetto->err && levels_next(levels, &change)) {
		uint64_t flow = change.waker ? ++perfetto->flows : 0;

		if (change.ended)
			put_slice_end(perfetto, &change);
		if (flow)
			put_wake(perfetto, &change, flow);
		if (change.begun)
			put_slice_begin(perfetto, &change, flow);
		if (change.last)
			put_counters(perfetto, change.at_ns, levels_threads(levels));
	}
	levels_close(levels);
	if (!perfetto->err && fflush(perfetto->out))
		perfetto->err = -errno;
	return perfetto->err;
}

static int write_perfetto(FILE *out, const struct export_input *input)
{
	struct perfetto perfetto = {.out = out, .timeline = slices_timeline(input)};
	int err;

	if (!perfetto.timeline)
		return input->n_runs ? -ENOTSUP : -ENODATA;
	perfetto.run = perfetto.timeline->run;
	err = put_run(&perfetto);
	pairs_free(&perfetto.names);
	pairs_free(&perfetto.values);
	free(perfetto.bytes);
	return err;
}

const struct exporter exporter_perfetto = {
    .name = "perfetto",
    .gloss = "the run in time, for the Perfetto viewer",
    .extension = "pftrace",
    .one_run = true,
    .timeline = true,
    .write = write_perfetto,
};
