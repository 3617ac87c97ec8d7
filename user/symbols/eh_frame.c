/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/eh_frame.h"

#include <dwarf.h>
#include <errno.h>

#include "lib/cleanup.h"
#include "symbols/dwarf_reader.h"

/* Pointer encodings (LSB Core 5, 10.5.1): the low bits are the format, the high ones what it is relative to. */
#define FORMAT(encoding)      ((encoding)&0x0f)
#define APPLICATION(encoding) ((encoding)&0x70)

/* Known augmentations have at most seven letters; looking further for the end would let every FDE cost a walk through the section. */
#define AUGMENTATION_MAX 16

/* An entry: a CIE or an FDE. */
struct entry {
	struct dwarf_reader body; /* behind the CIE pointer */
	uint64_t next;            /* offset behind it */
	uint64_t cie;             /* of an FDE: offset of its CIE */
	bool is_cie, is_end;
};

static uint64_t read_format(struct dwarf_reader *reader, uint8_t format)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return dwarf_u64(reader);
	case DW_EH_PE_udata4:
		return dwarf_u32(reader);
	case DW_EH_PE_sdata4:
		return (int64_t)(int32_t)dwarf_u32(reader);
	case DW_EH_PE_udata2:
		return dwarf_u16(reader);
	case DW_EH_PE_sdata2:
		return (int64_t)(int16_t)dwarf_u16(reader);
	case DW_EH_PE_uleb128:
		return dwarf_uleb(reader);
	case DW_EH_PE_sleb128:
		return dwarf_sleb(reader);
	default:
		dwarf_fail(reader);
		return 0;
	}
}

uint64_t eh_frame_pointer(struct dwarf_reader *reader, const struct eh_frame *section, uint8_t encoding)
{
	uint64_t at = section->address + (uint64_t)(reader->at - section->data), value;

	if (encoding & DW_EH_PE_indirect) {
		dwarf_fail(reader);
		return 0;
	}
	switch (APPLICATION(encoding)) {
	case DW_EH_PE_absptr:
		return read_format(reader, FORMAT(encoding));
	case DW_EH_PE_pcrel:
		value = read_format(reader, FORMAT(encoding));
		return at + value;
	case DW_EH_PE_aligned:
		dwarf_take(reader, -at & 7);
		return dwarf_u64(reader);
	default: /* relative to a text segment, a GOT or a function: no x86-64 compiler writes these here */
		dwarf_fail(reader);
		return 0;
	}
}

/* The entry at `offset`. False when it is damaged; `next` is then the section's end if even its length is. */
static bool read_entry(const struct eh_frame *section, uint64_t offset, struct entry *ret)
{
	struct dwarf_reader reader = dwarf_reader(section->data + offset, section->bytes - offset);
	uint64_t length = dwarf_u32(&reader), id, id_at;
	bool wide = length == 0xffffffff;

	*ret = (struct entry){.next = section->bytes};
	if (wide)
		length = dwarf_u64(&reader);
	if (reader.bad || length > dwarf_left(&reader))
		return false;
	id_at = reader.at - section->data;
	ret->next = id_at + length;
	ret->body = dwarf_reader(reader.at, length);
	ret->is_end = length == 0;
	if (ret->is_end)
		return true;
	/* In .eh_frame the pointer has 4 bytes in either form (LSB), and counts backwards from itself. */
	if (!section->is_debug_frame) {
		id = dwarf_u32(&ret->body);
		ret->is_cie = id == 0;
		ret->cie = id_at - id;
		return !ret->body.bad && id <= id_at;
	}
	id = wide ? dwarf_u64(&ret->body) : dwarf_u32(&ret->body);
	ret->is_cie = id == (wide ? DW_CIE_ID_64 : DW_CIE_ID_32);
	ret->cie = id;
	return !ret->body.bad && (ret->is_cie || id < section->bytes);
}

/* The letters after 'z', each with its data (LSB Core 5, 10.6.1.1.1). */
static bool read_augmentation(struct dwarf_reader *reader, const char *letters, struct cie *cie)
{
	uint64_t bytes = dwarf_uleb(reader);
	struct dwarf_reader data = dwarf_reader(reader->at, 0);
	uint8_t personality;

	if (!dwarf_take(reader, bytes))
		return false;
	data.end = reader->at;
	for (; *letters; letters++) {
		switch (*letters) {
		case 'R':
			cie->pointer_encoding = dwarf_u8(&data);
			break;
		case 'L':
			dwarf_u8(&data);
			break;
		case 'P': /* not used, so it does not matter what it is relative to */
			personality = dwarf_u8(&data);
			if (APPLICATION(personality) == DW_EH_PE_aligned)
				eh_frame_pointer(&data, cie->section, personality & ~DW_EH_PE_indirect);
			else
				read_format(&data, FORMAT(personality));
			break;
		case 'S':
			cie->signal = true;
			break;
		case 'B': /* the B key of AArch64 */
			break;
		default: /* may change the meaning of everything else */
			return false;
		}
	}
	return !data.bad;
}

