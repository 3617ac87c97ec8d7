/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one row of a run's waits cannot tell, and all of them together can: how a word or a poll set is used, from who waited and who ended
 * the waits.
 */
#ifndef CONCPROF_EXPLAIN_USAGE_H
#define CONCPROF_EXPLAIN_USAGE_H

#include "profile/run.h"

struct usage;

/* Refers to the run, which must outlive it. 0 or -ENOMEM. */
int usage_open(const struct run *run, struct usage **ret);
void usage_close(struct usage *usage); /* NULL is fine */

/*
 * Of a wait with ENTRY_RUNTIME_LOCK: whether its word is a lock that threads take from one another. Runtimes make events, queues and joins
 * of the same thing, a word for each wait: one thread waits for it, and one that never does ends that. So it is a lock if at least two
 * threads waited for the word, and no more of that time (as far as it is known who ended it) was ended by threads that never did than by
 * those that do. Words are reused for other waits once they are free, by other threads: hence the second half. A lock that only one thread
 * ever had to wait for is not told from an event.
 */
bool usage_is_lock(const struct usage *usage, const struct run_wait *wait);

/*
 * Of a wait of CLASS_SELFWAKE: whether other followed processes end such waits of the thread, more of the time than its own process. Then
 * what looks like a wake-up from itself is a pipe whose other end others hold, too (make's job tokens), or a signal.
 */
bool usage_is_shared(const struct usage *usage, const struct run_wait *wait);

#endif
