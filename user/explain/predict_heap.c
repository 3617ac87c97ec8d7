/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/predict_heap.h"

#include <errno.h>
#include <stdlib.h>

int heap_open(struct heap *heap, size_t items)
{
	*heap = (struct heap){
	    .entries = calloc(items + 1, sizeof(*heap->entries)),
	    .places = calloc(items + 1, sizeof(*heap->places)),
	};
	if (heap->entries && heap->places)
		return 0;
	heap_close(heap);
	return -ENOMEM;
}

void heap_close(struct heap *heap)
{
	free(heap->entries);
	free(heap->places);
	*heap = (struct heap){0};
}

static bool is_before(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void set(struct heap *heap, size_t place, const struct heap_entry *entry)
{
	heap->entries[place] = *entry;
	heap->places[entry->item] = place + 1;
}

static void rise(struct heap *heap, size_t place, struct heap_entry entry)
{
	while (place && is_before(&entry, &heap->entries[(place - 1) / 2])) {
		set(heap, place, &heap->entries[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	set(heap, place, &entry);
}

static void sink(struct heap *heap, size_t place, struct heap_entry entry)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < heap->n && is_before(&heap->entries[child + 1], &heap->entries[child]))
			child++;
		if (child >= heap->n || !is_before(&heap->entries[child], &entry))
			break;
		set(heap, place, &heap->entries[child]);
		place = child;
	}
	set(heap, place, &entry);
}

void heap_put(struct heap *heap, uint32_t item, uint64_t key)
{
	heap_remove(heap, item);
	rise(heap, heap->n++, (struct heap_entry){.key = key, .order = heap->order++, .item = item});
}

void heap_remove(struct heap *heap, uint32_t item)
{
	size_t place = heap->places[item];
	struct heap_entry last;

	if (!place--)
		return;
	heap->places[item] = 0;
	last = heap->entries[--heap->n];
	if (place == heap->n)
		return;
	if (place && is_before(&last, &heap->entries[(place - 1) / 2]))
		rise(heap, place, last);
	else
		sink(heap, place, last);
}

uint32_t heap_take(struct heap *heap)
{
	uint32_t item = heap->entries[0].item;

	heap_remove(heap, item);
	return item;
}
