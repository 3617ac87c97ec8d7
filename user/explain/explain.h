/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why: from the facts of a run to states, named causes, budget, progress and overlap; and from two runs to the difference, item by
 * item, and to findings in words. Pure functions: the same run gives the same explanation.
 *
 * Definitions (all times ns; T is the wall time of the run):
 *   progress of a thread   its on-CPU time + waits for something outside the run (a peer that is not followed, a disk, a timer,
 *                          memory, a signal)
 *   inside waits           lock, sync, child, pipe, a followed local peer; and run_queue
 *   X                      sum of progress over all threads;  N = X / T, the overlap
 *   speedup                T_A/T_B = (X_A/X_B) x (N_B/N_A), exactly
 *   budget                 mean number of threads in each state: sum over threads of t(state) / T
 */
#ifndef CONCPROF_EXPLAIN_H
#define CONCPROF_EXPLAIN_H

#include "profile/run.h"

enum state {
#define STATE(id, name, group, gloss, colour) STATE_##id,
#include "states.def"
#undef STATE
	STATE_COUNT
};

enum state_group { STATE_GROUP_CPU, STATE_GROUP_QUEUE, STATE_GROUP_WAIT };

struct state_info {
	const char *name, *gloss;
	enum state_group group;
	uint32_t colour;
};
extern const struct state_info state_info[STATE_COUNT];

/* Default state of a class (classes.def). */
extern const enum state class_state[CLASS_COUNT];

/* What the user may tell the rules. */
struct explain_options {
	const char *const *locks; /* --lock SYMBOL, NULL-terminated; NULL: none */
	unsigned int cpus;        /* of the machine the run was measured on (struct host); 0: not known */
};

/* All waits of one thread with the same state and cause, merged. */
struct wait {
	const struct run_thread *thread;
	enum state state;
	char *cause; /* for people: `GIL`, `127.0.0.1:8000`, `join`, `preempted`; never empty */
	bool outside; /* counts as progress */
	bool joining; /* a join, or a wait for a child, ... : waiting for own workers to end */
	uint64_t count, timed_out, total_ns, max_ns;
	uint64_t log2_ns[WAIT_LOG2_SLOTS];
};

struct thread_view {
	const struct run_thread *thread;
	uint64_t ns[STATE_COUNT]; /* sums to life_ns - residual_ns */
	int64_t residual_ns;      /* life - sum of states: 0, or something is wrong */
	uint64_t progress_ns;
	bool only_joins; /* a main thread that spends nearly all its life waiting for its workers */
};

struct process_view {
	const struct run_process *process;
	uint64_t ns[STATE_COUNT]; /* threads + undelivered */
};

/* All threads' waits with the same state and cause. */
struct cause_view {
	enum state state;
	const char *cause;
	bool outside, joining;
	uint64_t count, timed_out, total_ns, max_ns, threads;
};

struct finding {
	const char *rule; /* identifier, stable */
	char *sentence;
	enum state state;
	char *cause; /* may be "" */
	double seconds;
	char *try_next; /* the experiment that would confirm it; may be "" */
};

/* The explanation of one run. Refers to the run, which must outlive it. */
struct explanation {
	const struct run *run;
	struct thread_view *threads; /* same order as run->threads */
	struct process_view *processes;
	struct wait *waits; /* largest total first */
	size_t n_waits;
	struct cause_view *causes; /* largest total first */
	size_t n_causes;
	uint64_t wall_ns;
	uint64_t ns[STATE_COUNT]; /* over all processes, undelivered included */
	uint64_t cpu_ns;          /* user + kernel + cpu */
	double budget[STATE_COUNT];
	double joining; /* part of the budget: threads that only join */
	uint64_t progress_ns; /* X */
	double overlap;       /* N */
	uint64_t residual_ns; /* sum of |residual| over threads */
	struct finding *findings; /* strongest first */
	size_t n_findings;
};

struct difference {
	enum state state;
	char *cause; /* "" for the CPU states */
	uint64_t before_ns, after_ns; /* thread-time: seconds summed over threads */
	bool progress; /* counts into X: these items' differences sum to X_A - X_B */
};

/* Why `after` is faster or slower than `before`. Refers to both. */
struct comparison {
	const struct explanation *before, *after;
	double speedup, progress_ratio, overlap_ratio; /* speedup == progress_ratio * overlap_ratio */
	struct difference *items; /* largest difference first */
	size_t n_items;
	char *headline; /* one sentence with the true reason, without a line end */
	char *reason;   /* the reason alone, in a few words: for tables */
};

/* 0 or -ENOMEM; -EINVAL when a run's numbers contradict themselves beyond what can be explained (T == 0). */
int explain_run(const struct run *run, const struct explain_options *options, struct explanation **ret);
int explain_difference(const struct explanation *before, const struct explanation *after, struct comparison **ret);
void explanation_free(struct explanation *explanation); /* NULL is fine */
void comparison_free(struct comparison *comparison);    /* NULL is fine */

#endif
