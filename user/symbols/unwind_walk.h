/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinding on the host over the same rules as the kernel side: the reference for its tests, and for threads that are already blocked
 * when they are attached to.
 */
#ifndef CONCPROF_UNWIND_WALK_H
#define CONCPROF_UNWIND_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind_rule.h"

struct unwind_registers {
	uint64_t rip, rsp, rbp, rdi;
	bool rbp_lost;  /* rbp is not known */
	bool rdi_known; /* of the innermost frame, whose registers were saved */
};

/* What is unwound. */
struct unwind_view {
	void *context;
	/* The rule at an address of the process: UNWIND_WHOLE and `*ret`, or why there is none. */
	enum unwind_stop (*rule)(void *context, uint64_t rip, struct unwind_rule *ret);
	/* `bytes` bytes of the process's memory at `address`. 0, or negative errno. */
	int (*read)(void *context, uint64_t address, void *to, size_t bytes);
};

/*
 * From a frame's registers to its caller's by `rule`. UNWIND_WHOLE: done; `signal` says whether the frame was a signal frame: then
 * the new rip is where the thread was interrupted, else it is a return address. Anything else: the registers are as they were.
 * UNWIND_STOP_COUNT stands for UNWIND_END: there is no caller.
 */
enum unwind_stop unwind_step(const struct unwind_view *view, const struct unwind_rule *rule, struct unwind_registers *registers,
			     bool *signal);

/* The addresses of up to `most` frames, the innermost first, as they stand in the registers and on the stack. Returns why it ended. */
enum unwind_stop unwind_walk(const struct unwind_view *view, struct unwind_registers registers, uint64_t *frames, size_t most,
			     size_t *count);

#endif
