/* SPDX-License-Identifier: Apache-2.0 */
/* Call frame information, instruction by instruction, into rules: made by hand, because no compiler writes all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cfi_builder.h"

#define AT TEXT_ADDRESS

static void expect_rule(const struct compiled *compiled, uint64_t address, struct unwind_rule expected)
{
	struct unwind_rule rule = rule_at(compiled, address);

	if (memcmp(&rule, &expected, sizeof(rule)) != 0)
		fail_msg("at +%#jx: cfa %d %+d %+d, rbp %d %+d instead of cfa %d %+d %+d, rbp %d %+d", (uintmax_t)(address - AT),
			 rule.cfa, rule.cfa_offset, rule.cfa_plus, rule.rbp, rule.rbp_offset, expected.cfa, expected.cfa_offset,
			 expected.cfa_plus, expected.rbp, expected.rbp_offset);
}

#define RULE(...) ((struct unwind_rule){__VA_ARGS__})

/* One FDE of 0x1000 bytes at AT behind GCC's CIE. */
static struct compiled compile_program(const void *program, size_t bytes)
{
	struct bytes frames = {};

	put_fde(&frames, put_cie(&frames), AT, 0x1000, program, bytes);
	return compile_frames(&frames);
}

#define COMPILE(...) compile_program((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void expect_one(struct compiled compiled, struct unwind_rule expected)
{
	expect_rule(&compiled, AT, expected);
	discard(&compiled);
}

