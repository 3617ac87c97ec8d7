/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbolizer.h"

#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "symbols/demangle.h"
#include "symbols/frame_cache.h"
#include "symbols/kernel_symbols.h"
#include "symbols/lines.h"
#include "symbols/lines_process.h"
#include "symbols/perf_map.h"
#include "symbols/string_pool.h"
#include "symbols/symbol_objects.h"

/* The perf map of a process. */
struct process_map {
	struct process_map *next;
	uint64_t process;
	struct perf_map *map;
};

#define PROCESS_BUCKETS 256

struct symbolizer {
	bool lines_wanted;
	struct string_pool *pool;
	struct symbol_objects *objects;
	struct debug_files files;
	struct lines *lines;
	struct frame_cache *frames;
	struct process_map *maps[PROCESS_BUCKETS];
	struct kernel_symbols *kernel;
	bool kernel_tried;
	struct symbolizer_counts counts;
};

int symbolizer_open(const struct symbolizer_options *options, struct symbolizer **ret)
{
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return -ENOMEM;
	symbolizer->lines_wanted = options->lines;
	symbolizer->pool = string_pool_new();
	symbolizer->objects = symbol_objects_new();
	symbolizer->lines = lines_new();
	symbolizer->frames = frame_cache_new();
	if (!symbolizer->pool || !symbolizer->objects || !symbolizer->lines || !symbolizer->frames) {
		symbolizer_close(symbolizer);
		return -ENOMEM;
	}
	if (options->debuginfod)
		symbolizer->files.debuginfod = debuginfod_new();
	*ret = symbolizer;
	return 0;
}

void symbolizer_close(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < PROCESS_BUCKETS; i++) {
		while (symbolizer->maps[i]) {
			struct process_map *next = symbolizer->maps[i]->next;

			perf_map_close(symbolizer->maps[i]->map);
			free(symbolizer->maps[i]);
			symbolizer->maps[i] = next;
		}
	}
	frame_cache_free(symbolizer->frames);
	lines_free(symbolizer->lines);
	symbol_objects_free(symbolizer->objects);
	debuginfod_free(symbolizer->files.debuginfod);
	kernel_symbols_close(symbolizer->kernel);
	string_pool_free(symbolizer->pool);
	free(symbolizer);
}

void symbolizer_counts(const struct symbolizer *symbolizer, struct symbolizer_counts *counts)
{
	*counts = symbolizer->counts;
	counts->objects = symbol_objects_count(symbolizer->objects);
	for (size_t i = 0; i < PROCESS_BUCKETS; i++) {
		for (const struct process_map *known = symbolizer->maps[i]; known; known = known->next)
			counts->perf_maps_cut += perf_map_cut(known->map);
	}
}

int symbolizer_object(struct symbolizer *symbolizer, int fd, const char *path, struct symbol_object **ret)
{
	return symbol_objects_open(symbolizer->objects, fd, path, ret);
}

const char *symbol_object_build_id(const struct symbol_object *object)
{
	return object->build_id;
}

bool symbol_object_address(const struct symbol_object *object, uint64_t file_offset, uint64_t *vaddr)
{
	for (size_t i = 0; i < object->file->n_segments; i++) {
		const struct elf_segment *segment = &object->file->segments[i];

		if (segment->executable && file_offset >= segment->offset &&
		    file_offset - segment->offset < segment->file_bytes) {
			*vaddr = segment->address + (file_offset - segment->offset);
			return true;
		}
	}
	return false;
}

/* A linker's name, made readable, cut if it is endless, and kept. NULL when memory is short. */
static const char *readable(struct symbolizer *symbolizer, const char *name, bool stub)
{
	_cleanup_free_ char *plain = demangle(name);
	_cleanup_free_ char *full = text_format("%.*s%s", DEMANGLED_MAX + 3, plain ? plain : name, stub ? "@plt" : "");

	return full ? string_pool_add(symbolizer->pool, full) : NULL;
}

/* The function of the object's own tables. */
static struct symbol_frame function_at(struct symbolizer *symbolizer, struct symbol_object *object, uint64_t vaddr)
{
	struct symbol_frame frame = {0};
	uint64_t offset;
	size_t index;

