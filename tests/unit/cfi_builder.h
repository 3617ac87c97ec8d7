/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of unwind tables: call frame information byte by byte, the ELF image around it, and what must hold of any table. */
#ifndef CONCPROF_CFI_BUILDER_H
#define CONCPROF_CFI_BUILDER_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>

#include "symbols/unwind_object.h"

/* Where the image says its code and its frames lie. */
#define TEXT_ADDRESS     0x10000
#define TEXT_BYTES       0x100000
#define EH_FRAME_ADDRESS 0x200000

struct bytes {
	uint8_t *data;
	size_t count, room;
};

static inline void put_bytes(struct bytes *to, const void *data, size_t count)
{
	if (to->count + count > to->room) {
		to->room = 2 * (to->count + count);
		to->data = realloc(to->data, to->room);
		if (!to->data)
			abort();
	}
	if (count)
		memcpy(to->data + to->count, data, count);
	to->count += count;
}

static inline void put_u8(struct bytes *to, uint8_t value)
{
	put_bytes(to, &value, sizeof(value));
}

static inline void put_u16(struct bytes *to, uint16_t value)
{
	put_bytes(to, &value, sizeof(value));
}

static inline void put_u32(struct bytes *to, uint32_t value)
{
	put_bytes(to, &value, sizeof(value));
}

static inline void put_u64(struct bytes *to, uint64_t value)
{
	put_bytes(to, &value, sizeof(value));
}

