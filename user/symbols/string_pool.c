/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/string_pool.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/text.h"

#define CHUNK_BYTES (64u << 10)
/* A hundred thousand functions have 10 MB of names. Programs can give theirs names as long as they like. */
#define POOL_BYTES_MAX (128u << 20)

struct chunk {
	struct chunk *next;
	size_t used, room;
	char bytes[];
};

struct slot {
	const char *string; /* NULL: free */
	uint64_t hash;
};

struct string_pool {
	struct chunk *chunks;
	struct slot *slots; /* open addressing; a power of two, at most half full */
	size_t n_slots, count;
	size_t bytes; /* of all chunks */
};

struct string_pool *string_pool_new(void)
{
	struct string_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->n_slots = 1024;
	pool->slots = calloc(pool->n_slots, sizeof(*pool->slots));
	if (!pool->slots) {
		free(pool);
		return NULL;
	}
	return pool;
}

/* FNV-1a with a final mix. Whoever makes names collide slows down the report on his own program only, and by his own names. */
static uint64_t hash_of(const char *bytes, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return hash ^ hash >> 29;
}

static bool grow(struct string_pool *pool)
{
	size_t room = 2 * pool->n_slots;
	struct slot *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < pool->n_slots; i++) {
		size_t at = pool->slots[i].hash & (room - 1);

		if (!pool->slots[i].string)
			continue;
		while (slots[at].string)
			at = (at + 1) & (room - 1);
		slots[at] = pool->slots[i];
	}
	free(pool->slots);
	pool->slots = slots;
	pool->n_slots = room;
	return true;
}

static char *store(struct string_pool *pool, const char *bytes, size_t length)
{
	struct chunk *chunk = pool->chunks;
	char *stored;

	if (!chunk || chunk->room - chunk->used < length + 1) {
		size_t room = length + 1 > CHUNK_BYTES ? length + 1 : CHUNK_BYTES;

		chunk = pool->bytes + room > POOL_BYTES_MAX ? NULL : malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		pool->bytes += room;
		*chunk = (struct chunk){.next = pool->chunks, .room = room};
		pool->chunks = chunk;
	}
	stored = chunk->bytes + chunk->used;
	memcpy(stored, bytes, length);
	stored[length] = '\0';
	chunk->used += length + 1;
	return stored;
}

const char *string_pool_add_bytes(struct string_pool *pool, const char *bytes, size_t length)
{
	_cleanup_free_ char *clean = strndup(bytes, length);
	uint64_t hash;
	size_t at;

	if (!clean || (2 * (pool->count + 1) > pool->n_slots && !grow(pool)))
		return NULL;
	text_clean(clean);
	length = strlen(clean);
	hash = hash_of(clean, length);
	for (at = hash & (pool->n_slots - 1); pool->slots[at].string; at = (at + 1) & (pool->n_slots - 1)) {
		if (pool->slots[at].hash == hash && strcmp(pool->slots[at].string, clean) == 0)
			return pool->slots[at].string;
	}
	pool->slots[at].string = store(pool, clean, length);
	if (!pool->slots[at].string)
		return NULL;
	pool->slots[at].hash = hash;
	pool->count++;
	return pool->slots[at].string;
}

const char *string_pool_add(struct string_pool *pool, const char *string)
{
	return string_pool_add_bytes(pool, string, strlen(string));
}

void string_pool_free(struct string_pool *pool)
{
	if (!pool)
		return;
	while (pool->chunks) {
		struct chunk *next = pool->chunks->next;

		free(pool->chunks);
		pool->chunks = next;
	}
	free(pool->slots);
	free(pool);
}
