/* SPDX-License-Identifier: Apache-2.0 */
/* What waits are called: the column `name` of the table of rules. */
#ifndef CONCPROF_NAMES_H
#define CONCPROF_NAMES_H

#include "explain/explain.h"
#include "profile/entry.h"

/* A wait, and what its stack says of it. */
struct subject {
	const struct run *run;
	const struct run_wait *wait;
	enum entry entry;
	const struct run_frame *caller; /* of the lock library; NULL: not known */
	const struct lock_names *lock_names;
	const struct usage *usage;            /* NULL: nothing is known but the wait */
	const struct run_frame *program_lock; /* the function of the program that takes a lock of its own; NULL: none */
};

/*
 * Locks that lie in no named object are called by a function that waits for them: of several the one that waited longest, so that a lock
 * has one name wherever it is taken.
 */
struct lock_names;
int lock_names_open(const struct run *run, struct lock_names **ret); /* 0 or -ENOMEM */
void lock_names_close(struct lock_names *names);                     /* NULL is fine */

/* All: in new memory; NULL without. */
char *name_unattributed(const struct subject *subject);
char *name_join(const struct subject *subject);
char *name_mutex(const struct subject *subject);
char *name_read_write_lock(const struct subject *subject);
char *name_once(const struct subject *subject);
char *name_runtime_lock(const struct subject *subject);
char *name_runtime_event(const struct subject *subject);
char *name_program_lock(const struct subject *subject);
char *name_condition(const struct subject *subject);
char *name_semaphore(const struct subject *subject);
char *name_barrier(const struct subject *subject);
char *name_futex(const struct subject *subject);
char *name_class(const struct subject *subject);
char *name_syscall(const struct subject *subject);
char *name_socket(const struct subject *subject);
char *name_object(const struct subject *subject);
char *name_object_or_syscall(const struct subject *subject);
char *name_syscall_object(const struct subject *subject);
char *name_preempted(const struct subject *subject);
char *name_woken(const struct subject *subject);
char *name_child(const struct subject *subject);
char *name_fault(const struct subject *subject);
char *name_tty(const struct subject *subject);
char *name_page_in_object(const struct subject *subject);
char *name_selfwake(const struct subject *subject);
char *name_shared_pipe(const struct subject *subject);
char *name_file_lock(const struct subject *subject);
char *name_sleep(const struct subject *subject);
char *name_sysv(const struct subject *subject);
char *name_kernel_lock(const struct subject *subject);

#endif
