/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwind tables of objects that any Debian has against libdw's reading of the same objects: at every row's first and last address and at
 * random addresses, one step over made-up registers and memory must give the same caller.
 *
 * With arguments it compares those files instead: build/tests/unit/test_unwind_libdw /usr/bin/node ...
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "dwarf_reference.h"
#include "lib/cleanup.h"
#include "symbols/unwind_object.h"
#include "symbols/unwind_walk.h"

#define RANDOM_ADDRESSES 20000

struct comparison {
	const struct unwind_rule *rules;
	const struct unwind_table *table;
	Dwarf_CFI *cfi;
	uint64_t random;
	size_t compared, none, gaps, ends, signals, steps, unsupported, lost;
	size_t different;
};

static uint64_t next_random(struct comparison *comparison)
{
	return reference_memory(comparison->random++);
}

static int read_memory(void *context, uint64_t address, void *to, size_t bytes)
{
	uint64_t word = reference_memory(address);

	(void)context;
	assert_int_equal(bytes, sizeof(word));
	memcpy(to, &word, sizeof(word));
	return 0;
}

static bool is_value(struct reference_value value, uint64_t expected)
{
	return value.kind == REFERENCE_VALUE && value.value == expected;
}

/* Made-up memory sends a dereferenced CFA anywhere: whether that is progress is not what is compared. */
static bool same_progress(const struct unwind_rule *rule, const struct reference_frame *expected, uint64_t rsp)
{
	bool deref = rule->cfa == UNWIND_RSP_DEREF || rule->cfa == UNWIND_RBP_DEREF || rule->cfa == UNWIND_RBP;

	return deref && expected->cfa.kind == REFERENCE_VALUE && expected->cfa.value <= rsp;
}

/* One of the rules that a table has for some addresses that no FDE claims: unwind_table.h says which. */
static bool is_of_a_gap(const struct unwind_rule *rule)
{
	return (rule->cfa == UNWIND_RSP && rule->cfa_offset == 8 && rule->rbp == UNWIND_RBP_SAME) || rule->cfa == UNWIND_END ||
	       (rule->cfa == UNWIND_RBP && rule->cfa_offset == 16 && rule->rbp == UNWIND_RBP_AT_RBP);
}

/* Whether the rule says what libdw says. `*skip`: it cannot be told with these registers. */
static bool agrees(struct comparison *c, const struct unwind_rule *rule, const struct reference_frame *expected,
		   const struct reference_registers *from, bool *skip)
{
	const struct unwind_view view = {.read = read_memory};
	struct unwind_registers now = {.rip = from->rip, .rsp = from->rsp, .rbp = from->rbp, .rdi = from->rdi, .rdi_known = true};
	enum unwind_stop stop;
	bool signal;

	*skip = false;
	if (expected->cfa.kind == REFERENCE_NONE && is_of_a_gap(rule)) {
		c->gaps++;
		return true;
	}
	switch ((enum unwind_cfa)rule->cfa) {
	case UNWIND_NONE:
		c->none++;
		return expected->cfa.kind == REFERENCE_NONE;
	case UNWIND_UNSUPPORTED: /* only where the reference needs a register that an unwinder does not have */
		c->unsupported++;
		return expected->cfa.kind == REFERENCE_STRANGE || expected->rip.kind == REFERENCE_STRANGE;
	case UNWIND_END:
		c->ends++;
		return expected->rip.kind == REFERENCE_UNDEFINED;
	default:
		break;
	}
	stop = unwind_step(&view, rule, &now, &signal);
	if (stop == UNWIND_STOP_NO_PROGRESS && same_progress(rule, expected, from->rsp)) {
		*skip = true;
		return true;
	}
	if (stop != UNWIND_WHOLE || signal != expected->signal)
		return false;
	c->signals += signal;
	c->steps++;
	c->lost += now.rbp_lost;
	return is_value(expected->rip, now.rip) && is_value(expected->rsp, now.rsp) &&
	       (now.rbp_lost ? expected->rbp.kind != REFERENCE_VALUE : is_value(expected->rbp, now.rbp));
}

static void compare_at(struct comparison *c, uint64_t address)
{
	const struct unwind_rule *rule = &c->rules[unwind_table_rule(c->table, address)];
	struct reference_frame expected;
	bool skip = true, same = true;

	for (int tries = 0; tries < 40 && skip; tries++) {
		struct reference_registers from = {
		    .rip = address, .rsp = next_random(c) >> 20, .rbp = next_random(c) >> 18, .rdi = next_random(c)};

		expected = reference_step(c->cfi, &from, address);
		same = agrees(c, rule, &expected, &from, &skip);
	}
	c->compared++;
	if (same && !skip)
		return;
	if (c->different++ < 20)
		print_error("  %#jx: rule cfa %d %+d %+d, rbp %d %+d; libdw: cfa %d, rip %d, rsp %d, rbp %d, signal %d\n",
			    (uintmax_t)address, rule->cfa, rule->cfa_offset, rule->cfa_plus, rule->rbp, rule->rbp_offset,
			    expected.cfa.kind, expected.rip.kind, expected.rsp.kind, expected.rbp.kind, expected.signal);
}

