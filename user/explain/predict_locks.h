/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who held a lock from when until when, as far as waits tell.
 *
 * A thread that waited for a lock has it from the end of its wait; waits that follow each other at once are one (a time that it was willing
 * to wait, or somebody was faster). It gives it up when it ends another's wait for the same lock. When nobody waited, that is not seen:
 *   - a lock of the program: it is held as long as it was on average where that was seen, and until its next wait for it at most;
 *   - an interpreter's: until the thread waits for anything at all.
 * A thread that ends such a wait without having waited itself had the lock at least since that wait began. All words of an interpreter's
 * lock are one lock; of others each address is. Readers of a lock count as if they excluded each other.
 */
#ifndef CONCPROF_PREDICT_LOCKS_H
#define CONCPROF_PREDICT_LOCKS_H

#include "explain/predict_internal.h"

/*
 * Adds ACQUIREs and RELEASEs for all locks that fates leave. `vain`, by episode: set for waits that did not get the lock. *ret: the locks,
 * for free(). 0 or -ENOMEM.
 */
int locks_infer(const struct timeline *timeline, const struct fates *fates, struct actions *actions, bool *vain,
		struct replay_lock **ret, size_t *n_ret);

#endif
