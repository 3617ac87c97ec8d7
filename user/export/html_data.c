/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scripts read of a run. Exact nanoseconds all: scripts sum them for what is selected, and know no others.
 *
 *   stacks-RUN  by id: its own less its parent's id, name
 *   rows-RUN    weighted stacks: how many; each: thread (position + 1; 0: none), process (position), state, text, stack, ns, count
 *   causes-RUN  timeline's: how many; each: state, text, waker and holder (texts), stack
 *   lanes-RUN   by thread: begin, intervals, samples; each interval: length, code; each sample: since the one before, stack
 *   path-RUN    see html.h
 *   run-RUN     the rest, as JSON; "texts" is what texts are numbers of, "names" those of frames, in the order in which boxes stand
 *
 * An interval's code is 0 on a CPU, else the number of its cause + 1.
 */
#include <errno.h>
#include <inttypes.h>

#include "explain/stacks.h"
#include "explain/strings.h"
#include "export/flame_names.h"
#include "export/html.h"
#include "export/html_packed.h"
#include "export/writer.h"
#include "lib/cleanup.h"
#include "lib/pairs.h"
#include "lib/text.h"
#include "profile/index.h"

/* Each text once, numbered in the order in which they came; the first is "". */
struct texts {
	struct strings *strings;
	struct pairs numbers; /* of their addresses */
	bool failed;
};

struct data {
	FILE *out;
	const struct explanation *explanation;
	const struct run *run;
	size_t number;
	struct texts texts;
	struct flame_names names;
	struct weighted_stacks *stacks;
	uint32_t queue[2]; /* codes of waiting for a CPU: preempted, woken */
	int err;           /* the stream's first refusal */
};

static uint32_t text_number(struct texts *texts, const char *text)
{
	const char *kept = strings_take(&texts->strings, strdup(text));
	uint32_t number = kept ? pairs_add(&texts->numbers, (uintptr_t)kept, 0) : PAIRS_NONE;

	texts->failed |= number == PAIRS_NONE;
	return number;
}

static uint32_t label_number(struct data *data, enum state state, const char *cause)
{
	return text_number(&data->texts, HTML_LABEL(state, cause));
}

static void note_refusal(struct data *data)
{
	if (!data->err && ferror(data->out))
		data->err = errno ? -errno : -EIO;
}

/* --- packed --- */

static void put_stacks(struct data *data)
{
	struct packed packed = packed_begin(data->out, "stacks", data->number);

	for (size_t i = 0; i < data->run->n_stacks; i++) {
		const struct run_stack *stack = &data->run->stacks[i];

		packed_number(&packed, stack->id - stack->parent);
		packed_number(&packed, data->names.of_frame[stack->frame - 1]);
	}
	packed_end(&packed);
	note_refusal(data);
}

static void put_rows(struct data *data)
{
	struct packed packed = packed_begin(data->out, "rows", data->number);

	packed_number(&packed, data->stacks->n);
	for (size_t i = 0; i < data->stacks->n; i++) {
		const struct weighted_stack *row = &data->stacks->rows[i];

		packed_number(&packed, row->thread ? row->thread - data->run->threads + 1 : 0);
		packed_number(&packed, row->process - data->run->processes);
		packed_number(&packed, row->state);
		packed_number(&packed,
			      state_info[row->state].group == STATE_GROUP_CPU ? 0 : label_number(data, row->state, row->cause));
		packed_number(&packed, row->stack);
		packed_number(&packed, row->ns);
		packed_number(&packed, row->count);
	}
	packed_end(&packed);
	note_refusal(data);
}

static void put_cause(struct data *data, struct packed *packed, const struct timeline_cause *cause)
{
	const struct run_wait *wait = cause->wait;
	const char *waker = cause->waker ? THREAD_LABEL(cause->waker) : wait && wait->waker_name ? wait->waker_name : "";

	packed_number(packed, cause->state);
	packed_number(packed, cause->cause ? label_number(data, cause->state, cause->cause) : 0);
	packed_number(packed, text_number(&data->texts, waker));
	packed_number(packed, text_number(&data->texts, THREAD_LABEL(cause->holder)));
	packed_number(packed, wait ? wait->stack : 0);
}

static void put_causes(struct data *data)
{
	size_t n = data->run->n_waits + CLASS_COUNT;
	struct packed packed = packed_begin(data->out, "causes", data->number);

	packed_number(&packed, n);
	for (size_t i = 0; i < n; i++)
		put_cause(data, &packed, &data->explanation->timeline->causes[i]);
	packed_end(&packed);
	note_refusal(data);
}

