/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Unwind tables: .eh_frame in a form that can be looked up in the kernel. Shared by the compiler (user/symbols), the BPF unwinder and
 * the tests. x86-64 only.
 *
 * A table covers [start, end) of one object's own addresses, in pages of 256 bytes:
 *
 *   index[i]   number of the first row that begins in page i; index[n_pages] is the number of rows
 *   rows[j]    bits 16..23: the low 8 bits of the address where the row begins; bits 0..15: number of its rule
 *
 * The row in effect at an address is the last one that begins at or before it, maybe in an earlier page; the first row of a table begins
 * at its start. Rules are shared by all objects; rule 0 is UNWIND_NONE.
 *
 * A rule says how to get from a frame's registers to its caller's. CFA is what rsp is there; the return address is always at CFA - 8.
 */
#ifndef CONCPROF_UNWIND_RULE_H
#define CONCPROF_UNWIND_RULE_H

#ifndef __BPF__
#include <linux/types.h>
#endif

#define UNWIND_PAGE_BITS  8
#define UNWIND_PAGE_BYTES (1 << UNWIND_PAGE_BITS)
#define UNWIND_RULES_MAX  65535

/* The rule of code without tables: CFA = rbp + 16, rbp saved at rbp. */
#define UNWIND_RULE_BY_FRAME UNWIND_RULES_MAX

#define UNWIND_ROW(address, rule) (((__u32)(address)&0xff) << 16 | (rule))
#define UNWIND_ROW_ADDRESS(row)   ((row) >> 16 & 0xff)
#define UNWIND_ROW_RULE(row)      ((row)&0xffff)

enum unwind_cfa {
	UNWIND_NONE,        /* no table covers this address */
	UNWIND_UNSUPPORTED, /* the table says something that a rule cannot express */
	UNWIND_END,         /* the return address is undefined: the outermost frame */
	UNWIND_RSP,         /* CFA = rsp + cfa_offset */
	UNWIND_RBP,         /* CFA = rbp + cfa_offset */
	UNWIND_PLT,         /* CFA = rsp + 8 + (((rip & 15) >= cfa_offset) << 3): lazy binding stubs, 11 or (with IBT) 9 or 10 */
	UNWIND_RSP_DEREF,   /* CFA = *(rsp + cfa_offset) + cfa_plus */
	UNWIND_RBP_DEREF,   /* CFA = *(rbp + cfa_offset) + cfa_plus: stacks realigned by GCC */
	UNWIND_SIGNAL,      /* a signal frame: the kernel's struct rt_sigframe lies at rsp; see UNWIND_SIGNAL_* */
	UNWIND_RDI,         /* CFA = rsp + cfa_offset, and the return address is in rdi: vfork(). In the innermost frame only */
	UNWIND_FRAME,       /* code without tables that keeps frame pointers (JITs): CFA = rbp + 16, rbp at rbp */
};

enum unwind_rbp {
	UNWIND_RBP_SAME,
	UNWIND_RBP_AT_CFA, /* saved at CFA + rbp_offset */
	UNWIND_RBP_AT_RBP, /* saved at rbp + rbp_offset (of this frame) */
	UNWIND_RBP_LOST,   /* undefined, or saved in a way a rule cannot express: later frames must not need it */
};

struct unwind_rule {
	__u8 cfa; /* enum unwind_cfa */
	__u8 rbp; /* enum unwind_rbp */
	__u16 zero;
	__s32 cfa_offset;
	__s32 cfa_plus;
	__s32 rbp_offset;
};
_Static_assert(sizeof(struct unwind_rule) == 16, "unwind_rule layout");

/* Registers in struct rt_sigframe when the handler has returned into __restore_rt (its own .eh_frame says the same). */
#define UNWIND_SIGNAL_RBP 120
#define UNWIND_SIGNAL_RSP 160
#define UNWIND_SIGNAL_RIP 168

/*
 * THE list of why an unwinding stops: identifier, name (of a figure in recordings: renaming one breaks them), words at the root of the
 * stack. Only the first is a whole stack.
 */
#define UNWIND_STOPS(X)                                                                                                          \
	X(UNWIND_WHOLE, "whole", "")                                                                                             \
	X(UNWIND_STOP_NO_TABLES, "unfinished_no_tables", "no tables yet")                                                        \
	X(UNWIND_STOP_NO_MAPPING, "unfinished_no_mapping", "unknown code")                                                       \
	X(UNWIND_STOP_NO_RULE, "unfinished_no_rule", "no unwind information")                                                    \
	X(UNWIND_STOP_UNSUPPORTED, "unfinished_unsupported", "unsupported unwind information")                                   \
	X(UNWIND_STOP_MEMORY, "unfinished_memory", "stack not readable")                                                         \
	X(UNWIND_STOP_NO_PROGRESS, "unfinished_no_progress", "no progress") /* the next frame does not lie above this one */     \
	X(UNWIND_STOP_DEEP, "unfinished_deep", "too deep")                  /* more frames than are kept */

enum unwind_stop {
#define X(id, name, words) id,
	UNWIND_STOPS(X)
#undef X
	    UNWIND_STOP_COUNT
};

#define UNWIND_FRAMES_MAX 127

#endif
