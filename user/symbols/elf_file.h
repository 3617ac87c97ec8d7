/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The skeleton of an ELF file: segments, sections, build id; and checked reads of its contents. By hand and by pread, not by
 * libelf: the file's owner may cut it short while we look at it (a mapping would then raise SIGBUS), and the size of everything
 * is checked against the file and against a limit before memory is taken for it.
 */
#ifndef CONCPROF_ELF_FILE_H
#define CONCPROF_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* GNU ld writes 20 bytes (SHA-1), lld 8, Go more; nobody more than this. */
#define ELF_BUILD_ID_MAX 64

struct elf_segment { /* PT_LOAD */
	uint64_t offset, address, file_bytes, memory_bytes;
	bool executable;
};

struct elf_section {
	const char *name; /* "" if it makes no sense */
	uint32_t type, link, info;
	uint64_t flags, address, offset, bytes, entry_bytes;
};

struct elf_file {
	int fd; /* owned */
	struct stat status;
	struct elf_segment *segments; /* as in the file */
	size_t n_segments;
	struct elf_section *sections; /* by their numbers: the first means nothing */
	size_t n_sections;
	char *section_names;
	uint8_t build_id[ELF_BUILD_ID_MAX];
	size_t build_id_bytes; /* 0: it has none */
};

/*
 * Takes `fd` over, also when it fails. 0; -ENOEXEC when it is no 64-bit little-endian x86-64 program, library or debug file of
 * one; -EIO and the like when it cannot be read.
 */
int elf_file_open(int fd, struct elf_file **ret);
void elf_file_close(struct elf_file *file); /* NULL is fine */

/* The first section of that name that has contents in the file; NULL if there is none. */
const struct elf_section *elf_file_section(const struct elf_file *file, const char *name);
/* The first section of that type that has contents in the file. */
const struct elf_section *elf_file_section_of_type(const struct elf_file *file, uint32_t type);
/* Whether the section has contents, and all of them lie inside the file. */
bool elf_section_in_file(const struct elf_file *file, const struct elf_section *section);
/* Exactly `bytes` bytes. 0; -ENODATA when the file is shorter; -EIO and the like. */
int elf_file_read(const struct elf_file *file, uint64_t offset, void *buffer, size_t bytes);
/*
 * A section's contents, with a NUL behind them; the caller frees. 0; -EFBIG when it is longer than `max` bytes; -ENOEXEC when it
 * is not all in the file, or compressed; -ENOMEM, -ENODATA, -EIO.
 */
int elf_file_contents(const struct elf_file *file, const struct elf_section *section, size_t max, char **ret);
/* Whether the file is still the one that was opened; it may have been overwritten in place. */
bool elf_file_unchanged(const struct elf_file *file);

#endif
