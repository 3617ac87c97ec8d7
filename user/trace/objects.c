/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/cleanup.h"

#define OBJECTS_MAX  65536 /* the kernel side delivers no more than some ten thousand, a few of them again */
#define LOOKING_PART 20    /* one part in so many of the time is spent looking */

struct entry {
	struct named_object object;
	bool pending;     /* its ends are to be looked for */
	struct end *ends; /* owned */
	uint32_t next;    /* in its bucket: index + 1 */
};

#define BUCKETS 16384

struct device {
	uint32_t number;
	char name[32];
};

/* Of mounts; what comes after them has no name. */
#define DEVICES_MAX 4096

struct objects {
	struct entry *entries;
	size_t n, room, n_pending;
	uint64_t look_again_ns;
	struct device *devices; /* mounted when they were asked for first */
	size_t n_devices;
	uint32_t bucket[BUCKETS]; /* index + 1 of the first */
};

int objects_open(struct objects **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static uint32_t *bucket_of(struct objects *objects, const union wait_where *where)
{
	uint64_t hash = where->words[0] ^ where->words[1] * 31 ^ where->words[2] * 1021;

	hash *= 0x9e3779b97f4a7c15;
	return &objects->bucket[hash >> 50 & (BUCKETS - 1)];
}

static struct entry *entry_of(struct objects *objects, const union wait_where *where)
{
	for (uint32_t i = *bucket_of(objects, where); i; i = objects->entries[i - 1].next)
		if (memcmp(&objects->entries[i - 1].object.where, where, sizeof(*where)) == 0)
			return &objects->entries[i - 1];
	return NULL;
}

/* What can have another end that /proc knows of. */
static bool has_ends(const union wait_where *where)
{
	if (!WHERE_IS_SOCKET(where))
		return where->file.kind == FD_PIPE;
	if (where->peer.family == AF_UNIX)
		return where->local.kind & WHERE_UNNAMED && where->local.name;
	return where->peer.kind & WHERE_HERE && where->peer.port;
}

/* Keeps the answer; without memory the object has no known ends. */
static void keep_ends(struct entry *entry, const struct end_query *query)
{
	entry->ends = query->n ? calloc(query->n, sizeof(*entry->ends)) : NULL;
	if (!entry->ends)
		return;
	memcpy(entry->ends, query->ends, query->n * sizeof(*entry->ends));
	entry->object.ends = entry->ends;
	entry->object.n_ends = query->n;
}

/* The kernel has said who the peer is. */
static void keep_peer(struct entry *entry, uint32_t pid)
{
	struct end_query query = {.n = 1, .ends = {{.pid = pid}}};

	ends_comm(pid, query.ends[0].comm);
	if (query.ends[0].comm[0])
		keep_ends(entry, &query);
}

int objects_take(struct objects *objects, const struct record_object *record, size_t bytes)
{
	struct entry *entry;
	uint32_t *bucket;
	char *text;

	if (bytes < offsetof(struct record_object, text) || record->bytes > bytes - offsetof(struct record_object, text))
		return 0;
	entry = entry_of(objects, &record->where);
	if (!entry && objects->n == OBJECTS_MAX)
		return 0;
	text = strndup(record->text, record->bytes);
	if (!text)
		return -ENOMEM;
	if (entry) {
		/* Pids come again: the latest is told. */
		free(entry->object.text);
		entry->object.text = text;
		return 0;
	}
	if (objects->n == objects->room) {
		size_t room = objects->room ? 2 * objects->room : 64;
		struct entry *grown = reallocarray(objects->entries, room, sizeof(*grown));

		if (!grown) {
			free(text);
			return -ENOMEM;
		}
		objects->entries = grown;
		objects->room = room;
	}
	bucket = bucket_of(objects, &record->where);
	entry = &objects->entries[objects->n++];
	*entry = (struct entry){
	    .object = {.where = record->where, .process = record->process, .tgid = record->tgid, .text = text},
	    .pending = has_ends(&record->where),
	    .next = *bucket,
	};
	*bucket = objects->n;
	objects->n_pending += entry->pending;
	if (WHERE_IS_SOCKET(&record->where) && record->where.local.family == AF_UNIX && record->where.local.tgid)
		keep_peer(entry, record->where.local.tgid);
	objects_look(objects, false);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct end_query query_for(const struct named_object *object)
{
	const union wait_where *where = &object->where;

	if (!WHERE_IS_SOCKET(where))
		return (struct end_query){.inode = where->file.inode};
	if (where->peer.family == AF_UNIX)
		return (struct end_query){.inode = where->local.name, .socket = true};
	return (struct end_query){.inode = ends_inode_of_port(object->tgid, where->peer.port), .socket = true};
}

static void look(struct objects *objects)
{
	_cleanup_free_ struct end_query *queries = calloc(objects->n_pending, sizeof(*queries));
	_cleanup_free_ struct end_query *asked = calloc(objects->n_pending, sizeof(*asked));
	size_t n = 0;

	if (!queries || !asked)
		return;
	for (size_t i = 0; i < objects->n && n < objects->n_pending; i++)
		if (objects->entries[i].pending)
			asked[n++] = query_for(&objects->entries[i].object);
	memcpy(queries, asked, n * sizeof(*queries));
	ends_find(queries, n); /* sorts them */
	for (size_t i = 0, next = 0; i < objects->n && next < n; i++) {
		struct entry *entry = &objects->entries[i];

		if (!entry->pending)
			continue;
		entry->pending = false;
		keep_ends(entry, ends_of(queries, n, &asked[next++]));
	}
	objects->n_pending = 0;
}

void objects_look(struct objects *objects, bool last)
{
	uint64_t before = now_ns(), after;

	if (!objects || !objects->n_pending || (!last && before < objects->look_again_ns))
		return;
	look(objects);
	after = now_ns();
	objects->look_again_ns = after + LOOKING_PART * (after - before);
}

const struct named_object *objects_find(const struct objects *objects, const union wait_where *where)
{
	const struct entry *entry = objects ? entry_of((struct objects *)objects, where) : NULL;

	return entry ? &entry->object : NULL;
}

/* A line of /proc/self/mountinfo (proc_pid_mountinfo(5)): "... major:minor root where options ... - type source options". */
static bool parse_mount(const char *line, struct device *device)
{
	const char *rest = strstr(line, " - ");
	unsigned int major, minor;
	char type[32], source[256];
	const char *name = source;

	if (!rest || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 || sscanf(rest, " - %31s %255s", type, source) != 2)
		return false;
	device->number = major << 20 | minor; /* include/linux/kdev_t.h */
	if (strncmp(source, "/dev/", 5))
		name = type;
	else if (strcmp(source, "/dev/root"))
		name = strrchr(source, '/') + 1;
	snprintf(device->name, sizeof(device->name), "%.31s", name);
	return true;
}

static void read_devices(struct objects *objects)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	objects->devices = calloc(DEVICES_MAX, sizeof(*objects->devices));
	while (objects->devices && file && objects->n_devices < DEVICES_MAX && getline(&line, &room, file) > 0)
		objects->n_devices += parse_mount(line, &objects->devices[objects->n_devices]);
}

const char *objects_device(struct objects *objects, uint32_t device)
{
	if (!objects)
		return "";
	if (!objects->devices)
		read_devices(objects);
	for (size_t i = 0; i < objects->n_devices; i++)
		if (objects->devices[i].number == device)
			return objects->devices[i].name;
	return "";
}

void objects_close(struct objects *objects)
{
	if (!objects)
		return;
	for (size_t i = 0; i < objects->n; i++) {
		free(objects->entries[i].object.text);
		free(objects->entries[i].ends);
	}
	free(objects->entries);
	free(objects->devices);
	free(objects);
}
