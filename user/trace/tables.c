/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "trace/ahead.h"

#define HASH_SLOTS 1024

struct tables {
	struct kernel *kernel;
	struct symbolizer *symbolizer;
	struct unwind_rules *rules;
	size_t rules_there; /* of them, in the kernel */
	struct unwind_rule *kernel_rules;
	uint32_t *segment[UNWIND_SEGMENTS_MAX]; /* the kernel's words, mapped */
	size_t used[UNWIND_SEGMENTS_MAX];
	size_t n_segments;
	pthread_t placing; /* lets programs find the newest segment */
	int placing_fd;    /* -1: nothing is under way */
	uint64_t full, unnamed;
	uint64_t to_name; /* how many more objects may stay open */
	struct table_object *by_inode[HASH_SLOTS];
	struct table_object *vdso;
};

static size_t rules_bytes(void)
{
	return (UNWIND_RULES_MAX + 1) * sizeof(struct unwind_rule);
}

/*
 * A program that maps more files than we may open shall cost names, not the measurement. Our own descriptors are 60 with two CPUs, at most
 * four of them a CPU; an object takes one, and may take another one for its debug file.
 */
static uint64_t objects_to_name(void)
{
	uint64_t own = 64 + 4 * sysconf(_SC_NPROCESSORS_CONF);
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < own ? 0 : (limit.rlim_cur - own) / 2;
}

int tables_open(struct kernel *kernel, struct symbolizer *symbolizer, struct tables **ret)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	int err = -ENOMEM;

	if (!tables)
		return -ENOMEM;
	tables->kernel = kernel;
	tables->placing_fd = -1;
	tables->symbolizer = symbolizer;
	tables->to_name = objects_to_name();
	tables->kernel_rules =
	    mmap(NULL, rules_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, kernel_map_fd(kernel, KERNEL_MAP_RULES), 0);
	if (tables->kernel_rules == MAP_FAILED) {
		err = -errno;
		tables->kernel_rules = NULL;
	} else {
		err = unwind_rules_new(&tables->rules);
	}
	if (err) {
		tables_close(tables);
		return err;
	}
	tables->kernel_rules[UNWIND_RULE_BY_FRAME] =
	    (struct unwind_rule){.cfa = UNWIND_RBP, .rbp = UNWIND_RBP_AT_RBP, .cfa_offset = 16};
	*ret = tables;
	return 0;
}

static void mirror_rules(struct tables *tables)
{
	size_t count;
	const struct unwind_rule *all = unwind_rules_all(tables->rules, &count);

	memcpy(tables->kernel_rules + tables->rules_there, all + tables->rules_there,
	       (count - tables->rules_there) * sizeof(*all));
	tables->rules_there = count;
}

static void *place_segment(void *context)
{
	struct tables *tables = context;

	/* If it fails, programs find no rules there: their stacks are unfinished, and counted. */
	kernel_place_segment(tables->kernel, tables->n_segments - 1, tables->placing_fd);
	return NULL;
}

void tables_settle(struct tables *tables)
{
	if (tables->placing_fd < 0)
		return;
	pthread_join(tables->placing, NULL);
	close(tables->placing_fd);
	tables->placing_fd = -1;
}

