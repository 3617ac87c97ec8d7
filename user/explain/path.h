/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The critical path: what the wall time of a run consists of. From the end of the run backwards it follows whoever could not have gone on
 * earlier, so that only what lies on it can make the run shorter.
 *
 *   - It begins at the end of T on the root's main thread; on the thread that ended last, if that had ended before. In an attached run, and
 *     where that thread goes on (the run was interrupted, or is a part of one): on the thread that was on a CPU last, of those that live then.
 *   - Time on a CPU, in the run queue and in waits for something outside the run is the thread's own.
 *   - A wait for another followed thread is not: from its end the path continues on the thread that ended it. So it does after waits for
 *     signals and stops, and those of which nothing is known but who ended them, if that was a followed thread.
 *   - A wait for a lock that nobody ended, as the time that the thread was willing to wait was over: from its end the path continues on the
 *     thread that had the lock then (its holder as the program knows it, else who had got the lock last).
 *   - Any other wait that something else ended (an interrupt, a timer, a thread that is not followed), or that nothing had ended by then, is the
 *     thread's own, and the path continues before it. So is one whose end the path has followed already: as clocks of CPUs differ, two
 *     threads may seem to have woken each other.
 *   - Where nobody's end says whom others waited for, neither does such a wait of an idle thread: it is the thread's own only back to when a thread
 *     that is not idle was on a CPU, and the path continues there. A server's helper would hide what was served before it looked around.
 *   - Before a thread's birth it continues on its creator. Where that is not known: on the thread, of those that live then, that was on a
 *     CPU last. Time at which no thread of the run was alive is in state `other`, cause PATH_NOBODY.
 *
 * Each part of a thread's life is passed once at most, so that the walk ends whatever a recording holds, after as many steps as there are
 * episodes. Times never increase along it: the segments follow each other without gaps and sum to T exactly.
 */
#ifndef CONCPROF_PATH_H
#define CONCPROF_PATH_H

#include "explain/timeline.h"

#define PATH_NOBODY    "no thread of the run"
#define PATH_PREEMPTED "preempted"

struct path_segment {
	uint64_t begin_ns, end_ns;       /* since the run's begin */
	const struct run_thread *thread; /* NULL: nobody's */
	enum state state;                /* STATE_CPU: on a CPU; its side is not known */
	const char *cause; /* of a wait as struct timeline_cause's; in the run queue see struct path_row; "" on a CPU */
	uint64_t stack;    /* where a wait blocked; 0: not known, or no wait */
};

/*
 * The same summed by (state, cause, function). A thread's time on a CPU is exact. Its sides are in the proportion of the thread's account where
 * nearly all of the thread's time is on the path, or samples are few; else of its samples on the path. What it did is sampled: each side is
 * divided over the side's samples on the path, or, where the thread has none there, over all of its samples. Without any it has no function.
 */
struct path_row {
	enum state state;
	/* "" on a CPU. In the run queue PATH_PREEMPTED, or what it was woken from: "after lock "GIL"": the time to hand over. */
	const char *cause;
	const char
	    *function; /* that computed, or where it waited: the program's own innermost one with a name; "" when not known */
	uint64_t ns;
	uint64_t count; /* on a CPU samples on the path, else segments */
	size_t n_threads;
	const struct run_thread *thread; /* that has most of it; NULL: none */
	bool alike;                      /* they all have its name */
};

struct path_thread {
	const struct run_thread *thread;
	uint64_t ns; /* of the path, on this thread; never 0 */
};

/* What the path passed through: waits whose time belongs to those who ended them. */
struct path_through {
	enum state state;
	const char *cause;
	uint64_t count;       /* times that the path went to whoever ended such a wait */
	uint64_t ns;          /* time of the path during which a thread on it, later, waited so */
	uint64_t handovers;   /* times that the path has the way from the end of such a wait to a CPU */
	uint64_t handover_ns; /* how long that took: part of the run queue's rows */
};

/* Refers to the timeline. */
struct path {
	uint64_t wall_ns; /* what everything sums to */
	struct path_segment *segments;
	size_t n_segments;
	struct path_row *rows; /* largest first */
	size_t n_rows;
	struct path_thread *threads; /* largest first */
	size_t n_threads;
	struct path_through *through; /* largest first */
	size_t n_through;
	uint64_t ns[STATE_COUNT]; /* as the rows; sums to T */
	uint64_t cpu_ns;          /* of it, on a CPU */
	uint64_t sampled_ns;      /* part of cpu_ns: of threads with samples on the path */
	uint64_t samples;         /* on the path */
	char *sentence;           /* what T consists of, without a line end */
	struct strings *strings;
};

/* 0 or -ENOMEM. `threads` are the explanation's, in the order of lanes; NULL: none is idle. */
int path_open(const struct timeline *timeline, const struct thread_view *threads, struct path **ret);
void path_close(struct path *path); /* NULL is fine */

/* A cause without what the system chose for this run: addresses, inodes, pids, ephemeral ports become '#'. NULL: no memory. */
char *path_words(const char *cause);
/* A function without what compilers add to its name: ".constprop.0". NULL: no memory. */
char *path_function_words(const char *function);

#endif