static void test_a_function_with_a_frame_pointer(void **state)
{
	struct compiled c =
	    COMPILE(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6, 2, DW_CFA_advance_loc | 3,
		    DW_CFA_def_cfa_register, 6, DW_CFA_advance_loc1, 200, DW_CFA_def_cfa, 7, 8, DW_CFA_restore | 6);

	(void)state;
	expect_rule(&c, AT, RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_rule(&c, AT + 1, RULE(.cfa = UNWIND_RSP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16));
	expect_rule(&c, AT + 3, RULE(.cfa = UNWIND_RSP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16));
	expect_rule(&c, AT + 4, RULE(.cfa = UNWIND_RBP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16));
	expect_rule(&c, AT + 203, RULE(.cfa = UNWIND_RBP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16));
	expect_rule(&c, AT + 204, RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_rule(&c, AT + 0xfff, RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_rule(&c, AT + 0x1000, RULE(.cfa = UNWIND_NONE));
	assert_int_equal(c.object->table->n_rows, 4); /* the end of the table is a page border: no row there */
	discard(&c);
}

static void test_every_way_to_advance(void **state)
{
	struct bytes frames = {}, program = {};
	struct compiled c;

	(void)state;
	put_bytes(&program, (uint8_t[]){DW_CFA_advance_loc | 0x3f, DW_CFA_def_cfa_offset, 16}, 3);
	put_bytes(&program, (uint8_t[]){DW_CFA_advance_loc1, 0xff, DW_CFA_def_cfa_offset, 24}, 4);
	put_bytes(&program, (uint8_t[]){DW_CFA_advance_loc2, 0x34, 0x12, DW_CFA_def_cfa_offset, 32}, 5);
	put_bytes(&program, (uint8_t[]){DW_CFA_advance_loc4, 0, 0, 1, 0, DW_CFA_def_cfa_offset, 40, DW_CFA_set_loc}, 8);
	/* The pointer of set_loc lies 4 + 4 (length, CIE) + 8 (addresses) + 1 (augmentation) + 20 bytes into the FDE at 0x18. */
	put_u32(&program, AT + 0x20000 - (EH_FRAME_ADDRESS + 0x18 + 17 + program.count));
	put_bytes(&program, (uint8_t[]){DW_CFA_def_cfa_offset, 48}, 2);
	assert_int_equal(put_cie(&frames), 0);
	assert_int_equal(frames.count, 0x18);
	put_fde(&frames, 0, AT, 0x30000, program.data, program.count);
	free_bytes(&program);
	c = compile_frames(&frames);
	expect_rule(&c, AT + 0x3e, RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_rule(&c, AT + 0x3f, RULE(.cfa = UNWIND_RSP, .cfa_offset = 16));
	expect_rule(&c, AT + 0x3f + 0xff, RULE(.cfa = UNWIND_RSP, .cfa_offset = 24));
	expect_rule(&c, AT + 0x3f + 0xff + 0x1234, RULE(.cfa = UNWIND_RSP, .cfa_offset = 32));
	expect_rule(&c, AT + 0x3f + 0xff + 0x1234 + 0x10000, RULE(.cfa = UNWIND_RSP, .cfa_offset = 40));
	expect_rule(&c, AT + 0x1ffff, RULE(.cfa = UNWIND_RSP, .cfa_offset = 40));
	expect_rule(&c, AT + 0x20000, RULE(.cfa = UNWIND_RSP, .cfa_offset = 48));
	discard(&c);
}

static void test_every_way_to_save_a_register(void **state)
{
	const struct unwind_rule plain = RULE(.cfa = UNWIND_RSP, .cfa_offset = 8);
	struct unwind_rule saved = plain, lost = plain;

	(void)state;
	saved.rbp = UNWIND_RBP_AT_CFA;
	saved.rbp_offset = -24;
	lost.rbp = UNWIND_RBP_LOST;
	expect_one(COMPILE(DW_CFA_offset | 6, 3), saved);
	expect_one(COMPILE(DW_CFA_offset_extended, 6, 3), saved);
	expect_one(COMPILE(DW_CFA_offset_extended_sf, 6, 3), saved);
	expect_one(COMPILE(DW_CFA_GNU_negative_offset_extended, 6, 0x83, 0x00),
		   RULE(.cfa = UNWIND_RSP, .cfa_offset = 8, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = 24));
	expect_one(COMPILE(DW_CFA_offset | 6, 3, DW_CFA_restore_extended, 6), plain);
	expect_one(COMPILE(DW_CFA_offset | 6, 3, DW_CFA_same_value, 6), plain);
	expect_one(COMPILE(DW_CFA_undefined, 6), lost);
	expect_one(COMPILE(DW_CFA_register, 6, 3), lost);
	expect_one(COMPILE(DW_CFA_val_offset, 6, 2), lost);
	expect_one(COMPILE(DW_CFA_val_expression, 6, 2, DW_OP_breg7, 8), lost);
	expect_one(COMPILE(DW_CFA_expression, 6, 2, DW_OP_breg7, 8), lost);
	expect_one(COMPILE(DW_CFA_expression, 6, 2, DW_OP_breg6, 0x70),
		   RULE(.cfa = UNWIND_RSP, .cfa_offset = 8, .rbp = UNWIND_RBP_AT_RBP, .rbp_offset = -16));
	/* Registers that no rule needs, in every form. */
	expect_one(COMPILE(DW_CFA_offset | 3, 2, DW_CFA_offset_extended, 12, 3, DW_CFA_undefined, 0, DW_CFA_same_value, 13,
			   DW_CFA_register, 1, 2, DW_CFA_val_offset, 14, 1, DW_CFA_expression, 15, 2, DW_OP_breg0, 0,
			   DW_CFA_restore | 3, DW_CFA_GNU_args_size, 32, DW_CFA_nop, DW_CFA_def_cfa_offset, 32),
		   RULE(.cfa = UNWIND_RSP, .cfa_offset = 32));
	expect_one(COMPILE(DW_CFA_def_cfa_sf, 6, 0x7e), RULE(.cfa = UNWIND_RBP, .cfa_offset = 16));
	expect_one(COMPILE(DW_CFA_def_cfa_offset_sf, 0x7d), RULE(.cfa = UNWIND_RSP, .cfa_offset = 24));
}

static void test_remembered_states_bring_back_the_cfa_too(void **state)
{
	struct compiled c =
	    COMPILE(DW_CFA_def_cfa_offset, 64, DW_CFA_offset | 6, 2, DW_CFA_remember_state, DW_CFA_advance_loc | 8,
		    DW_CFA_def_cfa, 6, 8, DW_CFA_restore | 6, DW_CFA_advance_loc | 8, DW_CFA_restore_state);

	(void)state;
	expect_rule(&c, AT, RULE(.cfa = UNWIND_RSP, .cfa_offset = 64, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16));
	expect_rule(&c, AT + 8, RULE(.cfa = UNWIND_RBP, .cfa_offset = 8));
	expect_rule(&c, AT + 16, RULE(.cfa = UNWIND_RSP, .cfa_offset = 64, .rbp = UNWIND_RBP_AT_CFA, .rbp_offset = -16));
	discard(&c);
}

#define PLT(literal)                                                                                                             \
	DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit0 + (literal),          \
	    DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus

static void test_expressions_that_linkers_and_compilers_write(void **state)
{
	(void)state;
	expect_one(COMPILE(PLT(11)), RULE(.cfa = UNWIND_PLT, .cfa_offset = 11));
	expect_one(COMPILE(PLT(9)), RULE(.cfa = UNWIND_PLT, .cfa_offset = 9));
	expect_one(COMPILE(PLT(10)), RULE(.cfa = UNWIND_PLT, .cfa_offset = 10));
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref),
		   RULE(.cfa = UNWIND_RBP_DEREF, .cfa_offset = -8));
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 6, DW_OP_breg7, 0x98, 0x01, DW_OP_deref, DW_OP_plus_uconst, 8),
		   RULE(.cfa = UNWIND_RSP_DEREF, .cfa_offset = 152, .cfa_plus = 8));
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 8, DW_OP_plus_uconst, 16),
		   RULE(.cfa = UNWIND_RSP, .cfa_offset = 24));
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 2, DW_OP_breg6, 16), RULE(.cfa = UNWIND_RBP, .cfa_offset = 16));
	/* An expression is no register and offset that could be changed, but another definition replaces it. */
	expect_one(COMPILE(PLT(11), DW_CFA_def_cfa, 7, 16), RULE(.cfa = UNWIND_RSP, .cfa_offset = 16));
}

