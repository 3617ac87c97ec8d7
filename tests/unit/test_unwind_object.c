/* SPDX-License-Identifier: Apache-2.0 */
/* Where an ELF object keeps its call frame information, in all the ways there are, and what else unwinding asks of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "cfi_builder.h"
#include "lib/cleanup.h"

#define AT   TEXT_ADDRESS
#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

static int cfa_at(const struct compiled *compiled, uint64_t address)
{
	struct unwind_rule rule = rule_at(compiled, address);

	return rule.cfa == UNWIND_RSP ? rule.cfa_offset : rule.cfa == UNWIND_NONE ? 0 : -1;
}

/* What a CIE is to say, and how its FDE writes addresses. */
struct form {
	const char *augmentation;
	uint8_t version, encoding, data[12];
	size_t data_bytes;
	bool wide, debug;
};

static void put_pointer(struct bytes *to, uint8_t encoding, uint64_t value)
{
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		value -= EH_FRAME_ADDRESS + to->count;
	switch (encoding & 0x0f) {
	case DW_EH_PE_uleb128:
		return put_uleb(to, value);
	case DW_EH_PE_sleb128:
		return put_sleb(to, (int64_t)value);
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2:
		return put_u16(to, value);
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return put_u32(to, value);
	default:
		while ((encoding & 0x70) == DW_EH_PE_aligned && (EH_FRAME_ADDRESS + to->count) % 8)
			put_u8(to, 0xee);
		return put_u64(to, value);
	}
}

static void put_form_fde(struct bytes *to, const struct form *form, uint64_t start, uint64_t length)
{
	size_t begin = begin_entry(to, form->wide);

	if (form->debug && form->wide)
		put_u64(to, 0);
	else
		put_u32(to, form->debug ? 0 : to->count);
	put_pointer(to, form->encoding, start);
	put_pointer(to, form->encoding & ((form->encoding & 0x70) == DW_EH_PE_aligned ? 0xff : 0x0f), length);
	if (strchr(form->augmentation, 'z'))
		put_uleb(to, 0);
	put_bytes(to, (uint8_t[]){DW_CFA_def_cfa_offset, 24}, 2);
	end_entry(to, begin, form->wide);
}

static struct bytes frames_in_form(const struct form *form)
{
	struct bytes frames = {};
	size_t begin = begin_entry(&frames, form->wide);

	for (int i = 0; i < (form->debug && form->wide ? 8 : 4); i++)
		put_u8(&frames, form->debug ? 0xff : 0);
	put_u8(&frames, form->version);
	put_bytes(&frames, form->augmentation, strlen(form->augmentation) + 1);
	if (strncmp(form->augmentation, "eh", 2) == 0)
		put_u64(&frames, 0x1234567812345678);
	if (form->version == 4)
		put_u16(&frames, 8); /* bytes of an address, of a segment selector */
	put_bytes(&frames, (uint8_t[]){1, 0x78, 16}, 3);
	if (strchr(form->augmentation, 'z')) {
		put_uleb(&frames, form->data_bytes);
		put_bytes(&frames, form->data, form->data_bytes);
	}
	put_bytes(&frames, (uint8_t[]){DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1}, 5);
	end_entry(&frames, begin, form->wide);
	put_form_fde(&frames, form, AT, 0x40);
	return frames;
}

static struct compiled compile_form(const struct form *form)
{
	struct bytes frames = frames_in_form(form);
	struct image_parts parts = {.eh_frame = form->debug ? NULL : &frames, .debug_frame = form->debug ? &frames : NULL};
	struct compiled compiled = compile_parts(&parts);

	free_bytes(&frames);
	return compiled;
}

static void expect_understood(const struct form *form, bool understood)
{
	struct compiled c = compile_form(form);

	if ((cfa_at(&c, AT) == 24 && cfa_at(&c, AT + 0x3f) == 24 && cfa_at(&c, AT + 0x40) == 0) != understood)
		fail_msg("%s, version %d, \"%s\", encoding %#x, %s%s", understood ? "not understood" : "taken", form->version,
			 form->augmentation, form->encoding, form->debug ? ".debug_frame" : ".eh_frame",
			 form->wide ? ", 64 bits" : "");
	if (!understood)
		assert_int_equal(c.object->table_error, -ENODATA);
	discard(&c);
}

