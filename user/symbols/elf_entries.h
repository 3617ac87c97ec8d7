/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table behind elf_symbols: from symbols as a file has them, in any order, several for an address, one inside another, to
 * disjoint pieces of code in order of address, each of which belongs to one symbol.
 */
#ifndef CONCPROF_ELF_ENTRIES_H
#define CONCPROF_ELF_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a longer function only so much has a name. */
#define ELF_ENTRY_BYTES_MAX ((1u << 26) - 1)

struct elf_entry {
	uint64_t address;
	uint32_t name; /* offset in its source's strings; of a `rest` the index of the function's first piece */
	uint32_t bytes : 26, source : 2;
	uint32_t stub : 1;  /* name@plt */
	uint32_t local : 1; /* not exported */
	uint32_t bare : 1;  /* the symbol has no size; `bytes` is the way to the end of its section */
	uint32_t rest : 1;  /* a later piece of a function that another one lies in */
};

_Static_assert(sizeof(struct elf_entry) == 16, "objects have a million of these");

struct elf_entries { /* starts as {0} */
	struct elf_entry *all;
	size_t count, room;
};

int elf_entries_push(struct elf_entries *entries, const struct elf_entry *entry); /* 0 or -ENOMEM */
void elf_entries_free(struct elf_entries *entries);                               /* leaves {0} */

/* By address, and for each address the one that says most: `name` gives a symbol's name. */
void elf_entries_sort(struct elf_entries *entries, const char *(*name)(const void *context, const struct elf_entry *entry),
		      const void *context);
/* From sorted entries to disjoint pieces. 0 or -ENOMEM. */
int elf_entries_flatten(const struct elf_entries *sorted, struct elf_entries *pieces);
/* The last entry that begins at `address` or before; NULL if there is none. */
const struct elf_entry *elf_entries_before(const struct elf_entries *entries, uint64_t address);

#endif
