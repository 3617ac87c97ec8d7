/* SPDX-License-Identifier: Apache-2.0 */
/* Which function an address of an ELF object lies in, and what damaged files do to that: nothing. */
#include "symbols_fixture.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define FUNCTION(name, address, bytes)                                                                                           \
	{                                                                                                                        \
		name, address, bytes, STT_FUNC, STB_GLOBAL                                                                       \
	}

static struct symbolizer *symbolizer;

static struct symbol_object *open_made(const struct made_elf *elf)
{
	_cleanup_close_ int fd = memory_file(elf, sizeof(*elf));
	struct symbol_object *object;

	assert_int_equal(symbolizer_object(symbolizer, fd, NULL, &object), 0);
	return object;
}

static int open_symbolizer(void **state)
{
	(void)state;
	symbolizer = symbolizer_for_test(false, false);
	return 0;
}

static int close_symbolizer(void **state)
{
	(void)state;
	symbolizer_close(symbolizer);
	return 0;
}

static void test_sizes_are_respected(void **state)
{
	static const struct made_symbol symbols[] = {
	    FUNCTION("second", TEXT + 0x100, 0x20), /* not in order */
	    FUNCTION("first", TEXT, 0x80),
	    FUNCTION("last", TEXT + BYTES - 0x10, 0x100), /* beyond its section */
	    FUNCTION("in_data", DATA + 0x10, 0x10),
	    {"variable", TEXT + 0x200, 0x10, STT_OBJECT, STB_GLOBAL},
	    {"chooser", TEXT + 0x300, 0x10, STT_GNU_IFUNC, STB_GLOBAL},
	};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	struct symbol_object *object = open_made(&elf);

	(void)state;
	assert_string_equal(NAME_AT(symbolizer, object, TEXT), "first+0");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x7f), "first+0x7f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x80), "?");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT - 1), "?");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x11f), "second+0x1f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x120), "?");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x205), "?");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x30f), "chooser+0xf");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + BYTES - 1), "last+0xf");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + BYTES), "?");
	assert_string_equal(NAME_AT(symbolizer, object, DATA + 0x10), "?");
	assert_string_equal(NAME_AT(symbolizer, object, UINT64_MAX), "?");
}

static void test_of_several_the_public_name(void **state)
{
	static const struct made_symbol symbols[] = {
	    {"local_name", TEXT, 0x10, STT_FUNC, STB_LOCAL},
	    FUNCTION("__libc_read", TEXT, 0x10),
	    {"read", TEXT, 0x10, STT_FUNC, STB_WEAK},
	    FUNCTION("__read", TEXT, 0x10),
	    {".hidden", TEXT + 0x20, 0x10, STT_FUNC, STB_GLOBAL},
	    FUNCTION("___seen", TEXT + 0x20, 0x10),
	    FUNCTION("memcpy@@GLIBC_2.14", TEXT + 0x40, 0x10),
	    FUNCTION("part", TEXT + 0x60, 0x08),
	    FUNCTION("the_whole", TEXT + 0x60, 0x20),
	    {"label", TEXT + 0x80, 0, STT_NOTYPE, STB_GLOBAL},
	    {"a_local_function", TEXT + 0x80, 0x10, STT_FUNC, STB_LOCAL},
	};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	struct symbol_object *object = open_made(&elf);

	(void)state;
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 1), "read+0x1");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x21), "___seen+0x1");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x41), "memcpy+0x1");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x61), "the_whole+0x1");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x81), "a_local_function+0x1");
}

