/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address spaces of followed processes: which object lies where. Each change makes a new list of mappings, under a new generation,
 * for the kernel side to unwind with; stacks come back with the generation that they were taken under.
 *
 *   mappings.c (what was mapped), record_fork (who inherits) -> spans of a process -> list -> the kernel's maps
 *   a stack's addresses + generation -> list -> object and address in it
 *
 * One round: mappings_take, kernel_take (forks and stacks arrive), spaces_round.
 */
#ifndef CONCPROF_SPACES_H
#define CONCPROF_SPACES_H

#include "trace/spans.h"
#include "trace/tables.h"

struct spaces;

/* Neither is owned; `tables` may be NULL (no stacks): then only who is followed is kept. 0 or a negative errno. */
int spaces_open(struct kernel *kernel, struct tables *tables, struct spaces **ret);
void spaces_close(struct spaces *spaces); /* NULL is fine */

/* Follows a process that is about to exec. */
int spaces_root(struct spaces *spaces, uint32_t pid);
/*
 * Follows a process that is alive: what it has mapped is read from /proc/PID/maps, and kept in `mappings` (may be NULL), too. 0; -ESRCH and
 * the like.
 */
int spaces_attach(struct spaces *spaces, struct mappings *mappings, uint32_t pid);
void spaces_fork(struct spaces *spaces, const struct record_fork *fork);
void spaces_ended(struct spaces *spaces, uint32_t pid);

/* Applies what has been mapped and who has forked, in the order of time, and publishes what changed. */
void spaces_round(struct spaces *spaces, struct mappings *mappings);

/* Where an address lay. NULL: nowhere that is known. Valid until the next spaces_round(). */
const struct span *spaces_find(const struct spaces *spaces, uint64_t generation, uint64_t address);

/* The generation that a process's list has now; 0: none. */
uint64_t spaces_generation(struct spaces *spaces, uint32_t pid);
const struct tables *spaces_tables(const struct spaces *spaces);

/* Lists that found no room. */
uint64_t spaces_full(const struct spaces *spaces);

#endif
