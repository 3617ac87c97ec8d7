/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/cfa_expression.h"

#include <dwarf.h>

#include "symbols/dwarf_reader.h"

/*
 * DW_OP_breg6/7 n [plus_uconst k] [deref [plus_uconst k]]: rbp or rsp, what is added, and what is added to the word found there.
 * GCC writes "rbp + n; deref" when it realigns the stack, OpenSSL "rsp + n; deref; + 8".
 */
struct chain {
	uint64_t base;
	int64_t offset, plus;
	bool deref;
};

static bool read_chain(const uint8_t *data, size_t bytes, struct chain *ret)
{
	struct dwarf_reader reader = dwarf_reader(data, bytes);
	uint8_t op = dwarf_u8(&reader);

	if (op != DW_OP_breg6 && op != DW_OP_breg7)
		return false;
	*ret = (struct chain){.base = op - DW_OP_breg0, .offset = dwarf_sleb(&reader)};
	while (dwarf_left(&reader)) {
		int64_t *sum = ret->deref ? &ret->plus : &ret->offset;

		op = dwarf_u8(&reader);
		if (op == DW_OP_deref && !ret->deref)
			ret->deref = true;
		else if (op != DW_OP_plus_uconst || __builtin_add_overflow(*sum, (int64_t)dwarf_uleb(&reader), sum))
			return false;
	}
	return !reader.bad;
}

/*
 * The stubs of a lazily bound PLT (binutils, elf_x86_64_eh_frame_lazy_plt and its siblings): 16 bytes each, and from the byte that the
 * literal says on, one more word lies on the stack. rsp + 8 + ((rip & 15) >= literal) * 8.
 */
static bool read_plt(const uint8_t *data, size_t bytes, int64_t *literal)
{
	static const uint8_t before[] = {DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and};
	static const uint8_t after[] = {DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus};

	if (bytes != sizeof(before) + 1 + sizeof(after) || memcmp(data, before, sizeof(before)) != 0 ||
	    memcmp(data + sizeof(before) + 1, after, sizeof(after)) != 0)
		return false;
	*literal = (int64_t)data[sizeof(before)] - DW_OP_lit0;
	return *literal >= 0 && *literal <= 15;
}

void cfa_expression_cfa(struct cfa_state *state, const uint8_t *data, size_t bytes)
{
	struct chain chain;
	int64_t literal;

	state->cfa = UNWIND_UNSUPPORTED;
	state->cfa_plus = 0;
	if (read_plt(data, bytes, &literal)) {
		state->cfa = UNWIND_PLT;
		state->cfa_offset = literal;
	} else if (read_chain(data, bytes, &chain)) {
		bool rsp = chain.base == DW_OP_breg7 - DW_OP_breg0;

		if (chain.deref)
			state->cfa = rsp ? UNWIND_RSP_DEREF : UNWIND_RBP_DEREF;
		else
			state->cfa = rsp ? UNWIND_RSP : UNWIND_RBP;
		state->cfa_offset = chain.offset;
		state->cfa_plus = chain.plus;
	}
}

struct cfa_register cfa_expression_saved(const uint8_t *data, size_t bytes)
{
	struct cfa_register saved = {.how = CFA_SAVED_UNKNOWN};
	struct chain chain;

	if (read_chain(data, bytes, &chain) && !chain.deref) {
		saved.how = chain.base == DW_OP_breg7 - DW_OP_breg0 ? CFA_SAVED_AT_RSP : CFA_SAVED_AT_RBP;
		saved.offset = chain.offset;
	}
	return saved;
}
