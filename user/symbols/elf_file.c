/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Linkers write tens of each; a hostile file shall not take much memory. */
#define SEGMENTS_MAX      1024
#define SECTIONS_MAX      (16u << 10)
#define SECTION_NAMES_MAX (1u << 20)
#define NOTES_MAX         (64u << 10)
#define NOTE_PLACES_MAX   16

int elf_file_read(const struct elf_file *file, uint64_t offset, void *buffer, size_t bytes)
{
	char *out = buffer;

	if (offset > INT64_MAX || bytes > INT64_MAX - offset)
		return -ENODATA;
	while (bytes) {
		ssize_t n = pread(file->fd, out, bytes, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		out += n;
		offset += n;
		bytes -= n;
	}
	return 0;
}

static bool in_file(const struct elf_file *file, uint64_t offset, uint64_t bytes)
{
	uint64_t size = file->status.st_size;

	return offset <= size && bytes <= size - offset;
}

bool elf_section_in_file(const struct elf_file *file, const struct elf_section *section)
{
	return section->type != SHT_NOBITS && section->type != SHT_NULL && in_file(file, section->offset, section->bytes);
}

int elf_file_contents(const struct elf_file *file, const struct elf_section *section, size_t max, char **ret)
{
	_cleanup_free_ char *contents = NULL;
	int err;

	if (!elf_section_in_file(file, section) || section->flags & SHF_COMPRESSED)
		return -ENOEXEC;
	if (section->bytes > max)
		return -EFBIG;
	contents = malloc(section->bytes + 1);
	if (!contents)
		return -ENOMEM;
	err = elf_file_read(file, section->offset, contents, section->bytes);
	if (err)
		return err;
	contents[section->bytes] = '\0';
	*ret = steal_pointer(&contents);
	return 0;
}

const struct elf_section *elf_file_section(const struct elf_file *file, const char *name)
{
	for (size_t i = 1; i < file->n_sections; i++) {
		if (strcmp(file->sections[i].name, name) == 0 && elf_section_in_file(file, &file->sections[i]))
			return &file->sections[i];
	}
	return NULL;
}

const struct elf_section *elf_file_section_of_type(const struct elf_file *file, uint32_t type)
{
	for (size_t i = 1; i < file->n_sections; i++) {
		if (file->sections[i].type == type && elf_section_in_file(file, &file->sections[i]))
			return &file->sections[i];
	}
	return NULL;
}

/* The build id among the notes at `offset`. */
static bool find_build_id(struct elf_file *file, uint64_t offset, uint64_t bytes, uint64_t alignment)
{
	_cleanup_free_ char *notes = NULL;
	size_t align = alignment == 8 ? 8 : 4;
	size_t at = 0;

	if (!in_file(file, offset, bytes) || bytes > NOTES_MAX)
		return false;
	notes = malloc(bytes + 1);
	if (!notes || elf_file_read(file, offset, notes, bytes))
		return false;
	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		size_t name, body;
		Elf64_Nhdr note;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		if (note.n_namesz > bytes - name)
			return false;
		body = (name + note.n_namesz + align - 1) & ~(align - 1);
		if (body > bytes || note.n_descsz > bytes - body)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(notes + name, "GNU", 4) == 0 &&
		    note.n_descsz > 0 && note.n_descsz <= ELF_BUILD_ID_MAX) {
			memcpy(file->build_id, notes + body, note.n_descsz);
			file->build_id_bytes = note.n_descsz;
			return true;
		}
		at = (body + note.n_descsz + align - 1) & ~(align - 1);
		if (at > bytes)
			return false;
	}
	return false;
}

