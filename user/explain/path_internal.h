/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the critical path share; not for others. */
#ifndef CONCPROF_PATH_INTERNAL_H
#define CONCPROF_PATH_INTERNAL_H

#include "explain/path.h"

struct path_tally {
	uint64_t ns, count;
	const struct run_thread *thread; /* whose; NULL: nobody's, or several threads' */
};

/* What the walk has counted. All by position: of causes in timeline->causes, of lanes in timeline->lanes. */
struct path_tallies {
	struct path_tally *waits;     /* by cause */
	struct path_tally *queues;    /* by the cause of the wait before */
	struct path_tally *preempted; /* by lane */
	struct path_tally *cpus;      /* by lane */
	struct path_tally nobody;
};

/* path_rows.c: rows, threads and states, from the segments and what the walk has counted. `after`: by cause, names of the queue after it. */
int path_sum(const struct timeline *timeline, const struct path_tallies *tallies, const char *const *after, struct path *path);

/* path_sentence.c */
int path_tell(struct path *path);

/* path_active.c: which thread was on a CPU last. */
struct path_active;
int path_active_new(const struct timeline *timeline, struct path_active **ret); /* 0 or -ENOMEM */
/*
 * The position of the lane that was on a CPU last, up to at_ns, of those alive at it (born before it); of the one that had ended last, if none
 * is. SIZE_MAX: none was born before. Points in time must not increase from call to call.
 */
size_t path_active_last(struct path_active *active, uint64_t at_ns);
void path_active_free(struct path_active *active); /* NULL is fine */

/*
 * path_workers.c: the position of the lane that was on a CPU last after *from_ns, up to at_ns, of threads that are not idle; *from_ns becomes when that
 * was. SIZE_MAX: none was, and *from_ns stays. A search in each lane.
 */
size_t path_worker_last(const struct timeline *timeline, const struct thread_view *threads, uint64_t *from_ns, uint64_t at_ns);

/* path_holders.c: who had a lock. */
struct path_holders;
int path_holders_new(const struct timeline *timeline, struct path_holders **ret); /* 0 or -ENOMEM */
/* Who had got the lock last before at_ns, which the lane waited for then. SIZE_MAX: not known. */
size_t path_holder(const struct path_holders *holders, const struct timeline *timeline, const struct timeline_cause *cause,
		   size_t lane, uint64_t at_ns);
void path_holders_free(struct path_holders *holders); /* NULL is fine */

/*
 * path_functions.c: by stack id, the program's own innermost function that has a name, each name one number from 1; 0: it has none.
 * names[number] is the text, in `strings`.
 */
struct path_functions {
	uint32_t *of_stack;
	const char **names;
	size_t n; /* numbers, 0 included */
};
int path_functions_find(const struct run *run, struct strings **strings, struct path_functions *ret); /* 0 or -ENOMEM */
void path_functions_free(struct path_functions *functions);

#endif
