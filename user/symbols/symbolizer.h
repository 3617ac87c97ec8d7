/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From addresses to names, for one measurement: ELF objects, what JITs write about themselves (perf maps), and the kernel.
 *
 * Everything is loaded at the first question about it, and cached. All strings that come out are the symbolizer's own: each is
 * stored once (equal names are equal pointers), is valid UTF-8 without control characters, and lives until symbolizer_close().
 * The files are strangers': what makes no sense is left out. None is mapped into memory, since its owner could cut it short
 * meanwhile; none is opened unless it is a regular file. Not for several threads at once.
 */
#ifndef CONCPROF_SYMBOLIZER_H
#define CONCPROF_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbolizer;
struct symbol_object;
struct perf_map;

struct symbolizer_options {
	bool lines;      /* source lines and inlined functions, where an object has DWARF (read by a confined process) */
	bool debuginfod; /* ask the servers in DEBUGINFOD_URLS for debug files; nothing is asked if that is not set */
};

/* What could not be done, for the list of losses. */
struct symbolizer_counts {
	uint64_t objects; /* opened so far */
	uint64_t
	    objects_unnamed; /* looked into, but their symbols could not be read (damaged, too large, no memory, no descriptors) */
	uint64_t objects_no_lines; /* their DWARF could not be read, or took too long or too much memory */
	uint64_t perf_maps_cut;    /* larger than what is read of one */
};

int symbolizer_open(const struct symbolizer_options *options, struct symbolizer **ret);
void symbolizer_close(struct symbolizer *symbolizer); /* NULL is fine */
void symbolizer_counts(const struct symbolizer *symbolizer, struct symbolizer_counts *counts);

/*
 * An ELF object. `fd`, if not negative, is open for reading and stays the caller's (the object keeps a duplicate: one descriptor
 * an object, and one for its debug file; raise RLIMIT_NOFILE). Otherwise `path` is opened. With `fd`, `path` may be NULL; it
 * tells where to look for the file that .gnu_debuglink names. A path that begins with /proc/PID/root is looked at as that
 * process sees it, absolute symbolic links included. Found again by device, inode, size and times, else by build id and size.
 *
 * 0; -ENOEXEC when it is no 64-bit ELF program or library for this machine; another error when it cannot be opened or read.
 */
int symbolizer_object(struct symbolizer *symbolizer, int fd, const char *path, struct symbol_object **ret);
/* In hexadecimal; "" if it has none. */
const char *symbol_object_build_id(const struct symbol_object *object);
/* From an offset in the file (that of a mapping + address - start of the mapping) to the object's own addressing. */
bool symbol_object_address(const struct symbol_object *object, uint64_t file_offset, uint64_t *vaddr);

struct symbol_frame {
	const char *function; /* demangled; NULL: not known */
	uint64_t offset;      /* from the function's beginning; of an inlined function 0 */
	const char *source;   /* as the compiler was told; NULL: not known */
	uint32_t line;        /* 0: not known */
	bool inlined;         /* into the next frame */
};

/*
 * The frames of `vaddr` (bias taken off; of a return address, that minus one), innermost first: at least one, at most `max` (>
 * 0). If there are more, inner ones are left out. No function is ever named after its predecessor: beyond the end of one, and
 * where nothing is known, `function` is NULL.
 */
size_t symbolizer_user(struct symbolizer *symbolizer, struct symbol_object *object, uint64_t vaddr, struct symbol_frame *frames,
		       size_t max);

/*
 * The perf map of process `pid` (as concprof sees it): /tmp/perf-NSPID.map as the process sees it, else /tmp/perf-PID.map here; a
 * regular file that belongs to the process's user or to root. `process` tells processes apart even if their pids are the same
 * (pids are reused). Call it first while the process lives; called again, it reads what was added since. Lives as long as the
 * symbolizer. 0; -ENOENT when there is none (yet); -EPERM when it is another user's, or no regular file.
 */
int symbolizer_perf_map(struct symbolizer *symbolizer, uint64_t process, uint32_t pid, struct perf_map **ret);
/* The name of the code at `address` (as the process sees it); later entries win. NULL if there is none. */
const char *symbolizer_perf_map_find(struct symbolizer *symbolizer, struct perf_map *map, uint64_t address, uint64_t *offset);

/*
 * Reads the kernel's names, which takes some 0.1 s. Otherwise that is done at the first question. May run in a thread of its own beside
 * everything but symbolizer_kernel() and symbolizer_close(). 0, or what kernel_symbols_open() says.
 */
int symbolizer_load_kernel(struct symbolizer *symbolizer);
/*
 * The kernel's function at `address`, by /proc/kallsyms as it was at the first call. `module` becomes its module, without
 * brackets, or NULL. NULL if there is none, or if the kernel does not show addresses to us.
 */
const char *symbolizer_kernel(struct symbolizer *symbolizer, uint64_t address, uint64_t *offset, const char **module);

#endif
