/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of explain/ share; not for others. */
#ifndef CONCPROF_EXPLAIN_INTERNAL_H
#define CONCPROF_EXPLAIN_INTERNAL_H

#include "explain/explain.h"

/* waits.c: fills waits and the threads' states, progress and residual. 0 or a negative errno. */
int explain_waits(struct explanation *explanation, const struct explain_options *options);
/* budget.c: which threads only join, causes, processes, sums, budget, progress and overlap. */
int explain_budget(struct explanation *explanation);
void explain_checks(struct explanation *explanation);
/* findings.c */
int explain_findings(struct explanation *explanation);
/* headline.c */
int explain_headline(struct explanation *explanation);
int explain_difference_words(struct comparison *comparison);

/* What a wait is for, for a sentence with "waited for ...": `the lock "GIL"`, `a CPU`, `127.0.0.1:8000`. NULL: out of memory. */
char *cause_words(enum state state, const char *cause);

/* What threads waited for inside the run, joins left out, the two causes of waiting for a CPU taken together; the largest. */
struct blocker {
	enum state state;
	const char *cause; /* "" for the run queue; NULL: there is none */
	uint64_t total_ns, count, max_ns;
	double mean;
};
struct blocker explain_blocker(const struct explanation *explanation);
double explain_blocked_mean(const struct explanation *explanation); /* all of them */
/* Several threads, yet about one at a time makes progress, as the others wait inside. */
bool explain_is_serialised(const struct explanation *explanation);

static inline bool class_on_cpu(uint32_t class)
{
	return class <= CLASS_CPU;
}

#endif