/* The outer function goes on where the inner one ends; offsets count from its own beginning. */
static void test_functions_in_functions(void **state)
{
	static const struct made_symbol symbols[] = {
	    FUNCTION("outer", TEXT, 0x100),
	    FUNCTION("inner", TEXT + 0x20, 0x20),
	    FUNCTION("innermost", TEXT + 0x28, 8),
	    FUNCTION("late", TEXT + 0x80, 0x100),
	    {"label", TEXT + 0x60, 0, STT_NOTYPE, STB_GLOBAL},
	};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	struct symbol_object *object = open_made(&elf);

	(void)state;
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x1f), "outer+0x1f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x20), "inner+0");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x2f), "innermost+0x7");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x30), "inner+0x10");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x3f), "inner+0x1f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x40), "outer+0x40");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x60), "outer+0x60"); /* a label in it is no function */
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0xff), "late+0x7f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x17f), "late+0xff");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x180), "?");
}

/* Assembly without sizes reaches up to the next symbol, and never into another section. */
static void test_symbols_without_size(void **state)
{
	static const struct made_symbol symbols[] = {
	    {"_start", TEXT + 0x10, 0, STT_NOTYPE, STB_GLOBAL},
	    {"next", TEXT + 0x30, 0, STT_FUNC, STB_LOCAL},
	    FUNCTION("sized", TEXT + 0x50, 0x10),
	    {"tail", TEXT + 0x80, 0, STT_NOTYPE, STB_LOCAL},
	    {"_etext", TEXT + BYTES, 0, STT_NOTYPE, STB_GLOBAL},
	    {"elsewhere", OTHER + 0x10, 0, STT_NOTYPE, STB_GLOBAL},
	};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	struct symbol_object *object = open_made(&elf);

	(void)state;
	assert_string_equal(NAME_AT(symbolizer, object, TEXT), "?");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x2f), "_start+0x1f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x4f), "next+0x1f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x7f), "?"); /* behind a function with a size */
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + BYTES - 1), "tail+0xf7f");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + BYTES), "?");
	assert_string_equal(NAME_AT(symbolizer, object, OTHER), "?");
	assert_string_equal(NAME_AT(symbolizer, object, OTHER + BYTES - 1), "elsewhere+0xfef");
	assert_string_equal(NAME_AT(symbolizer, object, OTHER + BYTES), "?");
}

static void test_names_of_strangers(void **state)
{
	static const struct made_symbol symbols[] = {
	    FUNCTION("red\033[31m\n", TEXT, 0x10),
	    FUNCTION("\xff\xfe", TEXT + 0x10, 0x10),
	    FUNCTION("_ZN3oneL3twoEv", TEXT + 0x20, 0x10),
	    FUNCTION("_Znot_mangled", TEXT + 0x30, 0x10),
	    FUNCTION("@", TEXT + 0x40, 0x10),
	};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	struct symbol_object *object;
	struct symbol_frame frame, again;

	(void)state;
	elf.symbols[5].st_name = UINT32_MAX;
	object = open_made(&elf);
	assert_string_equal(NAME_AT(symbolizer, object, TEXT), "red?[31m?+0");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x10), "\?\?+0");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x20), "one::two()+0");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x30), "_Znot_mangled+0");
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x40), "?");
	symbolizer_user(symbolizer, object, TEXT, &frame, 1);
	symbolizer_user(symbolizer, object, TEXT + 5, &again, 1);
	assert_ptr_equal(frame.function, again.function);
}

static void test_the_file_changes_meanwhile(void **state)
{
	static const struct made_symbol symbols[] = {FUNCTION("one", TEXT, 0x10), FUNCTION("two", TEXT + 0x10, 0x10)};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	_cleanup_close_ int fd = memory_file(&elf, sizeof(elf));
	struct symbol_object *object;

	(void)state;
	assert_int_equal(symbolizer_object(symbolizer, fd, NULL, &object), 0);
	assert_string_equal(NAME_AT(symbolizer, object, TEXT), "one+0");
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x10), "?"); /* and no SIGBUS */
	assert_string_equal(NAME_AT(symbolizer, object, TEXT), "one+0");    /* was asked for before */
}