int eh_frame_cie(const struct eh_frame *section, uint64_t offset, struct cie *ret)
{
	struct dwarf_reader *reader;
	const char *letters;
	struct entry entry;
	const void *nul;
	uint8_t version;

	*ret = (struct cie){.section = section, .pointer_encoding = DW_EH_PE_absptr};
	if (offset >= section->bytes || !read_entry(section, offset, &entry) || !entry.is_cie)
		return -EINVAL;
	reader = &entry.body;
	version = dwarf_u8(reader);
	if (version != 1 && version != 3 && version != 4)
		return -EINVAL;
	letters = (const char *)reader->at;
	nul = memchr(reader->at, 0, dwarf_left(reader) < AUGMENTATION_MAX ? dwarf_left(reader) : AUGMENTATION_MAX);
	if (!nul)
		return -EINVAL;
	reader->at = (const uint8_t *)nul + 1;
	if (letters[0] == 'e' && letters[1] == 'h') { /* GCC 2: a pointer to its exception table */
		dwarf_u64(reader);
		letters += 2;
	}
	if (version == 4 && (dwarf_u8(reader) != 8 || dwarf_u8(reader) != 0)) /* sizes of an address and of a segment selector */
		return -EINVAL;
	ret->code_align = dwarf_uleb(reader);
	ret->data_align = dwarf_sleb(reader);
	ret->return_column = version == 1 ? dwarf_u8(reader) : dwarf_uleb(reader);
	ret->sized = *letters == 'z';
	if (ret->sized && !read_augmentation(reader, letters + 1, ret))
		return -EINVAL;
	if (reader->bad || (*letters && !ret->sized))
		return -EINVAL;
	ret->program = reader->at;
	ret->program_bytes = dwarf_left(reader);
	return 0;
}

static int append(struct fde_list *list, const struct fde *fde)
{
	if (list->count == EH_FRAME_FDES_MAX)
		return -E2BIG;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 1024;
		struct fde *all = reallocarray(list->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		list->all = all;
		list->room = room;
	}
	list->all[list->count++] = *fde;
	return 0;
}

/* False when the FDE makes no sense. One that covers nothing is left out without a word: linkers make them from discarded functions. */
static bool read_fde(const struct cie *cie, struct dwarf_reader *reader, struct fde *fde)
{
	uint64_t bytes;

	fde->start = eh_frame_pointer(reader, cie->section, cie->pointer_encoding);
	bytes = read_format(reader, FORMAT(cie->pointer_encoding));
	if (cie->sized)
		dwarf_take(reader, dwarf_uleb(reader));
	fde->end = fde->start + bytes;
	fde->program = reader->at - cie->section->data;
	fde->program_bytes = dwarf_left(reader);
	return !reader->bad && fde->end >= fde->start;
}

int eh_frame_read(const struct eh_frame *section, uint32_t number, struct fde_list *list)
{
	uint64_t cie_at = UINT64_MAX;
	bool cie_good = false;
	struct entry entry;
	struct cie cie;

	if (section->bytes > EH_FRAME_BYTES_MAX)
		return -E2BIG;
	for (uint64_t offset = 0; offset < section->bytes; offset = entry.next) {
		bool good = read_entry(section, offset, &entry);
		struct fde fde = {.section = number};
		int err = 0;

		if (section->unbounded && (!good || entry.is_end))
			break;
		/* A zero ends the section for the C++ runtime, but objects linked behind crtend.o follow it. */
		if (good && (entry.is_cie || entry.is_end))
			continue;
		if (good && entry.cie != cie_at) {
			cie_at = entry.cie;
			cie_good = eh_frame_cie(section, cie_at, &cie) == 0;
		}
		fde.cie = cie_at;
		if (!good || !cie_good || !read_fde(&cie, &entry.body, &fde))
			list->refused++;
		else if (fde.start < fde.end)
			err = append(list, &fde);
		if (err)
			return err;
	}
	return 0;
}

void fde_list_free(struct fde_list *list)
{
	free(list->all);
	*list = (struct fde_list){};
}

int eh_frame_header(const uint8_t *data, size_t bytes, uint64_t address, uint64_t *eh_frame)
{
	const struct eh_frame header = {.data = data, .bytes = bytes, .address = address};
	struct dwarf_reader reader = dwarf_reader(data, bytes);
	uint8_t version = dwarf_u8(&reader), encoding = dwarf_u8(&reader);

	dwarf_take(&reader, 2); /* encodings of the search table and its length */
	if (version != 1 || encoding == DW_EH_PE_omit)
		return -EINVAL;
	/* Relative to data means to this header, here alone. */
	if (APPLICATION(encoding) == DW_EH_PE_datarel && !(encoding & DW_EH_PE_indirect))
		*eh_frame = address + read_format(&reader, FORMAT(encoding));
	else
		*eh_frame = eh_frame_pointer(&reader, &header, encoding);
	return reader.bad ? -EINVAL : 0;
}
