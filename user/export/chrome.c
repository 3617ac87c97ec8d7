/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chrome's Trace Event Format (JSON object form): begins and ends (B, E) of intervals, flows (s, f) from wakers, instants (i) for samples,
 * counters (C) of how many threads are in each state, and names (M). Times are microseconds with three decimals: exact. Events come in the
 * order of time, but for samples, which come with the beginning of their interval. Stacks are in "stackFrames", which events refer to by "sf".
 *
 * Complete events (X, with a duration) would say the same in fewer bytes. But readers add ts and dur as floating-point numbers, and where the
 * sum comes out beyond the next one's ts, the next interval is shown inside this one.
 */
#include <errno.h>
#include <inttypes.h>

#include "explain/level.h"
#include "export/slices.h"
#include "export/writer.h"

struct chrome {
	struct json json;
	const struct timeline *timeline;
	const struct run *run;
	struct slice_thread *threads; /* by position */
	uint64_t flows;
	uint64_t shown[STATE_COUNT]; /* what the counters say */
};

/* `category` may be NULL. */
static void begin_event(struct chrome *chrome, const char *phase, const char *name, const char *category, uint64_t at_ns,
			const struct lane *lane)
{
	const struct slice_thread *thread = &chrome->threads[lane->thread - chrome->run->threads];
	struct json *json = &chrome->json;

	json_open(json, NULL, '{');
	json_string(json, "ph", phase);
	json_string(json, "name", name);
	if (category)
		json_string(json, "cat", category);
	json_thousandths(json, "ts", at_ns);
	json_number(json, "pid", thread->process->pid);
	json_number(json, "tid", thread->tid);
}

/* A number in a text, as the format wants it. */
static void put_stack(struct json *json, const char *key, uint64_t stack)
{
	char id[24];

	if (!stack)
		return;
	snprintf(id, sizeof(id), "%" PRIu64, stack);
	json_string(json, key, id);
}

static void put_note(struct json *json, const char *key, const char *text)
{
	if (text[0])
		json_string(json, key, text);
}

static void put_samples(struct chrome *chrome, const struct lane *lane, const struct interval *interval)
{
	size_t n;
	const struct run_moment *moments = timeline_moments(lane, interval->begin_ns, interval->end_ns, &n);

	for (size_t i = 0; i < n; i++) {
		const struct run_frame *frame;

		if (!moments[i].stack)
			continue;
		frame = &chrome->run->frames[chrome->run->stacks[moments[i].stack - 1].frame - 1];
		begin_event(chrome, "i", slice_frame((char[SLICE_TEXT_BYTES]){0}, frame), "sample", moments[i].at_ns, lane);
		json_string(&chrome->json, "s", "t");
		put_stack(&chrome->json, "sf", moments[i].stack);
		json_close(&chrome->json, '}');
	}
}

static void put_begin(struct chrome *chrome, const struct lane *lane, const struct interval *interval)
{
	const struct timeline_cause *cause = interval->cause;
	struct json *json = &chrome->json;
	char text[SLICE_TEXT_BYTES];

	begin_event(chrome, "B", slice_name(text, interval), state_info[interval->state].name, interval->begin_ns, lane);
	if (cause) {
		json_open(json, "args", '{');
		json_string(json, "cause", SLICE_TEXT(cause->cause));
		put_note(json, "waker", slice_waker(text, cause));
		put_note(json, "holder", slice_holder(text, cause));
		json_close(json, '}');
		put_stack(json, "sf", cause->wait ? cause->wait->stack : 0);
	}
	json_close(json, '}');
	if (!interval->episode)
		put_samples(chrome, lane, interval);
}

/* Readers compare the name with that of the beginning. */
static void put_end(struct chrome *chrome, const struct lane *lane, const struct interval *interval)
{
	char text[SLICE_TEXT_BYTES];

	begin_event(chrome, "E", slice_name(text, interval), NULL, interval->end_ns, lane);
	json_close(&chrome->json, '}');
}

static void put_flow(struct chrome *chrome, const char *phase, uint64_t at_ns, const struct lane *lane)
{
	begin_event(chrome, phase, "wake", "wake", at_ns, lane);
	json_number(&chrome->json, "id", chrome->flows);
	/* Else the end would belong to the next interval that begins. */
	if (*phase == 'f')
		json_string(&chrome->json, "bp", "e");
	json_close(&chrome->json, '}');
}

