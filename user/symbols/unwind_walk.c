/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/unwind_walk.h"

static bool read_word(const struct unwind_view *view, uint64_t address, uint64_t *word)
{
	return view->read(view->context, address, word, sizeof(*word)) == 0;
}

static bool needs_rbp(const struct unwind_rule *rule)
{
	return rule->cfa == UNWIND_RBP || rule->cfa == UNWIND_RBP_DEREF || rule->cfa == UNWIND_FRAME;
}

static enum unwind_stop find_cfa(const struct unwind_view *view, const struct unwind_rule *rule,
				 const struct unwind_registers *now, uint64_t *cfa)
{
	if (needs_rbp(rule) && now->rbp_lost)
		return UNWIND_STOP_UNSUPPORTED;
	switch ((enum unwind_cfa)rule->cfa) {
	case UNWIND_NONE:
		return UNWIND_STOP_NO_RULE;
	case UNWIND_END:
		return UNWIND_STOP_COUNT;
	case UNWIND_RDI:
		*cfa = now->rsp + rule->cfa_offset;
		return now->rdi_known && *cfa >= now->rsp ? UNWIND_WHOLE : UNWIND_STOP_UNSUPPORTED;
	case UNWIND_RSP:
		*cfa = now->rsp + rule->cfa_offset;
		break;
	case UNWIND_RBP:
		*cfa = now->rbp + rule->cfa_offset;
		break;
	case UNWIND_PLT:
		*cfa = now->rsp + 8 + ((int32_t)(now->rip & 15) >= rule->cfa_offset ? 8 : 0);
		break;
	case UNWIND_FRAME:
		*cfa = now->rbp + 16;
		break;
	case UNWIND_RSP_DEREF:
	case UNWIND_RBP_DEREF:
		*cfa = (rule->cfa == UNWIND_RSP_DEREF ? now->rsp : now->rbp) + rule->cfa_offset;
		if (!read_word(view, *cfa, cfa))
			return UNWIND_STOP_MEMORY;
		*cfa += rule->cfa_plus;
		break;
	default:
		return UNWIND_STOP_UNSUPPORTED;
	}
	return *cfa > now->rsp ? UNWIND_WHOLE : UNWIND_STOP_NO_PROGRESS;
}

static enum unwind_stop step_signal(const struct unwind_view *view, struct unwind_registers *registers)
{
	struct unwind_registers next = {};

	if (!read_word(view, registers->rsp + UNWIND_SIGNAL_RIP, &next.rip) ||
	    !read_word(view, registers->rsp + UNWIND_SIGNAL_RSP, &next.rsp) ||
	    !read_word(view, registers->rsp + UNWIND_SIGNAL_RBP, &next.rbp))
		return UNWIND_STOP_MEMORY;
	*registers = next;
	return UNWIND_WHOLE;
}

static bool find_rbp(const struct unwind_view *view, const struct unwind_rule *rule, const struct unwind_registers *now,
		     uint64_t cfa, struct unwind_registers *next)
{
	next->rbp = now->rbp;
	next->rbp_lost = now->rbp_lost;
	if (rule->cfa == UNWIND_FRAME)
		return read_word(view, now->rbp, &next->rbp);
	switch ((enum unwind_rbp)rule->rbp) {
	case UNWIND_RBP_SAME:
		return true;
	case UNWIND_RBP_AT_CFA:
		next->rbp_lost = false;
		return read_word(view, cfa + rule->rbp_offset, &next->rbp);
	case UNWIND_RBP_AT_RBP:
		return now->rbp_lost || read_word(view, now->rbp + rule->rbp_offset, &next->rbp);
	default:
		next->rbp_lost = true;
		return true;
	}
}

enum unwind_stop unwind_step(const struct unwind_view *view, const struct unwind_rule *rule, struct unwind_registers *registers,
			     bool *signal)
{
	struct unwind_registers next = {};
	enum unwind_stop stop;

	*signal = rule->cfa == UNWIND_SIGNAL;
	if (*signal)
		return step_signal(view, registers);
	stop = find_cfa(view, rule, registers, &next.rsp);
	if (stop != UNWIND_WHOLE)
		return stop;
	if (rule->cfa == UNWIND_RDI)
		next.rip = registers->rdi;
	else if (!read_word(view, next.rsp - 8, &next.rip))
		return UNWIND_STOP_MEMORY;
	if (!find_rbp(view, rule, registers, next.rsp, &next))
		return UNWIND_STOP_MEMORY;
	*registers = next;
	return UNWIND_WHOLE;
}

enum unwind_stop unwind_walk(const struct unwind_view *view, struct unwind_registers registers, uint64_t *frames, size_t most,
			     size_t *count)
{
	bool exact = true; /* rip is where the thread is, not where it returns to */

	for (*count = 0; *count < most;) {
		struct unwind_rule rule;
		enum unwind_stop stop;

		frames[(*count)++] = registers.rip;
		/* A call may be a function's last instruction: what it returns to belongs to the next one. */
		stop = view->rule(view->context, registers.rip - !exact, &rule);
		if (stop == UNWIND_WHOLE)
			stop = unwind_step(view, &rule, &registers, &exact);
		if (stop == UNWIND_STOP_COUNT)
			return UNWIND_WHOLE;
		if (stop != UNWIND_WHOLE)
			return stop;
		/* Where no table says that a frame is the outermost, a return address of 0 does (x86-64 psABI 3.4.1). */
		if (!registers.rip)
			return UNWIND_WHOLE;
	}
	return UNWIND_STOP_DEEP;
}