static inline void put_uleb(struct bytes *to, uint64_t value)
{
	do {
		put_u8(to, (value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
}

static inline void put_sleb(struct bytes *to, int64_t value)
{
	bool more = true;

	while (more) {
		uint8_t low = value & 0x7f;

		value >>= 7;
		more = !(value == 0 && !(low & 0x40)) && !(value == -1 && low & 0x40);
		put_u8(to, low | (more ? 0x80 : 0));
	}
}

static inline void free_bytes(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){};
}

/* An entry whose length is not known yet: end_entry() fills it in. */
static inline size_t begin_entry(struct bytes *to, bool wide)
{
	if (wide)
		put_u32(to, 0xffffffff);
	if (wide)
		put_u64(to, 0);
	else
		put_u32(to, 0);
	return to->count;
}

static inline void end_entry(struct bytes *to, size_t begin, bool wide)
{
	uint64_t length;

	while (to->count % 8)
		put_u8(to, DW_CFA_nop);
	length = to->count - begin;
	memcpy(to->data + begin - (wide ? 8 : 4), &length, wide ? 8 : 4);
}

/* The CIE that GCC writes: "zR" with 4-byte pcrel pointers, CFA = rsp + 8, return address at CFA - 8. Returns its offset. */
static inline size_t put_cie(struct bytes *to)
{
	static const uint8_t body[] = {0,
				       0,
				       0,
				       0,
				       1,
				       'z',
				       'R',
				       0,
				       1,
				       0x78,
				       16,
				       1,
				       DW_EH_PE_pcrel | DW_EH_PE_sdata4,
				       DW_CFA_def_cfa,
				       7,
				       8,
				       DW_CFA_offset | 16,
				       1};
	size_t at = to->count, begin = begin_entry(to, false);

	put_bytes(to, body, sizeof(body));
	end_entry(to, begin, false);
	return at;
}

/* An FDE of such a CIE. */
static inline void put_fde(struct bytes *to, size_t cie, uint64_t start, uint32_t length, const void *program, size_t bytes)
{
	size_t begin = begin_entry(to, false);

	put_u32(to, to->count - cie);
	put_u32(to, start - (EH_FRAME_ADDRESS + to->count));
	put_u32(to, length);
	put_u8(to, 0);
	put_bytes(to, program, bytes);
	end_entry(to, begin, false);
}

struct image_parts {
	const struct bytes *eh_frame, *debug_frame;
	uint64_t debug_frame_flags;
	uint64_t entry;           /* 0: the first byte of code */
	const struct bytes *code; /* NULL: the file ends before its code, or has something else there */
	uint64_t code_address;
	bool no_sections; /* only PT_GNU_EH_FRAME leads to .eh_frame */
};

enum { IMAGE_HEADERS = 0x400, IMAGE_TEXT = 0x1000 };

static inline void put_section(Elf64_Shdr *section, uint32_t name, uint64_t flags, uint64_t address, uint64_t offset,
			       const struct bytes *data)
{
	*section = (Elf64_Shdr){.sh_name = name,
				.sh_type = SHT_PROGBITS,
				.sh_flags = flags,
				.sh_addr = address,
				.sh_offset = offset,
				.sh_size = data->count};
}

/* A shared object: .eh_frame, .eh_frame_hdr, .debug_frame, names, section headers; then its code, or none although it claims some. */
static inline struct bytes make_image(const struct image_parts *parts)
{
	static const char names[] = "\0.eh_frame\0.debug_frame\0.shstrtab";
	static const struct bytes none = {};
	const struct bytes *eh_frame = parts->eh_frame ? parts->eh_frame : &none;
	const struct bytes *debug_frame = parts->debug_frame ? parts->debug_frame : &none;
	uint64_t debug_at = IMAGE_HEADERS + eh_frame->count + 16, names_at = debug_at + debug_frame->count;
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_entry = parts->entry ? parts->entry : TEXT_ADDRESS,
			     .e_phoff = sizeof(header),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 3,
			     .e_shoff = parts->no_sections ? 0 : names_at + sizeof(names),
			     .e_shentsize = sizeof(Elf64_Shdr),
			     .e_shnum = 4,
			     .e_shstrndx = 3};
	Elf64_Phdr segments[3] = {
	    {PT_LOAD, PF_R | PF_X, IMAGE_TEXT, TEXT_ADDRESS, 0, TEXT_BYTES, TEXT_BYTES, 0x1000},
	    {PT_LOAD, PF_R, IMAGE_HEADERS, EH_FRAME_ADDRESS, 0, eh_frame->count + 16, eh_frame->count + 16, 0x1000},
	    {PT_GNU_EH_FRAME, PF_R, debug_at - 16, EH_FRAME_ADDRESS + eh_frame->count, 0, 16, 16, 4},
	};
	Elf64_Shdr sections[4] = {};
	struct bytes image = {};

	put_bytes(&image, &header, sizeof(header));
	put_bytes(&image, segments, sizeof(segments));
	while (image.count < IMAGE_HEADERS)
		put_u8(&image, 0);
	put_bytes(&image, eh_frame->data, eh_frame->count);
	put_u32(&image, 1 | (DW_EH_PE_pcrel | DW_EH_PE_sdata4) << 8 | DW_EH_PE_omit << 16 | (uint32_t)DW_EH_PE_omit << 24);
	put_u32(&image, -(uint32_t)eh_frame->count - 4);
	put_u64(&image, 0);
	put_bytes(&image, debug_frame->data, debug_frame->count);
	put_bytes(&image, names, sizeof(names));
	if (parts->eh_frame)
		put_section(&sections[1], 1, SHF_ALLOC, EH_FRAME_ADDRESS, IMAGE_HEADERS, eh_frame);
	if (parts->debug_frame)
		put_section(&sections[2], 11, parts->debug_frame_flags, 0, debug_at, debug_frame);
	sections[3] = (Elf64_Shdr){.sh_name = 24, .sh_type = SHT_STRTAB, .sh_offset = names_at, .sh_size = sizeof(names)};
	put_bytes(&image, sections, sizeof(sections));
	if (parts->code) {
		if (image.count > IMAGE_TEXT)
			abort();
		while (image.count < IMAGE_TEXT + parts->code_address - TEXT_ADDRESS)
			put_u8(&image, 0x90);
		put_bytes(&image, parts->code->data, parts->code->count);
	}
	return image;
}

/* An object and its rules. */
struct compiled {
	struct unwind_rules *rules;
	struct unwind_object *object;
};

static inline struct compiled compile_parts(const struct image_parts *parts)
{
	struct bytes image = make_image(parts);
	struct compiled compiled;

	if (unwind_rules_new(&compiled.rules) ||
	    unwind_object_compile_memory(image.data, image.count, compiled.rules, &compiled.object))
		abort();
	free_bytes(&image);
	return compiled;
}

/* Frees the frames. */
static inline struct compiled compile_frames(struct bytes *eh_frame)
{
	struct compiled compiled = compile_parts(&(struct image_parts){.eh_frame = eh_frame});

	free_bytes(eh_frame);
	return compiled;
}

static inline void discard(struct compiled *compiled)
{
	unwind_object_free(compiled->object);
	unwind_rules_free(compiled->rules);
}

static inline struct unwind_rule rule_at(const struct compiled *compiled, uint64_t address)
{
	size_t count;

	if (!compiled->object->table)
		return (struct unwind_rule){};
	return unwind_rules_all(compiled->rules, &count)[unwind_table_rule(compiled->object->table, address)];
}

/* What holds of every table, whatever it was made from. NULL, or what does not. */
static inline const char *table_fault(const struct unwind_table *table, size_t n_rules)
{
	uint32_t last = UINT32_MAX;

	if (table->start % UNWIND_PAGE_BYTES || table->end != table->start + table->n_pages * UNWIND_PAGE_BYTES)
		return "not whole pages";
	if (table->n_rows == 0 || table->index[0] != 0 || table->index[table->n_pages] != table->n_rows)
		return "the index does not span the rows";
	if (UNWIND_ROW_ADDRESS(table->rows[0]) != 0 || table->index[1] == 0)
		return "the first row is not at the start";
	for (size_t page = 0; page < table->n_pages; page++) {
		if (table->index[page] > table->index[page + 1])
			return "the index falls";
		for (size_t row = table->index[page]; row < table->index[page + 1]; row++) {
			if (row > table->index[page] &&
			    UNWIND_ROW_ADDRESS(table->rows[row]) <= UNWIND_ROW_ADDRESS(table->rows[row - 1]))
				return "the rows of a page do not rise";
			if (UNWIND_ROW_RULE(table->rows[row]) == last)
				return "neighbours have the same rule";
			if (UNWIND_ROW_RULE(table->rows[row]) >= n_rules)
				return "a rule that does not exist";
			last = UNWIND_ROW_RULE(table->rows[row]);
		}
	}
	return NULL;
}

#endif
