/* SPDX-License-Identifier: Apache-2.0 */
/* Code that no FDE claims: what has a rule all the same, and how little that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "cfi_builder.h"

#define AT TEXT_ADDRESS

/* glibc 2.36, clone(): syscall; test %rax,%rax; jl; jz; ret */
static const uint8_t after_clone[] = {0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0x13, 0x74, 0x01, 0xc3};

static void put_function(struct bytes *frames, uint64_t start, uint32_t length, uint8_t offset)
{
	put_fde(frames, 0, start, length, (uint8_t[]){DW_CFA_def_cfa_offset, offset}, 2);
}

/* The offset at an address; 0 where there is no rule. */
static int offset_at(const struct compiled *compiled, uint64_t address)
{
	struct unwind_rule rule = rule_at(compiled, address);

	return rule.cfa == UNWIND_RSP && rule.rbp == UNWIND_RBP_SAME ? rule.cfa_offset : rule.cfa == UNWIND_NONE ? 0 : -1;
}

static void expect_sound(const struct compiled *compiled)
{
	const char *fault;
	size_t count;

	unwind_rules_all(compiled->rules, &count);
	fault = table_fault(compiled->object->table, count);
	if (fault)
		fail_msg("%s", fault);
}

/* Two functions, and between them, at AT + 0x20, this code. */
static struct compiled with_gap(const uint8_t *gap, size_t bytes, size_t length)
{
	struct bytes frames = {}, code = {};
	struct compiled c;

	put_cie(&frames);
	put_function(&frames, AT, 0x20, 8);
	put_function(&frames, AT + 0x20 + length, 0x10, 40);
	put_bytes(&code, gap, bytes);
	c = compile_parts(&(struct image_parts){.eh_frame = &frames, .code = gap ? &code : NULL, .code_address = AT + 0x20});
	free_bytes(&frames);
	free_bytes(&code);
	expect_sound(&c);
	return c;
}

static void test_where_the_caller_of_clone_waits(void **state)
{
	struct compiled c = with_gap(after_clone, sizeof(after_clone), sizeof(after_clone));

	(void)state;
	for (size_t i = 0; i < sizeof(after_clone); i++)
		assert_int_equal(offset_at(&c, AT + 0x20 + i), 8);
	assert_int_equal(offset_at(&c, AT + 0x20 + sizeof(after_clone)), 40);
	discard(&c);
}

/* The function before it has pushed something: what matters is the `ret`. */
static void test_the_rule_is_not_the_predecessors(void **state)
{
	struct bytes frames = {}, code = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT, 0x20, 24);
	put_function(&frames, AT + 0x20 + sizeof(after_clone), 0x10, 40);
	put_bytes(&code, after_clone, sizeof(after_clone));
	c = compile_parts(&(struct image_parts){.eh_frame = &frames, .code = &code, .code_address = AT + 0x20});
	assert_int_equal(offset_at(&c, AT + 0x1f), 24);
	assert_int_equal(offset_at(&c, AT + 0x22), 8);
	discard(&c);
	free_bytes(&frames);
	free_bytes(&code);
}

static void test_no_other_code_of_that_length_has_a_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(after_clone); i++) {
		uint8_t other[sizeof(after_clone)];
		struct compiled c;

		memcpy(other, after_clone, sizeof(other));
		other[i] ^= 0x10;
		c = with_gap(other, sizeof(other), sizeof(other));
		/* The distance of the jump to the error path is the one thing that may differ. */
		assert_int_equal(offset_at(&c, AT + 0x22), i == 6 ? 8 : 0);
		discard(&c);
	}
}

static void test_the_same_code_in_a_gap_of_another_length_has_none(void **state)
{
	uint8_t longer[16];
	struct compiled c;

	(void)state;
	memset(longer, 0x90, sizeof(longer));
	memcpy(longer, after_clone, sizeof(after_clone));
	c = with_gap(longer, sizeof(longer), 11);
	assert_int_equal(offset_at(&c, AT + 0x22), 0);
	discard(&c);
	c = with_gap(longer, sizeof(longer), 9);
	assert_int_equal(offset_at(&c, AT + 0x22), 0);
	discard(&c);
}

static void test_code_that_is_not_in_the_file_has_none(void **state)
{
	struct compiled c = with_gap(after_clone, sizeof(after_clone) - 1, sizeof(after_clone));

	(void)state;
	assert_int_equal(offset_at(&c, AT + 0x22), 0);
	discard(&c);
	c = with_gap(NULL, 0, sizeof(after_clone));
	assert_int_equal(offset_at(&c, AT + 0x22), 0);
	discard(&c);
}

