// SPDX-License-Identifier: GPL-2.0-only
/* Where a thread waits. */
#include "concprof.bpf.h"

__noinline int stack_take(struct thread *t)
{
	if (!t)
		return 0;
	t->open.stack = 0;
	return 0;
}
