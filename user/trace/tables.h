/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a measurement: ELF files that followed processes have mapped, each with its unwind table in the kernel's maps
 * (include/unwind_rule.h, bpf/stacks.bpf.h) and a handle for its symbols. An object is compiled once, whoever maps it.
 */
#ifndef CONCPROF_TABLES_H
#define CONCPROF_TABLES_H

#include "symbols/symbolizer.h"
#include "symbols/unwind_object.h"
#include "trace/kernel.h"
#include "trace/mappings.h"

struct tables;

/* A piece of an object's table that lies in one segment. */
struct table_part {
	uint64_t start, end; /* in the object's own addressing */
	uint32_t segment, index_word, rows_word;
};

struct table_object {
	char *name;                    /* basename of the path by which it was met first; "[vdso]" */
	struct unwind_object *object;  /* NULL: no ELF object. Its table has gone to the kernel */
	struct symbol_object *symbols; /* NULL: none */
	struct table_part *parts;      /* by address */
	size_t n_parts;
	/* By which it is found again. */
	uint32_t major, minor;
	uint64_t inode, inode_generation;
	bool ahead; /* not mapped by anyone yet */
	struct table_object *next;
};

/* The kernel side must be loaded. 0 or a negative errno. Neither is owned. */
int tables_open(struct kernel *kernel, struct symbolizer *symbolizer, struct tables **ret);
/* The object behind a mapping of a file, or of the vDSO; NULL when there is no memory. Owned by `tables`. */
struct table_object *tables_object(struct tables *tables, const struct mapping *mapping);
/* Compiles ahead what executing `path` will map: the program, its interpreter, its libraries as far as they are in the usual places. */
void tables_ahead(struct tables *tables, const char *path);
/* The rule at one of an object's own addresses: UNWIND_WHOLE and *ret, or why there is none. */
enum unwind_stop tables_rule(const struct tables *tables, const struct table_object *object, uint64_t address,
			     struct unwind_rule *ret);
/* How many objects' symbols are out of reach: no memory, no descriptors. */
uint64_t tables_unnamed(const struct tables *tables);
/* Must have been called before programs are told of what has been compiled since. */
void tables_settle(struct tables *tables);
/* How many objects' tables found no room. */
uint64_t tables_full(const struct tables *tables);
void tables_close(struct tables *tables); /* NULL is fine */

#endif