static void test_all_pointer_encodings(void **state)
{
	/* Those of 2 bytes, and of 4 without a sign, cannot hold these addresses; real ones do not have them. */
	static const uint8_t good[] = {0x00, 0x01, 0x03, 0x04, 0x09, 0x0b, 0x0c, 0x10, 0x11, 0x14, 0x19, 0x1b, 0x1c, 0x50};
	/* Relative to text, data or a function; indirect; omitted; of no known format. */
	static const uint8_t bad[] = {0x2b, 0x3b, 0x4b, 0x9b, 0x80, 0xff, 0x05, 0x08, 0x1d};

	(void)state;
	for (size_t i = 0; i < sizeof(good); i++)
		expect_understood(&(struct form){"zR", 1, good[i], {good[i]}, 1, false, false}, true);
	for (size_t i = 0; i < sizeof(bad); i++)
		expect_understood(&(struct form){"zR", 1, bad[i], {bad[i]}, 1, false, false}, false);
}

static void test_all_versions_and_augmentations(void **state)
{
	static const struct form good[] = {
	    {"", 1, 0, {}, 0, false, false},
	    {"", 3, 0, {}, 0, false, false},
	    {"", 4, 0, {}, 0, false, false},
	    {"eh", 1, 0, {}, 0, false, false},
	    {"z", 1, 0, {}, 0, false, false},
	    {"zR", 3, 0x1b, {0x1b}, 1, true, false},
	    {"zPLR", 1, 0x1b, {0x9b, 1, 2, 3, 4, 0x1b, 0x1b}, 7, false, false},
	    {"zLPR", 1, 0x1b, {0x1b, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b}, 11, false, false},
	    {"zRB", 1, 0x1b, {0x1b}, 1, false, false},
	    {"", 1, 0, {}, 0, false, true},
	    {"", 3, 0, {}, 0, true, true},
	    {"", 4, 0, {}, 0, false, true},
	    {"", 4, 0, {}, 0, true, true},
	};
	static const struct form bad[] = {
	    {"", 2, 0, {}, 0, false, false},
	    {"", 5, 0, {}, 0, false, false},
	    {"x", 1, 0, {}, 0, false, false},
	    {"zRx", 1, 0x1b, {0x1b, 0}, 2, false, false},
	    {"zRBBBBBBBBBBBBBBBBBBBB", 1, 0x1b, {0x1b}, 1, false, false},
	    {"zP", 1, 0, {0x00, 1, 2, 3}, 4, false, false}, /* 8 bytes are said to come */
	    {"zP", 1, 0, {0x07, 1, 2, 3}, 4, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		expect_understood(&good[i], true);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_understood(&bad[i], false);
}

static struct bytes two_functions(void)
{
	struct bytes frames = {};

	put_cie(&frames);
	put_fde(&frames, 0, AT, 0x40, (uint8_t[]){DW_CFA_def_cfa_offset, 16}, 2);
	put_u32(&frames, 0); /* crtend.o */
	put_fde(&frames, 0, AT + 0x40, 0x40, (uint8_t[]){DW_CFA_def_cfa_offset, 32}, 2);
	return frames;
}

static void test_without_section_headers_the_segment_leads_to_the_frames(void **state)
{
	struct bytes frames = two_functions();
	struct compiled by_section = compile_parts(&(struct image_parts){.eh_frame = &frames}),
			by_segment = compile_parts(&(struct image_parts){.eh_frame = &frames, .no_sections = true});

	(void)state;
	assert_int_equal(cfa_at(&by_section, AT), 16);
	assert_int_equal(cfa_at(&by_section, AT + 0x40), 32);
	assert_int_equal(cfa_at(&by_segment, AT), 16);
	assert_int_equal(cfa_at(&by_segment, AT + 0x40), 0); /* where they end is not known: the zero must be it */
	discard(&by_section);
	discard(&by_segment);
	free_bytes(&frames);
}

static struct bytes read_file(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	char buffer[65536];
	struct bytes all = {};
	size_t count;

	if (!file)
		skip();
	while ((count = fread(buffer, 1, sizeof(buffer), file)) > 0)
		put_bytes(&all, buffer, count);
	return all;
}

static void test_a_library_without_section_headers_has_the_same_table(void **state)
{
	struct bytes image = read_file(LIBC);
	struct unwind_object *whole, *stripped;
	struct unwind_rules *rules;

	(void)state;
	assert_int_equal(unwind_rules_new(&rules), 0);
	assert_int_equal(unwind_object_compile_memory(image.data, image.count, rules, &whole), 0);
	((Elf64_Ehdr *)image.data)->e_shoff = 0;
	assert_int_equal(unwind_object_compile_memory(image.data, image.count, rules, &stripped), 0);
	((Elf64_Ehdr *)image.data)->e_shoff = image.count - 10; /* garbage must not hide what the segments say */
	assert_true(whole->table->n_rows > 1000);
	assert_int_equal(stripped->table->n_rows, whole->table->n_rows);
	assert_memory_equal(stripped->table->rows, whole->table->rows, whole->table->n_rows * sizeof(uint32_t));
	unwind_object_free(stripped);
	assert_int_equal(unwind_object_compile_memory(image.data, image.count, rules, &stripped), 0);
	assert_int_equal(stripped->table->n_rows, whole->table->n_rows);
	assert_int_equal(whole->build_id_bytes, 20);
	assert_int_equal(stripped->build_id_bytes, 20);
	assert_memory_equal(whole->build_id, stripped->build_id, 20);
	assert_true(whole->interpreted && !whole->fixed); /* libc can be started */
	unwind_object_free(stripped);
	unwind_object_free(whole);
	unwind_rules_free(rules);
	free_bytes(&image);
}

static void test_debug_frame_fills_what_eh_frame_leaves(void **state)
{
	const struct form form = {"", 4, 0, {}, 0, false, true};
	struct bytes debug = frames_in_form(&form), frames = {}, packed = {};
	Elf64_Chdr header = {.ch_type = ELFCOMPRESS_ZLIB};
	uLongf bytes;
	struct compiled c;

	(void)state;
	put_form_fde(&debug, &form, AT + 0x100, 0x40);
	put_cie(&frames);
	put_fde(&frames, 0, AT, 0x40, (uint8_t[]){DW_CFA_def_cfa_offset, 16}, 2);
	c = compile_parts(&(struct image_parts){.eh_frame = &frames, .debug_frame = &debug});
	assert_int_equal(cfa_at(&c, AT), 16); /* both have it */
	assert_int_equal(cfa_at(&c, AT + 0x100), 24);
	assert_int_equal(c.object->table->n_fdes, 3);
	discard(&c);

	header.ch_size = debug.count;
	put_bytes(&packed, &header, sizeof(header));
	bytes = compressBound(debug.count);
	packed.data = realloc(packed.data, packed.count + bytes);
	assert_non_null(packed.data);
	assert_int_equal(compress(packed.data + packed.count, &bytes, debug.data, debug.count), Z_OK);
	packed.count += bytes;
	c = compile_parts(&(struct image_parts){.debug_frame = &packed, .debug_frame_flags = SHF_COMPRESSED});
	assert_int_equal(cfa_at(&c, AT), 24);
	assert_int_equal(cfa_at(&c, AT + 0x100), 24);
	discard(&c);

	/* One that says it is larger than it is, or larger than any. */
	for (int i = 0; i < 2; i++) {
		((Elf64_Chdr *)packed.data)->ch_size = i ? UINT64_MAX : 10;
		c = compile_parts(
		    &(struct image_parts){.eh_frame = &frames, .debug_frame = &packed, .debug_frame_flags = SHF_COMPRESSED});
		assert_int_equal(cfa_at(&c, AT), 16);
		assert_int_equal(cfa_at(&c, AT + 0x100), 0);
		discard(&c);
	}
	free_bytes(&packed);
	free_bytes(&debug);
	free_bytes(&frames);
}

static void test_the_bias_of_a_mapping(void **state)
{
	struct unwind_segment segments[] = {
	    {0, 0, 0x1800, 0x1800, PF_R},
	    {0x1800, 0x401800, 0x5900, 0x5900, PF_R | PF_X}, /* shares a page of the file with both neighbours */
	    {0x7100, 0x508100, 0x800, 0x2000, PF_R | PF_W},
	};
	const struct unwind_object object = {.segments = segments, .n_segments = 3};
	const uint64_t start = 0x7f0000000000;
	uint64_t bias;

	(void)state;
	assert_true(unwind_object_bias(&object, start, 0x1000, &bias));
	assert_int_equal(bias, start - 0x401000);
	assert_true(unwind_object_bias(&object, start, 0x3000, &bias)); /* the segment in two mappings */
	assert_int_equal(bias, start - 0x403000);
	assert_true(unwind_object_bias(&object, start, 0, &bias));
	assert_int_equal(bias, start);
	assert_false(unwind_object_bias(&object, start, 0x8000, &bias));
}

static void test_what_is_no_object_is_refused(void **state)
{
	struct bytes frames = two_functions(), image = make_image(&(struct image_parts){.eh_frame = &frames});
	struct unwind_object *object;
	struct unwind_rules *rules;
	Elf64_Ehdr good;

	(void)state;
	assert_int_equal(unwind_rules_new(&rules), 0);
	memcpy(&good, image.data, sizeof(good));
	for (int i = 0; i < 7; i++) {
		Elf64_Ehdr bad = good;

		switch (i) {
		case 0:
			bad.e_ident[EI_CLASS] = ELFCLASS32;
			break;
		case 1:
			bad.e_machine = EM_AARCH64;
			break;
		case 2:
			bad.e_type = ET_REL;
			break;
		case 3:
			bad.e_phnum = 0;
			break;
		case 4:
			bad.e_phoff = image.count;
			break;
		case 5:
			bad.e_phoff = UINT64_MAX;
			break;
		case 6:
			bad.e_phentsize = 32;
			break;
		}
		memcpy(image.data, &bad, sizeof(bad));
		assert_int_equal(unwind_object_compile_memory(image.data, image.count, rules, &object), -ENOEXEC);
	}
	assert_int_equal(unwind_object_compile_memory("", 0, rules, &object), -ENOEXEC);
	assert_int_equal(unwind_object_compile(-1, rules, &object), -EBADF);
	_cleanup_close_ int device = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_int_equal(unwind_object_compile(device, rules, &object), -ENOEXEC);
	unwind_rules_free(rules);
	free_bytes(&image);
	free_bytes(&frames);
}

static void test_a_file_and_its_memory_give_the_same_table(void **state)
{
	_cleanup_close_ int fd = open(LIBC, O_RDONLY | O_CLOEXEC);
	struct unwind_object *file, *memory;
	struct unwind_rules *rules;
	struct bytes image;

	(void)state;
	if (fd < 0)
		skip();
	image = read_file(LIBC);
	assert_int_equal(unwind_rules_new(&rules), 0);
	assert_int_equal(unwind_object_compile(fd, rules, &file), 0);
	assert_int_equal(unwind_object_compile_memory(image.data, image.count, rules, &memory), 0);
	assert_int_equal(file->table->n_rows, memory->table->n_rows);
	assert_memory_equal(file->table->rows, memory->table->rows, file->table->n_rows * sizeof(uint32_t));
	assert_memory_equal(file->table->index, memory->table->index, (file->table->n_pages + 1) * sizeof(uint32_t));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	unwind_object_free(file);
	unwind_object_free(memory);
	unwind_rules_free(rules);
	free_bytes(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_pointer_encodings),
	    cmocka_unit_test(test_all_versions_and_augmentations),
	    cmocka_unit_test(test_without_section_headers_the_segment_leads_to_the_frames),
	    cmocka_unit_test(test_a_library_without_section_headers_has_the_same_table),
	    cmocka_unit_test(test_debug_frame_fills_what_eh_frame_leaves),
	    cmocka_unit_test(test_the_bias_of_a_mapping),
	    cmocka_unit_test(test_what_is_no_object_is_refused),
	    cmocka_unit_test(test_a_file_and_its_memory_give_the_same_table),
	};

	return cmocka_run_group_tests_name("objects with unwind tables", tests, NULL, NULL);
}
