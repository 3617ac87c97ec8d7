/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The separate file that holds the symbols and the DWARF of a stripped object, looked for where gdb looks: by build id in
 * /usr/lib/debug/.build-id, by .gnu_debuglink beside the object, in .debug there, and in /usr/lib/debug; then on the servers.
 */
#ifndef CONCPROF_DEBUG_FILES_H
#define CONCPROF_DEBUG_FILES_H

#include "symbols/debuginfod.h"
#include "symbols/elf_file.h"

struct debug_files {
	struct debuginfod *debuginfod; /* NULL: no servers. Not owned. */
	uint64_t summed_bytes;         /* read for check sums so far: starts at 0 */
};

/*
 * `path`, which may be NULL, tells where the object lies; if it begins with /proc/PID/root, that process's directories are
 * searched as well. The build ids, or the check sum of .gnu_debuglink, must agree. NULL if there is none.
 */
struct elf_file *debug_files_find(struct debug_files *files, const struct elf_file *object, const char *path);
/*
 * The file that `file`'s DWARF refers to (.gnu_debugaltlink, made by dwz), by build id in /usr/lib/debug. NULL if there is none.
 */
struct elf_file *debug_files_shared(const struct elf_file *file);

#endif
