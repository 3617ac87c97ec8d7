/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_image.h"

#include <errno.h>
#include <sys/stat.h>
#include <zlib.h>

#include "lib/cleanup.h"

/* More than any linked object has; a hostile one must not cost memory or time. */
#define SEGMENTS_MAX   512
#define SECTIONS_MAX   65536
#define NOTE_BYTES_MAX 65536

static int read_at(const struct elf_image *image, uint64_t offset, void *to, size_t bytes)
{
	if (offset > image->bytes || bytes > image->bytes - offset)
		return -ENOEXEC;
	if (image->memory) {
		memcpy(to, image->memory + offset, bytes);
		return 0;
	}
	for (size_t done = 0; done < bytes;) {
		ssize_t part = pread(image->fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		if (part == 0) /* truncated since it was opened */
			return -ENOEXEC;
		done += part;
	}
	return 0;
}

static int read_headers(struct elf_image *image)
{
	const Elf64_Ehdr *header = &image->header;
	int err = read_at(image, 0, &image->header, sizeof(image->header));

	if (err)
		return err;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
		return -ENOEXEC;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return -ENOEXEC;
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 || header->e_phnum > SEGMENTS_MAX)
		return -ENOEXEC;
	image->segments = calloc(header->e_phnum, sizeof(*image->segments));
	if (!image->segments)
		return -ENOMEM;
	image->n_segments = header->e_phnum;
	err = read_at(image, header->e_phoff, image->segments, image->n_segments * sizeof(*image->segments));
	if (err)
		elf_image_close(image);
	return err;
}

int elf_image_open(struct elf_image *image, int fd)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOEXEC;
	*image = (struct elf_image){.fd = fd, .bytes = status.st_size};
	return read_headers(image);
}

int elf_image_open_memory(struct elf_image *image, const void *memory, size_t bytes)
{
	*image = (struct elf_image){.fd = -1, .memory = memory, .bytes = bytes};
	return read_headers(image);
}

void elf_image_close(struct elf_image *image)
{
	free(image->segments);
	image->segments = NULL;
	image->n_segments = 0;
}

int elf_image_bytes(const struct elf_image *image, uint64_t offset, uint64_t bytes, uint64_t most, struct elf_bytes *ret)
{
	_cleanup_free_ void *copy = NULL;
	int err;

	*ret = (struct elf_bytes){};
	if (offset > image->bytes || bytes > image->bytes - offset)
		return -ENOEXEC;
	if (bytes > most)
		return -E2BIG;
	if (image->memory) {
		*ret = (struct elf_bytes){.data = image->memory + offset, .bytes = bytes};
		return 0;
	}
	copy = malloc(bytes ? bytes : 1);
	if (!copy)
		return -ENOMEM;
	err = read_at(image, offset, copy, bytes);
	if (err)
		return err;
	*ret = (struct elf_bytes){.data = copy, .bytes = bytes, .owned = copy};
	copy = NULL;
	return 0;
}

void elf_bytes_free(struct elf_bytes *bytes)
{
	free(bytes->owned);
	*bytes = (struct elf_bytes){};
}

/* Names are read one by one: the string table may be shared with the symbols' and large. */
static int take_section(const struct elf_image *image, const Elf64_Shdr *strings, const Elf64_Shdr *section,
			const char *const *names, size_t count, Elf64_Shdr *ret)
{
	char name[ELF_NAME_BYTES + 1] = "";
	uint64_t room;
	int err;

	if (section->sh_type != SHT_PROGBITS && section->sh_type != SHT_X86_64_UNWIND)
		return 0;
	if (section->sh_name >= strings->sh_size)
		return 0;
	room = strings->sh_size - section->sh_name;
	err = read_at(image, strings->sh_offset + section->sh_name, name, room < sizeof(name) ? room : sizeof(name));
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		if (ret[i].sh_type == SHT_NULL && strncmp(name, names[i], sizeof(name)) == 0)
			ret[i] = *section;
	}
	return 0;
}

