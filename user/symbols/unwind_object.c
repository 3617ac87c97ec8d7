/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/unwind_object.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "symbols/elf_image.h"

enum { EH_FRAME, DEBUG_FRAME, N_SECTIONS };
static const char *const section_names[N_SECTIONS] = {".eh_frame", ".debug_frame"};

/* .eh_frame_hdr is read for one pointer. */
#define HEADER_BYTES 32

static int take_segments(struct unwind_object *object, const struct elf_image *image)
{
	object->segments = calloc(image->n_segments, sizeof(*object->segments));
	if (!object->segments)
		return -ENOMEM;
	for (size_t i = 0; i < image->n_segments; i++) {
		const Elf64_Phdr *header = &image->segments[i];

		object->interpreted |= header->p_type == PT_INTERP;
		if (header->p_type != PT_LOAD || header->p_vaddr + header->p_memsz < header->p_vaddr ||
		    header->p_offset + header->p_filesz < header->p_offset || header->p_filesz > header->p_memsz)
			continue;
		object->segments[object->n_segments++] = (struct unwind_segment){
		    .offset = header->p_offset,
		    .address = header->p_vaddr,
		    .file_bytes = header->p_filesz,
		    .memory_bytes = header->p_memsz,
		    .flags = header->p_flags,
		};
	}
	return object->n_segments ? 0 : -ENOEXEC;
}

/* Where the file has an address, and how many bytes from there on. */
static bool locate(const struct unwind_object *object, uint64_t address, uint64_t *offset, uint64_t *bytes)
{
	for (size_t i = 0; i < object->n_segments; i++) {
		const struct unwind_segment *segment = &object->segments[i];
		uint64_t inside = address - segment->address;

		if (address < segment->address || inside >= segment->file_bytes)
			continue;
		*offset = segment->offset + inside;
		*bytes = segment->file_bytes - inside;
		return true;
	}
	return false;
}

/* Without section headers: .eh_frame_hdr says where .eh_frame begins, but not where it ends. */
static int find_by_segment(const struct unwind_object *object, const struct elf_image *image, struct elf_bytes *bytes,
			   struct eh_frame *section)
{
	uint64_t offset, length, address;
	int err = -ENODATA;

	for (size_t i = 0; i < image->n_segments; i++) {
		const Elf64_Phdr *header = &image->segments[i];

		if (header->p_type != PT_GNU_EH_FRAME)
			continue;
		length = header->p_filesz < HEADER_BYTES ? header->p_filesz : HEADER_BYTES;
		err = elf_image_bytes(image, header->p_offset, length, HEADER_BYTES, bytes);
		if (err)
			return err;
		err = eh_frame_header(bytes->data, bytes->bytes, header->p_vaddr, &address);
		elf_bytes_free(bytes);
		if (err || !locate(object, address, &offset, &length))
			return -ENODATA;
		if (length > EH_FRAME_BYTES_MAX)
			length = EH_FRAME_BYTES_MAX;
		err = elf_image_bytes(image, offset, length, EH_FRAME_BYTES_MAX, bytes);
		*section = (struct eh_frame){.data = bytes->data, .bytes = bytes->bytes, .address = address, .unbounded = true};
		break;
	}
	return err;
}

static int find_by_section(const struct elf_image *image, const Elf64_Shdr *header, bool debug, struct elf_bytes *bytes,
			   struct eh_frame *section)
{
	int err;

	if (header->sh_type == SHT_NULL)
		return -ENODATA;
	err = elf_image_section_bytes(image, header, EH_FRAME_BYTES_MAX, bytes);
	if (err)
		return err;
	*section =
	    (struct eh_frame){.data = bytes->data, .bytes = bytes->bytes, .address = header->sh_addr, .is_debug_frame = debug};
	return 0;
}

static int find_sections(const struct unwind_object *object, const struct elf_image *image, struct elf_bytes *bytes,
			 struct eh_frame *sections)
{
	Elf64_Shdr headers[N_SECTIONS];
	int err = elf_image_sections(image, section_names, N_SECTIONS, headers);

	/* Section headers may be garbage; the program headers are what the kernel goes by. */
	if (err == -ENOEXEC)
		memset(headers, 0, sizeof(headers));
	else if (err)
		return err;
	err = find_by_section(image, &headers[EH_FRAME], false, &bytes[EH_FRAME], &sections[EH_FRAME]);
	if (err == -ENODATA || err == -ENOEXEC)
		err = find_by_segment(object, image, &bytes[EH_FRAME], &sections[EH_FRAME]);
	if (err && err != -ENODATA && err != -ENOEXEC)
		return err;
	err = find_by_section(image, &headers[DEBUG_FRAME], true, &bytes[DEBUG_FRAME], &sections[DEBUG_FRAME]);
	/* It only adds to the other. */
	return err == -ENODATA || err == -ENOEXEC || err == -E2BIG ? 0 : err;
}