/* A counter belongs to a process: here the first. */
static void put_counters(struct chrome *chrome, uint64_t at_ns, const uint64_t threads[STATE_COUNT])
{
	struct json *json = &chrome->json;

	for (int state = 0; state < STATE_COUNT; state++) {
		char name[SLICE_TEXT_BYTES];

		if (chrome->shown[state] == threads[state])
			continue;
		chrome->shown[state] = threads[state];
		snprintf(name, sizeof(name), "threads: %s", state_info[state].name);
		json_open(json, NULL, '{');
		json_string(json, "ph", "C");
		json_string(json, "name", name);
		json_thousandths(json, "ts", at_ns);
		json_number(json, "pid", chrome->run->processes[0].pid);
		json_open(json, "args", '{');
		json_number(json, "threads", threads[state]);
		json_close(json, '}');
		json_close(json, '}');
	}
}

static void put_name(struct json *json, const char *what, const char *name, uint32_t pid, uint32_t tid)
{
	json_open(json, NULL, '{');
	json_string(json, "ph", "M");
	json_string(json, "name", what);
	json_number(json, "pid", pid);
	json_number(json, "tid", tid);
	json_open(json, "args", '{');
	json_string(json, "name", name);
	json_close(json, '}');
	json_close(json, '}');
}

static void put_names(struct chrome *chrome)
{
	const struct run *run = chrome->run;
	char text[SLICE_TEXT_BYTES];

	for (size_t i = 0; i < run->n_processes; i++)
		put_name(&chrome->json, "process_name", slice_text(text, run->processes[i].comm), run->processes[i].pid, 0);
	for (size_t i = 0; i < run->n_threads; i++)
		put_name(&chrome->json, "thread_name", slice_thread_name(text, &run->threads[i], &chrome->threads[i]),
			 chrome->threads[i].process->pid, chrome->threads[i].tid);
}

static void put_stacks(struct chrome *chrome)
{
	const struct run *run = chrome->run;
	struct json *json = &chrome->json;

	json_open(json, "stackFrames", '{');
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_frame *frame = &run->frames[run->stacks[i].frame - 1];
		char id[24];

		snprintf(id, sizeof(id), "%" PRIu64, run->stacks[i].id);
		json_open(json, id, '{');
		json_string(json, "name", slice_frame((char[SLICE_TEXT_BYTES]){0}, frame));
		json_string(json, "category", SLICE_TEXT(frame->object));
		put_stack(json, "parent", run->stacks[i].parent);
		json_close(json, '}');
	}
	json_close(json, '}');
}

static int put_events(struct chrome *chrome)
{
	struct level_change change;
	struct levels *levels;
	int err = levels_open(chrome->timeline, &levels);

	if (err)
		return err;
	json_open(&chrome->json, "traceEvents", '[');
	put_names(chrome);
	while (!chrome->json.err && levels_next(levels, &change)) {
		if (change.ended)
			put_end(chrome, change.lane, change.ended);
		if (change.begun)
			put_begin(chrome, change.lane, change.begun);
		if (change.waker) {
			chrome->flows++;
			put_flow(chrome, "s", change.at_ns, change.waker);
			put_flow(chrome, "f", change.at_ns, change.lane);
		}
		if (change.last)
			put_counters(chrome, change.at_ns, levels_threads(levels));
	}
	json_close(&chrome->json, ']');
	levels_close(levels);
	return 0;
}

static int write_chrome(FILE *out, const struct export_input *input)
{
	struct chrome chrome = {.json = {.out = out}, .timeline = slices_timeline(input)};
	struct json *json = &chrome.json;
	int err, refused;

	if (!chrome.timeline)
		return input->n_runs ? -ENOTSUP : -ENODATA;
	chrome.run = chrome.timeline->run;
	err = slices_threads(chrome.run, &chrome.threads);
	if (err)
		return err;
	json_open(json, NULL, '{');
	json_string(json, "displayTimeUnit", "ns");
	json_open(json, "otherData", '{');
	json_string(json, "run", chrome.run->name);
	json_string(json, "version", input->host->version);
	json_close(json, '}');
	put_stacks(&chrome);
	err = put_events(&chrome);
	free(chrome.threads);
	json_close(json, '}');
	refused = json_end(json);
	return err ? err : refused;
}

const struct exporter exporter_chrome = {
    .name = "chrome",
    .gloss = "the run in time, for chrome://tracing and other readers of its JSON",
    .extension = "trace.json",
    .one_run = true,
    .timeline = true,
    .write = write_chrome,
};
