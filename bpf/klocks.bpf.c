// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks inside the kernel on which threads block. Both programs are loaded where the kernel has the tracepoints (5.19); elsewhere such
 * waits are counted as what the system call is about.
 */
#include "concprof.bpf.h"

/* A lock that is only spun for blocks nobody; it may be met while waiting for one on which one sleeps. */
SEC("?tp_btf/contention_begin")
int BPF_PROG(on_contention_begin, void *lock, unsigned int flags)
{
	struct thread *t;

	if ((flags & (LCB_F_SPIN | LCB_F_MUTEX)) == LCB_F_SPIN)
		return 0;
	t = thread_of(bpf_get_current_task_btf());
	if (!t)
		return 0;
	t->klock = (u64)lock;
	t->klock_flags = flags;
	return 0;
}

SEC("?tp_btf/contention_end")
int BPF_PROG(on_contention_end, void *lock, int result)
{
	struct thread *t = thread_of(bpf_get_current_task_btf());

	if (t && t->klock == (u64)lock)
		t->klock = 0;
	return 0;
}
