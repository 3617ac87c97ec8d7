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

/* What the rules know of a run beside the wait that they judge. */
struct rules;

/* Refers to both, which must outlive it; `options` may be NULL. 0 or -ENOMEM. */
int rules_open(const struct run *run, const struct explain_options *options, struct rules **ret);
/* `wait` is one of the run's. 0 or -ENOMEM. */
int rules_apply(const struct rules *rules, const struct run_wait *wait, struct verdict *ret);
void rules_close(struct rules *rules); /* NULL is fine */

/* What is said of time of a class whose cause is not known: as rules_apply() for an unattributed wait. */
int rules_unattributed(uint32_t class, struct verdict *ret);

/* Time of the state, nothing else being known of it, is progress: on a CPU, or a wait for something outside the run. */
bool rules_state_is_outside(enum state state);

/* Whether a lock of this name is an interpreter's: the same work in processes would not share it. */
bool rules_is_interpreter_lock(const char *cause);

#endif
