/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/frame_cache.h"

#include <unistd.h>

#include "lib/cleanup.h"

#define FRAMES_MAX (4u << 20)

struct slot {
	uint64_t vaddr;
	uint32_t object;
	uint32_t first; /* in the frames */
	uint32_t count; /* 0: a free slot */
};

struct frame_cache {
	struct slot *slots; /* open addressing; a power of two, at most half full */
	size_t n_slots, used;
	struct symbol_frame *frames;
	size_t count, room;
};

struct frame_cache *frame_cache_new(void)
{
	return calloc(1, sizeof(struct frame_cache));
}

/* Where the key is, or belongs. */
static struct slot *slot_of(struct slot *slots, size_t n_slots, uint32_t object, uint64_t vaddr)
{
	uint64_t hash = (vaddr ^ (uint64_t)object << 40) * 0x9e3779b97f4a7c15;
	size_t at = (hash ^ hash >> 32) & (n_slots - 1);

	while (slots[at].count && (slots[at].vaddr != vaddr || slots[at].object != object))
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

static bool grow(struct frame_cache *cache)
{
	size_t n_slots = cache->n_slots ? 2 * cache->n_slots : 1024;
	struct slot *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < cache->n_slots; i++) {
		if (cache->slots[i].count)
			*slot_of(slots, n_slots, cache->slots[i].object, cache->slots[i].vaddr) = cache->slots[i];
	}
	free(cache->slots);
	cache->slots = slots;
	cache->n_slots = n_slots;
	return true;
}

const struct symbol_frame *frame_cache_find(const struct frame_cache *cache, uint32_t object, uint64_t vaddr, size_t *count)
{
	const struct slot *slot = cache->n_slots ? slot_of(cache->slots, cache->n_slots, object, vaddr) : NULL;

	if (!slot || !slot->count)
		return NULL;
	*count = slot->count;
	return &cache->frames[slot->first];
}

void frame_cache_add(struct frame_cache *cache, uint32_t object, uint64_t vaddr, const struct symbol_frame *frames, size_t count)
{
	if (cache->count + count > FRAMES_MAX || (2 * (cache->used + 1) > cache->n_slots && !grow(cache)))
		return;
	if (cache->count + count > cache->room) {
		size_t room = 2 * cache->room + count + 256;
		struct symbol_frame *all = reallocarray(cache->frames, room, sizeof(*all));

		if (!all)
			return;
		cache->frames = all;
		cache->room = room;
	}
	memcpy(cache->frames + cache->count, frames, count * sizeof(*frames));
	*slot_of(cache->slots, cache->n_slots, object, vaddr) =
	    (struct slot){.vaddr = vaddr, .object = object, .first = cache->count, .count = count};
	cache->count += count;
	cache->used++;
}

void frame_cache_free(struct frame_cache *cache)
{
	if (!cache)
		return;
	free(cache->slots);
	free(cache->frames);
	free(cache);
}
