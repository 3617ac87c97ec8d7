/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perfetto's track events, unpacked and followed as its importer does: slices are balanced, follow each other, and sum to the account; what is
 * referred to was said before; flows lead from the waker to the woken; counters integrate to the account. With `--record FILE [THREADS
 * EPISODES]` and `--record-hostile FILE` it writes recordings instead, for tests/cli/viewers.bats.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "explain/level.h"
#include "export/utf8.h"
#include "perfetto.pb-c.h"
#include "timeline_fixture.h"

typedef Perfetto__Protos__Trace trace_t;
typedef Perfetto__Protos__TracePacket packet_t;
typedef Perfetto__Protos__TrackEvent event_t;
typedef Perfetto__Protos__TrackDescriptor track_t;
typedef Perfetto__Protos__InternedData interned_t;
#define EVENT(name) PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_##name

#define IDS 4096

/* What an importer knows after a number of packets. */
struct reader {
	const char *categories[IDS], *names[IDS], *notes[IDS], *values[IDS];
	const track_t *tracks[IDS];
	uint64_t open_ns[IDS]; /* by track: since when a slice is open, + 1; 0: none is */
	const event_t *open[IDS];
	uint64_t end_ns[IDS]; /* of the track's last slice */
	uint64_t ns[IDS][STATE_COUNT];
	int64_t counter[IDS];
	uint64_t counter_ns[IDS], integral[IDS];
	uint64_t flow_track[100000]; /* where it comes from */
	uint64_t flows, samples;
	uint64_t now_ns;
};

static void check_text(const char *text, size_t length)
{
	const char *s = text;

	while (s < text + length) {
		uint32_t point;
		int n = utf8_decode(s, &point);

		assert_true(n && point >= 0x20 && !(point >= 0x7f && point < 0xa0));
		s += n;
	}
	assert_true(length < 10000);
}

static void learn(const char **table, uint64_t iid, const char *text)
{
	assert_in_range(iid, 1, IDS - 1);
	assert_null(table[iid]);
	check_text(text, strlen(text));
	table[iid] = text;
}

static void read_interned(struct reader *reader, const interned_t *interned)
{
	for (size_t i = 0; i < interned->n_event_categories; i++)
		learn(reader->categories, interned->event_categories[i]->iid, interned->event_categories[i]->name);
	for (size_t i = 0; i < interned->n_event_names; i++)
		learn(reader->names, interned->event_names[i]->iid, interned->event_names[i]->name);
	for (size_t i = 0; i < interned->n_debug_annotation_names; i++)
		learn(reader->notes, interned->debug_annotation_names[i]->iid, interned->debug_annotation_names[i]->name);
	for (size_t i = 0; i < interned->n_debug_annotation_string_values; i++) {
		const Perfetto__Protos__InternedString *value = interned->debug_annotation_string_values[i];

		assert_in_range(value->iid, 1, IDS - 1);
		assert_null(reader->values[value->iid]);
		check_text((char *)value->str.data, value->str.len);
		/* Lives as long as the trace; followed by what need not be 0. */
		reader->values[value->iid] = strndup((char *)value->str.data, value->str.len);
	}
}

static enum state state_named(const char *name)
{
	int state = 0;

	while (state < STATE_COUNT && strcmp(state_info[state].name, name) != 0)
		state++;
	return state;
}

static const char *note_of(const struct reader *reader, const event_t *event, const char *key)
{
	for (size_t i = 0; i < event->n_debug_annotations; i++) {
		assert_non_null(reader->notes[event->debug_annotations[i]->name_iid]);
		assert_non_null(reader->values[event->debug_annotations[i]->string_value_iid]);
		if (!strcmp(reader->notes[event->debug_annotations[i]->name_iid], key))
			return reader->values[event->debug_annotations[i]->string_value_iid];
	}
	return NULL;
}

static void read_slice(struct reader *reader, uint64_t at_ns, const event_t *event)
{
	uint64_t track = event->track_uuid;
	enum state state;

	if (event->type == EVENT(SLICE_BEGIN)) {
		assert_int_equal(reader->open_ns[track], 0);
		assert_true(!reader->open[track] || at_ns == reader->end_ns[track]);
		assert_int_equal(event->n_category_iids, 1);
		assert_non_null(reader->names[event->name_iid]);
		note_of(reader, event, "");
		reader->open_ns[track] = at_ns + 1;
		reader->open[track] = event;
		return;
	}
	assert_int_not_equal(reader->open_ns[track], 0);
	assert_true(at_ns > reader->open_ns[track] - 1);
	state = state_named(reader->categories[reader->open[track]->category_iids[0]]);
	assert_in_range(state, 0, STATE_COUNT - 1);
	reader->ns[track][state] += at_ns - (reader->open_ns[track] - 1);
	reader->open_ns[track] = 0;
	reader->end_ns[track] = at_ns;
}

