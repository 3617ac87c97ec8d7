/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run in time: what each thread was doing when, with every wait judged by the rules. For all that shows or follows time (lanes, the
 * critical path, predictions, exports). Points in time are ns since the run's begin.
 *
 *   run->episodes (facts) + rules -> lanes of episodes, each with its cause -> intervals, one after the other
 */
#ifndef CONCPROF_TIMELINE_H
#define CONCPROF_TIMELINE_H

#include "explain/explain.h"

/* What an episode's blocked part is for. */
struct timeline_cause {
	enum state state;
	const char *cause;               /* as struct wait's; never empty */
	bool outside;                    /* for something outside the run */
	bool join;                       /* for the end of a thread or process */
	const struct run_wait *wait;     /* NULL: its cause could not be kept */
	const struct run_thread *waker;  /* who ended it; NULL: none that was followed, see wait->waker_name */
	const struct run_thread *holder; /* of the lock when it began; NULL: not known */
};

/* One thread. */
struct lane {
	const struct run_thread *thread;
	uint64_t begin_ns, end_ns; /* its life, within the run's */
	const struct run_episode *episodes;
	size_t n_episodes;
	const struct run_moment *moments; /* samples */
	size_t n_moments;
	/* Off-CPU time of the thread's account less that of its episodes: 0, or the lane is not whole. */
	int64_t missing_ns;
};

struct timeline {
	const struct run *run;
	uint64_t wall_ns;
	struct lane *lanes; /* same order as run->threads */
	size_t n_lanes;
	uint64_t missing_ns;           /* sum of |missing_ns| */
	struct timeline_cause *causes; /* by run_wait.id - 1, then by class for waits whose cause is not known */
	struct strings *strings;
};

/* Refers to the run, which must outlive it. 0; -ENODATA: the run has no timeline; -ENOMEM. `options` may be NULL. */
int timeline_open(const struct run *run, const struct explain_options *options, struct timeline **ret);
void timeline_close(struct timeline *timeline); /* NULL is fine */

/* Of an episode with a blocked part; NULL: it has none. */
const struct timeline_cause *timeline_cause(const struct timeline *timeline, const struct run_episode *episode);
/* Position of a thread's lane, which is that of the thread in run->threads. */
static inline size_t timeline_lane(const struct timeline *timeline, const struct run_thread *thread)
{
	return thread - timeline->run->threads;
}

static inline uint64_t episode_wake_ns(const struct run_episode *episode)
{
	return episode->out_ns + episode->blocked_ns;
}

static inline uint64_t episode_in_ns(const struct run_episode *episode)
{
	return episode->out_ns + episode->blocked_ns + episode->queued_ns;
}

/* What a thread was doing from begin_ns until end_ns. */
struct interval {
	uint64_t begin_ns, end_ns;
	enum state state;                   /* STATE_CPU: on a CPU; its side is not known */
	const struct timeline_cause *cause; /* of a blocked one; else NULL */
	const struct run_episode *episode;  /* NULL: on a CPU */
};

/* Where timeline_next() is in a lane; all zero: at its begin. */
struct interval_cursor {
	size_t episode;
	unsigned int part; /* 0: on a CPU before the episode; 1: blocked; 2: waiting for a CPU */
};

/* The lane's next interval that is not empty. They follow each other without gaps, from lane->begin_ns to lane->end_ns. False: no more. */
bool timeline_next(const struct timeline *timeline, const struct lane *lane, struct interval_cursor *cursor,
		   struct interval *ret);

/* The samples of a lane in [begin_ns, end_ns): the first of them, and how many. */
const struct run_moment *timeline_moments(const struct lane *lane, uint64_t begin_ns, uint64_t end_ns, size_t *n);

#endif
