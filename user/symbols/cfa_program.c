/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/cfa_program.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>

#include "symbols/cfa_expression.h"
#include "symbols/dwarf_reader.h"

/* DWARF's numbers (x86-64 psABI, figure 3.36). */
enum { RDI = 5, RBP = 6, RSP = 7, RIP = 16 };

/* Compilers nest one or two. */
#define REMEMBERED_MAX 32

struct run {
	const struct cie *cie;
	const struct cfa_state *initial; /* NULL while the CIE's own instructions run */
	struct dwarf_reader reader;
	struct cfa_state now, remembered[REMEMBERED_MAX];
	size_t n_remembered;
	struct cfa_register ignored; /* stands for all registers that no rule needs */
	uint64_t location, end;
	cfa_row_fn row;
	void *context;
};

static struct cfa_register *saved(struct cfa_state *state, struct cfa_register *ignored, uint64_t number)
{
	switch (number) {
	case RBP:
		return &state->rbp;
	case RSP:
		return &state->rsp;
	case RIP:
		return &state->rip;
	default:
		return ignored;
	}
}

static void set(struct run *run, uint64_t number, enum cfa_saved how, int64_t offset)
{
	*saved(&run->now, &run->ignored, number) = (struct cfa_register){.how = how, .offset = offset};
}

static void restore(struct run *run, uint64_t number)
{
	struct cfa_state initial = run->initial ? *run->initial : (struct cfa_state){};
	struct cfa_register none = {};

	*saved(&run->now, &run->ignored, number) = *saved(&initial, &none, number);
}

/* A factored offset; what overflows is nonsense. */
static int64_t factored(struct run *run, int64_t offset)
{
	int64_t bytes;

	if (__builtin_mul_overflow(offset, run->cie->data_align, &bytes)) {
		dwarf_fail(&run->reader);
		return 0;
	}
	return bytes;
}

static bool fits(int64_t value)
{
	return value >= INT_MIN && value <= INT_MAX;
}

/* glibc's __restore_rt describes the kernel's rt_sigframe; no other signal frame is known. */
static bool is_signal_frame(const struct cfa_state *state)
{
	return state->cfa == UNWIND_RSP_DEREF && state->cfa_offset == UNWIND_SIGNAL_RSP && state->cfa_plus == 0 &&
	       state->rbp.how == CFA_SAVED_AT_RSP && state->rbp.offset == UNWIND_SIGNAL_RBP &&
	       state->rip.how == CFA_SAVED_AT_RSP && state->rip.offset == UNWIND_SIGNAL_RIP &&
	       (state->rsp.how == CFA_SAVED_UNSPECIFIED ||
		(state->rsp.how == CFA_SAVED_AT_RSP && state->rsp.offset == UNWIND_SIGNAL_RSP));
}

static void rule_rbp(const struct cfa_register *rbp, struct unwind_rule *rule)
{
	rule->rbp = UNWIND_RBP_LOST;
	switch (rbp->how) {
	case CFA_SAVED_UNSPECIFIED: /* the psABI: the callee preserves it */
	case CFA_SAVED_SAME:
		rule->rbp = UNWIND_RBP_SAME;
		break;
	case CFA_SAVED_AT_CFA:
	case CFA_SAVED_AT_RBP:
		if (!fits(rbp->offset))
			break;
		rule->rbp = rbp->how == CFA_SAVED_AT_CFA ? UNWIND_RBP_AT_CFA : UNWIND_RBP_AT_RBP;
		rule->rbp_offset = rbp->offset;
		break;
	default:
		break;
	}
}

static void rule_of(const struct cfa_state *state, const struct cie *cie, struct unwind_rule *rule)
{
	enum unwind_cfa cfa = state->cfa;

	*rule = (struct unwind_rule){.cfa = UNWIND_UNSUPPORTED};
	if (cie->return_column != RIP)
		return;
	if (cie->signal) {
		if (is_signal_frame(state))
			rule->cfa = UNWIND_SIGNAL;
		return;
	}
	if (state->rip.how == CFA_SAVED_UNDEFINED) {
		rule->cfa = UNWIND_END;
		return;
	}
	if (cfa == UNWIND_RSP && state->cfa_register != RSP)
		cfa = state->cfa_register == RBP ? UNWIND_RBP : UNWIND_UNSUPPORTED;
	/* vfork(): its child runs on the same stack and writes over it. */
	if (cfa == UNWIND_RSP && state->rip.how == CFA_SAVED_IN_RDI)
		cfa = UNWIND_RDI;
	else if (state->rip.how != CFA_SAVED_AT_CFA || state->rip.offset != -8)
		return;
	if (cfa == UNWIND_NONE || cfa == UNWIND_UNSUPPORTED || !fits(state->cfa_offset) || !fits(state->cfa_plus))
		return;
	/* The caller's rsp is the CFA, unless the object says otherwise. */
	if (state->rsp.how != CFA_SAVED_UNSPECIFIED && (state->rsp.how != CFA_SAVED_IS_CFA || state->rsp.offset != 0))
		return;
	rule->cfa = cfa;
	rule->cfa_offset = state->cfa_offset;
	rule->cfa_plus = state->cfa_plus;
	rule_rbp(&state->rbp, rule);
}