static uint32_t code_of(const struct data *data, const struct interval *interval)
{
	if (interval->cause)
		return interval->cause - data->explanation->timeline->causes + 1;
	return interval->episode ? data->queue[interval->episode->class != CLASS_PREEMPTED] : 0;
}

static void put_lane(struct data *data, struct packed *packed, const struct lane *lane)
{
	const struct timeline *timeline = data->explanation->timeline;
	struct interval_cursor cursor = {0};
	struct interval interval;
	uint64_t n = 0, at_ns = 0;

	while (timeline_next(timeline, lane, &cursor, &interval))
		n++;
	packed_number(packed, lane->begin_ns);
	packed_number(packed, n);
	packed_number(packed, lane->n_moments);
	cursor = (struct interval_cursor){0};
	while (timeline_next(timeline, lane, &cursor, &interval)) {
		packed_number(packed, interval.end_ns - interval.begin_ns);
		packed_number(packed, code_of(data, &interval));
	}
	for (size_t i = 0; i < lane->n_moments; i++) {
		packed_number(packed, lane->moments[i].at_ns - at_ns);
		packed_number(packed, lane->moments[i].stack);
		at_ns = lane->moments[i].at_ns;
	}
}

/* What waiting for a CPU is called where waits of a class are known: as those are. */
static uint32_t queue_code(const struct run *run, uint32_t class)
{
	size_t i = 0;

	while (i < run->n_waits && (run->waits[i].class != class || run->waits[i].unattributed))
		i++;
	return (i < run->n_waits ? i : run->n_waits + class) + 1;
}

static void put_timeline(struct data *data)
{
	struct packed packed;

	data->queue[0] = queue_code(data->run, CLASS_PREEMPTED);
	data->queue[1] = queue_code(data->run, CLASS_WOKEN);
	put_causes(data);
	packed = packed_begin(data->out, "lanes", data->number);
	for (size_t i = 0; !ferror(data->out) && i < data->explanation->timeline->n_lanes; i++)
		put_lane(data, &packed, &data->explanation->timeline->lanes[i]);
	packed_end(&packed);
	note_refusal(data);
}

/* --- JSON --- */

static void put_threads(struct json *json, const struct run *run, struct data *data)
{
	struct run_index *processes = NULL;

	data->texts.failed |= run_index_processes(run, &processes) != 0;
	json_open(json, "threads", '[');
	for (size_t i = 0; i < run->n_threads; i++) {
		json_open(json, NULL, '[');
		json_number(json, NULL, text_number(&data->texts, THREAD_LABEL(&run->threads[i])));
		json_number(json, NULL, processes ? run_index_find(processes, run->threads[i].process) : 0);
		json_close(json, ']');
	}
	json_close(json, ']');
	run_index_free(processes);
	json_open(json, "processes", '[');
	for (size_t i = 0; i < run->n_processes; i++) {
		char label[THREAD_LABEL_BYTES];

		snprintf(label, sizeof(label), "%.24s/%u", run->processes[i].comm, run->processes[i].pid);
		json_number(json, NULL, text_number(&data->texts, label));
	}
	json_close(json, ']');
}

/* A row of the table of waits, in the order of its columns; what cannot be summed is not asked of scripts. */
static void put_wait(struct json *json, struct data *data, const struct cause_view *cause)
{
	_cleanup_free_ char *note = html_note(cause);
	_cleanup_free_ char *label = text_format("%s%s",
						 cause->joining ? "joining: "
						 : cause->idle  ? "idle: "
								: "",
						 HTML_LABEL(cause->state, cause->cause));

	data->texts.failed |= !note || !label;
	json_open(json, NULL, '[');
	json_number(json, NULL, cause->state);
	json_number(json, NULL, text_number(&data->texts, label ? label : ""));
	json_number(json, NULL, text_number(&data->texts, note ? note : ""));
	json_number(json, NULL, cause->total_ns);
	json_real(json, NULL, cause->mean);
	json_number(json, NULL, cause->count);
	json_number(json, NULL, explain_percentile(cause->log2_ns, cause->max_ns, 0.5));
	json_number(json, NULL, explain_percentile(cause->log2_ns, cause->max_ns, 0.95));
	json_number(json, NULL, explain_percentile(cause->log2_ns, cause->max_ns, 0.99));
	json_number(json, NULL, cause->max_ns);
	json_number(json, NULL, cause->threads);
	json_close(json, ']');
}