/* Overwritten in place: what stands at the names' place now are other names. */
static void test_the_file_is_overwritten_meanwhile(void **state)
{
	static const struct made_symbol symbols[] = {FUNCTION("one", TEXT, 0x10), FUNCTION("two", TEXT + 0x10, 0x10)};
	static const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	_cleanup_close_ int fd = memory_file(&elf, sizeof(elf));
	struct symbol_object *object, *again;

	(void)state;
	assert_int_equal(futimens(fd, long_ago), 0);
	assert_int_equal(symbolizer_object(symbolizer, fd, NULL, &object), 0);
	assert_string_equal(NAME_AT(symbolizer, object, TEXT), "one+0");
	assert_int_equal(pwrite(fd, "\0few\0gnu", 9, offsetof(struct made_elf, strings)), 9);
	assert_string_equal(NAME_AT(symbolizer, object, TEXT + 0x10), "?");
	assert_int_equal(symbolizer_object(symbolizer, fd, NULL, &again), 0);
	assert_ptr_not_equal(again, object);
	assert_string_equal(NAME_AT(symbolizer, again, TEXT + 0x10), "gnu+0");
}

static void test_what_is_no_object(void **state)
{
	static const struct made_symbol symbols[] = {FUNCTION("one", TEXT, 0x10)};
	struct made_elf elf = make_elf(symbols, COUNT(symbols)), other = elf;
	struct symbol_object *object;
	int fds[2];

	(void)state;
	other.header.e_type = ET_REL;
	fds[0] = memory_file(&other, sizeof(other));
	assert_int_equal(symbolizer_object(symbolizer, fds[0], NULL, &object), -ENOEXEC);
	close(fds[0]);
	other = elf;
	other.header.e_machine = EM_AARCH64;
	fds[0] = memory_file(&other, sizeof(other));
	assert_int_equal(symbolizer_object(symbolizer, fds[0], NULL, &object), -ENOEXEC);
	close(fds[0]);
	fds[0] = memory_file("#!/bin/sh\n", 10);
	assert_int_equal(symbolizer_object(symbolizer, fds[0], NULL, &object), -ENOEXEC);
	close(fds[0]);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(symbolizer_object(symbolizer, fds[0], NULL, &object), -ENOEXEC); /* and does not hang */
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(symbolizer_object(symbolizer, -1, "/nonexistent", &object), -ENOENT);
	assert_int_equal(symbolizer_object(symbolizer, -1, "/dev/null", &object), -EPERM);
	assert_int_equal(symbolizer_object(symbolizer, -1, "/proc", &object), -EPERM);
}

static void test_offsets_in_the_file(void **state)
{
	static const struct made_symbol symbols[] = {FUNCTION("one", TEXT, 0x10)};
	struct made_elf elf = make_elf(symbols, COUNT(symbols));
	struct symbol_object *object = open_made(&elf);
	uint64_t vaddr = 0;

	(void)state;
	assert_true(symbol_object_address(object, 0x210, &vaddr));
	assert_int_equal(vaddr, TEXT + 0x10);
	assert_false(symbol_object_address(object, 0x1ff, &vaddr));
	assert_false(symbol_object_address(object, 0xa00, &vaddr));
}

/* Sizes that would take all memory are refused before memory is taken; the file really is that long, but empty. */
static void test_enormous_claims(void **state)
{
	static const struct made_symbol symbols[] = {FUNCTION("one", TEXT, 0x10)};
	struct symbolizer_counts before, after;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct made_elf elf = make_elf(symbols, COUNT(symbols));
		struct symbol_object *object;
		int fd;

		switch (i) {
		case 0:
			elf.sections[S_SYMTAB].sh_size = 1ull << 40;
			break;
		case 1:
			elf.sections[S_STRTAB].sh_size = (512u << 20) + 1;
			break;
		case 2: /* one more than is read */
			elf.sections[S_SYMTAB].sh_size = 24ull * ((8u << 20) + 1);
			break;
		default:
			elf.sections[S_STRTAB].sh_size = UINT64_MAX - 10;
			break;
		}
		fd = memory_file(&elf, sizeof(elf));
		assert_int_equal(ftruncate(fd, 1ll << 41), 0);
		symbolizer_counts(symbolizer, &before);
		assert_int_equal(symbolizer_object(symbolizer, fd, NULL, &object), 0);
		assert_string_equal(NAME_AT(symbolizer, object, TEXT), "?");
		assert_string_equal(NAME_AT(symbolizer, object, TEXT), "?");
		symbolizer_counts(symbolizer, &after);
		assert_int_equal(after.objects, before.objects + 1);
		assert_int_equal(after.objects_unnamed, before.objects_unnamed + (i < 3));
		close(fd);
	}
}