/* The state so far holds up to `location`. */
static int advance_to(struct run *run, uint64_t location)
{
	struct unwind_rule rule;
	int err;

	if (!run->initial || location < run->location) { /* a CIE has no locations */
		dwarf_fail(&run->reader);
		return 0;
	}
	if (location == run->location)
		return 0;
	rule_of(&run->now, run->cie, &rule);
	err = run->row(run->context, run->location, &rule);
	run->location = location;
	return err;
}

static int advance(struct run *run, uint64_t delta)
{
	uint64_t bytes, location;

	if (__builtin_mul_overflow(delta, run->cie->code_align, &bytes) ||
	    __builtin_add_overflow(run->location, bytes, &location))
		location = UINT64_MAX;
	return advance_to(run, location);
}

static void set_cfa(struct run *run, uint64_t number, int64_t offset)
{
	run->now.cfa = UNWIND_RSP;
	run->now.cfa_register = number;
	run->now.cfa_offset = offset;
	run->now.cfa_plus = 0;
}

/* Only the register, or only the offset: there must be both already, and no expression. */
static void change_cfa(struct run *run, uint64_t number, int64_t offset)
{
	if (run->now.cfa != UNWIND_RSP)
		dwarf_fail(&run->reader);
	else
		set_cfa(run, number, offset);
}

static const uint8_t *block(struct run *run, uint64_t *bytes)
{
	*bytes = dwarf_uleb(&run->reader);
	return dwarf_take(&run->reader, *bytes);
}

static void saved_by_expression(struct run *run, bool is_value)
{
	uint64_t number = dwarf_uleb(&run->reader), bytes;
	const uint8_t *data = block(run, &bytes);

	if (data)
		*saved(&run->now, &run->ignored, number) =
		    is_value ? (struct cfa_register){.how = CFA_SAVED_UNKNOWN} : cfa_expression_saved(data, bytes);
}

/* The instructions that say where the CFA is, and those without operands of interest. False when `op` is none of them. */
static bool cfa_instruction(struct run *run, uint8_t op)
{
	struct dwarf_reader *reader = &run->reader;
	uint64_t number, bytes;
	const uint8_t *data;

	switch (op) {
	case DW_CFA_def_cfa:
		number = dwarf_uleb(reader);
		set_cfa(run, number, (int64_t)dwarf_uleb(reader));
		return true;
	case DW_CFA_def_cfa_sf:
		number = dwarf_uleb(reader);
		set_cfa(run, number, factored(run, dwarf_sleb(reader)));
		return true;
	case DW_CFA_def_cfa_register:
		change_cfa(run, dwarf_uleb(reader), run->now.cfa_offset);
		return true;
	case DW_CFA_def_cfa_offset:
		change_cfa(run, run->now.cfa_register, (int64_t)dwarf_uleb(reader));
		return true;
	case DW_CFA_def_cfa_offset_sf:
		change_cfa(run, run->now.cfa_register, factored(run, dwarf_sleb(reader)));
		return true;
	case DW_CFA_def_cfa_expression:
		data = block(run, &bytes);
		if (data)
			cfa_expression_cfa(&run->now, data, bytes);
		return true;
	case DW_CFA_remember_state:
		if (run->n_remembered == REMEMBERED_MAX)
			dwarf_fail(reader);
		else
			run->remembered[run->n_remembered++] = run->now;
		return true;
	case DW_CFA_restore_state: /* the CFA too: the DWARF text is silent, compilers rely on it */
		if (!run->n_remembered)
			dwarf_fail(reader);
		else
			run->now = run->remembered[--run->n_remembered];
		return true;
	case DW_CFA_nop:
		return true;
	case DW_CFA_GNU_args_size: /* for landing pads only */
		dwarf_uleb(reader);
		return true;
	default:
		return false;
	}
}

