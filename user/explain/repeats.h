/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two things that were run several times each: whether they differ by more than their own runs do. The itemised comparison is of one run of each; what
 * is said of it first depends on this.
 */
#ifndef CONCPROF_REPEATS_H
#define CONCPROF_REPEATS_H

#include "explain/explain.h"
#include "explain/spread.h"

struct repeats {
	uint64_t *before_ns, *after_ns; /* wall times in the order of measuring */
	struct spread before, after;
	enum spread_verdict verdict;
	double speedup; /* ratio of the medians */
};

/*
 * Gives the comparison its repeats, n_before, n_after > 0; nothing of the lists is taken over. Its headline then speaks of the medians, and where the
 * difference is noise of nothing else; where that cannot be known, it says so. 0 or -ENOMEM. A refused comparison stays as it is.
 */
int explain_repeats(struct comparison *comparison, const uint64_t *before_ns, size_t n_before, const uint64_t *after_ns,
		    size_t n_after);
void repeats_free(struct repeats *repeats); /* NULL is fine */

#endif
