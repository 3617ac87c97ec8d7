/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's functions from texts like /proc/kallsyms, and from the kernel that runs. */
#include "symbols_fixture.h"

#include <errno.h>

#include "symbols/kernel_symbols.h"

static struct kernel_symbols *parse(const char *text)
{
	struct kernel_symbols *symbols = NULL;

	write_text("kallsyms", text, strlen(text));
	assert_int_equal(kernel_symbols_open(IN_FOLDER("kallsyms"), &symbols), 0);
	return symbols;
}

static void expect(const struct kernel_symbols *symbols, uint64_t address, const char *name, uint64_t offset, const char *module)
{
	const char *got_module = NULL, *got;
	uint64_t got_offset = 0;

	got = kernel_symbols_find(symbols, address, &got_offset, &got_module);
	if (!name) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, name);
	assert_int_equal(got_offset, offset);
	if (module)
		assert_string_equal(got_module, module);
	else
		assert_null(got_module);
}

static void test_functions_and_modules(void **state)
{
	/* Per-CPU variables first, as on x86-64; aliases; data behind code; modules out of order; programs. */
	struct kernel_symbols *symbols = parse("0000000000001000 A fixed_percpu_data\n"
					       "ffffffff81000000 T _text\n"
					       "ffffffff81000000 T __startup_64\n"
					       "ffffffff81000000 T startup_64\n"
					       "ffffffff81000100 t local\n"
					       "ffffffff81000200 W weak\n"
					       "ffffffff81000300 T _etext\n"
					       "ffffffff81000300 D table\n"
					       "ffffffff81000400 d other\n"
					       "ffffffff81000500 T after\n"
					       "ffffffffc0002000 t ext4_read\t[ext4]\n"
					       "ffffffffc0002800 d ext4_data\t[ext4]\n"
					       "ffffffffc0001000 t nf_hook\t[nf]\n"
					       "ffffffffc0001100 t nf_more\t[nf]\n"
					       "ffffffffc0003000 t bpf_prog_0123_name\t[bpf]\n");

	(void)state;
	expect(symbols, 0x1000, NULL, 0, NULL);
	expect(symbols, 0xffffffff80ffffff, NULL, 0, NULL);
	expect(symbols, 0xffffffff81000010, "startup_64", 0x10, NULL);
	expect(symbols, 0xffffffff810001ff, "local", 0xff, NULL);
	expect(symbols, 0xffffffff810002ff, "weak", 0xff, NULL);
	expect(symbols, 0xffffffff81000400, NULL, 0, NULL); /* data is no function, and ends the one before */
	expect(symbols, 0xffffffff81000510, "after", 0x10, NULL);
	expect(symbols, 0xffffffffc0001008, "nf_hook", 8, "nf");
	expect(symbols, 0xffffffffc00011ff, "nf_more", 0xff, "nf");
	expect(symbols, 0xffffffffc0002001, "ext4_read", 1, "ext4");
	expect(symbols, 0xffffffffc0002801, NULL, 0, NULL);
	expect(symbols, 0xffffffffc0003001, "bpf_prog_0123_name", 1, "bpf");
	expect(symbols, 0xffffffffffffffff, NULL, 0, NULL); /* far behind the last beginning */
	kernel_symbols_close(symbols);
}

static void test_addresses_are_hidden(void **state)
{
	static const char *const texts[] = {"0000000000000000 T _text\n0000000000000000 t one\n", "", "nonsense\n\n \n"};
	struct kernel_symbols *symbols;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_text("kallsyms", texts[i], strlen(texts[i]));
		assert_int_equal(kernel_symbols_open(IN_FOLDER("kallsyms"), &symbols), -EACCES);
	}
	assert_int_equal(kernel_symbols_open(IN_FOLDER("nothing"), &symbols), -ENOENT);
}

static void test_damaged_lines(void **state)
{
	struct kernel_symbols *symbols = parse("ffffffff81000000 T good\n"
					       "ffffffff81000010 T\n"
					       "ffffffff81000020\n"
					       "ffffffff8100003000000 T toolong\n"
					       "xyz T nonsense\n"
					       " T nothing\n"
					       "ffffffff81000040 T  \n"
					       "ffffffff81000050 T a\t[open\n"
					       "ffffffff81000060 T b\t]\n"
					       "ffffffff81000070 T c\t[]\n"
					       "ffffffff81000080 T unfinished");

	(void)state;
	expect(symbols, 0xffffffff81000030, "good", 0x30, NULL);
	expect(symbols, 0xffffffff81000058, "a", 8, NULL);
	expect(symbols, 0xffffffff81000068, "b", 8, NULL);
	expect(symbols, 0xffffffff81000078, "c", 8, "");
	expect(symbols, 0xffffffff81000088, "c", 0x18, "");
	kernel_symbols_close(symbols);
}

/* The functions that kallsyms lists, by a second reading of the same text. */
static void test_the_running_kernel(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);
	_cleanup_fclose_ FILE *file = fopen("/proc/kallsyms", "r");
	unsigned int seen = 0, same = 0;
	char line[1024];

	(void)state;
	for (unsigned int n = 0; file && fgets(line, sizeof(line), file); n++) {
		const char *module = NULL, *got;
		unsigned long long address;
		char name[512], type;
		uint64_t offset = 1;

		if (n % 37 || sscanf(line, "%llx %c %511s", &address, &type, name) != 3 || (type != 't' && type != 'T') ||
		    !(address >> 63) || strchr(line, '['))
			continue;
		got = symbolizer_kernel(symbolizer, address, &offset, &module);
		assert_non_null(got);
		assert_int_equal(offset, 0);
		assert_null(module);
		seen++;
		same += strcmp(got, name) == 0;
	}
	symbolizer_close(symbolizer);
	if (!seen)
		skip();                       /* the kernel hides its addresses from this user */
	assert_true(same > seen - seen / 10); /* the others have aliases */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_functions_and_modules),
	    cmocka_unit_test(test_addresses_are_hidden),
	    cmocka_unit_test(test_damaged_lines),
	    cmocka_unit_test(test_the_running_kernel),
	};

	return cmocka_run_group_tests_name("kernel functions", tests, make_folder, remove_folder);
}
