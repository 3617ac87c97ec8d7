/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that no FDE claims. It has no rule, so that it never inherits its predecessor's, with three exceptions:
 *
 * - What glibc's clone() and clone3() do between the system call and their return: they end their FDE before the call for the sake of
 *   the child (sysdeps/unix/sysv/linux/x86_64/clone.S, clone3.S), but their caller waits there in posix_spawn and what is made of it.
 *   Only where the gap is these ten bytes and no others: then the `ret` among them proves that the return address is on top of the
 *   stack. It holds for the parent; the child, whose stack is another, has at most the three instructions up to the jump to its own
 *   part under this rule.
 * - Up to 128 bytes from the program's entry point on are the outermost frame: the dynamic linker's _start has no FDE
 *   (sysdeps/x86_64/dl-machine.h, RTLD_START).
 * - 256 KiB or more are code that a generator wrote into the object, as V8's builtins in node and chromium (1.6 MB). Generators keep
 *   frame pointers: a caller is lost only while rbp is not set up yet. Procedure linkage tables are not as large.
 *
 * vfork() is no gap: its FDE says that the return address is in rdi during the call (sysdeps/unix/sysv/linux/x86_64/vfork.S), which is no
 * rule here; it counts as unsupported.
 */
#ifndef CONCPROF_UNWIND_GAPS_H
#define CONCPROF_UNWIND_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind_rule.h"

struct unwind_range {
	uint64_t start, end;
};

/* An object's code, in its own addresses. */
struct unwind_text {
	const struct unwind_range *ranges; /* that are executable */
	size_t n_ranges;
	uint64_t entry; /* where the program begins; 0: nowhere */
	/* Copies code; false where the object has none. NULL: it cannot be read. Called with rising addresses. */
	bool (*read)(void *context, uint64_t address, void *to, size_t bytes);
	void *context;
};

struct unwind_gap_part {
	uint64_t start;
	struct unwind_rule rule; /* UNWIND_NONE: all zero */
};
#define UNWIND_GAP_PARTS_MAX 3

/* The rules from `start` on to `end`, which is above it: at least one part, the first at `start`, rising. Returns how many. */
size_t unwind_gap(const struct unwind_text *text, uint64_t start, uint64_t end, struct unwind_gap_part *parts);

#endif
