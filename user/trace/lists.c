/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/regions.h"
#include "trace/tables.h"

#define HASH_SLOTS 4096

#define CLEAN_EVERY 64 /* rounds */

struct kept_list {
	struct list list;
	struct region region;  /* if list.count */
	unsigned int owners;   /* that have it */
	uint64_t unused_since; /* round; meaningful without owners */
	struct kept_list *next;
};

struct lists {
	struct regions *regions;
	struct kept_list *by_generation[HASH_SLOTS];
	uint64_t generation, round;
};

int lists_open(struct kernel *kernel, struct lists **ret)
{
	struct lists *lists = calloc(1, sizeof(*lists));
	int err;

	if (!lists)
		return -ENOMEM;
	err = regions_open(kernel, &lists->regions);
	if (err)
		free(lists);
	else
		*ret = lists;
	return err;
}

/* The kernel's entries for a span: its object's parts, and what no part covers. Returns how many; `to` may be NULL. */
static size_t span_entries(const struct span *span, struct unwind_mapping *to)
{
	uint64_t at = span->start;
	size_t n = 0;

#define ENTRY(...)                                                                                                               \
	do {                                                                                                                     \
		if (to)                                                                                                          \
			to[n] = (struct unwind_mapping){__VA_ARGS__};                                                            \
		n++;                                                                                                             \
	} while (0)
	for (size_t i = 0; span->object && i < span->object->n_parts; i++) {
		const struct table_part *part = &span->object->parts[i];
		uint64_t start = part->start + span->bias, end = part->end + span->bias;

		if (end <= at || start >= span->end)
			continue;
		if (start > at) {
			ENTRY(.start = at, .end = start, .segment = UNWIND_NO_SEGMENT);
			at = start;
		}
		if (end > span->end)
			end = span->end;
		ENTRY(.start = at, .end = end, .base = start, .segment = part->segment, .index_word = part->index_word,
		      .rows_word = part->rows_word);
		at = end;
	}
	if (at < span->end)
		ENTRY(.start = at, .end = span->end, .segment = UNWIND_NO_SEGMENT,
		      .flags = span->object ? 0 : UNWIND_MAPPING_FRAME);
#undef ENTRY
	return n;
}

static void add(struct lists *lists, struct kept_list *kept)
{
	struct kept_list **head;

	kept->owners = 1;
	kept->list.generation = ++lists->generation;
	head = &lists->by_generation[kept->list.generation % HASH_SLOTS];
	kept->next = *head;
	*head = kept;
}

static struct kept_list *list_new(const struct spans *spans)
{
	struct kept_list *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->list.spans = malloc(spans->n * sizeof(*spans->all) + 1);
	if (!kept->list.spans) {
		free(kept);
		return NULL;
	}
	if (spans->n)
		memcpy(kept->list.spans, spans->all, spans->n * sizeof(*spans->all));
	kept->list.n_spans = spans->n;
	return kept;
}

static void list_free(struct kept_list *kept)
{
	free(kept->list.spans);
	free(kept);
}

struct list *lists_publish(struct lists *lists, const struct spans *spans)
{
	struct kept_list *kept = list_new(spans);
	size_t entries = 0;

	if (!kept)
		return NULL;
	for (size_t i = 0; i < spans->n; i++)
		entries += span_entries(&spans->all[i], NULL);
	if (regions_take(lists->regions, entries, &kept->region)) {
		list_free(kept);
		return NULL;
	}
	add(lists, kept);
	entries = 0;
	for (size_t i = 0; i < spans->n; i++)
		entries += span_entries(&spans->all[i], kept->region.entries + entries);
	kept->list.first = kept->region.first;
	kept->list.count = kept->region.count;
	region_seal(&kept->region, kept->list.generation);
	return &kept->list;
}

struct list *lists_keep(struct lists *lists, const struct spans *spans)
{
	struct kept_list *kept = list_new(spans);

	if (!kept)
		return NULL;
	add(lists, kept);
	return &kept->list;
}

struct list *lists_find(const struct lists *lists, uint64_t generation)
{
	struct kept_list *kept = lists->by_generation[generation % HASH_SLOTS];

	while (kept && kept->list.generation != generation)
		kept = kept->next;
	return kept ? &kept->list : NULL;
}

struct list *list_share(struct list *list)
{
	if (list)
		((struct kept_list *)list)->owners++;
	return list;
}

void lists_drop(struct lists *lists, struct list *list)
{
	struct kept_list *kept = (struct kept_list *)list;

	if (kept && --kept->owners == 0)
		kept->unused_since = lists->round;
}

void lists_round(struct lists *lists)
{
	if (++lists->round % CLEAN_EVERY)
		return;
	for (size_t i = 0; i < HASH_SLOTS; i++) {
		struct kept_list **place = &lists->by_generation[i];

		while (*place) {
			struct kept_list *kept = *place;

			if (kept->owners || lists->round - kept->unused_since < 2) {
				place = &kept->next;
				continue;
			}
			*place = kept->next;
			if (kept->list.count)
				regions_give_back(lists->regions, &kept->region);
			list_free(kept);
		}
	}
}

void lists_close(struct lists *lists)
{
	if (!lists)
		return;
	for (size_t i = 0; i < HASH_SLOTS; i++) {
		while (lists->by_generation[i]) {
			struct kept_list *kept = lists->by_generation[i];

			lists->by_generation[i] = kept->next;
			list_free(kept);
		}
	}
	regions_close(lists->regions);
	free(lists);
}
