/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF objects of a measurement, each once, however many processes map it under whatever path. */
#ifndef CONCPROF_SYMBOL_OBJECTS_H
#define CONCPROF_SYMBOL_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/debug_files.h"
#include "symbols/elf_file.h"
#include "symbols/elf_symbols.h"

struct symbol_object {
	uint32_t number; /* 0, 1, ... in the order of opening */
	struct elf_file *file;
	char *path; /* where it was found first; NULL: not known */
	char build_id[2 * ELF_BUILD_ID_MAX + 1];

	bool loaded;                  /* what follows was looked for */
	struct elf_file *debug;       /* NULL: none */
	struct elf_file *shared;      /* what its DWARF refers to; NULL: nothing */
	const struct elf_file *dwarf; /* `file`, `debug`, or NULL: neither has line numbers, or they are not wanted */
	struct elf_symbols *symbols;  /* NULL: could not be read */
	const char **names;           /* by index in `symbols`: what was asked for already; the pool's */
};

struct symbol_objects;

struct symbol_objects *symbol_objects_new(void); /* NULL: no memory */
void symbol_objects_free(struct symbol_objects *objects);
/* See symbolizer_object(). */
int symbol_objects_open(struct symbol_objects *objects, int fd, const char *path, struct symbol_object **ret);
size_t symbol_objects_count(const struct symbol_objects *objects);
/* Finds the debug file and makes the table, once. False: this was the first time, and there will be no names. */
bool symbol_object_load(struct symbol_object *object, struct debug_files *files, bool lines);

#endif
