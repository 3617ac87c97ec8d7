/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window of a run, as a run of its own: what happened from one point in time until another, from the timeline.
 *
 * Whoever lived within the window keeps its account as it is. Of a thread that reaches beyond it
 *   - the states are those of its episodes, cut at the window's edges, and sum to the part of its life that is in the window;
 *   - on-CPU time is exact; its sides (user, kernel), which the timeline does not have, are in the proportion of the thread's whole life;
 *   - waits count where any part of them is in the window, switches where they happen; waits that ran out of time are in proportion;
 *   - samples are those that were taken in the window;
 *   - syscalls, connects, faults and the kernel's own account are not known: 0, and `ended` is false.
 * Time of threads without a record of their own is in the proportion of their process's life. What the workload says of itself (the ledger)
 * is left out; losses, how unwinding went, and what concprof itself took are those of the whole run. Windows that follow each other and cover
 * the run sum to it: each class, to the nanosecond.
 */
#ifndef CONCPROF_PROFILE_WINDOW_H
#define CONCPROF_PROFILE_WINDOW_H

#include "profile/run.h"

/*
 * `from_ns` and `to_ns` are since the run's begin; beyond its end is its end. The result shares nothing with the run. 0; -ENODATA: the run
 * has no timeline; -ERANGE: nothing of the run is in the window; -ENOMEM.
 */
int run_window(const struct run *run, uint64_t from_ns, uint64_t to_ns, struct run **ret);

#endif