/* Every damaged copy of a real object: no crash, no hang, and what is said is a name. */
static unsigned int look_into(const void *bytes, size_t n)
{
	struct symbolizer *own = symbolizer_for_test(false, false);
	_cleanup_close_ int fd = memory_file(bytes, n);
	struct symbol_object *object;
	unsigned int named = 0;

	if (symbolizer_object(own, fd, NULL, &object) == 0) {
		for (uint64_t address = 0; address < 0x6000; address += 0x35) {
			struct symbol_frame frame;

			assert_int_equal(symbolizer_user(own, object, address, &frame, 1), 1);
			named += frame.function && *frame.function;
		}
	}
	symbolizer_close(own);
	return named;
}

static void test_damaged_objects(void **state)
{
	unsigned int random = 1, good, named = 0, silent = 0;
	_cleanup_free_ uint8_t *bytes = NULL, *copy = NULL;
	struct stat status;
	size_t n;
	int fd;

	(void)state;
	shell("printf 'int puts(const char *); static int twice(int x) { return x * 2 + puts(\"x\"); }\\n"
	      "int one(int x) { return twice(x); } int two(int x) { return one(x) + puts(\"y\"); }' |"
	      "gcc -O1 -g -fno-inline -shared -fPIC -Wl,--build-id -x c -o damaged.so -");
	fd = open(IN_FOLDER("damaged.so"), O_RDONLY);
	assert_int_equal(fstat(fd, &status), 0);
	n = status.st_size;
	bytes = malloc(n);
	copy = malloc(n);
	assert_int_equal(read(fd, bytes, n), n);
	close(fd);
	good = look_into(bytes, n);
	assert_true(good > 3);
	for (size_t cut = 0; cut < n; cut += 97)
		look_into(bytes, cut);
	for (int i = 0; i < 4000; i++) {
		memcpy(copy, bytes, n);
		for (int flips = 0; flips < 1 + i % 4; flips++) {
			random = random * 1103515245 + 12345;
			/* Half of the damage in the header, the program headers and the section headers. */
			if (random >> 31)
				copy[n - 1 - (random >> 8) % (40 * sizeof(Elf64_Shdr))] ^= 1 << (random >> 5) % 8;
			else
				copy[(random >> 8) % n] ^= 1 << (random >> 5) % 8;
		}
		if (look_into(copy, n))
			named++;
		else
			silent++;
	}
	/* Else nothing was damaged, or nothing was looked into. */
	assert_true(named > 100);
	assert_true(silent > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes_are_respected),
	    cmocka_unit_test(test_of_several_the_public_name),
	    cmocka_unit_test(test_functions_in_functions),
	    cmocka_unit_test(test_symbols_without_size),
	    cmocka_unit_test(test_names_of_strangers),
	    cmocka_unit_test(test_the_file_changes_meanwhile),
	    cmocka_unit_test(test_the_file_is_overwritten_meanwhile),
	    cmocka_unit_test(test_what_is_no_object),
	    cmocka_unit_test(test_offsets_in_the_file),
	    cmocka_unit_test(test_enormous_claims),
	    cmocka_unit_test_setup_teardown(test_damaged_objects, make_folder, remove_folder),
	};

	return cmocka_run_group_tests_name("functions of ELF objects", tests, open_symbolizer, close_symbolizer);
}
