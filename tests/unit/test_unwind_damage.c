/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are cut off, flipped, or made of noise: a clear error or a sound table, in bounded time. Most telling under sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cfi_builder.h"
#include "lib/cleanup.h"

/* Small and on every Debian; its table takes well under a millisecond. */
#define OBJECT "/lib/x86_64-linux-gnu/libgcc_s.so.1"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* How many gave a table. */
static int try_image(struct unwind_rules **rules, const void *image, size_t bytes)
{
	struct unwind_object *object;
	int err = unwind_object_compile_memory(image, bytes, *rules, &object), tables = 0;
	const char *fault;
	size_t count;

	if (err) {
		assert_true(err == -ENOEXEC || err == -ENOMEM);
		return 0;
	}
	unwind_rules_all(*rules, &count);
	if (object->table) {
		fault = table_fault(object->table, count);
		if (fault)
			fail_msg("%s", fault);
		tables = 1;
	} else {
		assert_true(object->table_error == -ENODATA || object->table_error == -E2BIG);
	}
	unwind_object_free(object);
	if (count > 50000) {
		unwind_rules_free(*rules);
		assert_int_equal(unwind_rules_new(rules), 0);
	}
	return tables;
}

/* A copy of exactly this length: reading one byte too many is seen. */
static int try_copy(struct unwind_rules **rules, const void *image, size_t bytes)
{
	_cleanup_free_ void *copy = malloc(bytes ? bytes : 1);

	assert_non_null(copy);
	memcpy(copy, image, bytes);
	return try_image(rules, copy, bytes);
}

static struct bytes read_object(void)
{
	_cleanup_close_ int fd = open(OBJECT, O_RDONLY | O_CLOEXEC);
	uint8_t buffer[65536];
	struct bytes image = {};
	ssize_t count;

	if (fd < 0)
		skip();
	while ((count = read(fd, buffer, sizeof(buffer))) > 0)
		put_bytes(&image, buffer, count);
	return image;
}

static void test_an_object_cut_off_anywhere(void **state)
{
	struct bytes image = read_object();
	struct unwind_rules *rules;
	int tables = 0, tried = 0;

	(void)state;
	assert_int_equal(unwind_rules_new(&rules), 0);
	for (size_t bytes = 0; bytes < image.count; bytes += bytes < 2000 ? 7 : 997, tried++)
		tables += try_copy(&rules, image.data, bytes);
	assert_true(tables > 0 && tables < tried);
	unwind_rules_free(rules);
	free_bytes(&image);
}

/* Where the frames and the headers are: the rest of the object is not read. */
static size_t interesting(const struct bytes *image, uint64_t *random)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	memcpy(&header, image->data, sizeof(header));
	if (next_random(random) % 4 == 0)
		return next_random(random) % (header.e_phoff + header.e_phnum * sizeof(segment));
	if (next_random(random) % 4 == 0)
		return header.e_shoff + next_random(random) % (header.e_shnum * sizeof(Elf64_Shdr));
	for (int i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, image->data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_GNU_EH_FRAME)
			return segment.p_offset + next_random(random) % (segment.p_filesz * 4);
	}
	fail_msg("no PT_GNU_EH_FRAME in " OBJECT);
	return 0;
}

static void test_an_object_with_flipped_bits(void **state)
{
	struct bytes image = read_object();
	uint64_t random = 0x2545f4914f6cdd1d;
	_cleanup_free_ uint8_t *copy = malloc(image.count);
	struct unwind_rules *rules;
	int tables = 0;

	(void)state;
	assert_non_null(copy);
	assert_int_equal(unwind_rules_new(&rules), 0);
	for (int i = 0; i < 3000; i++) {
		memcpy(copy, image.data, image.count);
		for (int flips = 1 + i % 16; flips > 0; flips--) {
			size_t at = interesting(&image, &random);

			if (at < image.count)
				copy[at] ^= 1 << next_random(&random) % 8;
		}
		tables += try_image(&rules, copy, image.count);
	}
	assert_true(tables > 100 && tables < 3000);
	unwind_rules_free(rules);
	free_bytes(&image);
}

/* Call frame instructions at random behind headers that are right, so that noise gets as deep as it can. */
static void test_noise_for_instructions(void **state)
{
	static const uint8_t favoured[] = {0x0e, 0x0c, 0x0d, 0x0a, 0x0b, 0x0f, 0x10, 0x16, 0x05, 0x11, 0x12, 0x13, 0x14, 0x15,
					   0x01, 0x02, 0x03, 0x04, 0x41, 0x48, 0x86, 0x90, 0xc6, 0xd0, 0x07, 0x08, 0x77, 0x76};
	uint64_t random = 88172645463325252;
	struct unwind_rules *rules;
	int tables = 0;

	(void)state;
	assert_int_equal(unwind_rules_new(&rules), 0);
	for (int i = 0; i < 2000; i++) {
		struct bytes frames = {}, image;

		put_cie(&frames);
		for (int fde = 0; fde < 8; fde++) {
			uint8_t program[64];

			for (size_t k = 0; k < sizeof(program); k++)
				program[k] = next_random(&random) % 3 ? favoured[next_random(&random) % sizeof(favoured)]
								      : next_random(&random);
			put_fde(&frames, 0, TEXT_ADDRESS + next_random(&random) % 0x2000, next_random(&random) % 0x800, program,
				next_random(&random) % sizeof(program));
		}
		if (i % 2) /* and something that is not right */
			frames.data[next_random(&random) % frames.count] = next_random(&random);
		image = make_image(&(struct image_parts){.eh_frame = &frames, .no_sections = i % 3 == 0});
		tables += try_copy(&rules, image.data, image.count);
		free_bytes(&image);
		free_bytes(&frames);
	}
	assert_true(tables > 1000);
	unwind_rules_free(rules);
}

/* Its owner may truncate a file at any time: what was there when it was opened need not be there when it is read. */
static void test_a_file_that_shrinks_is_an_error(void **state)
{
	char path[] = "/tmp/concprof-unwind-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	struct bytes image = read_object();
	struct unwind_object *object;
	struct unwind_rules *rules;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, image.data, image.count), image.count);
	assert_int_equal(unwind_rules_new(&rules), 0);
	assert_int_equal(unwind_object_compile(fd, rules, &object), 0);
	assert_non_null(object->table);
	unwind_object_free(object);
	for (size_t bytes = 1 << 17; bytes > 0; bytes /= 2) {
		assert_int_equal(ftruncate(fd, bytes < image.count ? bytes : image.count - 1), 0);
		if (unwind_object_compile(fd, rules, &object) == 0)
			unwind_object_free(object);
	}
	assert_int_equal(unwind_object_compile(fd, rules, &object), -ENOEXEC);
	unwind_rules_free(rules);
	free_bytes(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_object_cut_off_anywhere),
	    cmocka_unit_test(test_an_object_with_flipped_bits),
	    cmocka_unit_test(test_noise_for_instructions),
	    cmocka_unit_test(test_a_file_that_shrinks_is_an_error),
	};

	return cmocka_run_group_tests_name("damaged objects", tests, NULL, NULL);
}
