/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/unwind_gaps.h"

#include <string.h>

#define ENTRY_BYTES_MAX       128
#define GENERATED_BYTES_LEAST (256u << 10)

/* syscall; test %rax,%rax; jl (to where errno is set); jz (behind the ret: the child); ret */
#define CLONE_BYTES     10
#define CLONE_JL_OFFSET 6 /* the distance differs */

static bool is_after_clone(const struct unwind_text *text, uint64_t start, uint64_t end)
{
	static const uint8_t expected[CLONE_BYTES] = {0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0, 0x74, 0x01, 0xc3};
	uint8_t code[CLONE_BYTES];

	if (end - start != CLONE_BYTES || !text->read || !text->read(text->context, start, code, sizeof(code)))
		return false;
	code[CLONE_JL_OFFSET] = 0;
	return memcmp(code, expected, sizeof(code)) == 0;
}

size_t unwind_gap(const struct unwind_text *text, uint64_t start, uint64_t end, struct unwind_gap_part *parts)
{
	static const struct unwind_rule by_frame = {.cfa = UNWIND_RBP, .rbp = UNWIND_RBP_AT_RBP, .cfa_offset = 16};
	static const struct unwind_rule about_to_return = {.cfa = UNWIND_RSP, .cfa_offset = 8};
	static const struct unwind_rule outermost = {.cfa = UNWIND_END};
	static const struct unwind_rule none = {.cfa = UNWIND_NONE};
	size_t n = 0;

	parts[n++] = (struct unwind_gap_part){start, none};
	if (end - start >= GENERATED_BYTES_LEAST) {
		parts[0].rule = by_frame;
	} else if (is_after_clone(text, start, end)) {
		parts[0].rule = about_to_return;
	} else if (text->entry && text->entry >= start && text->entry < end) {
		n = text->entry > start;
		parts[n++] = (struct unwind_gap_part){text->entry, outermost};
		if (end - text->entry > ENTRY_BYTES_MAX)
			parts[n++] = (struct unwind_gap_part){text->entry + ENTRY_BYTES_MAX, none};
	}
	return n;
}
