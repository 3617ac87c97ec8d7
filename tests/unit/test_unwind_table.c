/* SPDX-License-Identifier: Apache-2.0 */
/* From FDEs to a table: gaps, order, overlaps, limits; and a table in parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "cfi_builder.h"

#define AT TEXT_ADDRESS

/* A function whose CFA is rsp + offset throughout: which FDE holds can be read from the rule. */
static void put_function(struct bytes *frames, uint64_t start, uint32_t length, uint8_t offset)
{
	put_fde(frames, 0, start, length, (uint8_t[]){DW_CFA_def_cfa_offset, offset}, 2);
}

/* The offset at an address; 0 where there is no rule. */
static int offset_at(const struct compiled *compiled, uint64_t address)
{
	struct unwind_rule rule = rule_at(compiled, address);

	return rule.cfa == UNWIND_RSP ? rule.cfa_offset : rule.cfa == UNWIND_NONE ? 0 : -1;
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

static void test_code_between_functions_has_no_rule(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT + 0x110, 0x10, 16);
	put_function(&frames, AT + 0x130, 0x10, 16);
	put_function(&frames, AT + 0x500, 0x5, 32);
	c = compile_frames(&frames);
	expect_sound(&c);
	assert_int_equal(c.object->table->start, AT + 0x100);
	assert_int_equal(c.object->table->end, AT + 0x600);
	assert_int_equal(c.object->table->n_fdes, 3);
	assert_int_equal(offset_at(&c, AT + 0xff), 0);
	assert_int_equal(offset_at(&c, AT + 0x10f), 0);
	assert_int_equal(offset_at(&c, AT + 0x110), 16);
	assert_int_equal(offset_at(&c, AT + 0x11f), 16);
	assert_int_equal(offset_at(&c, AT + 0x120), 0);
	assert_int_equal(offset_at(&c, AT + 0x12f), 0);
	assert_int_equal(offset_at(&c, AT + 0x130), 16);
	assert_int_equal(offset_at(&c, AT + 0x140), 0);
	assert_int_equal(offset_at(&c, AT + 0x4ff), 0);
	assert_int_equal(offset_at(&c, AT + 0x500), 32);
	assert_int_equal(offset_at(&c, AT + 0x504), 32);
	assert_int_equal(offset_at(&c, AT + 0x505), 0);
	assert_int_equal(offset_at(&c, AT + 0x600), 0);
	discard(&c);
}

static void test_neighbours_with_one_rule_are_one_row(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT, 0x80, 16);
	put_function(&frames, AT + 0x80, 0x180, 16);
	put_function(&frames, AT + 0x200, 0x100, 24);
	c = compile_frames(&frames);
	expect_sound(&c);
	assert_int_equal(c.object->table->n_rows, 2);
	discard(&c);
}

static void test_functions_in_any_order(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	/* 0..99 in the order 0, 37, 74, 11 ...: many runs to merge. */
	for (int i = 0; i < 100; i++)
		put_function(&frames, AT + 0x40 * (i * 37 % 100), 0x40, 8 + i * 37 % 100);
	c = compile_frames(&frames);
	expect_sound(&c);
	assert_int_equal(c.object->table->n_rows, 100);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(offset_at(&c, AT + 0x40 * i), 8 + i);
		assert_int_equal(offset_at(&c, AT + 0x40 * i + 0x3f), 8 + i);
	}
	discard(&c);
}

static void test_of_functions_that_overlap_the_first_keeps_its_addresses(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT, 0x30, 16);
	put_function(&frames, AT + 0x20, 0x40, 24); /* loses 0x20..0x30 */
	put_function(&frames, AT, 0x30, 56);        /* begins at the same address, read later */
	put_function(&frames, AT + 0x28, 0x10, 64); /* inside of another */
	put_function(&frames, AT + 0x70, 0, 72);    /* empty */
	c = compile_frames(&frames);
	expect_sound(&c);
	assert_int_equal(c.object->table->refused, 0);
	for (int i = 0; i < 0x100; i++)
		assert_int_equal(offset_at(&c, AT + i), i < 0x30 ? 16 : i < 0x60 ? 24 : 0);
	discard(&c);
}

static void test_functions_outside_of_the_code_are_refused(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT - 0x100, 0x200, 16);            /* begins before it */
	put_function(&frames, AT + TEXT_BYTES - 0x10, 0x20, 16); /* ends behind it */
	put_function(&frames, EH_FRAME_ADDRESS, 0x10, 16);       /* in memory that is not executable */
	put_function(&frames, 0, 0x10, 16);                      /* what linkers leave of discarded functions */
	put_function(&frames, AT + TEXT_BYTES - 0x10, 0x10, 40);
	c = compile_frames(&frames);
	expect_sound(&c);
	assert_int_equal(c.object->table->refused, 4);
	assert_int_equal(c.object->table->n_fdes, 1);
	assert_int_equal(c.object->table->start, AT + TEXT_BYTES - 0x100);
	assert_int_equal(offset_at(&c, AT + TEXT_BYTES - 1), 40);
	discard(&c);
}

