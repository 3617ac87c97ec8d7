/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline as it comes out of the kernel: kept raw and in any order while the program runs, since draining must not wait; put into the run's
 * order at the end. Beyond what memory is meant for, it goes to a nameless temporary file.
 */
#ifndef CONCPROF_EPISODES_H
#define CONCPROF_EPISODES_H

#include <stdbool.h>

#include "profile/run.h"

struct episodes;

/* At most so many episodes unless all are wanted: about 0.2 s after the program's end, and 7 MB of recording. */
#define EPISODES_BUDGET 250000
/* And so many moments: beyond, every second one is dropped, and so on. Many CPUs have as many in a minute, however little there is to wait for. */
#define MOMENTS_BUDGET 500000

/* `all`: however many there are; else none once they are more than the budget. 0 or -ENOMEM. */
int episodes_open(bool all, struct episodes **ret);
/* A record of `bytes`: of episodes, or a moment; nonsense is left out. */
void episodes_take(struct episodes *episodes, const void *record, size_t bytes);
/* One more. */
void episodes_add(struct episodes *episodes, const struct episode *episode);
/* Nothing is kept any more: there are more than the budget, or (`*lost` is set) there was no room for them. */
bool episodes_given_up(const struct episodes *episodes, bool *lost);

/*
 * Fills the run's episodes and moments, in their order: those of its threads. wait_of(context, thread, cause) is the id of the run's wait; 0: none.
 * stack_of() sets the id of the run's stack. Call it when the run has its threads, waits and stacks. Where episodes contradict their threads'
 * accounts, the run gets none, and *misfits says how many do. What was kept is given back. 0 or a
 * negative errno.
 */
struct episode_names {
	uint32_t (*wait_of)(void *context, uint64_t thread, uint64_t cause);
	int (*stack_of)(void *context, uint64_t stack, uint64_t *ret);
	void *context;
};
int episodes_fill(struct episodes *episodes, const struct episode_names *names, struct run *run, uint64_t *misfits);

void episodes_close(struct episodes *episodes); /* NULL is fine */

#endif
