/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make programs of a recording share; not for others. */
#ifndef CONCPROF_PREDICT_INTERNAL_H
#define CONCPROF_PREDICT_INTERNAL_H

#include "explain/predict.h"
#include "explain/predict_replay.h"
#include "explain/timeline.h"

/* Something that a thread does to another, or with a lock, at a point in time of the recording. */
struct action {
	uint64_t at_ns;
	uint32_t lane;   /* who */
	uint32_t kind;   /* enum step_kind: SIGNAL, BIRTH, RELEASE or ACQUIRE, of the same time in this order */
	uint32_t target; /* SIGNAL: index of an episode; BIRTH: lane; else lock */
	uint32_t cause;  /* ACQUIRE: index of a timeline_cause */
};

struct actions {
	struct action *items;
	size_t n, room;
};

/* 0 or -ENOMEM. */
int actions_add(struct actions *actions, const struct action *action);

/* What becomes of the waits of a cause. */
struct fates {
	bool *changed; /* by index of timeline->causes */
	double factor; /* of those that are changed */
	size_t n;
};

/* How locks are replayed. */
enum lock_mode {
	LOCKS_EXCLUDE,  /* as mutual exclusion: first come, first served */
	LOCKS_IN_ORDER, /* handed on from thread to thread as they were */
};

/* What the run's time says of the CPUs that it had. */
struct capacity {
	unsigned int cpus;
	bool confined;       /* to fewer than the machine has */
	uint64_t latency_ns; /* from a wake-up to a CPU that is free */
	/* By episode: what of its wait for a CPU others were the reason for, as CPUs were not in use by the run. They have it again. */
	uint64_t *lost_ns, all_lost_ns;
	/* Of all of it, what others can have used. The rest is the scheduler's: it let a thread wait for one CPU while another was idle. */
	double others_part;
	double lost_part; /* of that, what they have in a replay: 1, or less on other CPUs */
};
/* `cpus`: of the machine; 0: not known. 0 or -ENOMEM; for capacity_free() in any case. */
int capacity_measure(const struct timeline *timeline, unsigned int cpus, struct capacity *ret);
/* On other CPUs, the others spread over them; those that the run leaves to them they use first. */
void capacity_set_cpus(struct capacity *capacity, const struct timeline *timeline, unsigned int cpus);
void capacity_free(struct capacity *capacity);

/* A run as a replay's input; owns what that refers to. */
struct program {
	struct replay_input input;
	struct step *steps;
	struct replay_thread *threads;
	struct replay_lock *locks;
	struct replay_pool *pools;
	struct piece *items; /* of all pools */
	uint32_t *ends;      /* of all pools */
	uint64_t lost_ns;    /* part of the threads' CPU time that others had */
	uint64_t tail_ns;    /* from the last end that counts to the end of the run */
};

/* What others had of the CPUs is part of a thread's CPU time there. 0 or -ENOMEM. */
int program_build(const struct timeline *timeline, const struct fates *fates, const struct capacity *capacity,
		  enum lock_mode mode, struct program *ret);
void program_free(struct program *program); /* all zero is fine */

/* Position of the cause of an episode in timeline->causes; it has one. */
static inline size_t cause_index(const struct timeline *timeline, const struct run_episode *episode)
{
	return timeline_cause(timeline, episode) - timeline->causes;
}

static inline bool is_inner_lock(const struct timeline_cause *cause)
{
	return cause && cause->state == STATE_LOCK && !cause->outside;
}

/* predict_causes.c: the kinds of waits of a run, by what the report calls them. */
struct kind {
	enum state state;
	const char *cause;
	bool join, inner_lock;
	uint64_t total_ns;
};
struct kinds {
	struct kind *items; /* largest total first */
	size_t n;
	uint32_t *of; /* by index of timeline->causes: its item; UINT32_MAX: none */
};
int kinds_open(const struct timeline *timeline, struct kinds *ret);
void kinds_close(struct kinds *kinds);
/* Marks the causes that are meant in fates. 0; -ENOMEM; -ENOENT with why in *refused. */
int kinds_select(const struct kinds *kinds, const struct predict_change *change, struct fates *fates, char **refused);

/* predict_pool.c: the largest pool of a run: threads of one creator with one name, numbers in it apart, that live at the same time. */
struct pool_found {
	char *name;          /* "worker-#" */
	const char *cut;     /* the cause at whose waits work is cut into items */
	enum state state;    /* of that cause */
	unsigned int number; /* of threads that live at the same time */
	uint64_t items;
};
/*
 * Has `number` threads (0: as many as there were) work off what each pool did: the program changes. 0; -ENOMEM; -ENOENT: there is no
 * pool; -ESRCH: there is one, but its threads wait for nothing by which its work could be cut. Fills *ret, for pool_found_free().
 */
int program_deal(struct program *program, const struct timeline *timeline, const struct kinds *kinds, unsigned int number,
		 struct pool_found *ret);
void pool_found_free(struct pool_found *found);

/* predict_words.c: what is said of a prediction whose figures are known. 0 or -ENOMEM. */
struct telling {
	const struct explanation *explanation;
	const struct predict_change *change;
	const struct kinds *kinds;
	const struct capacity *capacity;
	const struct fates *fates;
	const struct program *program;      /* with the change */
	const struct replay_result *result; /* of that */
	const struct pool_found *pool;      /* NULL: none */
	uint64_t dealt_ns;                  /* its work dealt to as many workers as it had; 0: no pool */
	enum lock_mode mode;
	bool locks; /* there are any */
};
int predict_tell(const struct telling *telling, struct prediction *prediction);

#endif
