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
/* topics.c: what each thread waited for most; which threads are idle (once it is known which only join); what is worth a word. */
int explain_favourites(struct explanation *explanation);
void explain_idle(struct explanation *explanation);
int explain_topics(struct explanation *explanation);
bool explain_same_kind(const struct cause_view *a, const struct cause_view *b);
/* findings.c */
int explain_findings(struct explanation *explanation);
/* headline.c */
int explain_headline(struct explanation *explanation);
int explain_difference_words(struct comparison *comparison);

/*
 * What a wait is for, for a sentence with "waited for ...": `the lock "GIL"`, `a CPU`, `127.0.0.1:8000`; of several causes
 * `sync (59,995 different futexes)`. NULL: out of memory.
 */
char *cause_words(enum state state, const char *cause, uint64_t kinds);

/* What threads waited for inside the run, joins and idle threads left out: the largest topic. */
struct blocker {
	enum state state;
	const char *cause; /* "" for the run queue and for several; NULL: there is none */
	uint64_t kinds;
	uint64_t total_ns, count, max_ns;
	double mean;
};
struct blocker explain_blocker(const struct explanation *explanation);
double explain_blocked_mean(const struct explanation *explanation); /* all of them */
/* Idle threads left out: whether most of the progress is CPU time; and how many made progress at a time. */
bool explain_is_mostly_cpu(const struct explanation *explanation);
double explain_at_once(const struct explanation *explanation);
/* Several threads, yet about one at a time makes progress, as the others wait inside. */
bool explain_is_serialised(const struct explanation *explanation);

static inline bool class_on_cpu(uint32_t class)
{
	return class <= CLASS_CPU;
}

#endif