static void read_flows(struct reader *reader, const event_t *event)
{
	for (size_t i = 0; i < event->n_flow_ids; i++) {
		assert_int_equal(reader->flow_track[event->flow_ids[i]], 0);
		reader->flow_track[event->flow_ids[i]] = event->track_uuid;
	}
	for (size_t i = 0; i < event->n_terminating_flow_ids; i++) {
		assert_int_not_equal(reader->flow_track[event->terminating_flow_ids[i]], 0);
		assert_int_not_equal(reader->flow_track[event->terminating_flow_ids[i]], event->track_uuid);
		reader->flow_track[event->terminating_flow_ids[i]] = UINT64_MAX;
		reader->flows++;
	}
}

static void read_event(struct reader *reader, const packet_t *packet)
{
	const event_t *event = packet->track_event;
	uint64_t track = event->track_uuid;
	bool sample;

	assert_true(packet->has_timestamp && event->has_track_uuid && track < IDS && reader->tracks[track]);
	sample = event->type == EVENT(INSTANT) && !strcmp(reader->categories[event->category_iids[0]], "sample");
	assert_true(sample || packet->timestamp >= reader->now_ns);
	assert_int_equal(reader->tracks[track]->counter != NULL, event->type == EVENT(COUNTER));
	if (event->type == EVENT(INSTANT)) {
		assert_non_null(reader->names[event->name_iid]);
		reader->samples += sample;
		/* In the slice that is open, which is one on a CPU. */
		assert_true(!sample || (reader->open_ns[track] && packet->timestamp >= reader->open_ns[track] - 1));
		assert_true(!sample || !strcmp(reader->categories[reader->open[track]->category_iids[0]], "cpu"));
	} else if (event->type == EVENT(COUNTER)) {
		assert_true(event->has_counter_value && event->counter_value >= 0);
		assert_int_not_equal(event->counter_value, reader->counter[track]);
		reader->integral[track] += reader->counter[track] * (packet->timestamp - reader->counter_ns[track]);
		reader->counter[track] = event->counter_value;
		reader->counter_ns[track] = packet->timestamp;
	} else {
		read_slice(reader, packet->timestamp, event);
	}
	read_flows(reader, event);
	if (!sample)
		reader->now_ns = packet->timestamp;
}

static trace_t *trace_of(const struct run *run)
{
	size_t length;
	char *bytes = exported_bytes("perfetto", run, NULL, &length);
	trace_t *trace = perfetto__protos__trace__unpack(NULL, length, (uint8_t *)bytes);

	assert_non_null(trace);
	free(bytes);
	return trace;
}

static struct reader *read_trace(const trace_t *trace)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_int_equal(trace->packet[0]->sequence_flags & 1, 1);
	for (size_t i = 0; i < trace->n_packet; i++) {
		const packet_t *packet = trace->packet[i];

		assert_int_equal(packet->trusted_packet_sequence_id, 1);
		assert_int_equal(packet->sequence_flags, i ? 2 : 3);
		if (packet->interned_data)
			read_interned(reader, packet->interned_data);
		if (packet->track_descriptor) {
			assert_in_range(packet->track_descriptor->uuid, 1, IDS - 1);
			assert_null(reader->tracks[packet->track_descriptor->uuid]);
			reader->tracks[packet->track_descriptor->uuid] = packet->track_descriptor;
		}
		if (packet->track_event)
			read_event(reader, packet);
	}
	for (size_t i = 0; i < IDS; i++) {
		assert_int_equal(reader->open_ns[i], 0);
		assert_int_equal(reader->counter[i], 0);
	}
	for (size_t i = 0; i < 100000; i++)
		assert_true(!reader->flow_track[i] || reader->flow_track[i] == UINT64_MAX);
	return reader;
}

static void put_away(struct reader *reader, trace_t *trace)
{
	for (size_t i = 0; i < IDS; i++)
		free((char *)reader->values[i]);
	free(reader);
	perfetto__protos__trace__free_unpacked(trace, NULL);
}

static uint64_t track_of(const struct reader *reader, const struct run_thread *thread)
{
	for (uint64_t i = 0; i < IDS; i++)
		if (reader->tracks[i] && reader->tracks[i]->thread && (uint32_t)reader->tracks[i]->thread->tid == thread->tid)
			return i;
	fail_msg("no track of thread %u", thread->tid);
	return 0;
}

static uint64_t cpu_ns(const struct run_thread *thread)
{
	return thread->ns[CLASS_USER] + thread->ns[CLASS_KERNEL] + thread->ns[CLASS_CPU];
}

