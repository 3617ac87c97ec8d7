/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks of a measurement: taken as addresses, resolved at once to objects and places in them (mappings change), kept as a tree,
 * and named at the end.
 */
#ifndef CONCPROF_STACKS_H
#define CONCPROF_STACKS_H

#include "profile/run.h"
#include "trace/spaces.h"

struct stacks;

/* Neither is owned. 0 or -ENOMEM. */
int stacks_open(struct spaces *spaces, struct symbolizer *symbolizer, struct stacks **ret);
/* Takes a record over; `bytes` is what there is of it. 0 or -ENOMEM; nonsense is left out. */
int stacks_take(struct stacks *stacks, const struct record_stack *record, size_t bytes);
/* The same for a stack that we have to take ourselves, when a round reaches its time. */
int stacks_take_parked(struct stacks *stacks, const struct record_parked *record, size_t bytes);
/* After each spaces_round(), with the same time. 0 or -ENOMEM. */
int stacks_round(struct stacks *stacks, uint64_t until_ns);
/* How many ended how, by enum unwind_stop; UNWIND_STOP_COUNT entries are added to. */
void stacks_count_parked(const struct stacks *stacks, uint64_t *stops);
/* The process is about to end, or has: what its JIT says of itself is read now. */
void stacks_process_ends(struct stacks *stacks, uint64_t process, uint32_t pid);

/*
 * The number in run->stacks of the stack with this id of the kernel side's; it and its frames are added to the run if need be. 0: none
 * (it was not delivered). -ENOMEM.
 */
int stacks_number(struct stacks *stacks, uint64_t id, struct run *run, uint64_t *ret);

/* What could not be unwound or named for want of room, by enum loss: added to LOSS_COUNT entries. Call it when all are named. */
void stacks_count_losses(const struct stacks *stacks, uint64_t *losses);

void stacks_close(struct stacks *stacks); /* NULL is fine */

#endif