/* Many gaps, further apart than what is read at a time and nearer. */
static void test_every_gap_is_looked_at(void **state)
{
	const uint64_t distances[] = {0x20, 0x40, 0xff0, 0x1000, 0x1008, 0x3456};
	struct bytes frames = {}, code = {};
	struct compiled c;
	uint64_t at = AT;

	(void)state;
	put_cie(&frames);
	for (size_t i = 0; i < 60; i++) {
		uint64_t end = at + distances[i % 6] - sizeof(after_clone);

		put_function(&frames, at, end - at, 16);
		while (AT + code.count < end)
			put_u8(&code, 0x90);
		put_bytes(&code, after_clone, sizeof(after_clone));
		if (i % 3 == 0)
			code.data[code.count - 1]++;
		at = end + sizeof(after_clone);
	}
	put_function(&frames, at, 16, 40);
	c = compile_parts(&(struct image_parts){.eh_frame = &frames, .code = &code, .code_address = AT});
	expect_sound(&c);
	at = AT;
	for (size_t i = 0; i < 60; i++) {
		at += distances[i % 6];
		assert_int_equal(offset_at(&c, at - 1), i % 3 == 0 ? 0 : 8);
	}
	discard(&c);
	free_bytes(&frames);
	free_bytes(&code);
}

/* The C library that this test runs with, whichever it is. */
static void test_clone_of_this_system(void **state)
{
	const uint8_t *code = (const uint8_t *)(uintptr_t)clone;
	struct compiled c;
	size_t at = 0;
	Dl_info info;
	int fd;

	(void)state;
	if (!dladdr(code, &info))
		skip();
	while (at < 128 && !(memcmp(code + at, after_clone, 6) == 0 && memcmp(code + at + 7, after_clone + 7, 3) == 0))
		at++;
	if (at == 128)
		skip(); /* not glibc's */
	fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(unwind_rules_new(&c.rules), 0);
	assert_int_equal(unwind_object_compile(fd, c.rules, &c.object), 0);
	close(fd);
	/* A library's own addresses begin at 0. */
	for (size_t i = 0; i < sizeof(after_clone); i++)
		assert_int_equal(offset_at(&c, code + at + i - (const uint8_t *)info.dli_fbase), 8);
	discard(&c);
}

static void test_code_at_the_entry_is_the_outermost_frame(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT, 0x20, 16);
	put_function(&frames, AT + 0x140, 0x10, 16);
	c = compile_parts(&(struct image_parts){.eh_frame = &frames, .entry = AT + 0x40});
	free_bytes(&frames);
	expect_sound(&c);
	assert_int_equal(rule_at(&c, AT + 0x3f).cfa, UNWIND_NONE);
	assert_int_equal(rule_at(&c, AT + 0x40).cfa, UNWIND_END);
	assert_int_equal(rule_at(&c, AT + 0x40 + 127).cfa, UNWIND_END);
	assert_int_equal(rule_at(&c, AT + 0x40 + 128).cfa, UNWIND_NONE);
	assert_int_equal(offset_at(&c, AT + 0x140), 16);
	discard(&c);
}

static void test_large_gaps_hold_generated_code_with_frame_pointers(void **state)
{
	const uint64_t first = AT + 0x110, second = first + (256 << 10), third = second + 0x10 + (256 << 10) - 1;
	struct bytes frames = {};
	struct unwind_rule rule;
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, first - 0x10, 0x10, 16);
	put_function(&frames, second, 0x10, 16);
	put_function(&frames, third, 0x10, 16);
	c = compile_frames(&frames);
	expect_sound(&c);
	rule = rule_at(&c, first);
	assert_int_equal(rule.cfa, UNWIND_RBP);
	assert_int_equal(rule.cfa_offset, 16);
	assert_int_equal(rule.rbp, UNWIND_RBP_AT_RBP);
	assert_int_equal(rule.rbp_offset, 0);
	assert_int_equal(rule_at(&c, second - 1).cfa, UNWIND_RBP);
	assert_int_equal(offset_at(&c, second), 16);
	assert_int_equal(rule_at(&c, second + 0x10).cfa, UNWIND_NONE);
	assert_int_equal(rule_at(&c, third - 1).cfa, UNWIND_NONE);
	discard(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_where_the_caller_of_clone_waits),
	    cmocka_unit_test(test_the_rule_is_not_the_predecessors),
	    cmocka_unit_test(test_no_other_code_of_that_length_has_a_rule),
	    cmocka_unit_test(test_the_same_code_in_a_gap_of_another_length_has_none),
	    cmocka_unit_test(test_code_that_is_not_in_the_file_has_none),
	    cmocka_unit_test(test_every_gap_is_looked_at),
	    cmocka_unit_test(test_clone_of_this_system),
	    cmocka_unit_test(test_code_at_the_entry_is_the_outermost_frame),
	    cmocka_unit_test(test_large_gaps_hold_generated_code_with_frame_pointers),
	};

	return cmocka_run_group_tests_name("unwind tables: code without information", tests, NULL, NULL);
}