/* A segment with at least one page's room, and how many words are free there; NULL when all are full. */
static uint32_t *segment_with_room(struct tables *tables, uint32_t *number, size_t *room)
{
	const size_t least = 2 * UNWIND_PAGE_BYTES;
	uint32_t *words;
	int fd;

	if (!tables->n_segments || UNWIND_SEGMENT_WORDS - tables->used[tables->n_segments - 1] < least) {
		if (tables->n_segments == UNWIND_SEGMENTS_MAX)
			return NULL;
		fd = kernel_new_segment();
		if (fd < 0)
			return NULL;
		words = mmap(NULL, UNWIND_SEGMENT_WORDS * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (words == MAP_FAILED) {
			close(fd);
			return NULL;
		}
		tables_settle(tables);
		tables->segment[tables->n_segments++] = words;
		tables->placing_fd = fd;
		if (pthread_create(&tables->placing, NULL, place_segment, tables)) {
			place_segment(tables);
			close(fd);
			tables->placing_fd = -1;
		}
	}
	*number = tables->n_segments - 1;
	*room = UNWIND_SEGMENT_WORDS - tables->used[*number];
	return tables->segment[*number] + tables->used[*number];
}

/* Hands the object's table over to the kernel, in as many parts as there are segments touched. */
static int upload(struct tables *tables, struct table_object *object)
{
	struct unwind_table *table = object->object->table;
	size_t page = 0;

	while (page < table->n_pages) {
		struct table_part *grown = reallocarray(object->parts, object->n_parts + 1, sizeof(*grown));
		struct unwind_part part;
		uint32_t *words, number;
		size_t room;
		int err;

		if (!grown)
			return -ENOMEM;
		object->parts = grown;
		words = segment_with_room(tables, &number, &room);
		err = words ? unwind_table_part(table, page, room, words, &part) : -ENOSPC;
		if (err)
			return err;
		object->parts[object->n_parts++] = (struct table_part){
		    .start = part.start,
		    .end = part.end,
		    .segment = number,
		    .index_word = tables->used[number],
		    .rows_word = tables->used[number] + part.n_pages + 1,
		};
		tables->used[number] += part.n_pages + 1 + part.n_rows;
		page += part.n_pages;
	}
	return 0;
}

static void finish(struct tables *tables, struct table_object *object)
{
	if (!object->object->table)
		return;
	mirror_rules(tables);
	if (upload(tables, object)) {
		tables->full++;
		object->n_parts = 0;
	}
	unwind_table_free(object->object->table);
	object->object->table = NULL;
}

/* What the file behind a mapping is, whatever its path means by now: 0 and its descriptor, or a negative errno. */
static int open_mapping(const struct mapping *mapping)
{
	char path[4200];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, mapping->pid, mapping->start,
		 mapping->start + mapping->length);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	/* The process or the mapping has gone: by its path, as the process sees it or as we do, if that is still the same file. */
	snprintf(path, sizeof(path), "/proc/%u/root%s", mapping->pid, mapping->path);
	for (int i = 0; i < 2; i++) {
		fd = open(i == 0 ? path : mapping->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == mapping->inode)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static void compile(struct tables *tables, struct table_object *object, int fd, const char *path)
{
	if (unwind_object_compile(fd, tables->rules, &object->object)) {
		object->object = NULL;
		return;
	}
	finish(tables, object);
	if (tables->to_name && symbolizer_object(tables->symbolizer, fd, path, &object->symbols) == 0) {
		tables->to_name--;
	} else {
		object->symbols = NULL;
		tables->unnamed++;
	}
}

static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strdup(slash ? slash + 1 : path);
}

static struct table_object *new_object(const char *path)
{
	struct table_object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->name = name_of(path);
	if (!object->name) {
		free(object);
		return NULL;
	}
	return object;
}

/* An object that was compiled ahead is mapped: what is not known of a file then is known now. */
static void meet(struct table_object *object, const struct mapping *mapping)
{
	char *name = name_of(mapping->path);

	object->ahead = false;
	object->inode_generation = mapping->inode_generation;
	if (!name)
		return;
	/* It may have been found through a symbolic link. */
	free(object->name);
	object->name = name;
}

/* Our own vDSO as a file: it is the same object in every process. Negative: there is none. */
static int vdso_file(void)
{
	_cleanup_fclose_ FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t start, end;
	char line[512];
	int fd;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "[vdso]") || sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2)
			continue;
		fd = memfd_create("vdso", MFD_CLOEXEC);
		if (fd >= 0 && write(fd, (const void *)start, end - start) == (ssize_t)(end - start))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static struct table_object *vdso(struct tables *tables)
{
	_cleanup_close_ int fd = -1;

	if (tables->vdso)
		return tables->vdso;
	tables->vdso = new_object("[vdso]");
	fd = tables->vdso ? vdso_file() : -1;
	if (fd >= 0)
		compile(tables, tables->vdso, fd, NULL);
	return tables->vdso;
}

