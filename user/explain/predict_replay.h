/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deterministic discrete-event replay of threads on CPUs: pure, knows nothing of recordings. Not for others than predict*.c.
 *
 * A thread is a program: it uses `cpu_ns` of CPU time, and does steps at points of it (`at_ns`, CPU time used by then). Steps with the same
 * `at_ns` happen in their order, at once.
 *
 * CPUs: one queue for all, so that none idles while a thread is ready (what load balancing aims at). The thread that has had least (virtual
 * run time) goes first, for a slice; who wakes up is placed at most half a period behind the others, and takes the CPU of a thread that is a
 * wake-up granularity ahead of it. These are the rules and constants of the kernel's fair scheduler (kernel/sched/fair.c up to 6.5:
 * place_entity() with GENTLE_FAIR_SLEEPERS, wakeup_preempt_entity(), sysctl_sched_*, times 1 + log2 of the CPUs, of which at most 8 count:
 * get_update_sysctl_factor()); EEVDF, since 6.6, kept the slice (sysctl_sched_base_slice), and lets a thread with an earlier deadline preempt.
 */
#ifndef CONCPROF_PREDICT_REPLAY_H
#define CONCPROF_PREDICT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_SLICE_NS   750000ull
#define REPLAY_SLEEPER_NS 3000000ull
#define REPLAY_PREEMPT_NS 1000000ull

#define REPLAY_NOBODY     UINT32_MAX
#define REPLAY_FORCED_MAX 1000 /* waits cut short by force before the replay is given up */

enum step_kind {
	STEP_SIGNAL,  /* one of the signals that the STEP_WAIT at index `target` of the steps needs */
	STEP_BIRTH,   /* thread `target` begins */
	STEP_RELEASE, /* lock `target`, if this thread owns it */
	STEP_ACQUIRE, /* lock `target`: waits until it is free */
	STEP_SLEEP,   /* blocked for `ns` */
	STEP_WAIT,    /* blocked until `ns` signals have arrived, those from before included */
	STEP_PARK,    /* blocked for good */
};

struct step {
	uint64_t at_ns;
	uint64_t ns;
	uint32_t kind; /* enum step_kind */
	uint32_t target;
	uint32_t cause; /* of a wait: index into replay_result.wait_ns */
};

/* Steps [first, end) and the CPU time from..to: a thread's program, or an item of a pool's work. */
struct piece {
	uint32_t first, end;
	uint64_t from_ns, to_ns;
};

#define REPLAY_BORN_BY_STEP UINT64_MAX
struct replay_thread {
	struct piece piece;
	uint64_t start_ns; /* or REPLAY_BORN_BY_STEP */
	uint32_t pool;     /* whose items it works off after its piece; REPLAY_NOBODY: none */
	uint32_t also;     /* a thread that begins when this one does; REPLAY_NOBODY: none. No circles */
	bool counts;       /* the replay is over when all that count are done */
};

/* Work that several threads take from one queue. */
struct replay_pool {
	const struct piece *items; /* in the order in which they are taken */
	size_t n_items;
	const uint32_t *ends; /* STEP_WAITs that get a signal when the last of its threads is done */
	size_t n_ends;
};

struct replay_lock {
	bool handed_on; /* to the thread that waits longest; else freed, and whoever comes first has it */
};

/* The arrays belong to the caller, are not changed, and hold no index out of range. */
struct replay_input {
	const struct step *steps;
	size_t n_steps;
	const struct replay_thread *threads;
	size_t n_threads;
	const struct replay_lock *locks;
	size_t n_locks;
	const struct replay_pool *pools;
	size_t n_pools;
	size_t n_causes;
	unsigned int cpus;   /* at least 1 */
	uint64_t latency_ns; /* from a wake-up until the thread is ready */
};

struct replay_result {
	uint64_t end_ns;   /* the last of the threads that count is done */
	uint64_t cpu_ns;   /* on CPUs, until then */
	uint64_t queue_ns; /* ready without a CPU, until then */
	uint64_t *wait_ns; /* by cause; of waits that ended, or were begun, until then */
	size_t n_causes;
	uint64_t forced; /* waits that nothing in the replay would have ended, and that were ended by force */
};

/*
 * Fills *ret, for replay_free(). 0; -ENOMEM; -EDEADLK: more waits than REPLAY_FORCED_MAX had to be ended by force. Ends for every input:
 * each event uses up CPU time, a step or a piece.
 */
int replay(const struct replay_input *input, struct replay_result *ret);
void replay_free(struct replay_result *result);

#endif
