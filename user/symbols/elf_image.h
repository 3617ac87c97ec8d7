/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of an ELF object, in a file or in memory: program headers, sections by name, notes. A file is read with pread, never mapped:
 * its owner may truncate it meanwhile, and that must be an error, not a SIGBUS.
 */
#ifndef CONCPROF_ELF_IMAGE_H
#define CONCPROF_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image {
	int fd;                /* of the caller; unused when `memory` is set */
	const uint8_t *memory; /* of the caller, or NULL */
	uint64_t bytes;
	Elf64_Ehdr header;
	Elf64_Phdr *segments; /* owned */
	size_t n_segments;
};

/* A part of the image: borrowed from the caller's memory, or owned. */
struct elf_bytes {
	const uint8_t *data;
	size_t bytes;
	void *owned;
};

/* 0; -ENOEXEC when it is no linked 64-bit x86 object, or a damaged one; -ENOMEM; what pread says. `image` needs elf_image_close() after 0. */
int elf_image_open(struct elf_image *image, int fd);
int elf_image_open_memory(struct elf_image *image, const void *memory, size_t bytes);
void elf_image_close(struct elf_image *image);

/* 0; -ENOEXEC when the image does not have these bytes; -E2BIG when there are more than `most`; -ENOMEM. */
int elf_image_bytes(const struct elf_image *image, uint64_t offset, uint64_t bytes, uint64_t most, struct elf_bytes *ret);
void elf_bytes_free(struct elf_bytes *bytes);

/*
 * The headers of the sections with these names (each at most ELF_NAME_BYTES long), one each, that have bytes in the file; sh_type stays
 * SHT_NULL for one that is not there. An image without section headers has none: that is no error. 0, -ENOEXEC, -ENOMEM.
 */
#define ELF_NAME_BYTES 15
int elf_image_sections(const struct elf_image *image, const char *const *names, size_t count, Elf64_Shdr *ret);

/* A section's bytes, decompressed (zlib) if they are compressed. Errors as elf_image_bytes(). */
int elf_image_section_bytes(const struct elf_image *image, const Elf64_Shdr *section, uint64_t most, struct elf_bytes *ret);

/* The build id, at most `room` bytes; its length, or 0 when there is none (or it is longer). */
size_t elf_image_build_id(const struct elf_image *image, uint8_t *id, size_t room);

#endif
