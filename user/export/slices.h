/* SPDX-License-Identifier: Apache-2.0 */
/* What formats in time share: what intervals are called, who woke, and stacks in words. Not for outside export/. */
#ifndef CONCPROF_EXPORT_SLICES_H
#define CONCPROF_EXPORT_SLICES_H

#include "explain/timeline.h"
#include "export/export.h"

/* Texts are UTF-8 without control characters, whatever programs gave; longer ones are cut between characters. */
#define SLICE_TEXT_BYTES  200
#define SLICE_STACK_BYTES 8192

/* Of the last of the runs; NULL: there is no run, or it has none. */
const struct timeline *slices_timeline(const struct export_input *input);

/* "on a CPU"; "for a CPU (woken)"; a wait as cause_label() calls it: `lock "GIL"`, "socket 127.0.0.1:8000", "join". */
const char *slice_name(char name[SLICE_TEXT_BYTES], const struct interval *interval);
/* A name of a thread, a process, a file. */
const char *slice_text(char text[SLICE_TEXT_BYTES], const char *name);
#define SLICE_TEXT(name) slice_text((char[SLICE_TEXT_BYTES]){0}, name)
/* Who held the lock, and who ended the wait: "worker/123"; "timer"; "" when not known. */
const char *slice_holder(char text[SLICE_TEXT_BYTES], const struct timeline_cause *cause);
const char *slice_waker(char text[SLICE_TEXT_BYTES], const struct timeline_cause *cause);
/* A frame: its function, else "libc.so.6+0x1234"; "[unfinished: no_rule]". */
const char *slice_frame(char text[SLICE_TEXT_BYTES], const struct run_frame *frame);
/* "futex_wait <- pthread_mutex_lock <- main"; of deeper ones, what fits, and "...". */
const char *slice_stack(char text[SLICE_STACK_BYTES], const struct run *run, uint64_t stack);

/*
 * How a viewer may number a thread that it knows by pid and tid: a tid is used again, and one that execs takes its leader's while both are in
 * the account. The first keeps it; later ones get a number that the kernel does not give (PID_MAX_LIMIT, linux/threads.h, and their serial),
 * and the tid in their name.
 */
struct slice_thread {
	const struct run_process *process;
	uint32_t tid;
};

/* By position in run->threads; owned by the caller. 0 or -ENOMEM. */
int slices_threads(const struct run *run, struct slice_thread **ret);
/* "worker"; "worker (tid 7002)" if that is not its number. */
const char *slice_thread_name(char text[SLICE_TEXT_BYTES], const struct run_thread *thread, const struct slice_thread *slice);

#endif
