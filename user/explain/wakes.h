/* SPDX-License-Identifier: Apache-2.0 */
/* Who ended whose wait, and when: the lines between lanes. */
#ifndef CONCPROF_WAKES_H
#define CONCPROF_WAKES_H

#include "explain/timeline.h"

struct wake {
	uint64_t at_ns;
	size_t from, to; /* lanes */
	const struct timeline_cause *cause;
};

struct wakes {
	struct wake *wakes; /* in no order */
	size_t n;
	uint64_t found;     /* how many there are in all */
	uint64_t hand_offs; /* of these: a lock was released to a thread that waited for it */
	bool only_hand_offs;
};

/*
 * Wake-ups between different lanes for which shown[] (by lane) is true, within the run. More than `most`: the hand-offs alone, if those are not
 * too many, else none. A wait that was open at the run's end was not ended. 0 or -ENOMEM.
 */
int wakes_find(const struct timeline *timeline, const bool *shown, size_t most, struct wakes *ret);
void wakes_free(struct wakes *wakes);

#endif
