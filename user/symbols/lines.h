/* SPDX-License-Identifier: Apache-2.0 */
/* Source lines and inlined functions, asked of the confined process that reads DWARF (lines_process.h). */
#ifndef CONCPROF_LINES_H
#define CONCPROF_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_file.h"

struct lines;

struct line_frame {
	const char *function, *source; /* not terminated; NULL: not known. Valid until the next question. */
	size_t function_bytes, source_bytes;
	uint32_t line; /* 0: not known */
	bool inlined;  /* into the next frame */
};

struct lines *lines_new(void); /* NULL: no memory. The process starts with the first question. */
/*
 * Asks about `vaddr` in the object of that number, whose DWARF is in `dwarf` and `shared` (NULL: there is no such file); numbers
 * are small. The frames go to `frames`, innermost first. Returns how many; 0: nothing is known there; -ENOEXEC: nothing can be
 * read from this object, now or later; it took too long, or killed the process, which will be started again for other objects.
 * -ECHILD: not even that.
 */
int lines_frames(struct lines *lines, uint32_t object, const struct elf_file *dwarf, const struct elf_file *shared,
		 uint64_t vaddr, struct line_frame *frames, size_t max);
void lines_free(struct lines *lines); /* NULL is fine */

#endif
