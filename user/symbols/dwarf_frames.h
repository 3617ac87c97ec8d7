/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source lines and inlined functions from DWARF, by libdw. It maps files into memory, trusts them here and there, and can be sent
 * round in circles by them: only the confined process of lines_process.c calls this.
 */
#ifndef CONCPROF_DWARF_FRAMES_H
#define CONCPROF_DWARF_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dwarf_object;

struct dwarf_frame {
	const char *function; /* the linker's name if it has one; NULL: not known */
	const char *source;   /* NULL: not known */
	uint32_t line;        /* 0: not known */
	bool inlined;         /* into the next frame */
};

/*
 * Takes over `fd`, and `shared`, the file of .gnu_debugaltlink, or -1. 0, or -ENOEXEC when there is no DWARF to be read; -ENOMEM.
 */
int dwarf_object_open(int fd, int shared, struct dwarf_object **ret);
/* Innermost first; the strings are the object's. 0 when nothing is known about `vaddr`. */
size_t dwarf_object_frames(struct dwarf_object *object, uint64_t vaddr, struct dwarf_frame *frames, size_t max);

#endif
