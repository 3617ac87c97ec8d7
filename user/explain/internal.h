/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of explain/ share; not for others. */
#ifndef CONCPROF_EXPLAIN_INTERNAL_H
#define CONCPROF_EXPLAIN_INTERNAL_H

#include "explain/explain.h"

/*
 * waits.c: fills waits (a row for each of the run's: they still differ by stack; sorted by thread and cause), thread_waits, and the threads'
 * states, progress and residual. 0 or a negative errno.
 */
int explain_waits(struct explanation *explanation, const struct explain_options *options);
/* In the end: rows that differ by their stacks alone become one. */
void explain_merge_waits(struct explanation *explanation);
/* causes.c: the causes, with who held and who woke, and where; needs to know which waits are joins and which are idle. */
int explain_causes(struct explanation *explanation);
/* places.c: the short form of a stack for people, or NULL when it has none; -ENOMEM. Texts belong to explanation->strings. */
struct places;
int places_new(struct explanation *explanation, struct places **ret);
int places_of(struct places *places, uint64_t stack, const char **ret);
void places_free(struct places *places); /* NULL is fine */
/* A frame of a library of locks, of libc, or of the kernel. */
bool explain_is_plumbing(const struct run_frame *frame);
/* stacks.c: by stack id, whether its innermost frame is inside a syscall. For free(); NULL: out of memory. */
bool *explain_in_syscall(const struct run *run);
/* hot.c: functions by their own time on a CPU. */
int explain_hot_functions(struct explanation *explanation, const struct explain_options *options);
/* unfinished.c: whether most stacks without an end are of code made at run time. */
int explain_unfinished(struct explanation *explanation);
/* rest.c: which waits are for work, and whether that is all there is. */
int explain_rest(struct explanation *explanation);
void explain_judge_rest(struct explanation *explanation);
/* one_worker.c: whether one thread did it all. */
void explain_one_worker(struct explanation *explanation);
/* budget.c: which threads only join, causes, processes, sums, budget, progress and overlap. */
int explain_budget(struct explanation *explanation);
void explain_checks(struct explanation *explanation);
/* topics.c: what each thread waited for most; which threads are idle (once it is known which only join); what is worth a word. */
int explain_favourites(struct explanation *explanation);
int explain_idle(struct explanation *explanation);
int explain_topics(struct explanation *explanation);
bool explain_same_kind(const struct cause_view *a, const struct cause_view *b);
/* findings.c */
int explain_findings(struct explanation *explanation);
/* predict_findings.c: adds to what is to be tried what it would bring, where a timeline lets it be predicted. */
int explain_predictions(struct explanation *explanation);
/* summary.c: the first line about one run; headline.c: about two */
int explain_headline(struct explanation *explanation);
int explain_difference_words(struct comparison *comparison);
/* path_difference.c: the comparison's path items. */
int explain_path_difference(struct comparison *comparison);
void explain_path_difference_free(struct comparison *comparison);

/*
 * What a wait is for, for a sentence with "waited for ...": `the lock "GIL"`, `a CPU`, `127.0.0.1:8000`; of several causes
 * `sync (59,995 different futexes)`. NULL: out of memory.
 */
/* Of input that was waited for until a time was over, as an event loop waits for its timers: whoever it would come from is not to blame. */
static inline bool explain_is_mostly_timeouts(const struct cause_view *cause)
{
	return (cause->state == STATE_SOCKET || cause->state == STATE_PIPE) && 2 * cause->timed_out_ns > cause->total_ns;
}
char *cause_words(enum state state, const char *cause, uint64_t kinds);

/* What threads waited for inside the run, joins and idle threads left out: the largest topic. */
struct blocker {
	enum state state;
	const char *cause; /* "" for the run queue and for several; NULL: there is none */
	uint64_t kinds;
	uint64_t total_ns, count, max_ns;
	double mean;
	struct party holder; /* of a lock */
};
/* What threads waited for outside the run: the largest topic, or NULL. */
const struct cause_view *explain_outside(const struct explanation *explanation);
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
