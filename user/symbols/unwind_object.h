/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What unwinding needs from an ELF object, in one pass over it: where its code lies, its build id, its unwind table. The table comes from
 * .eh_frame, found by its section or, without section headers, by PT_GNU_EH_FRAME; .debug_frame (Go, assembly) fills what that leaves.
 */
#ifndef CONCPROF_UNWIND_OBJECT_H
#define CONCPROF_UNWIND_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/unwind_table.h"

/* As the kernel's BUILD_ID_SIZE_MAX; a longer one counts as none, there and here. */
#define UNWIND_BUILD_ID_BYTES 20

/* A PT_LOAD. */
struct unwind_segment {
	uint64_t offset, address, file_bytes, memory_bytes;
	uint32_t flags; /* PF_X, PF_W, PF_R */
};

struct unwind_object {
	struct unwind_segment *segments; /* in the file's order; owned */
	size_t n_segments;
	uint64_t entry;
	bool fixed;       /* ET_EXEC: lies where it says, its bias is 0 */
	bool interpreted; /* has PT_INTERP: a dynamically linked program */
	uint8_t build_id[UNWIND_BUILD_ID_BYTES];
	size_t build_id_bytes;
	struct unwind_table *table; /* owned; NULL when there is none */
	int table_error;            /* why: -ENODATA no unwind information (or none that makes sense), -E2BIG beyond its limits */
};

/*
 * 0, also when there is no table; -ENOEXEC when it is no linked 64-bit x86 object or a damaged one; -ENOMEM; what pread says. New rules may
 * have been appended whatever is returned. The file stays open and its offset where it was.
 */
int unwind_object_compile(int fd, struct unwind_rules *rules, struct unwind_object **ret);
/* The same for an object that lies in memory as in its file: the vDSO (getauxval(AT_SYSINFO_EHDR)). */
int unwind_object_compile_memory(const void *image, size_t bytes, struct unwind_rules *rules, struct unwind_object **ret);
void unwind_object_free(struct unwind_object *object); /* NULL is fine */

/*
 * The bias (what to add to the object's own addresses) of a mapping at `start` of the file from `file_offset` on, a multiple of the page
 * size. Executable segments are preferred. False when the object has no segment there.
 */
bool unwind_object_bias(const struct unwind_object *object, uint64_t start, uint64_t file_offset, uint64_t *bias);

#endif