static void compare_rows(struct comparison *c)
{
	const struct unwind_table *table = c->table;
	uint64_t last = 0;

	for (size_t page = 0; page < table->n_pages; page++) {
		for (size_t row = table->index[page]; row < table->index[page + 1]; row++) {
			uint64_t address = table->start + page * UNWIND_PAGE_BYTES + UNWIND_ROW_ADDRESS(table->rows[row]);

			if (row && address != last + 1)
				compare_at(c, address - 1);
			compare_at(c, address);
			last = address;
		}
	}
	for (int i = 0; i < RANDOM_ADDRESSES; i++)
		compare_at(c, table->start + next_random(c) % (table->end - table->start));
}

static void compare_object(const char *name, const struct unwind_object *object, const struct unwind_rules *rules, Elf *elf,
			   struct comparison *c)
{
	size_t n_rules;

	assert_non_null(object->table);
	*c = (struct comparison){.random = 1, .table = object->table, .rules = unwind_rules_all(rules, &n_rules)};
	assert_non_null(elf);
	c->cfi = dwarf_getcfi_elf(elf);
	assert_non_null(c->cfi);
	compare_rows(c);
	print_message("# %s: %zu rows, %zu rules, %zu FDEs; %zu addresses: %zu stepped (%zu signal, %zu lost rbp), %zu without "
		      "FDE (%zu others have a rule), "
		      "%zu ends, %zu unsupported (%zu rows, %zu bytes), %zu refused; %zu DIFFERENT\n",
		      name, c->table->n_rows, n_rules, (size_t)c->table->n_fdes, c->compared, c->steps, c->signals, c->lost,
		      c->none, c->gaps, c->ends, c->unsupported, (size_t)c->table->unsupported_rows,
		      (size_t)c->table->unsupported_bytes, (size_t)c->table->refused, c->different);
	dwarf_cfi_end(c->cfi);
}

static int compare_file(const char *path, struct comparison *c)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct unwind_object *object;
	struct unwind_rules *rules;
	Elf *elf;
	int err;

	if (fd < 0)
		return -errno;
	assert_int_equal(unwind_rules_new(&rules), 0);
	err = unwind_object_compile(fd, rules, &object);
	if (!err) {
		elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
		if (object->table)
			compare_object(path, object, rules, elf, c);
		else
			err = object->table_error;
		elf_end(elf);
		unwind_object_free(object);
	}
	unwind_rules_free(rules);
	return err;
}

static void check_file(const char *path)
{
	struct comparison c;

	if (compare_file(path, &c)) {
		print_message("# %s is not here\n", path);
		skip();
	}
	assert_int_equal(c.different, 0);
	assert_true(c.compared > 2000 && c.steps > c.compared / 2);
}

static void test_libc(void **state)
{
	(void)state;
	check_file("/lib/x86_64-linux-gnu/libc.so.6");
}

static void test_loader(void **state)
{
	(void)state;
	check_file("/lib64/ld-linux-x86-64.so.2");
}

static void test_bash(void **state)
{
	(void)state;
	check_file("/bin/bash");
}

static void test_python(void **state)
{
	(void)state;
	check_file("/usr/bin/python3");
}

static void test_crypto(void **state)
{
	(void)state;
	check_file("/usr/lib/x86_64-linux-gnu/libcrypto.so.3");
}

/* The kernel's own: there is no file of it. */
static void test_vdso(void **state)
{
	uintptr_t start = getauxval(AT_SYSINFO_EHDR), end = 0;
	_cleanup_fclose_ FILE *maps = fopen("/proc/self/maps", "r");
	struct unwind_object *object;
	struct unwind_rules *rules;
	struct comparison c;
	char line[512];
	Elf *elf;

	(void)state;
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]"))
			sscanf(line, "%*x-%" SCNxPTR, &end);
	if (!start || end <= start)
		skip();
	assert_int_equal(unwind_rules_new(&rules), 0);
	assert_int_equal(unwind_object_compile_memory((void *)start, end - start, rules, &object), 0);
	elf = elf_memory((char *)start, end - start);
	compare_object("vDSO", object, rules, elf, &c);
	assert_int_equal(c.different, 0);
	assert_true(c.steps > 100);
	elf_end(elf);
	unwind_object_free(object);
	unwind_rules_free(rules);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_libc),   cmocka_unit_test(test_loader), cmocka_unit_test(test_bash),
	    cmocka_unit_test(test_python), cmocka_unit_test(test_crypto), cmocka_unit_test(test_vdso),
	};
	size_t different = 0;

	elf_version(EV_CURRENT);
	for (int i = 1; i < argc; i++) {
		struct comparison c;

		int err = compare_file(argv[i], &c);

		if (err)
			print_message("# %s: %s\n", argv[i], strerror(-err));
		else
			different += c.different;
	}
	if (argc > 1)
		return different != 0;
	return cmocka_run_group_tests_name("unwind tables against libdw", tests, NULL, NULL);
}