static void test_no_functions_no_table(void **state)
{
	struct bytes frames = {};
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, 0, 0x10, 16);
	c = compile_frames(&frames);
	assert_null(c.object->table);
	assert_int_equal(c.object->table_error, -ENODATA);
	assert_int_equal(c.object->n_segments, 2);
	discard(&c);
}

/* Two CIEs that share a place in the compiler's cache, each read again for every second FDE. */
static void test_instructions_are_bounded(void **state)
{
	static const uint8_t nops[48 << 10];
	struct bytes frames = {};
	size_t cies[2];
	struct compiled c;

	(void)state;
	for (int i = 0; i < 2; i++) {
		size_t begin = begin_entry(&frames, false);

		cies[i] = begin - 4;
		put_bytes(&frames, (uint8_t[]){0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, DW_EH_PE_pcrel | DW_EH_PE_sdata4}, 13);
		put_bytes(&frames, nops, sizeof(nops));
		while ((frames.count - cies[0]) % (64 * 8))
			put_u8(&frames, 0);
		end_entry(&frames, begin, false);
	}
	for (int i = 0; i < 4000; i++)
		put_fde(&frames, cies[i % 2], AT + 16 * i, 16, NULL, 0);
	c = compile_frames(&frames);
	assert_null(c.object->table);
	assert_int_equal(c.object->table_error, -E2BIG);
	discard(&c);
}

static void test_a_table_spans_a_bounded_range(void **state)
{
	const struct unwind_range everything = {0, UINT64_MAX};
	const struct unwind_text text = {.ranges = &everything, .n_ranges = 1};
	struct unwind_rules *rules;
	struct unwind_table *table;
	struct bytes frames = {};
	struct fde_list list = {};

	(void)state;
	put_cie(&frames);
	put_function(&frames, 0x1000, 0x10, 16);
	put_function(&frames, 0x70000000, 0x10, 16);
	assert_int_equal(unwind_rules_new(&rules), 0);
	const struct eh_frame section = {.data = frames.data, .bytes = frames.count, .address = EH_FRAME_ADDRESS};

	assert_int_equal(eh_frame_read(&section, 0, &list), 0);
	assert_int_equal(unwind_table_build(&section, &list, &text, rules, &table), -E2BIG);
	/* The last addresses there are: no page end behind them. */
	list.count = 1;
	list.all[0].start = UINT64_MAX - 0x20;
	list.all[0].end = UINT64_MAX - 0x10;
	assert_int_equal(unwind_table_build(&section, &list, &text, rules, &table), -E2BIG);
	fde_list_free(&list);
	free_bytes(&frames);
	unwind_rules_free(rules);
}

/* One object with `count` rules of its own, the first with CFA = rsp + 1000. */
static struct bytes many_rules(int count)
{
	struct bytes frames = {};

	put_cie(&frames);
	for (int i = 0; i < count; i++) {
		struct bytes program = {};

		put_u8(&program, DW_CFA_def_cfa_offset);
		put_uleb(&program, 1000 + i);
		put_fde(&frames, 0, AT + 16 * i, 16, program.data, program.count);
		free_bytes(&program);
	}
	return frames;
}

static void test_one_object_cannot_use_up_the_rules_of_all(void **state)
{
	struct bytes frames = many_rules(UNWIND_OBJECT_RULES_MAX + 100), image;
	struct compiled c = compile_frames(&frames);
	struct unwind_object *other;
	size_t before, after;

	(void)state;
	expect_sound(&c);
	assert_int_equal(offset_at(&c, AT), 1000);
	assert_int_equal(offset_at(&c, AT + 16 * (UNWIND_OBJECT_RULES_MAX - 1)), 1000 + UNWIND_OBJECT_RULES_MAX - 1);
	assert_int_equal(rule_at(&c, AT + 16 * UNWIND_OBJECT_RULES_MAX).cfa, UNWIND_UNSUPPORTED);
	assert_int_equal(c.object->table->unsupported_bytes, 16 * 100);
	unwind_rules_all(c.rules, &before);
	assert_int_equal(before, 2 + UNWIND_OBJECT_RULES_MAX);

	put_cie(&frames);
	put_function(&frames, AT, 0x10, 80);
	image = make_image(&(struct image_parts){.eh_frame = &frames});
	assert_int_equal(unwind_object_compile_memory(image.data, image.count, c.rules, &other), 0);
	assert_int_equal(unwind_rules_all(c.rules, &after)[unwind_table_rule(other->table, AT)].cfa_offset, 80);
	assert_int_equal(after, before + 1);
	unwind_object_free(other);
	free_bytes(&image);
	free_bytes(&frames);
	discard(&c);
}

