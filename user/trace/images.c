/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/images.h"

#include <errno.h>
#include <inttypes.h>

#include "symbols/elf_data.h"

/* Processes fork processes; more generations than this without an exec are not looked through. */
#define GENERATIONS_MAX 64

struct object {
	char *path;
	struct elf_data *elf; /* NULL: could not be read */
};

struct images {
	const struct collected *collected;
	const struct mapping *mappings;
	size_t n_mappings;
	struct object *objects;
	size_t n_objects, room_objects;
};

int images_open(const struct collected *collected, struct mappings *mappings, struct images **ret)
{
	struct images *images = calloc(1, sizeof(*images));

	if (!images)
		return -ENOMEM;
	images->collected = collected;
	if (mappings)
		images->mappings = mappings_all(mappings, &images->n_mappings);
	*ret = images;
	return 0;
}

static struct object *object_at(struct images *images, const char *path)
{
	struct object *object;

	for (size_t i = 0; i < images->n_objects; i++) {
		if (strcmp(images->objects[i].path, path) == 0)
			return &images->objects[i];
	}
	if (images->n_objects == images->room_objects) {
		size_t room = images->room_objects ? 2 * images->room_objects : 32;
		struct object *grown = reallocarray(images->objects, room, sizeof(*grown));

		if (!grown)
			return NULL;
		images->objects = grown;
		images->room_objects = room;
	}
	object = &images->objects[images->n_objects];
	object->path = strdup(path);
	object->elf = NULL;
	if (!object->path)
		return NULL;
	images->n_objects++;
	if (elf_data_open(path, &object->elf))
		object->elf = NULL;
	return object;
}

/* A stretch of a process's life in which its mappings add to one address space. */
struct window {
	uint32_t pid;
	uint64_t from_ns, to_ns;
};

struct answer {
	uint64_t address;
	const char *symbol, *file;
	uint64_t offset;
};

/* Looks at what was mapped in the window. True when the object that holds the address was found. */
static bool look_in_window(struct images *images, const struct window *window, struct answer *answer)
{
	/* Backwards: of two objects that lay there, the later one. */
	for (size_t i = images->n_mappings; i-- > 0;) {
		const struct mapping *mapping = &images->mappings[i];
		const struct object *object;
		uint64_t bias;

		if (mapping->pid != window->pid || !mapping->path || mapping->time_ns < window->from_ns ||
		    mapping->time_ns > window->to_ns)
			continue;
		object = object_at(images, mapping->path);
		if (!object || !object->elf || !elf_data_bias(object->elf, mapping->start, mapping->file_offset, &bias) ||
		    !elf_data_holds(object->elf, answer->address - bias))
			continue;
		answer->file = strrchr(object->path, '/') + 1;
		answer->symbol = elf_data_symbol(object->elf, answer->address - bias, &answer->offset);
		return true;
	}
	return false;
}

/* When the address space of an exec at `time_ns` began: the exec's own mappings precede the tracepoint that tells of it. */
static uint64_t address_space_begin(const struct images *images, uint32_t pid, uint64_t time_ns)
{
	for (size_t i = images->n_mappings; i-- > 0;) {
		const struct mapping *mapping = &images->mappings[i];

		if (mapping->pid == pid && !mapping->path && mapping->time_ns <= time_ns)
			return mapping->time_ns;
	}
	return time_ns;
}

bool images_symbol(struct images *images, uint64_t process, uint32_t image, uint64_t address, const char **symbol,
		   uint64_t *offset, const char **file)
{
	struct answer answer = {.address = address, .file = ""};
	uint64_t until = UINT64_MAX;

	for (int generation = 0; process && generation < GENERATIONS_MAX; generation++) {
		const struct kept_process *kept = collected_process(images->collected, process);
		struct window window = {.to_ns = until};
		bool execed = false;

		if (!kept)
			break;
		window.pid = kept->process.tgid;
		window.from_ns = kept->process.begin_ns;
		for (size_t i = 0; i < images->collected->n_execs; i++) {
			const struct record_exec *exec = &images->collected->execs[i];

			if (exec->process != process)
				continue;
			if (exec->image == image) {
				execed = true;
				window.from_ns = address_space_begin(images, window.pid, exec->time_ns);
			} else if (exec->image == image + 1) {
				window.to_ns = address_space_begin(images, window.pid, exec->time_ns) - 1;
			}
		}
		if (look_in_window(images, &window, &answer) || execed)
			break;
		/* Forked, and not exec'd since: what its parent had mapped until then. */
		until = kept->process.begin_ns;
		process = kept->process.parent;
	}
	*symbol = answer.symbol;
	*offset = answer.offset;
	*file = answer.file;
	return answer.symbol;
}

void images_close(struct images *images)
{
	if (!images)
		return;
	for (size_t i = 0; i < images->n_objects; i++) {
		free(images->objects[i].path);
		elf_data_close(images->objects[i].elf);
	}
	free(images->objects);
	free(images);
}