static void test_what_a_rule_cannot_say_is_unsupported(void **state)
{
	const struct unwind_rule unsupported = RULE(.cfa = UNWIND_UNSUPPORTED);

	(void)state;
	expect_one(COMPILE(DW_CFA_def_cfa, 10, 0), unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 2, DW_OP_breg9, 0), unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 8, DW_OP_deref, DW_OP_deref), unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 8, DW_OP_lit8, DW_OP_mul), unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 0), unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 1, DW_OP_breg7), unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11,
			   DW_OP_gt, DW_OP_lit3, DW_OP_shl, DW_OP_plus),
		   unsupported);
	expect_one(COMPILE(DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x10), unsupported); /* 2^32 */
	expect_one(COMPILE(DW_CFA_offset | 16, 2), unsupported);                               /* return address at CFA - 16 */
	expect_one(COMPILE(DW_CFA_register, 16, 2), unsupported);                              /* in rcx */
	expect_one(COMPILE(DW_CFA_same_value, 16), unsupported);
	expect_one(COMPILE(DW_CFA_offset | 7, 2), unsupported); /* rsp is not the CFA */
	expect_one(COMPILE(DW_CFA_val_offset, 7, 1), unsupported);
	expect_one(COMPILE(DW_CFA_val_offset, 7, 0), RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_one(COMPILE(DW_CFA_undefined, 16, DW_CFA_def_cfa, 10, 0), RULE(.cfa = UNWIND_END));
}