static void test_rules_keep_their_numbers(void **state)
{
	struct unwind_rule rule = {.cfa = UNWIND_RSP};
	struct unwind_rules *rules;
	size_t count;

	(void)state;
	assert_int_equal(unwind_rules_new(&rules), 0);
	assert_int_equal(unwind_rules_all(rules, &count)[UNWIND_RULE_NONE].cfa, UNWIND_NONE);
	assert_int_equal(unwind_rules_all(rules, &count)[UNWIND_RULE_UNSUPPORTED].cfa, UNWIND_UNSUPPORTED);
	assert_int_equal(count, 2);
	for (int i = 0; i < UNWIND_RULES_MAX - 2; i++) {
		rule.cfa_offset = 8 * i;
		assert_int_equal(unwind_rules_number(rules, &rule), 2 + i);
	}
	rule.cfa_offset = -8;
	assert_int_equal(unwind_rules_number(rules, &rule), -ENOSPC);
	for (int i = 0; i < UNWIND_RULES_MAX - 2; i++) {
		rule.cfa_offset = 8 * i;
		assert_int_equal(unwind_rules_number(rules, &rule), 2 + i);
		assert_memory_equal(&unwind_rules_all(rules, &count)[2 + i], &rule, sizeof(rule));
	}
	assert_int_equal(count, UNWIND_RULES_MAX);
	unwind_rules_free(rules);
}

static void expect_part(const struct unwind_table *table, const uint32_t *words, const struct unwind_part *part)
{
	const struct unwind_table copy = {.start = part->start,
					  .end = part->end,
					  .index = (uint32_t *)words,
					  .n_pages = part->n_pages,
					  .rows = (uint32_t *)words + part->n_pages + 1,
					  .n_rows = part->n_rows};
	const char *fault = table_fault(&copy, UNWIND_RULES_MAX);

	if (fault)
		fail_msg("part at %#jx: %s", (uintmax_t)part->start, fault);
	for (uint64_t address = part->start; address < part->end; address++)
		if (unwind_table_rule(&copy, address) != unwind_table_rule(table, address))
			fail_msg("another rule at %#jx", (uintmax_t)address);
}

static void expect_parts(const struct unwind_table *table, size_t room)
{
	uint32_t *words = malloc(room * sizeof(*words));
	struct unwind_part part, measured;
	uint64_t end = table->start;

	assert_non_null(words);
	for (size_t page = 0; page < table->n_pages; page += part.n_pages) {
		assert_int_equal(unwind_table_part(table, page, room, NULL, &measured), 0);
		assert_int_equal(unwind_table_part(table, page, room, words, &part), 0);
		assert_memory_equal(&part, &measured, sizeof(part));
		assert_true(part.n_pages + 1 + part.n_rows <= room);
		assert_int_equal(part.start, end);
		expect_part(table, words, &part);
		end = part.end;
	}
	assert_int_equal(end, table->end);
	free(words);
}

static void test_the_parts_of_a_table_say_what_the_table_says(void **state)
{
	struct bytes frames = {};
	struct unwind_part part;
	struct compiled c;

	(void)state;
	put_cie(&frames);
	put_function(&frames, AT, 0x1234, 16); /* several pages without a row */
	for (int i = 0; i < 600; i++)          /* a row for every address: pages as full as can be */
		put_function(&frames, AT + 0x1300 + i, 1, 16 + i % 7);
	for (int i = 0; i < 600; i++) /* pages that begin under a row of the page before */
		put_function(&frames, AT + 0x1601 + 2 * i, 2, 16 + i % 7);
	put_function(&frames, AT + 0x2000, 0x100, 40); /* begins with its page */
	put_function(&frames, AT + 0x2100, 0x300, 48);
	c = compile_frames(&frames);
	expect_sound(&c);
	assert_int_equal(unwind_table_part(c.object->table, 0, 2, NULL, &part), -ENOSPC);
	assert_int_equal(unwind_table_part(c.object->table, c.object->table->n_pages, 1000, NULL, &part), -EINVAL);
	expect_parts(c.object->table, 258);
	expect_parts(c.object->table, 300);
	expect_parts(c.object->table, 517);
	/* As a whole, to the word. */
	assert_int_equal(
	    unwind_table_part(c.object->table, 0, c.object->table->n_pages + 1 + c.object->table->n_rows, NULL, &part), 0);
	assert_int_equal(part.n_pages, c.object->table->n_pages);
	assert_int_equal(part.n_rows, c.object->table->n_rows);
	discard(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_code_between_functions_has_no_rule),
	    cmocka_unit_test(test_neighbours_with_one_rule_are_one_row),
	    cmocka_unit_test(test_functions_in_any_order),
	    cmocka_unit_test(test_of_functions_that_overlap_the_first_keeps_its_addresses),
	    cmocka_unit_test(test_functions_outside_of_the_code_are_refused),
	    cmocka_unit_test(test_no_functions_no_table),
	    cmocka_unit_test(test_instructions_are_bounded),
	    cmocka_unit_test(test_a_table_spans_a_bounded_range),
	    cmocka_unit_test(test_one_object_cannot_use_up_the_rules_of_all),
	    cmocka_unit_test(test_rules_keep_their_numbers),
	    cmocka_unit_test(test_the_parts_of_a_table_say_what_the_table_says),
	};

	return cmocka_run_group_tests_name("unwind tables", tests, NULL, NULL);
}
