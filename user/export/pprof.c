/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pprof's profile: weighted stacks (explain/stacks.h), each a sample of time and of how many waits or samples it stands for. What a wait was
 * for is its innermost frame, as in flame graphs; threads, processes, states and causes are labels (pprof's -tagfocus, -tagroot). A message is
 * the sum of its parts one after the other: each is written when it is first needed, and the texts last.
 */
#include <errno.h>

#include "explain/strings.h"
#include "export/flame_tree.h"
#include "export/gzip.h"
#include "export/utf8.h"
#include "lib/cleanup.h"
#include "lib/pairs.h"
#include "pprof.pb-c.h"

typedef Perftools__Profiles__Profile profile_t;
typedef Perftools__Profiles__Label label_t;
typedef Perftools__Profiles__Mapping mapping_t;

#define LABELS_MAX 6

struct pprof {
	struct gzip *gzip;
	int err;
	const struct explanation *explanation;
	const struct run *run;
	const struct weighted_stacks *stacks;
	struct flame_names names;
	struct strings *strings;
	struct pairs texts;     /* (text of `strings`, 0) -> position in string_table */
	struct pairs functions; /* (name, position of the source file) -> id - 1 */
	struct pairs objects;   /* (position of the file, 0) -> mapping's id - 1 */
	bool *located;          /* by id of the location - 1: it was written */
	uint8_t *bytes;
	size_t room;
};

/* A part of the profile. */
static void put(struct pprof *pprof, const profile_t *profile)
{
	size_t length;

	if (pprof->err)
		return;
	length = perftools__profiles__profile__get_packed_size(profile);
	if (length > pprof->room) {
		uint8_t *bytes = realloc(pprof->bytes, 2 * length);

		if (!bytes) {
			pprof->err = -ENOMEM;
			return;
		}
		pprof->bytes = bytes;
		pprof->room = 2 * length;
	}
	perftools__profiles__profile__pack(profile, pprof->bytes);
	pprof->err = gzip_write(pprof->gzip, pprof->bytes, length);
}

static uint64_t number_of(struct pprof *pprof, struct pairs *pairs, uint64_t a, uint64_t b, bool *fresh)
{
	size_t before = pairs->n;
	uint32_t number = pairs_add(pairs, a, b);

	*fresh = number != PAIRS_NONE && pairs->n > before;
	if (number == PAIRS_NONE)
		pprof->err = -ENOMEM;
	return number;
}

/* Its position in string_table. */
static int64_t text(struct pprof *pprof, const char *name)
{
	char clean[FLAME_NAME_BYTES + 1];
	const char *kept = strings_take(&pprof->strings, strdup(utf8_copy(clean, sizeof(clean), name)));
	bool fresh;

	if (!kept) {
		pprof->err = -ENOMEM;
		return 0;
	}
	return number_of(pprof, &pprof->texts, (uintptr_t)kept, 0, &fresh);
}

static void put_texts(struct pprof *pprof)
{
	for (size_t i = 0; i < pprof->texts.n; i++) {
		profile_t profile = PERFTOOLS__PROFILES__PROFILE__INIT;
		char *line = (char *)(uintptr_t)pprof->texts.all[i].a;

		profile.n_string_table = 1;
		profile.string_table = &line;
		put(pprof, &profile);
	}
}

/* --- where --- */

/* Objects become mappings from 0 on, as addresses of frames are the objects' own. */
static void add_object(struct pprof *pprof, mapping_t *mappings, const struct run_frame *frame)
{
	uint64_t id;
	bool fresh;

	if (!frame->object[0])
		return;
	id = number_of(pprof, &pprof->objects, text(pprof, frame->object), 0, &fresh);
	if (pprof->err)
		return;
	if (fresh) {
		mappings[id] = (mapping_t)PERFTOOLS__PROFILES__MAPPING__INIT;
		mappings[id].id = id + 1;
		mappings[id].filename = pprof->objects.all[id].a;
		mappings[id].has_functions = true; /* pprof need not look for symbols */
	}
	if (frame->address >= mappings[id].memory_limit)
		mappings[id].memory_limit = frame->address < UINT64_MAX ? frame->address + 1 : UINT64_MAX;
	mappings[id].has_filenames |= frame->source[0] != '\0';
	mappings[id].has_line_numbers |= frame->line != 0;
	mappings[id].has_inline_frames |= frame->inlined;
}

/* The first one is taken for the program: what has the command's name, or the first that occurs. */
static int put_mappings(struct pprof *pprof)
{
	const struct run *run = pprof->run;
	_cleanup_free_ mapping_t *mappings = calloc(run->n_frames + 1, sizeof(*mappings));

	if (!mappings)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_frames; i++)
		if (!pprof->objects.n && !strcmp(run->frames[i].object, run->name))
			add_object(pprof, mappings, &run->frames[i]);
	for (size_t i = 0; i < run->n_frames; i++)
		add_object(pprof, mappings, &run->frames[i]);
	for (size_t i = 0; i < pprof->objects.n; i++) {
		profile_t profile = PERFTOOLS__PROFILES__PROFILE__INIT;
		mapping_t *mapping = &mappings[i];

		profile.n_mapping = 1;
		profile.mapping = &mapping;
		put(pprof, &profile);
	}
	return pprof->err;
}

