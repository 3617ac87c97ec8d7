/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address spaces of followed processes: which object lies where. Each change makes a new list of mappings, under a new generation,
 * for the kernel side to unwind with; stacks come back with the generation that they were taken under.
 *
 *   mappings.c (what was mapped), record_fork (who inherits) -> spans of a process -> list -> the kernel's maps
 *   a stack's addresses + generation -> list -> object and address in it
 *
 * One round: mappings_take, kernel_take (births, ends and stacks arrive), spaces_round, parked stacks. The records come by several rings, each in
 * its own order, and some while we look at others: a round applies what all of them are known to have told, in the order of time, and
 * leaves the rest to the next one.
 */
#ifndef CONCPROF_SPACES_H
#define CONCPROF_SPACES_H

#include <stdbool.h>

#include "trace/spans.h"
#include "trace/tables.h"

struct spaces;

/* Neither is owned; `tables` may be NULL (no stacks): then only who is followed is kept. 0 or a negative errno. */
int spaces_open(struct kernel *kernel, struct tables *tables, struct spaces **ret);
void spaces_close(struct spaces *spaces); /* NULL is fine */

/* Follows a process that is about to exec. */
int spaces_root(struct spaces *spaces, uint32_t pid);
/*
 * Follows a process that is alive: what it has mapped is read from /proc/PID/maps, and kept in `mappings` (may be NULL), too. `process` is
 * its serial. 0; -ESRCH and the like.
 */
int spaces_attach(struct spaces *spaces, struct mappings *mappings, uint32_t pid, uint64_t process);
/* Both take effect in the round that reaches their time. */
void spaces_fork(struct spaces *spaces, const struct record_fork *fork);
void spaces_ended(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns);

/*
 * Applies what has been mapped, who has been born and who has ended, until then and in the order of time, and publishes what changed. All
 * that happened until then must have been taken.
 */
void spaces_round(struct spaces *spaces, struct mappings *mappings, uint64_t until_ns);

/* Where an address lay at a time, by a list of then or later. NULL: nowhere that is known. Valid until the next spaces_round(). */
const struct span *spaces_find(const struct spaces *spaces, uint64_t generation, uint64_t address, uint64_t time_ns);

/*
 * The generation of the list that a process (serial and pid) had at a time that the last round has reached; 0: none that is known.
 * *is_there_still: the address space has not gone since.
 */
uint64_t spaces_at(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns, bool *is_there_still);
const struct tables *spaces_tables(const struct spaces *spaces);

/* Lists that found no room. */
uint64_t spaces_full(const struct spaces *spaces);

#endif