/* 0 is an inode generation that is not known: of what was compiled ahead, or read from /proc/PID/maps. */
static struct table_object **place_of(struct tables *tables, uint32_t major, uint32_t minor, uint64_t inode, uint64_t generation)
{
	uint64_t hash = (inode ^ (uint64_t)major << 32 ^ minor) * 0x9e3779b97f4a7c15ULL;
	struct table_object **place = &tables->by_inode[hash >> 54];

	while (*place && ((*place)->inode != inode || (*place)->major != major || (*place)->minor != minor ||
			  ((*place)->inode_generation && generation && (*place)->inode_generation != generation)))
		place = &(*place)->next;
	return place;
}

struct table_object *tables_object(struct tables *tables, const struct mapping *mapping)
{
	struct table_object **place, *object;
	_cleanup_free_ char *path = NULL;
	int fd;

	if (mapping->kind == MAPPING_VDSO)
		return vdso(tables);
	place = place_of(tables, mapping->major, mapping->minor, mapping->inode, mapping->inode_generation);
	if (*place) {
		if ((*place)->ahead)
			meet(*place, mapping);
		return *place;
	}
	object = new_object(mapping->path);
	if (!object)
		return NULL;
	object->major = mapping->major;
	object->minor = mapping->minor;
	object->inode = mapping->inode;
	object->inode_generation = mapping->inode_generation;
	fd = open_mapping(mapping);
	if (fd >= 0) {
		if (asprintf(&path, "/proc/%u/root%s", mapping->pid, mapping->path) < 0)
			path = NULL;
		compile(tables, object, fd, path);
		close(fd);
	}
	*place = object;
	return object;
}

static void ahead_object(void *context, int fd, const char *path)
{
	struct tables *tables = context;
	struct table_object **place, *object;
	struct stat st;

	if (fstat(fd, &st))
		return;
	place = place_of(tables, major(st.st_dev), minor(st.st_dev), st.st_ino, 0);
	if (*place)
		return;
	object = new_object(path);
	if (!object)
		return;
	object->major = major(st.st_dev);
	object->minor = minor(st.st_dev);
	object->inode = st.st_ino;
	object->ahead = true;
	compile(tables, object, fd, path);
	*place = object;
}

void tables_ahead(struct tables *tables, const char *path)
{
	ahead_each(path, ahead_object, tables);
}

enum unwind_stop tables_rule(const struct tables *tables, const struct table_object *object, uint64_t address,
			     struct unwind_rule *ret)
{
	for (size_t i = 0; i < object->n_parts; i++) {
		const struct table_part *part = &object->parts[i];
		struct unwind_table table = {.start = part->start, .end = part->end};

		if (address < part->start || address >= part->end)
			continue;
		table.index = tables->segment[part->segment] + part->index_word;
		table.rows = tables->segment[part->segment] + part->rows_word;
		table.n_pages = part->rows_word - part->index_word - 1;
		table.n_rows = table.index[table.n_pages];
		*ret = tables->kernel_rules[unwind_table_rule(&table, address)];
		return UNWIND_WHOLE;
	}
	return UNWIND_STOP_NO_RULE;
}

uint64_t tables_unnamed(const struct tables *tables)
{
	return tables->unnamed;
}

uint64_t tables_full(const struct tables *tables)
{
	return tables->full;
}

static void object_free(struct table_object *object)
{
	if (!object)
		return;
	unwind_object_free(object->object);
	free(object->parts);
	free(object->name);
	free(object);
}

void tables_close(struct tables *tables)
{
	if (!tables)
		return;
	tables_settle(tables);
	for (size_t i = 0; i < HASH_SLOTS; i++) {
		while (tables->by_inode[i]) {
			struct table_object *object = tables->by_inode[i];

			tables->by_inode[i] = object->next;
			object_free(object);
		}
	}
	object_free(tables->vdso);
	for (size_t i = 0; i < tables->n_segments; i++)
		munmap(tables->segment[i], UNWIND_SEGMENT_WORDS * sizeof(*tables->segment[i]));
	if (tables->kernel_rules)
		munmap(tables->kernel_rules, rules_bytes());
	unwind_rules_free(tables->rules);
	free(tables);
}