/* Of a run with a whole timeline. */
static void check_sums(const struct run *run, const struct reader *reader)
{
	uint64_t sums[STATE_COUNT] = {0};
	struct explanation *explanation = NULL;

	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	for (size_t i = 0; i < run->n_threads; i++) {
		uint64_t track = track_of(reader, &run->threads[i]);

		assert_int_equal(reader->ns[track][STATE_CPU], cpu_ns(&run->threads[i]));
		for (int state = 0; state < STATE_COUNT; state++) {
			sums[state] += reader->ns[track][state];
			if (state_info[state].group != STATE_GROUP_CPU)
				assert_int_equal(reader->ns[track][state], explanation->threads[i].ns[state]);
		}
	}
	for (uint64_t i = 0; i < IDS; i++) {
		const char *name = reader->tracks[i] && reader->tracks[i]->counter ? reader->tracks[i]->name : NULL;

		if (!name)
			continue;
		assert_int_equal(strncmp(name, "threads: ", 9), 0);
		assert_int_equal(reader->integral[i], sums[state_named(name + 9)]);
		sums[state_named(name + 9)] = 0;
	}
	for (int state = 0; state < STATE_COUNT; state++)
		assert_int_equal(sums[state], 0);
	explanation_free(explanation);
}

static void test_slices_are_the_account(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++) {
		struct run *run = run_timed(2 + 3 * seed, 1 + 40 * seed, seed);
		trace_t *trace = trace_of(run);
		struct reader *reader = read_trace(trace);

		check_sums(run, reader);
		assert_int_equal(reader->samples, run->n_moments);
		assert_true(!seed || reader->flows > run->n_episodes / 10);
		put_away(reader, trace);
		run_free(run);
	}
}

static void test_what_a_slice_says(void **state)
{
	struct run *run = build_run("two", 100 * MS);
	struct run_thread *first, *worker;
	struct run_wait *lock;
	struct reader *reader;
	const event_t *event = NULL;
	trace_t *trace;

	(void)state;
	build_process(run, 0, "two");
	first = build_thread(run, 1, 0, "two", 0, 100 * MS);
	worker = build_thread(run, 1, 1, "worker", 10 * MS, 80 * MS);
	lock = build_futex(run, worker, "big_lock", 0, true, 1, 20 * MS);
	lock->waker = lock->holder = first->id;
	lock->stack = build_stack(run, "main;work;futex_wait_[k]");
	build_episode(run, worker, lock, 15 * MS, 20 * MS, 0);
	build_episode(run, worker, NULL, 50 * MS, 0, 5 * MS);
	trace = trace_of(run);
	reader = read_trace(trace);
	assert_int_equal(reader->flows, 1);
	for (size_t i = 0; i < trace->n_packet && !event; i++) {
		event = trace->packet[i]->track_event;
		if (event &&
		    (event->type != EVENT(SLICE_BEGIN) || strcmp(reader->categories[event->category_iids[0]], "lock") != 0))
			event = NULL;
	}
	assert_non_null(event);
	assert_int_equal(event->track_uuid, track_of(reader, worker));
	assert_string_equal(reader->names[event->name_iid], "lock \"big_lock\"");
	assert_string_equal(note_of(reader, event, "cause"), "big_lock");
	assert_string_equal(note_of(reader, event, "stack"), "futex_wait <- work <- main");
	assert_string_equal(note_of(reader, event, "waker"), "two/5001");
	assert_string_equal(note_of(reader, event, "holder"), "two/5001");
	assert_string_equal(reader->tracks[event->track_uuid]->thread->thread_name, "worker");
	assert_int_equal(reader->tracks[event->track_uuid]->thread->pid, 5001);
	assert_string_equal(reader->tracks[reader->tracks[event->track_uuid]->parent_uuid]->process->process_name, "two");
	put_away(reader, trace);
	run_free(run);
}

static void test_hostile_names(void **state)
{
	struct run *run = run_timed_hostile();
	trace_t *trace = trace_of(run);
	struct reader *reader = read_trace(trace);

	(void)state;
	check_sums(run, reader);
	put_away(reader, trace);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_timed(3, 1000, 1);

	(void)state;
	assert_int_equal(exported_to_full("perfetto", run), -ENOSPC);
	run->timeline = false;
	assert_int_equal(exported_to_full("perfetto", run), -ENOTSUP);
	assert_int_equal(exported_nothing("perfetto"), -ENODATA);
	run_free(run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slices_are_the_account),
	    cmocka_unit_test(test_what_a_slice_says),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	};

	if (argc >= 3 && !strcmp(argv[1], "--record-hostile"))
		return record(argv[2], run_timed_hostile());
	if (argc >= 3 && !strcmp(argv[1], "--record"))
		return record(argv[2], run_timed(argc > 3 ? strtoul(argv[3], NULL, 10) : 7,
						 argc > 4 ? strtoul(argv[4], NULL, 10) : 300, 3));
	return cmocka_run_group_tests_name("Perfetto", tests, NULL, NULL);
}