static void test_what_is_malformed_is_unsupported_from_there_on(void **state)
{
	static const uint8_t bad[][12] = {
	    {DW_CFA_restore_state},                                                                 /* nothing remembered */
	    {0x3f},                                                                                 /* unknown */
	    {DW_CFA_AARCH64_negate_ra_state},                                                       /* of another machine */
	    {DW_CFA_set_loc, 0, 0, 0xe0, 0xff},                                                     /* backwards */
	    {DW_CFA_def_cfa_expression, 0x7f},                                                      /* longer than the program */
	    {DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, /* 2^70 */
	    {DW_CFA_offset | 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40}, /* times -8 is beyond 64 bits */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint8_t program[7 + sizeof(*bad)] = {DW_CFA_advance_loc | 4,
						     DW_CFA_def_cfa_offset,
						     16,
						     DW_CFA_advance_loc | 4,
						     DW_CFA_def_cfa_offset,
						     24,
						     DW_CFA_nop};
		struct compiled c;

		memcpy(program + 7, bad[i], sizeof(*bad));
		c = compile_program(program, sizeof(program));
		expect_rule(&c, AT + 7, RULE(.cfa = UNWIND_RSP, .cfa_offset = 16));
		expect_rule(&c, AT + 8, RULE(.cfa = UNWIND_UNSUPPORTED));
		expect_rule(&c, AT + 0xfff, RULE(.cfa = UNWIND_UNSUPPORTED));
		assert_int_equal(c.object->table->unsupported_rows, 1);
		assert_int_equal(c.object->table->unsupported_bytes, 0x1000 - 8);
		discard(&c);
	}
	/* Only the CFA's offset, after an expression. */
	expect_one(COMPILE(PLT(11), DW_CFA_def_cfa_offset, 16), RULE(.cfa = UNWIND_UNSUPPORTED));
}

static void test_states_nest_to_a_bounded_depth(void **state)
{
	uint8_t program[1000];

	(void)state;
	memset(program, DW_CFA_remember_state, sizeof(program));
	expect_one(compile_program(program, 32), RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_one(compile_program(program, sizeof(program)), RULE(.cfa = UNWIND_UNSUPPORTED));
}

static void test_advancing_beyond_the_end_stops_there(void **state)
{
	struct compiled c = COMPILE(DW_CFA_advance_loc4, 0xff, 0xff, 0xff, 0xff, DW_CFA_def_cfa_offset, 16);

	(void)state;
	assert_int_equal(c.object->table->n_rows, 1);
	expect_rule(&c, AT + 0xfff, RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	discard(&c);
}

/* What glibc says of __restore_rt. */
#define SIGNAL_PROGRAM                                                                                                           \
	DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 0xa0, 1, DW_OP_deref, DW_CFA_expression, 6, 3, DW_OP_breg7, 0xf8, 0,          \
	    DW_CFA_expression, 7, 3, DW_OP_breg7, 0xa0, 1, DW_CFA_expression, 16, 3, DW_OP_breg7, 0xa8, 1

static struct compiled compile_behind(const void *cie, size_t cie_bytes, const void *program, size_t bytes)
{
	struct bytes frames = {};
	size_t begin = begin_entry(&frames, false);

	put_bytes(&frames, cie, cie_bytes);
	end_entry(&frames, begin, false);
	put_fde(&frames, 0, AT, 0x100, program, bytes);
	return compile_frames(&frames);
}

/* Another column for the return address; and CIEs that are malformed in their own instructions. */
static void test_what_the_cie_says_holds_for_its_functions(void **state)
{
#define CIE(column, ...)                                                                                                         \
	{                                                                                                                        \
		0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, column, 1, DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_CFA_def_cfa, 7, 8,          \
		    DW_CFA_offset | 16, 1, __VA_ARGS__                                                                           \
	}
	static const uint8_t good[] = CIE(16, DW_CFA_nop), column[] = CIE(3, DW_CFA_nop), damaged[] = CIE(16, 0x3f),
			     located[] = CIE(16, DW_CFA_advance_loc | 1);

	(void)state;
	expect_one(compile_behind(good, sizeof(good), NULL, 0), RULE(.cfa = UNWIND_RSP, .cfa_offset = 8));
	expect_one(compile_behind(column, sizeof(column), NULL, 0), RULE(.cfa = UNWIND_UNSUPPORTED));
	expect_one(compile_behind(damaged, sizeof(damaged), NULL, 0), RULE(.cfa = UNWIND_UNSUPPORTED));
	expect_one(compile_behind(located, sizeof(located), NULL, 0), RULE(.cfa = UNWIND_UNSUPPORTED));
}

static struct compiled compile_signal(const void *program, size_t bytes)
{
	static const uint8_t cie[] = {0, 0, 0, 0, 1, 'z', 'R', 'S', 0, 1, 0x78, 16, 1, DW_EH_PE_pcrel | DW_EH_PE_sdata4};

	return compile_behind(cie, sizeof(cie), program, bytes);
}

static void test_signal_frames(void **state)
{
	static const uint8_t program[] = {SIGNAL_PROGRAM}, other[] = {SIGNAL_PROGRAM, DW_CFA_def_cfa, 7, 8},
			     plain[] = {DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1};
	struct compiled c = compile_program(program, sizeof(program));

	(void)state;
	expect_one(compile_signal(program, sizeof(program)), RULE(.cfa = UNWIND_SIGNAL));
	expect_one(compile_signal(other, sizeof(other)), RULE(.cfa = UNWIND_UNSUPPORTED));
	expect_one(compile_signal(plain, sizeof(plain)), RULE(.cfa = UNWIND_UNSUPPORTED));
	expect_one(c, RULE(.cfa = UNWIND_UNSUPPORTED)); /* without the augmentation */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_function_with_a_frame_pointer),
	    cmocka_unit_test(test_every_way_to_advance),
	    cmocka_unit_test(test_every_way_to_save_a_register),
	    cmocka_unit_test(test_remembered_states_bring_back_the_cfa_too),
	    cmocka_unit_test(test_expressions_that_linkers_and_compilers_write),
	    cmocka_unit_test(test_what_a_rule_cannot_say_is_unsupported),
	    cmocka_unit_test(test_what_is_malformed_is_unsupported_from_there_on),
	    cmocka_unit_test(test_states_nest_to_a_bounded_depth),
	    cmocka_unit_test(test_advancing_beyond_the_end_stops_there),
	    cmocka_unit_test(test_what_the_cie_says_holds_for_its_functions),
	    cmocka_unit_test(test_signal_frames),
	};

	return cmocka_run_group_tests_name("call frame information", tests, NULL, NULL);
}
