/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads are in each state, as time goes: the intervals of all lanes, merged in the order of time. The counts are a step function:
 * its integral over the run is the time that threads spent in each state, to the nanosecond (as far as lanes are whole). Takes memory by
 * thread, not by interval.
 */
#ifndef CONCPROF_LEVEL_H
#define CONCPROF_LEVEL_H

#include "explain/timeline.h"

/* One thread goes from one interval to the next. Changes at one time come in the order of lanes. */
struct level_change {
	uint64_t at_ns;
	const struct lane *lane;
	const struct interval *ended; /* NULL: the thread begins */
	const struct interval *begun; /* NULL: the thread ends */
	/* The thread that ended the interval, which was blocked; NULL: none, or it was not alive at that moment, as clocks of CPUs differ. */
	const struct lane *waker;
	bool last; /* no other thread changes at this time: the counts hold from now on */
};

struct levels;

/* Refers to the timeline. 0 or -ENOMEM. */
int levels_open(const struct timeline *timeline, struct levels **ret);
void levels_close(struct levels *levels); /* NULL is fine */
/* The next change, which is valid until the next call. False: no more. */
bool levels_next(struct levels *levels, struct level_change *ret);
/* Threads in each state after the last change, by enum state. On a CPU is STATE_CPU: its sides are not known in time. */
const uint64_t *levels_threads(const struct levels *levels);

#endif
