/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By which function of the C library, or of a language's runtime, a thread came to wait: the innermost frame of its stack that has a name
 * which says what kind of thing is waited for. A futex word alone does not tell a mutex from a barrier.
 */
#ifndef CONCPROF_ENTRY_H
#define CONCPROF_ENTRY_H

#include "profile/run.h"

enum entry {
	ENTRY_NONE, /* no stack, or no such function on it */
	ENTRY_MUTEX,
	ENTRY_READ_LOCK,  /* of a read-write lock */
	ENTRY_WRITE_LOCK, /* the same to write */
	ENTRY_CONDITION,
	ENTRY_SEMAPHORE,
	ENTRY_BARRIER,
	ENTRY_JOIN,
	ENTRY_ONCE,
	ENTRY_RUNTIME_LOCK, /* of a runtime that makes its locks of something else: Python's, of semaphores */
};

/*
 * How the waits with that stack (id of a run_stack; 0: none) were begun. *caller (if not NULL): the frame that called the library for it,
 * outside of everything whose business is locking; NULL if there is none.
 */
enum entry run_entry(const struct run *run, uint64_t stack, const struct run_frame **caller);

/* The innermost kernel function on the stack that is not about sleeping or locking itself; NULL: none is known. */
const struct run_frame *run_kernel_caller(const struct run *run, uint64_t stack);

#endif
