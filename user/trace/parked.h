/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of threads that were blocked or sampled when their mappings were not known, or blocked before they were followed. They are taken from the memory that
 * came along with the record, and beyond it from the thread's own, while it has not run since. Nothing is stopped: whether a thread has run is
 * told by its state and its count of switches. Which mappings count is told by the record's time: those of then, not of now.
 */
#ifndef CONCPROF_PARKED_H
#define CONCPROF_PARKED_H

#include "trace/spaces.h"

struct parked;

/* Not owned. 0 or -ENOMEM. */
int parked_open(struct spaces *spaces, struct parked **ret);
/* `stack` has record->bytes bytes, PARKED_BYTES at most; they are copied. 0 or -ENOMEM. */
int parked_add(struct parked *parked, const struct record_parked *record, const uint8_t *stack);
/*
 * Takes the stacks of before until_ns, a time that spaces_round() has reached: take() gets each as if the kernel side had delivered it,
 * unfinished if it came too late. The rest waits for another round. 0, -ENOMEM, or what take() returned unless that was 0.
 */
int parked_round(struct parked *parked, uint64_t until_ns, int (*take)(void *context, const struct record_stack *record),
		 void *context);
/* How many ended how, by enum unwind_stop: added to UNWIND_STOP_COUNT entries. */
void parked_count(const struct parked *parked, uint64_t *stops);
void parked_close(struct parked *parked); /* NULL is fine */

#endif