static void put_names(struct json *json, const struct data *data)
{
	static const char kinds[] = {[FLAME_ROOT] = 'r',   [FLAME_USER] = 'u', [FLAME_INLINED] = 'i',
				     [FLAME_KERNEL] = 'k', [FLAME_MARK] = 'm', [FLAME_WAIT] = 'w'};

	json_open(json, "names", '[');
	for (size_t i = 0; i < data->names.n; i++)
		json_string(json, NULL, data->names.names[i].text);
	json_close(json, ']');
	json_open(json, "kinds", '[');
	for (size_t i = 0; i < data->names.n; i++)
		json_string(json, NULL, (char[2]){kinds[data->names.names[i].kind]});
	json_close(json, ']');
	json_number(json, "not_sampled", data->names.not_sampled);
}

static void put_facts(struct data *data)
{
	struct json json = {.out = data->out, .in_html = true};
	const struct run *run = data->run;

	fprintf(data->out, "<script type=\"application/json\" id=\"run-%zu\">", data->number);
	json_open(&json, NULL, '{');
	json_string(&json, "name", run->name);
	json_number(&json, "wall_ns", data->explanation->wall_ns);
	json_number(&json, "cut_ns", run->cut_ns);
	json_bool(&json, "timeline", data->explanation->timeline);
	json_number(&json, "sample_hz", run->sample_hz);
	json_number(&json, "total_ns", data->stacks->total_ns);
	json_number(&json, "n_stacks", run->n_stacks);
	put_threads(&json, run, data);
	json_open(&json, "waits", '[');
	for (size_t i = 0; i < data->explanation->n_causes; i++)
		put_wait(&json, data, &data->explanation->causes[i]);
	json_close(&json, ']');
	put_names(&json, data);
	json_open(&json, "texts", '[');
	for (size_t i = 0; i < data->texts.numbers.n; i++)
		json_string(&json, NULL, (const char *)(uintptr_t)data->texts.numbers.all[i].a);
	json_close(&json, ']');
	json_close(&json, '}');
	note_refusal(data);
	if (!data->err)
		data->err = json.err;
	fputs("</script>\n", data->out);
}

static int put_run(struct html_page *page, size_t i)
{
	const struct explain_options *rules = page->input->options ? &page->input->options->rules : NULL;
	struct data data = {.out = page->out, .explanation = page->input->runs[i], .run = page->input->runs[i]->run, .number = i};
	int err = explain_stacks(data.run, rules, &data.stacks);

	if (!err)
		err = flame_names_make(data.run, data.stacks, EXPORT_BY_NONE, &data.names);
	if (!err) {
		text_number(&data.texts, "");
		put_stacks(&data);
		put_rows(&data);
		if (data.explanation->timeline)
			put_timeline(&data);
		html_put_path_data(data.out, data.explanation, i);
		put_facts(&data);
		err = data.texts.failed ? -ENOMEM : data.err;
		flame_names_free(&data.names);
	}
	weighted_stacks_free(data.stacks);
	pairs_free(&data.texts.numbers);
	strings_free(data.texts.strings);
	return err;
}

/* What is the same for all runs. */
static int put_page(struct html_page *page)
{
	struct json json = {.out = page->out, .in_html = true};

	fputs("<script type=\"application/json\" id=\"page\">", page->out);
	json_open(&json, NULL, '{');
	json_open(&json, "states", '[');
	for (int state = 0; state < STATE_COUNT; state++) {
		json_open(&json, NULL, '{');
		json_string(&json, "name", state_info[state].name);
		json_number(&json, "group", state_info[state].group);
		json_number(&json, "colour", state_info[state].colour);
		json_number(&json, "hatch", html_hatch(state));
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_number(&json, "cpu", STATE_CPU);
	json_number(&json, "queue", STATE_RUN_QUEUE);
	json_open(&json, "runs", '[');
	for (size_t i = 0; i < page->input->n_runs; i++)
		json_string(&json, NULL, HTML_RUN_NAME(page, i));
	json_close(&json, ']');
	json_close(&json, '}');
	fputs("</script>\n", page->out);
	return json.err;
}

int html_put_data(struct html_page *page)
{
	int err = put_page(page);

	for (size_t i = 0; !err && i < page->input->n_runs; i++)
		err = put_run(page, i);
	return err;
}