	if (!object->names || !elf_symbols_find(object->symbols, vaddr, &index, &offset))
		return frame;
	if (!object->names[index]) {
		bool stub;
		_cleanup_free_ char *name = elf_symbols_name(object->symbols, index, &stub);

		if (name)
			object->names[index] = readable(symbolizer, name, stub);
	}
	frame.function = object->names[index];
	frame.offset = frame.function ? offset : 0;
	return frame;
}

/* The frames by DWARF; the outermost, which is the function of the tables, is `outer`. */
static size_t add_lines(struct symbolizer *symbolizer, struct symbol_object *object, uint64_t vaddr,
			const struct symbol_frame *outer, struct symbol_frame frames[LINES_FRAMES_MAX])
{
	struct line_frame lines[LINES_FRAMES_MAX];
	int count =
	    lines_frames(symbolizer->lines, object->number, object->dwarf, object->shared, vaddr, lines, LINES_FRAMES_MAX);

	frames[0] = *outer;
	if (count < 0) {
		object->dwarf = NULL;
		symbolizer->counts.objects_no_lines++;
	}
	for (int i = 0; i < count; i++) {
		const struct line_frame *line = &lines[i];
		bool last = i + 1 == count;
		_cleanup_free_ char *name = line->function ? strndup(line->function, line->function_bytes) : NULL;

		frames[i] = last ? *outer : (struct symbol_frame){.inlined = true};
		if (name && !frames[i].function)
			frames[i].function = readable(symbolizer, name, false);
		if (line->source)
			frames[i].source = string_pool_add_bytes(symbolizer->pool, line->source, line->source_bytes);
		frames[i].line = line->line;
	}
	return count > 0 ? count : 1;
}

size_t symbolizer_user(struct symbolizer *symbolizer, struct symbol_object *object, uint64_t vaddr, struct symbol_frame *frames,
		       size_t max)
{
	struct symbol_frame all[LINES_FRAMES_MAX];
	const struct symbol_frame *cached;
	size_t count;

	if (!symbol_object_load(object, &symbolizer->files, symbolizer->lines_wanted))
		symbolizer->counts.objects_unnamed++;
	if (!object->dwarf) {
		*frames = function_at(symbolizer, object, vaddr);
		return 1;
	}
	cached = frame_cache_find(symbolizer->frames, object->number, vaddr, &count);
	if (!cached) {
		struct symbol_frame outer = function_at(symbolizer, object, vaddr);

		count = add_lines(symbolizer, object, vaddr, &outer, all);
		frame_cache_add(symbolizer->frames, object->number, vaddr, all, count);
		cached = all;
	}
	if (count > max) {
		cached += count - max;
		count = max;
	}
	memcpy(frames, cached, count * sizeof(*frames));
	return count;
}

int symbolizer_perf_map(struct symbolizer *symbolizer, uint64_t process, uint32_t pid, struct perf_map **ret)
{
	struct process_map **head = &symbolizer->maps[process % PROCESS_BUCKETS], *known = *head;
	int err;

	while (known && known->process != process)
		known = known->next;
	if (!known) {
		known = calloc(1, sizeof(*known));
		err = known ? perf_map_open(pid, &known->map) : -ENOMEM;
		if (err) {
			free(known);
			return err;
		}
		known->process = process;
		known->next = *head;
		*head = known;
	}
	err = perf_map_read(known->map);
	if (!err)
		*ret = known->map;
	return err;
}

const char *symbolizer_perf_map_find(struct symbolizer *symbolizer, struct perf_map *map, uint64_t address, uint64_t *offset)
{
	const char *name = perf_map_find(map, address, offset);

	return name ? string_pool_add(symbolizer->pool, name) : NULL;
}

int symbolizer_load_kernel(struct symbolizer *symbolizer)
{
	int err = kernel_symbols_open("/proc/kallsyms", &symbolizer->kernel);

	symbolizer->kernel_tried = true;
	if (err)
		symbolizer->kernel = NULL;
	return err;
}

const char *symbolizer_kernel(struct symbolizer *symbolizer, uint64_t address, uint64_t *offset, const char **module)
{
	const char *name;

	if (!symbolizer->kernel_tried)
		symbolizer_load_kernel(symbolizer);
	name = symbolizer->kernel ? kernel_symbols_find(symbolizer->kernel, address, offset, module) : NULL;
	if (!name)
		return NULL;
	*module = *module ? string_pool_add(symbolizer->pool, *module) : NULL;
	return string_pool_add(symbolizer->pool, name);
}
