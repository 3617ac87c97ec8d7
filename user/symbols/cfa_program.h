/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the call frame instructions of an FDE and says which rule (unwind_rule.h) holds from which address on. Source: DWARF 5, 6.4.2, and the
 * x86-64 psABI for the registers' numbers. What a rule cannot express becomes UNWIND_UNSUPPORTED (or UNWIND_RBP_LOST): never a guess.
 */
#ifndef CONCPROF_CFA_PROGRAM_H
#define CONCPROF_CFA_PROGRAM_H

#include <stdint.h>

#include "symbols/eh_frame.h"
#include "unwind_rule.h"

/* Where the caller's value of a register is. */
enum cfa_saved {
	CFA_SAVED_UNSPECIFIED,
	CFA_SAVED_SAME,
	CFA_SAVED_UNDEFINED,
	CFA_SAVED_AT_CFA, /* in memory at CFA + offset */
	CFA_SAVED_AT_RBP, /* in memory at rbp + offset */
	CFA_SAVED_AT_RSP, /* in memory at rsp + offset */
	CFA_SAVED_IS_CFA, /* it is CFA + offset */
	CFA_SAVED_IN_RDI,
	CFA_SAVED_UNKNOWN, /* some other way */
};

struct cfa_register {
	enum cfa_saved how;
	int64_t offset;
};

struct cfa_state {
	enum unwind_cfa cfa; /* UNWIND_RSP also stands for "cfa_register + cfa_offset"; UNWIND_NONE: not set yet */
	uint64_t cfa_register;
	int64_t cfa_offset, cfa_plus;
	struct cfa_register rbp, rsp, rip;
};

/* Takes the rule that holds from `address` on; addresses do not fall. Negative errno ends the run. */
typedef int (*cfa_row_fn)(void *context, uint64_t address, const struct unwind_rule *rule);

/* The state behind a CIE's own instructions. -EINVAL when they are malformed, -E2BIG when `budget` (instructions left) is used up. */
int cfa_program_initial(const struct cie *cie, uint64_t *budget, struct cfa_state *ret);

/*
 * The rows of an FDE, the first at its start. From a malformed instruction on its rows are UNWIND_UNSUPPORTED: that is no error.
 * 0; -E2BIG when `budget` is used up; what `row` returns.
 */
int cfa_program_run(const struct cie *cie, const struct cfa_state *initial, const struct fde *fde, uint64_t *budget,
		    cfa_row_fn row, void *context);

#endif
