/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speedscope's own format: a profile of weighted stacks for each root (a thread, unless --by says something else), in nanoseconds. The sum of
 * a profile's weights is its root's time, exactly.
 */
#include <errno.h>

#include "export/flame_tree.h"
#include "export/utf8.h"
#include "export/writer.h"
#include "lib/cleanup.h"

#define SCHEMA "https://www.speedscope.app/file-format-schema.json"

/* Of a name: what all its frames have in common. */
struct origin {
	const char *source, *object;
	bool known, sources_differ, objects_differ;
};

struct speedscope {
	struct json json;
	const struct explanation *shown;
	const struct flame_tree *tree;
	uint64_t *own_ns;  /* by node */
	uint32_t top;      /* depth of the outermost frames: what is above is the profile's name */
	struct origin *of; /* by name */
};

static void find_origins(struct speedscope *speedscope)
{
	const struct run *run = speedscope->shown->run;

	for (size_t i = 0; i < run->n_frames; i++) {
		const struct run_frame *frame = &run->frames[i];
		struct origin *origin = &speedscope->of[speedscope->tree->names.of_frame[i]];

		if (!origin->known)
			*origin = (struct origin){.known = true, .source = frame->source, .object = frame->object};
		origin->sources_differ |= strcmp(origin->source, frame->source) != 0;
		origin->objects_differ |= strcmp(origin->object, frame->object) != 0;
	}
}

/* The file is what speedscope colours by, and shows beside the name. */
static const char *file_of(const struct origin *origin)
{
	if (origin->known && origin->source[0] && !origin->sources_differ)
		return origin->source;
	return origin->known && origin->object[0] && !origin->objects_differ ? origin->object : NULL;
}

static void put_frames(struct speedscope *speedscope)
{
	const struct flame_names *names = &speedscope->tree->names;
	struct json *json = &speedscope->json;

	json_open(json, "shared", '{');
	json_open(json, "frames", '[');
	for (size_t i = 0; i < names->n; i++) {
		const char *file = file_of(&speedscope->of[i]);
		char text[FLAME_NAME_BYTES + 16];

		utf8_copy(text, FLAME_NAME_BYTES, names->names[i].text);
		if (names->names[i].kind == FLAME_INLINED)
			memcpy(text + strlen(text), " (inlined)", sizeof(" (inlined)"));
		json_open(json, NULL, '{');
		json_string(json, "name", text);
		if (file)
			json_string(json, "file", utf8_copy((char[FLAME_NAME_BYTES]){0}, FLAME_NAME_BYTES, file));
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

static void put_stack(struct speedscope *speedscope, uint32_t node)
{
	const struct flame_node *nodes = speedscope->tree->nodes;
	uint32_t path[FLAME_DEPTH_MAX + 8]; /* roots, marks and leaves are beside the frames */
	size_t n = 0;

	for (; nodes[node].depth >= speedscope->top; node = nodes[node].parent)
		path[n++] = nodes[node].name;
	json_open(&speedscope->json, NULL, '[');
	while (n)
		json_number(&speedscope->json, NULL, path[--n]);
	json_close(&speedscope->json, ']');
}

/* Of the nodes from `first` up to `end`. */
static void put_profile(struct speedscope *speedscope, const char *name, uint32_t first, uint32_t end)
{
	struct json *json = &speedscope->json;
	uint64_t sum_ns = 0;

	json_open(json, NULL, '{');
	json_string(json, "type", "sampled");
	json_string(json, "name", utf8_copy((char[FLAME_NAME_BYTES]){0}, FLAME_NAME_BYTES, name));
	json_string(json, "unit", "nanoseconds");
	json_open(json, "samples", '[');
	for (uint32_t i = first; i < end && !json->err; i++)
		if (speedscope->own_ns[i])
			put_stack(speedscope, i);
	json_close(json, ']');
	json_open(json, "weights", '[');
	for (uint32_t i = first; i < end; i++) {
		sum_ns += speedscope->own_ns[i];
		if (speedscope->own_ns[i])
			json_number(json, NULL, speedscope->own_ns[i]);
	}
	json_close(json, ']');
	json_number(json, "startValue", 0);
	json_number(json, "endValue", sum_ns);
	json_close(json, '}');
}

/* The children of node 0, each with what is below it. */
static void put_profiles(struct speedscope *speedscope)
{
	const struct flame_tree *tree = speedscope->tree;

	json_open(&speedscope->json, "profiles", '[');
	if (tree->by == EXPORT_BY_NONE)
		put_profile(speedscope, speedscope->shown->run->name, 1, tree->n_nodes);
	for (uint32_t i = 1, end; tree->by != EXPORT_BY_NONE && i < tree->n_nodes; i = end) {
		end = i + 1;
		while (end < tree->n_nodes && tree->nodes[end].depth > 1)
			end++;
		put_profile(speedscope, tree->names.names[tree->nodes[i].name].text, i, end);
	}
	json_close(&speedscope->json, ']');
}

static int put_file(struct speedscope *speedscope, const struct host *host)
{
	const struct flame_tree *tree = speedscope->tree;
	struct json *json = &speedscope->json;
	char exporter[FLAME_NAME_BYTES];

	speedscope->own_ns = calloc(tree->n_nodes, sizeof(*speedscope->own_ns));
	speedscope->of = calloc(tree->names.n + 1, sizeof(*speedscope->of));
	if (!speedscope->own_ns || !speedscope->of)
		return -ENOMEM;
	for (size_t i = 1; i < tree->n_nodes; i++) {
		speedscope->own_ns[i] += tree->nodes[i].ns;
		speedscope->own_ns[tree->nodes[i].parent] -= tree->nodes[i].ns;
	}
	find_origins(speedscope);
	/* A cause may be all that is known of a wait: it is a frame, too, as there is no empty stack. */
	speedscope->top = tree->by == EXPORT_BY_NONE || tree->by == EXPORT_BY_CAUSE ? 1 : 2;
	snprintf(exporter, sizeof(exporter), "concprof %s", host->version);
	json_open(json, NULL, '{');
	json_string(json, "$schema", SCHEMA);
	json_string(json, "name", utf8_copy((char[FLAME_NAME_BYTES]){0}, FLAME_NAME_BYTES, speedscope->shown->run->name));
	json_string(json, "exporter", exporter);
	json_number(json, "activeProfileIndex", 0);
	put_frames(speedscope);
	put_profiles(speedscope);
	json_close(json, '}');
	return json_end(json);
}

static int write_speedscope(FILE *out, const struct export_input *input)
{
	struct speedscope speedscope = {.json = {.out = out}};
	struct flame_tree *tree = NULL;
	int err = flame_tree_build(input, &tree);

	if (err)
		return err;
	speedscope.shown = flame_shown(input);
	speedscope.tree = tree;
	err = put_file(&speedscope, input->host);
	free(speedscope.own_ns);
	free(speedscope.of);
	flame_tree_free(tree);
	return err;
}

const struct exporter exporter_speedscope = {
    .name = "speedscope",
    .gloss = "stacks with their time in nanoseconds, a profile for each thread, for speedscope",
    .extension = "speedscope.json",
    .one_run = true,
    .write = write_speedscope,
};
