/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the replay share; not for others. */
#ifndef CONCPROF_PREDICT_SIM_H
#define CONCPROF_PREDICT_SIM_H

#include "explain/predict_heap.h"
#include "explain/predict_replay.h"

enum phase { UNBORN, READY, RUNNING, BLOCKED, WAKING, DONE };

/* What a step that waits for signals, or a thread in it, has come to. */
#define PASSED UINT32_MAX

struct actor {
	enum phase phase;
	struct piece piece; /* what is left of it: `first` is the next step, from_ns the CPU time used */
	uint64_t virtual_ns, slice_ns;
	uint64_t since_ns; /* on the CPU, ready or blocked; what is before is accounted */
	uint32_t next;     /* who waits for the same lock after it */
	uint32_t held;     /* the lock that it took last; the others follow by lock.next */
	uint32_t cause;
	bool parked, locked; /* blocked for good; for a lock */
};

struct lock {
	uint32_t owner;
	uint32_t next;        /* of the same owner */
	uint32_t first, last; /* of those who wait */
};

struct pool {
	size_t next, active;
};

struct sim {
	const struct replay_input *input;
	struct replay_result *result;
	uint64_t now_ns, virtual_ns; /* the clock, and the least virtual run time of threads that ran */
	uint64_t slice_ns, sleeper_ns, preempt_ns;
	struct actor *actors;
	uint32_t *arrived, *waiting; /* by step: signals so far, or PASSED; the thread that is in it + 1 */
	struct lock *locks;
	struct pool *pools;
	uint32_t *running; /* threads on CPUs */
	size_t n_running, n_left;
	struct heap events, ready;
	bool woken; /* somebody became ready: it may preempt */
};

/* predict_cpus.c: who is on a CPU. */
void sim_account(struct sim *sim, struct actor *actor); /* time on a CPU up to now */
void sim_make_ready(struct sim *sim, uint32_t who);
/* Gives CPUs to threads that are ready. */
void sim_dispatch(struct sim *sim);
/* A thread on a CPU has come to its next step, its end or the end of its slice. */
void sim_run_on(struct sim *sim, uint32_t who);

/* predict_steps.c: what threads do between the uses of a CPU. */
void sim_begin_thread(struct sim *sim, uint32_t who);
/* All steps that are due; a thread that has nothing left to do is done. True: it needs a CPU. */
bool sim_proceed(struct sim *sim, uint32_t who);
void sim_end_wait(struct sim *sim, uint32_t who);
/* A lock, from its owner to whoever waits longest. */
void sim_pass_on(struct sim *sim, uint32_t which);

#endif