int elf_image_sections(const struct elf_image *image, const char *const *names, size_t count, Elf64_Shdr *ret)
{
	const Elf64_Ehdr *header = &image->header;
	_cleanup_free_ Elf64_Shdr *all = NULL;
	uint64_t n_sections = header->e_shnum, n_strings = header->e_shstrndx;
	Elf64_Shdr first;
	int err;

	memset(ret, 0, count * sizeof(*ret));
	if (header->e_shoff == 0 || header->e_shentsize != sizeof(first))
		return 0;
	/* Numbers that do not fit the header stand in section 0 (gABI, "extended section numbering"). */
	err = read_at(image, header->e_shoff, &first, sizeof(first));
	if (err)
		return err;
	if (n_sections == 0)
		n_sections = first.sh_size;
	if (n_strings == SHN_XINDEX)
		n_strings = first.sh_link;
	if (n_sections > SECTIONS_MAX || n_strings >= n_sections)
		return -ENOEXEC;
	all = calloc(n_sections, sizeof(*all));
	if (!all)
		return -ENOMEM;
	err = read_at(image, header->e_shoff, all, n_sections * sizeof(*all));
	if (!err && all[n_strings].sh_offset > image->bytes)
		err = -ENOEXEC;
	for (uint64_t i = 0; i < n_sections && !err; i++)
		err = take_section(image, &all[n_strings], &all[i], names, count, ret);
	return err;
}

/* Go's linker compresses .debug_frame. */
static int inflate_section(struct elf_bytes *section, uint64_t most)
{
	_cleanup_free_ void *whole = NULL;
	Elf64_Chdr header;
	uLongf bytes;

	if (section->bytes < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, section->data, sizeof(header));
	if (header.ch_type != ELFCOMPRESS_ZLIB)
		return -ENOEXEC;
	if (header.ch_size > most)
		return -E2BIG;
	bytes = header.ch_size;
	whole = malloc(bytes ? bytes : 1);
	if (!whole)
		return -ENOMEM;
	if (uncompress(whole, &bytes, section->data + sizeof(header), section->bytes - sizeof(header)) != Z_OK)
		return -ENOEXEC;
	elf_bytes_free(section);
	*section = (struct elf_bytes){.data = whole, .bytes = bytes, .owned = whole};
	whole = NULL;
	return 0;
}

int elf_image_section_bytes(const struct elf_image *image, const Elf64_Shdr *section, uint64_t most, struct elf_bytes *ret)
{
	int err = elf_image_bytes(image, section->sh_offset, section->sh_size, most, ret);

	if (err || !(section->sh_flags & SHF_COMPRESSED))
		return err;
	err = inflate_section(ret, most);
	if (err)
		elf_bytes_free(ret);
	return err;
}

static size_t find_build_id(const struct elf_bytes *notes, uint64_t align, uint8_t *id, size_t room)
{
	size_t at = 0;

	while (notes->bytes - at >= sizeof(Elf64_Nhdr)) {
		size_t left, name_bytes, desc_bytes;
		Elf64_Nhdr note;

		memcpy(&note, notes->data + at, sizeof(note));
		at += sizeof(note);
		left = notes->bytes - at;
		name_bytes = (note.n_namesz + align - 1) & ~(align - 1);
		desc_bytes = (note.n_descsz + align - 1) & ~(align - 1);
		if (name_bytes > left || note.n_descsz > left - name_bytes)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    memcmp(notes->data + at, "GNU", sizeof("GNU")) == 0) {
			if (note.n_descsz > room)
				return 0;
			memcpy(id, notes->data + at + name_bytes, note.n_descsz);
			return note.n_descsz;
		}
		if (desc_bytes > left - name_bytes)
			return 0;
		at += name_bytes + desc_bytes;
	}
	return 0;
}

size_t elf_image_build_id(const struct elf_image *image, uint8_t *id, size_t room)
{
	size_t bytes = 0;

	for (size_t i = 0; i < image->n_segments && !bytes; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		struct elf_bytes notes;

		if (segment->p_type != PT_NOTE ||
		    elf_image_bytes(image, segment->p_offset, segment->p_filesz, NOTE_BYTES_MAX, &notes))
			continue;
		bytes = find_build_id(&notes, segment->p_align == 8 ? 8 : 4, id, room);
		elf_bytes_free(&notes);
	}
	return bytes;
}
