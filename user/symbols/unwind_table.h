/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object's unwind table, compiled from its FDEs; unwind_rule.h describes the form.
 *
 * Which FDE holds where several claim an address: the one that begins first, and of those the one that was read first; it holds for
 * all its addresses, and the others for what is left. No compiler or linker makes such objects. Addresses that no FDE claims have
 * rule UNWIND_NONE, so that code without unwind information never inherits its predecessor's rule (unwind_gaps.h has the exceptions).
 */
#ifndef CONCPROF_UNWIND_TABLE_H
#define CONCPROF_UNWIND_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "symbols/eh_frame.h"
#include "symbols/unwind_gaps.h"
#include "symbols/unwind_rules.h"
#include "unwind_rule.h"

/*
 * Limits, so that a hostile object costs bounded time and memory. Measured: the compiler library of rustc 1.95 has 100 MB of code in 1.15
 * million rows, libLLVM 22 has 1.44 million; thirty large objects of Debian and Rust share 1,803 rules, none has more than 731.
 */
#define UNWIND_SPAN_MAX         (1ull << 30) /* bytes of addresses from the first FDE to the last */
#define UNWIND_ROWS_MAX         (16u << 20)
#define UNWIND_INSTRUCTIONS_MAX (64u << 20)
#define UNWIND_OBJECT_RULES_MAX 4096 /* new ones by one object: beyond, its rows are unsupported */

struct unwind_table {
	uint64_t start, end; /* of the object's own addresses; multiples of UNWIND_PAGE_BYTES */
	uint32_t *index;     /* n_pages + 1 entries; owned */
	size_t n_pages;
	uint32_t *rows; /* owned */
	size_t n_rows;
	/* What the object says, in its own measure. */
	uint64_t n_fdes;
	uint64_t refused;           /* entries that make no sense or lie outside of executable segments */
	uint64_t unsupported_rows;  /* rows whose rule is UNWIND_UNSUPPORTED */
	uint64_t unsupported_bytes; /* addresses under them */
};

/*
 * Compiles the FDEs of `list`, which refer to `sections` by number; sorts the list. An FDE that does not lie in one of the text's ranges is
 * refused. 0; -ENODATA when no FDE is left; -E2BIG beyond the limits above; -ENOMEM.
 */
int unwind_table_build(const struct eh_frame *sections, struct fde_list *list, const struct unwind_text *text,
		       struct unwind_rules *rules, struct unwind_table **ret);
void unwind_table_free(struct unwind_table *table); /* NULL is fine */

/* Number of the rule at one of the object's own addresses; UNWIND_RULE_NONE outside of the table. */
uint16_t unwind_table_rule(const struct unwind_table *table, uint64_t address);

/*
 * A table in parts: each is a table of its own, its words are its index (n_pages + 1), then its rows.
 *
 * Writes the longest part from page `first_page` on that fits into `room` words to `words` (NULL: only measures) and says what it
 * covers; the next part begins `n_pages` later. 0; -ENOSPC when not even one page fits (one page needs at most 258 words); -EINVAL
 * when the table has no such page.
 */
struct unwind_part {
	uint64_t start, end;
	size_t n_pages, n_rows;
};
int unwind_table_part(const struct unwind_table *table, size_t first_page, size_t room, uint32_t *words, struct unwind_part *ret);

#endif