static uint64_t function_of(struct pprof *pprof, uint32_t name, const struct run_frame *frame)
{
	int64_t source = text(pprof, frame ? frame->source : "");
	bool fresh;
	uint64_t id = 1 + number_of(pprof, &pprof->functions, name, source, &fresh);

	if (fresh) {
		profile_t profile = PERFTOOLS__PROFILES__PROFILE__INIT;
		Perftools__Profiles__Function function = PERFTOOLS__PROFILES__FUNCTION__INIT, *list = &function;

		function.id = id;
		function.name = function.system_name = text(pprof, pprof->names.names[name].text);
		function.filename = source;
		profile.n_function = 1;
		profile.function = &list;
		put(pprof, &profile);
	}
	return id;
}

static void put_location(struct pprof *pprof, uint64_t id, uint32_t name, const struct run_frame *frame)
{
	profile_t profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__Location location = PERFTOOLS__PROFILES__LOCATION__INIT, *list = &location;
	Perftools__Profiles__Line line = PERFTOOLS__PROFILES__LINE__INIT, *lines = &line;

	if (pprof->located[id - 1])
		return;
	pprof->located[id - 1] = true;
	line.function_id = function_of(pprof, name, frame);
	line.line = frame ? frame->line : 0;
	location.id = id;
	if (frame && frame->object[0])
		location.mapping_id = pairs_find(&pprof->objects, text(pprof, frame->object), 0) + 1ull;
	location.address = frame ? frame->address : 0;
	location.n_line = 1;
	location.line = &lines;
	profile.n_location = 1;
	profile.location = &list;
	put(pprof, &profile);
}

/* A location that is no place in a program: "[lock] orders_lock". Their ids follow those of frames. */
static uint64_t locate_name(struct pprof *pprof, uint32_t name)
{
	uint64_t id = pprof->run->n_frames + 1 + name;

	put_location(pprof, id, name, NULL);
	return id;
}

static uint64_t locate_frame(struct pprof *pprof, uint64_t frame)
{
	put_location(pprof, frame, pprof->names.of_frame[frame - 1], &pprof->run->frames[frame - 1]);
	return frame;
}

/* Innermost first, as in folded stacks: what a wait was for, or that nothing is known; then the frames. Returns how many. */
static size_t locate(struct pprof *pprof, size_t i, uint64_t ids[FLAME_DEPTH_MAX + 3])
{
	const struct weighted_stack *row = &pprof->stacks->rows[i];
	bool on_cpu = state_info[row->state].group == STATE_GROUP_CPU;
	uint64_t stack = row->stack;
	size_t n = 0, frames = 0;

	if (!on_cpu)
		ids[n++] = locate_name(pprof, pprof->names.of_leaf[i]);
	if (!row->thread)
		ids[n++] = locate_name(pprof, pprof->names.no_record);
	else if (on_cpu && !stack)
		ids[n++] = locate_name(pprof, pprof->names.not_sampled);
	for (; stack && frames < FLAME_DEPTH_MAX; frames++, stack = pprof->run->stacks[stack - 1].parent)
		ids[n++] = locate_frame(pprof, pprof->run->stacks[stack - 1].frame);
	if (stack)
		ids[n++] = locate_name(pprof, pprof->names.deeper);
	return n;
}

/* --- how much, and whose --- */

