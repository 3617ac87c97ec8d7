/* SPDX-License-Identifier: Apache-2.0 */
/* From a wait's facts to its state and its name for people. */
#ifndef CONCPROF_RULES_H
#define CONCPROF_RULES_H

#include "explain/explain.h"

struct verdict {
	enum state state;
	char *cause;  /* owned by the caller */
	bool outside; /* for something outside the run: progress */
	bool join;    /* for the end of a thread or process */
};

/*
 * 0 or -ENOMEM. `run` is the one that the wait is of: its stack tells how it was begun. `alone`: the run never had a second thread, so
 * that no pipe can lead to one.
 */
int rules_apply(const struct run *run, const struct run_wait *wait, const struct explain_options *options, bool alone,
		struct verdict *ret);

/* What is said of time of a class whose cause is not known: as rules_apply() for an unattributed wait. */
int rules_unattributed(uint32_t class, struct verdict *ret);

/* Time of the state, nothing else being known of it, is progress: on a CPU, or a wait for something outside the run. */
bool rules_state_is_outside(enum state state);

/* Whether a lock of this name is an interpreter's: the same work in processes would not share it. */
bool rules_is_interpreter_lock(const char *cause);

#endif