static int read_segments(struct elf_file *file, const Elf64_Ehdr *header)
{
	_cleanup_free_ Elf64_Phdr *all = NULL;
	size_t count = header->e_phnum, places = 0;
	int err;

	if (count == 0)
		return 0;
	if (header->e_phentsize != sizeof(*all) || count > SEGMENTS_MAX || !in_file(file, header->e_phoff, count * sizeof(*all)))
		return -ENOEXEC;
	all = calloc(count, sizeof(*all));
	file->segments = calloc(count, sizeof(*file->segments));
	if (!all || !file->segments)
		return -ENOMEM;
	err = elf_file_read(file, header->e_phoff, all, count * sizeof(*all));
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		const Elf64_Phdr *segment = &all[i];

		if (segment->p_type == PT_NOTE && !file->build_id_bytes && places++ < NOTE_PLACES_MAX)
			find_build_id(file, segment->p_offset, segment->p_filesz, segment->p_align);
		if (segment->p_type != PT_LOAD || segment->p_vaddr + segment->p_memsz < segment->p_vaddr ||
		    segment->p_offset + segment->p_filesz < segment->p_offset)
			continue;
		file->segments[file->n_segments++] = (struct elf_segment){
		    .offset = segment->p_offset,
		    .address = segment->p_vaddr,
		    .file_bytes = segment->p_filesz,
		    .memory_bytes = segment->p_memsz,
		    .executable = segment->p_flags & PF_X,
		};
	}
	return 0;
}

/* A file without sections, or with senseless ones, is still an object: it has segments. */
static int read_sections(struct elf_file *file, const Elf64_Ehdr *header)
{
	_cleanup_free_ Elf64_Shdr *all = NULL;
	size_t count = header->e_shnum, names_bytes = 0, places = 0;
	const Elf64_Shdr *names;
	int err;

	if (count < 2 || header->e_shentsize != sizeof(*all) || count > SECTIONS_MAX ||
	    !in_file(file, header->e_shoff, count * sizeof(*all)))
		return 0;
	all = calloc(count, sizeof(*all));
	file->sections = calloc(count, sizeof(*file->sections));
	if (!all || !file->sections)
		return -ENOMEM;
	err = elf_file_read(file, header->e_shoff, all, count * sizeof(*all));
	if (err)
		return err;
	names = &all[header->e_shstrndx < count ? header->e_shstrndx : 0];
	if (names->sh_type == SHT_STRTAB && names->sh_size <= SECTION_NAMES_MAX &&
	    in_file(file, names->sh_offset, names->sh_size))
		names_bytes = names->sh_size;
	file->section_names = calloc(1, names_bytes + 1);
	if (!file->section_names)
		return -ENOMEM;
	err = elf_file_read(file, names->sh_offset, file->section_names, names_bytes);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		const Elf64_Shdr *section = &all[i];

		file->sections[i] = (struct elf_section){
		    .name = file->section_names + (section->sh_name < names_bytes ? section->sh_name : names_bytes),
		    .type = section->sh_type,
		    .link = section->sh_link,
		    .info = section->sh_info,
		    .flags = section->sh_flags,
		    .address = section->sh_addr,
		    .offset = section->sh_offset,
		    .bytes = section->sh_size,
		    .entry_bytes = section->sh_entsize,
		};
		/* In a separate debug file only sections say where the notes are. */
		if (section->sh_type == SHT_NOTE && !file->build_id_bytes && places++ < NOTE_PLACES_MAX)
			find_build_id(file, section->sh_offset, section->sh_size, section->sh_addralign);
	}
	file->n_sections = count;
	return 0;
}

static int read_skeleton(struct elf_file *file)
{
	Elf64_Ehdr header;
	int err;

	if (fstat(file->fd, &file->status))
		return -errno;
	if (!S_ISREG(file->status.st_mode) || !in_file(file, 0, sizeof(header)))
		return -ENOEXEC;
	err = elf_file_read(file, 0, &header, sizeof(header));
	if (err)
		return err;
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64 ||
	    (header.e_type != ET_DYN && header.e_type != ET_EXEC))
		return -ENOEXEC;
	err = read_sections(file, &header);
	return err ? err : read_segments(file, &header);
}

int elf_file_open(int fd, struct elf_file **ret)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	file->fd = fd;
	err = read_skeleton(file);
	if (err)
		elf_file_close(file);
	else
		*ret = file;
	return err;
}

bool elf_file_unchanged(const struct elf_file *file)
{
	struct stat now;

	return fstat(file->fd, &now) == 0 && now.st_size == file->status.st_size &&
	       now.st_mtim.tv_sec == file->status.st_mtim.tv_sec && now.st_mtim.tv_nsec == file->status.st_mtim.tv_nsec;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	close(file->fd);
	free(file->segments);
	free(file->sections);
	free(file->section_names);
	free(file);
}