static void add_label(struct pprof *pprof, label_t *labels, size_t *n, const char *key, const char *value, int64_t number)
{
	if (value && !value[0])
		return;
	labels[*n] = (label_t)PERFTOOLS__PROFILES__LABEL__INIT;
	labels[*n].key = text(pprof, key);
	labels[*n].str = value ? text(pprof, value) : 0;
	labels[*n].num = number;
	++*n;
}

static void put_sample(struct pprof *pprof, size_t i)
{
	const struct weighted_stack *row = &pprof->stacks->rows[i];
	profile_t profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__Sample sample = PERFTOOLS__PROFILES__SAMPLE__INIT, *list = &sample;
	int64_t values[] = {row->count, row->ns};
	label_t labels[LABELS_MAX], *label_list[LABELS_MAX];
	uint64_t ids[FLAME_DEPTH_MAX + 3];

	sample.n_location_id = locate(pprof, i, ids);
	sample.location_id = ids;
	sample.n_value = 2;
	sample.value = values;
	if (row->thread) {
		add_label(pprof, labels, &sample.n_label, "thread", row->thread->comm, 0);
		add_label(pprof, labels, &sample.n_label, "tid", NULL, row->thread->tid);
	}
	add_label(pprof, labels, &sample.n_label, "process", row->process->comm, 0);
	add_label(pprof, labels, &sample.n_label, "pid", NULL, row->process->pid);
	add_label(pprof, labels, &sample.n_label, "state", state_info[row->state].name, 0);
	add_label(pprof, labels, &sample.n_label, "cause", row->cause, 0);
	for (size_t j = 0; j < sample.n_label; j++)
		label_list[j] = &labels[j];
	sample.label = label_list;
	profile.n_sample = 1;
	profile.sample = &list;
	put(pprof, &profile);
}

static void put_begin(struct pprof *pprof)
{
	profile_t profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__ValueType count = PERFTOOLS__PROFILES__VALUE_TYPE__INIT,
				       time = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
	Perftools__Profiles__ValueType *types[] = {&count, &time};

	text(pprof, ""); /* has to be the first */
	count.type = text(pprof, "events");
	count.unit = text(pprof, "count");
	time.type = text(pprof, "time");
	time.unit = text(pprof, "nanoseconds");
	profile.n_sample_type = 2;
	profile.sample_type = types;
	profile.default_sample_type = time.type;
	profile.duration_nanos = pprof->explanation->wall_ns;
	/* Time is not sampled: each nanosecond is one. */
	profile.period_type = &time;
	profile.period = 1;
	put(pprof, &profile);
}

static int put_all(struct pprof *pprof, uint32_t states)
{
	int err = flame_names_make(pprof->run, pprof->stacks, EXPORT_BY_NONE, &pprof->names);

	if (err)
		return err;
	pprof->located = calloc(pprof->run->n_frames + pprof->names.n + 1, sizeof(*pprof->located));
	if (!pprof->located)
		return -ENOMEM;
	put_begin(pprof);
	err = put_mappings(pprof);
	for (size_t i = 0; !err && i < pprof->stacks->n; i++) {
		if (states && !(states & 1u << pprof->stacks->rows[i].state))
			continue;
		put_sample(pprof, i);
		err = pprof->err;
	}
	put_texts(pprof);
	return err ? err : pprof->err;
}

static int write_pprof(FILE *out, const struct export_input *input)
{
	static const struct export_options defaults;
	const struct export_options *options = input->options ? input->options : &defaults;
	struct weighted_stacks *stacks = NULL;
	struct pprof pprof = {0};
	int err, refused;

	if (!input->n_runs)
		return -ENODATA;
	pprof.explanation = flame_shown(input);
	pprof.run = pprof.explanation->run;
	err = explain_stacks(pprof.run, &options->rules, &stacks);
	pprof.stacks = stacks;
	if (!err)
		err = gzip_open(out, &pprof.gzip);
	if (!err)
		err = put_all(&pprof, options->states);
	refused = gzip_close(pprof.gzip);
	flame_names_free(&pprof.names);
	strings_free(pprof.strings);
	pairs_free(&pprof.texts);
	pairs_free(&pprof.functions);
	pairs_free(&pprof.objects);
	free(pprof.located);
	free(pprof.bytes);
	weighted_stacks_free(stacks);
	return err ? err : refused;
}

const struct exporter exporter_pprof = {
    .name = "pprof",
    .gloss = "stacks with their time and counts, for `go tool pprof` and others",
    .extension = "pb.gz",
    .one_run = true,
    .write = write_pprof,
};