/* Code, as take_table() reads it: forward, and only here and there. */
#define CODE_WINDOW_BYTES 4096

struct code {
	const struct unwind_object *object;
	const struct elf_image *image;
	struct elf_bytes window;
	uint64_t address; /* of the window */
};

static bool read_code(void *context, uint64_t address, void *to, size_t bytes)
{
	struct code *code = context;
	uint64_t offset, length;

	if (address < code->address || address - code->address > code->window.bytes ||
	    code->window.bytes - (address - code->address) < bytes) {
		elf_bytes_free(&code->window);
		code->window = (struct elf_bytes){};
		if (!locate(code->object, address, &offset, &length) || offset > code->image->bytes)
			return false;
		/* The file may end before its segment. */
		if (length > code->image->bytes - offset)
			length = code->image->bytes - offset;
		if (length < bytes)
			return false;
		if (length > CODE_WINDOW_BYTES)
			length = CODE_WINDOW_BYTES;
		if (elf_image_bytes(code->image, offset, length, length, &code->window))
			return false;
		code->address = address;
	}
	memcpy(to, code->window.data + (address - code->address), bytes);
	return true;
}

static int take_table(struct unwind_object *object, const struct elf_image *image, struct unwind_rules *rules)
{
	_cleanup_free_ struct unwind_range *ranges = calloc(object->n_segments, sizeof(*ranges));
	struct eh_frame sections[N_SECTIONS] = {};
	struct elf_bytes bytes[N_SECTIONS] = {};
	struct code code = {.object = object, .image = image};
	struct unwind_text text = {.ranges = ranges, .entry = object->entry, .read = read_code, .context = &code};
	struct fde_list list = {};
	int err;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < object->n_segments; i++) {
		const struct unwind_segment *segment = &object->segments[i];

		if (segment->flags & PF_X)
			ranges[text.n_ranges++] = (struct unwind_range){segment->address, segment->address + segment->file_bytes};
	}
	err = find_sections(object, image, bytes, sections);
	for (uint32_t i = 0; i < N_SECTIONS && !err; i++)
		err = eh_frame_read(&sections[i], i, &list);
	if (!err)
		err = unwind_table_build(sections, &list, &text, rules, &object->table);
	fde_list_free(&list);
	elf_bytes_free(&code.window);
	for (size_t i = 0; i < N_SECTIONS; i++)
		elf_bytes_free(&bytes[i]);
	return err;
}

static int compile(struct elf_image *image, struct unwind_rules *rules, struct unwind_object **ret)
{
	struct unwind_object *object = calloc(1, sizeof(*object));
	int err = object ? take_segments(object, image) : -ENOMEM;

	if (!err) {
		object->entry = image->header.e_entry;
		object->fixed = image->header.e_type == ET_EXEC;
		object->build_id_bytes = elf_image_build_id(image, object->build_id, sizeof(object->build_id));
		err = take_table(object, image, rules);
		if (err == -ENODATA || err == -E2BIG) {
			object->table_error = err;
			err = 0;
		}
	}
	elf_image_close(image);
	if (err)
		unwind_object_free(object);
	else
		*ret = object;
	return err;
}

int unwind_object_compile(int fd, struct unwind_rules *rules, struct unwind_object **ret)
{
	struct elf_image image;
	int err = elf_image_open(&image, fd);

	return err ? err : compile(&image, rules, ret);
}

int unwind_object_compile_memory(const void *memory, size_t bytes, struct unwind_rules *rules, struct unwind_object **ret)
{
	struct elf_image image;
	int err = elf_image_open_memory(&image, memory, bytes);

	return err ? err : compile(&image, rules, ret);
}

bool unwind_object_bias(const struct unwind_object *object, uint64_t start, uint64_t file_offset, uint64_t *bias)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	const struct unwind_segment *best = NULL;
	int best_score = 0;

	for (size_t i = 0; i < object->n_segments; i++) {
		const struct unwind_segment *segment = &object->segments[i];
		uint64_t first = segment->offset & -page;
		int score;

		if (file_offset < first || file_offset >= segment->offset + segment->file_bytes)
			continue;
		/* Neighbours share a page of the file where one ends and the next begins; a mapping may also begin inside a segment. */
		score = (segment->flags & PF_X ? 2 : 0) + (file_offset == first) + 1;
		if (score > best_score) {
			best = segment;
			best_score = score;
		}
	}
	if (!best)
		return false;
	*bias = start - (best->address + (file_offset - best->offset));
	return true;
}

void unwind_object_free(struct unwind_object *object)
{
	if (!object)
		return;
	free(object->segments);
	unwind_table_free(object->table);
	free(object);
}
