/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of .eh_frame and .debug_frame: which addresses each FDE covers, and what its CIE says. Source: LSB Core 5, "Exception
 * Frames"; DWARF 5, 6.4.1. The section is a stranger's: an entry that makes no sense is counted and left out.
 */
#ifndef CONCPROF_EH_FRAME_H
#define CONCPROF_EH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offsets in a section are kept in 32 bits. libLLVM 22 has 160,804 FDEs in some 8 MB. */
#define EH_FRAME_BYTES_MAX (64u << 20)
#define EH_FRAME_FDES_MAX  (2u << 20)

struct dwarf_reader;

struct eh_frame {
	const uint8_t *data; /* of the caller */
	size_t bytes;
	uint64_t address; /* where data[0] lies, in the object's own addresses */
	bool is_debug_frame;
	bool unbounded; /* `bytes` is only an upper bound: the first zero length, or entry that makes no sense, is the end */
};

struct cie {
	const struct eh_frame *section;
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_column;
	uint8_t pointer_encoding; /* of an FDE's addresses and of DW_CFA_set_loc */
	bool sized;               /* augmentation 'z': an FDE's own augmentation has a length */
	bool signal;              /* augmentation 'S' */
	const uint8_t *program;   /* initial instructions */
	size_t program_bytes;
};

struct fde {
	uint64_t start, end; /* start < end */
	uint32_t program, program_bytes;
	uint32_t cie;     /* offset in the section */
	uint32_t section; /* which; the caller's number */
};

struct fde_list {
	struct fde *all; /* owned */
	size_t count, room;
	uint64_t refused; /* entries that make no sense, or are of an unknown kind */
};

/* Appends the section's FDEs. 0; -E2BIG beyond the limits above; -ENOMEM. The list is valid, if incomplete, after an error. */
int eh_frame_read(const struct eh_frame *section, uint32_t number, struct fde_list *list);
void fde_list_free(struct fde_list *list); /* empties it */

/* 0, or -EINVAL when there is no CIE that is understood. */
int eh_frame_cie(const struct eh_frame *section, uint64_t offset, struct cie *ret);

/* A pointer in a CIE's encoding; fails the reader for encodings that are not supported (indirect, or relative to a text or function). */
uint64_t eh_frame_pointer(struct dwarf_reader *reader, const struct eh_frame *section, uint8_t encoding);

/*
 * .eh_frame_hdr (PT_GNU_EH_FRAME), which lies at `address`, says where .eh_frame lies: for objects without section headers.
 * 0, or -EINVAL.
 */
int eh_frame_header(const uint8_t *data, size_t bytes, uint64_t address, uint64_t *eh_frame);

#endif
