/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What if: a recorded run again with one thing changed. Pure: the same run and change give the same prediction; it reads nothing but the
 * recording.
 *
 * The model. Each thread is a sequence of bursts on a CPU and of waits, as its lane has them. A wait ends
 *   - when the followed thread that ended it has used as much CPU time as it had at that wake-up;
 *   - else after as long as it took: a timer, a device, a peer that was not followed.
 * A thread begins when its creator has come as far as it had then. Who waits for the end of one of its threads or processes waits for the
 * ends of all those that had ended by then, seen or not. Waits for CPUs are not repeated but simulated (predict_replay.h), but for what others
 * had of them while the run did not use them all: that is work of the thread that waited, as it were. Locks are simulated, too:
 * who holds one when is inferred from who waited for it and who ended that (predict_locks.h).
 * The same without any change gives a wall time, too: how far that is from the measured one is what the model is worth for this run.
 */
#ifndef CONCPROF_PREDICT_H
#define CONCPROF_PREDICT_H

#include "explain/explain.h"

enum predict_kind {
	PREDICT_WITHOUT_LOCK, /* the lock's waits take no time, and it keeps nobody out */
	PREDICT_SCALE_WAIT,   /* the cause's waits take `factor` of their time; 0: none */
	PREDICT_CPUS,         /* `number` CPUs */
	PREDICT_THREADS,      /* `number` workers in each pool */
};

#define PREDICT_NUMBER_MAX 4096
#define PREDICT_FACTOR_MAX 1000.0

struct predict_change {
	enum predict_kind kind;
	const char *cause; /* as the report shows it; else a state, for all its waits but joins; else a part that one cause has */
	double factor;
	unsigned int number;
};

/* Beyond: the replay does not reproduce the run well enough for predictions. */
#define PREDICT_ERROR_MAX 0.1

#define PREDICT_ASSUMPTIONS 8

struct prediction {
	char *refused;     /* why there is none, in a sentence; the figures are then of no use. NULL: there is one */
	char *change;      /* in words: `without the lock "GIL"` */
	char *headline;    /* the prediction, a sentence */
	char *calibration; /* what a replay without a change comes to, a sentence */
	uint64_t measured_ns, replayed_ns, predicted_ns;
	double replay_error;    /* (replayed - measured) / measured */
	double speedup;         /* measured / predicted */
	bool doubtful;          /* |replay_error| > PREDICT_ERROR_MAX */
	unsigned int cpus;      /* that the prediction is for */
	unsigned int cpus_seen; /* that the run could use */
	bool confined;          /* to fewer than the machine has, as nothing else explains its waits for a CPU */
	double running;         /* mean number of threads on a CPU, predicted */
	double in_use;          /* mean number of CPUs in use, by others when the run wanted them, too */
	uint64_t forced;        /* waits that nothing in the replay would have ended */
	char *assumptions[PREDICT_ASSUMPTIONS + 1]; /* sentences; NULL-terminated */
	char *limit;                                /* what would limit then, a sentence */
};

/*
 * 0; -ENODATA: the run has no timeline; -ENOMEM. What the change asks for may not be there: then *ret says so in `refused`. The explanation
 * is complete but for its findings.
 */
int predict(const struct explanation *explanation, const struct predict_change *change, struct prediction **ret);
void prediction_free(struct prediction *prediction); /* NULL is fine */

#endif