/* The instructions that say where a register is saved. False when `op` is none of them. */
static bool register_instruction(struct run *run, uint8_t op)
{
	struct dwarf_reader *reader = &run->reader;
	uint64_t number;

	switch (op) {
	case DW_CFA_offset_extended:
		number = dwarf_uleb(reader);
		set(run, number, CFA_SAVED_AT_CFA, factored(run, (int64_t)dwarf_uleb(reader)));
		return true;
	case DW_CFA_offset_extended_sf:
		number = dwarf_uleb(reader);
		set(run, number, CFA_SAVED_AT_CFA, factored(run, dwarf_sleb(reader)));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		number = dwarf_uleb(reader);
		set(run, number, CFA_SAVED_AT_CFA, factored(run, -(int64_t)(dwarf_uleb(reader) & INT64_MAX)));
		return true;
	case DW_CFA_val_offset:
		number = dwarf_uleb(reader);
		set(run, number, CFA_SAVED_IS_CFA, factored(run, (int64_t)dwarf_uleb(reader)));
		return true;
	case DW_CFA_val_offset_sf:
		number = dwarf_uleb(reader);
		set(run, number, CFA_SAVED_IS_CFA, factored(run, dwarf_sleb(reader)));
		return true;
	case DW_CFA_restore_extended:
		restore(run, dwarf_uleb(reader));
		return true;
	case DW_CFA_undefined:
		set(run, dwarf_uleb(reader), CFA_SAVED_UNDEFINED, 0);
		return true;
	case DW_CFA_same_value:
		set(run, dwarf_uleb(reader), CFA_SAVED_SAME, 0);
		return true;
	case DW_CFA_register:
		number = dwarf_uleb(reader);
		set(run, number, dwarf_uleb(reader) == RDI ? CFA_SAVED_IN_RDI : CFA_SAVED_UNKNOWN, 0);
		return true;
	case DW_CFA_expression:
		saved_by_expression(run, false);
		return true;
	case DW_CFA_val_expression:
		saved_by_expression(run, true);
		return true;
	default:
		return false;
	}
}

static int instruction(struct run *run, uint8_t op)
{
	struct dwarf_reader *reader = &run->reader;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		return advance(run, op & 0x3f);
	case DW_CFA_offset:
		set(run, op & 0x3f, CFA_SAVED_AT_CFA, factored(run, (int64_t)dwarf_uleb(reader)));
		return 0;
	case DW_CFA_restore:
		restore(run, op & 0x3f);
		return 0;
	}
	/* The most frequent first. */
	if (cfa_instruction(run, op))
		return 0;
	switch (op) {
	case DW_CFA_advance_loc1:
		return advance(run, dwarf_u8(reader));
	case DW_CFA_advance_loc2:
		return advance(run, dwarf_u16(reader));
	case DW_CFA_advance_loc4:
		return advance(run, dwarf_u32(reader));
	case DW_CFA_set_loc:
		return advance_to(run, eh_frame_pointer(reader, run->cie->section, run->cie->pointer_encoding));
	}
	if (!register_instruction(run, op))
		dwarf_fail(reader); /* what is not known may change anything */
	return 0;
}

/* Stops at the end, at the FDE's last address, and at what is malformed (`reader.bad`). */
static int execute(struct run *run, uint64_t *budget)
{
	int err = 0;

	while (dwarf_left(&run->reader) && !err && (!run->initial || run->location < run->end)) {
		if (*budget == 0)
			return -E2BIG;
		--*budget;
		err = instruction(run, dwarf_u8(&run->reader));
	}
	return err;
}

int cfa_program_initial(const struct cie *cie, uint64_t *budget, struct cfa_state *ret)
{
	struct run run = {.cie = cie, .reader = dwarf_reader(cie->program, cie->program_bytes)};
	int err = execute(&run, budget);

	if (err)
		return err;
	*ret = run.now;
	return run.reader.bad ? -EINVAL : 0;
}

int cfa_program_run(const struct cie *cie, const struct cfa_state *initial, const struct fde *fde, uint64_t *budget,
		    cfa_row_fn row, void *context)
{
	struct unwind_rule unsupported = {.cfa = UNWIND_UNSUPPORTED};
	struct run run;
	int err;

	/* Not by an initializer: it would clear what is remembered, too, for every FDE. */
	run.cie = cie;
	run.initial = initial;
	run.reader = dwarf_reader(cie->section->data + fde->program, fde->program_bytes);
	run.now = *initial;
	run.n_remembered = 0;
	run.ignored = (struct cfa_register){};
	run.location = fde->start;
	run.end = fde->end;
	run.row = row;
	run.context = context;
	err = execute(&run, budget);
	if (err)
		return err;
	if (run.reader.bad)
		return run.location < run.end ? row(context, run.location, &unsupported) : 0;
	return run.location < run.end ? advance_to(&run, run.end) : 0;
}
