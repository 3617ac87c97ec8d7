/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/perf_map_index.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define NOBODY UINT32_MAX

struct begin {
	uint64_t start;
	uint32_t entry;
};

/* Walks over the addresses upwards; the heap holds the entries that have begun, the last of the file on top. */
struct sweep {
	const struct perf_map_entry *entries;
	uint32_t *heap;
	size_t n_heap;
	struct perf_map_index *index;
};

static void heap_push(struct sweep *sweep, uint32_t entry)
{
	size_t at = sweep->n_heap++;

	while (at && sweep->heap[(at - 1) / 2] < entry) {
		sweep->heap[at] = sweep->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	sweep->heap[at] = entry;
}

static void heap_pop(struct sweep *sweep)
{
	uint32_t last = sweep->heap[--sweep->n_heap];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < sweep->n_heap && sweep->heap[child + 1] > sweep->heap[child])
			child++;
		if (child >= sweep->n_heap || sweep->heap[child] <= last)
			break;
		sweep->heap[at] = sweep->heap[child];
		at = child;
	}
	if (sweep->n_heap)
		sweep->heap[at] = last;
}

static void emit(struct sweep *sweep, uint64_t start, uint32_t entry)
{
	struct perf_map_index *index = sweep->index;

	if (index->count && index->pieces[index->count - 1].start == start)
		index->pieces[index->count - 1].entry = entry;
	else if (!index->count || index->pieces[index->count - 1].entry != entry)
		index->pieces[index->count++] = (struct perf_map_piece){.start = start, .entry = entry};
}

/* Gives everything from `at` up to `until` to whoever it belongs to. */
static void advance(struct sweep *sweep, uint64_t at, uint64_t until)
{
	while (sweep->n_heap && at < until) {
		const struct perf_map_entry *top = &sweep->entries[sweep->heap[0]];
		uint64_t end = top->start + top->bytes;

		if (end > at) {
			emit(sweep, at, sweep->heap[0]);
			at = end < until ? end : until;
		}
		if (end <= at)
			heap_pop(sweep);
	}
	if (at < until)
		emit(sweep, at, NOBODY);
}

static int by_start(const void *a, const void *b)
{
	const struct begin *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

int perf_map_index_make(struct perf_map_index *index, const struct perf_map_entry *entries, size_t count)
{
	_cleanup_free_ struct begin *begins = calloc(count + 1, sizeof(*begins));
	_cleanup_free_ uint32_t *heap = calloc(count + 1, sizeof(*heap));
	struct sweep sweep = {.entries = entries, .heap = heap, .index = index};
	struct perf_map_piece *fitting;

	/* Each beginning and each end begins at most one piece. */
	index->count = 0;
	index->pieces = calloc(2 * count + 1, sizeof(*index->pieces));
	if (!begins || !heap || !index->pieces) {
		perf_map_index_free(index);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		begins[i] = (struct begin){.start = entries[i].start, .entry = i};
	if (count)
		qsort(begins, count, sizeof(*begins), by_start);
	for (size_t i = 0; i < count; i++) {
		heap_push(&sweep, begins[i].entry);
		if (i + 1 == count || begins[i + 1].start > begins[i].start)
			advance(&sweep, begins[i].start, i + 1 < count ? begins[i + 1].start : UINT64_MAX);
	}
	fitting = index->count ? reallocarray(index->pieces, index->count, sizeof(*fitting)) : NULL;
	if (fitting)
		index->pieces = fitting;
	return 0;
}

const struct perf_map_entry *perf_map_index_find(const struct perf_map_index *index, const struct perf_map_entry *entries,
						 uint64_t address)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->pieces[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || index->pieces[low - 1].entry == NOBODY)
		return NULL;
	return &entries[index->pieces[low - 1].entry];
}

void perf_map_index_free(struct perf_map_index *index)
{
	free(index->pieces);
	*index = (struct perf_map_index){0};
}
