/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbol_objects.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "symbols/foreign_file.h"

#define BUCKETS 1024

/* How an object is recognised without opening it, and, if it has a build id, after that. */
struct identity {
	uint64_t device, inode, bytes;
	struct timespec modified, changed;
	uint8_t build_id[ELF_BUILD_ID_MAX];
};

struct known {
	struct known *next;
	struct identity identity;
	struct symbol_object *object;
};

struct symbol_objects {
	struct known *buckets[BUCKETS];
	struct symbol_object **all;
	size_t count, room;
};

struct symbol_objects *symbol_objects_new(void)
{
	return calloc(1, sizeof(struct symbol_objects));
}

static struct known **bucket(struct symbol_objects *objects, const struct identity *identity)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(*identity); i++)
		hash = (hash ^ ((const uint8_t *)identity)[i]) * 0x100000001b3;
	return &objects->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static struct symbol_object *find(struct symbol_objects *objects, const struct identity *identity)
{
	for (struct known *known = *bucket(objects, identity); known; known = known->next) {
		if (memcmp(&known->identity, identity, sizeof(*identity)) == 0)
			return known->object;
	}
	return NULL;
}

/* Without memory for it the object is found again the long way. */
static void remember(struct symbol_objects *objects, const struct identity *identity, struct symbol_object *object)
{
	struct known **head = bucket(objects, identity), *known = calloc(1, sizeof(*known));

	if (!known)
		return;
	*known = (struct known){.next = *head, .identity = *identity, .object = object};
	*head = known;
}

static struct identity identity_of_inode(const struct stat *status)
{
	return (struct identity){.device = status->st_dev,
				 .inode = status->st_ino,
				 .bytes = status->st_size,
				 .modified = status->st_mtim,
				 .changed = status->st_ctim};
}

/* The size, too: a stripped file and the one that it was made from have the same build id. */
static struct identity identity_of_build(const struct elf_file *file)
{
	struct identity identity = {.bytes = file->status.st_size};

	memcpy(identity.build_id, file->build_id, file->build_id_bytes);
	return identity;
}

static void object_free(struct symbol_object *object)
{
	if (!object)
		return;
	elf_symbols_free(object->symbols);
	elf_file_close(object->shared);
	elf_file_close(object->debug);
	elf_file_close(object->file);
	free(object->names);
	free(object->path);
	free(object);
}

/* Takes `file` over. */
static int add(struct symbol_objects *objects, struct elf_file *file, const char *path, struct symbol_object **ret)
{
	struct symbol_object *object = calloc(1, sizeof(*object));

	if (!object) {
		elf_file_close(file);
		return -ENOMEM;
	}
	object->file = file;
	if (objects->count == objects->room) {
		size_t room = objects->room ? 2 * objects->room : 64;
		struct symbol_object **all = reallocarray(objects->all, room, sizeof(*all));

		if (!all) {
			object_free(object);
			return -ENOMEM;
		}
		objects->all = all;
		objects->room = room;
	}
	object->number = objects->count;
	object->path = path ? strdup(path) : NULL;
	for (size_t i = 0; i < file->build_id_bytes; i++)
		snprintf(object->build_id + 2 * i, 3, "%02x", file->build_id[i]);
	objects->all[objects->count++] = object;
	*ret = object;
	return 0;
}

int symbol_objects_open(struct symbol_objects *objects, int fd, const char *path, struct symbol_object **ret)
{
	_cleanup_close_ int own = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : path ? foreign_file_open(path) : -EBADF;
	struct identity by_inode, by_build;
	struct elf_file *file = NULL;
	struct stat status;
	int err = 0;

	if (own < 0)
		return fd >= 0 ? -errno : own;
	if (fstat(own, &status))
		return -errno;
	by_inode = identity_of_inode(&status);
	*ret = find(objects, &by_inode);
	if (*ret)
		return 0;
	err = elf_file_open(steal_fd(&own), &file);
	if (err)
		return err;
	by_build = identity_of_build(file);
	*ret = file->build_id_bytes ? find(objects, &by_build) : NULL;
	if (*ret) {
		elf_file_close(file);
	} else {
		err = add(objects, file, path, ret);
		if (!err && file->build_id_bytes)
			remember(objects, &by_build, *ret);
	}
	if (!err)
		remember(objects, &by_inode, *ret);
	return err;
}

size_t symbol_objects_count(const struct symbol_objects *objects)
{
	return objects->count;
}

static bool has_dwarf(const struct elf_file *file)
{
	return file && (elf_file_section(file, ".debug_info") || elf_file_section(file, ".zdebug_info"));
}

bool symbol_object_load(struct symbol_object *object, struct debug_files *files, bool lines)
{
	const struct elf_file *file = object->file;
	bool full = elf_file_section_of_type(file, SHT_SYMTAB);

	if (object->loaded)
		return true;
	object->loaded = true;
	if (!full || (lines && !has_dwarf(file)))
		object->debug = debug_files_find(files, file, object->path);
	if (lines)
		object->dwarf = has_dwarf(file) ? file : has_dwarf(object->debug) ? object->debug : NULL;
	if (object->dwarf)
		object->shared = debug_files_shared(object->dwarf);
	if (elf_symbols_load(file, full ? NULL : object->debug, &object->symbols))
		return false;
	object->names = calloc(elf_symbols_count(object->symbols) + 1, sizeof(*object->names));
	return object->names;
}

void symbol_objects_free(struct symbol_objects *objects)
{
	if (!objects)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (objects->buckets[i]) {
			struct known *next = objects->buckets[i]->next;

			free(objects->buckets[i]);
			objects->buckets[i] = next;
		}
	}
	for (size_t i = 0; i < objects->count; i++)
		object_free(objects->all[i]);
	free(objects->all);
	free(objects);
}
