/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_entries.h"

#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"

int elf_entries_push(struct elf_entries *entries, const struct elf_entry *entry)
{
	if (entries->count == entries->room) {
		size_t room = entries->room ? 2 * entries->room : 1024;
		struct elf_entry *all = reallocarray(entries->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		entries->all = all;
		entries->room = room;
	}
	entries->all[entries->count++] = *entry;
	return 0;
}

void elf_entries_free(struct elf_entries *entries)
{
	free(entries->all);
	*entries = (struct elf_entries){0};
}

/*
 * By address, then by what can be told without the names: sized before bare, exported before local, longer before shorter. Files
 * that say the same in another order get the same table.
 */
static int by_address(const void *a, const void *b)
{
	const struct elf_entry *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->bare != y->bare)
		return x->bare ? 1 : -1;
	if (x->local != y->local)
		return x->local ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return 0;
}

/* The public name of several: not an assembler's label; few underscores (read, not __read); short; and always the same one. */
static bool says_more(const char *name, const char *than)
{
	size_t bars = strspn(name, "_"), than_bars = strspn(than, "_");
	size_t length = strcspn(name, "@"), than_length = strcspn(than, "@");

	if ((*name == '.') != (*than == '.'))
		return *name != '.';
	if (bars != than_bars)
		return bars < than_bars;
	if (length != than_length)
		return length < than_length;
	return strcmp(name, than) < 0;
}

void elf_entries_sort(struct elf_entries *entries, const char *(*name)(const void *context, const struct elf_entry *entry),
		      const void *context)
{
	struct elf_entry *all = entries->all;
	size_t kept = 0;

	if (entries->count)
		qsort(all, entries->count, sizeof(*all), by_address);
	for (size_t i = 0; i < entries->count; i++) {
		if (kept == 0 || all[kept - 1].address != all[i].address)
			all[kept++] = all[i];
		else if (by_address(&all[kept - 1], &all[i]) == 0 &&
			 says_more(name(context, &all[i]), name(context, &all[kept - 1])))
			all[kept - 1] = all[i];
	}
	entries->count = kept;
}

/* Functions that have begun and not ended, outermost first: indices of their pieces. */
struct open {
	uint32_t *all;
	size_t count, room;
};

static uint64_t end_of(const struct elf_entry *entry)
{
	return entry->address + entry->bytes;
}

static int open_push(struct open *open, uint32_t index)
{
	if (open->count == open->room) {
		size_t room = open->room ? 2 * open->room : 64;
		uint32_t *all = reallocarray(open->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		open->all = all;
		open->room = room;
	}
	open->all[open->count++] = index;
	return 0;
}

/* Closes what ends before or at `now`. Where an inner function ends, the one around it goes on: it gets another piece. */
static int close_until(struct open *open, struct elf_entries *pieces, uint64_t now)
{
	while (open->count) {
		uint64_t end = end_of(&pieces->all[open->all[open->count - 1]]);
		const struct elf_entry *around;
		struct elf_entry rest;
		int err;

		if (end > now)
			return 0;
		do {
			open->count--;
		} while (open->count && end_of(&pieces->all[open->all[open->count - 1]]) <= end);
		if (!open->count || end == now)
			continue;
		around = &pieces->all[open->all[open->count - 1]];
		rest = (struct elf_entry){
		    .address = end, .name = open->all[open->count - 1], .bytes = end_of(around) - end, .rest = 1};
		err = elf_entries_push(pieces, &rest);
		if (err)
			return err;
	}
	return 0;
}

int elf_entries_flatten(const struct elf_entries *sorted, struct elf_entries *pieces)
{
	struct open open = {0};
	int err = 0;

	for (size_t i = 0; i < sorted->count && !err; i++) {
		struct elf_entry entry = sorted->all[i];

		err = close_until(&open, pieces, entry.address);
		if (err)
			break;
		if (entry.bare) {
			uint64_t way = i + 1 < sorted->count ? sorted->all[i + 1].address - entry.address : UINT64_MAX;

			/* A label inside a function is not a function. */
			if (open.count)
				continue;
			if (entry.bytes > way)
				entry.bytes = way;
		}
		if (!entry.bytes)
			continue;
		err = elf_entries_push(pieces, &entry);
		if (!err)
			err = open_push(&open, pieces->count - 1);
	}
	if (!err)
		err = close_until(&open, pieces, UINT64_MAX);
	free(open.all);
	return err;
}

const struct elf_entry *elf_entries_before(const struct elf_entries *entries, uint64_t address)
{
	size_t low = 0, high = entries->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries->all[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &entries->all[low - 1] : NULL;
}
