/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of run_window() share; not for others. */
#ifndef CONCPROF_PROFILE_CUT_H
#define CONCPROF_PROFILE_CUT_H

#include "profile/index.h"

struct cut {
	const struct run *run;
	struct run *out;
	uint64_t from_ns, to_ns;   /* since the run's begin */
	struct run_index *threads; /* of the run */
	bool *whole;               /* by position in run->threads: all of its life is within the window */
	size_t *new_thread;        /* the same: its position in out->threads; RUN_NOT_FOUND: none of its life is */
	uint64_t *off_ns;          /* the same: its time off a CPU before the window */
	uint32_t *new_wait;        /* by old id - 1: the row's new id; 0: it is not in the window */
};

/* cut_copy.c: everything but the strings is as in `from`; on failure `to` can be freed all the same. 0 or -ENOMEM. */
int cut_copy_string(const char *from, char **to);
int cut_copy_process(const struct run_process *from, struct run_process *to);
int cut_copy_thread(const struct run_thread *from, struct run_thread *to);
int cut_copy_wait(const struct run_wait *from, struct run_wait *to);
/* The run's own figures, and what samples and waits refer to. */
int cut_copy_rest(const struct run *from, bool ledger, struct run *to);

/* cut_waits.c: rows of waits, before the episodes: those of threads that are cut without figures; and these from the episodes. 0 or -ENOMEM. */
int cut_waits(struct cut *cut);
/* Parts of an episode of a thread that is cut. Episodes come in their order. */
int cut_note_waits(struct cut *cut, const struct run_episode *episode, uint64_t blocked_ns, uint64_t queued_ns);
void cut_end_waits(struct cut *cut);

/* How much of [begin, end) is in the window. */
uint64_t cut_within(const struct cut *cut, uint64_t begin_ns, uint64_t end_ns);
/* A moment belongs to one window only; the run's last one to the window that ends with the run. */
bool cut_is_in(const struct cut *cut, uint64_t at_ns);
/* The class of an episode's wait for a CPU. */
static inline uint32_t cut_queue_class(const struct run_episode *episode)
{
	return episode->class <= CLASS_RUNNABLE_LAST ? episode->class : CLASS_WOKEN;
}
/* floor(a * b / c); 0 for c = 0. */
static inline uint64_t cut_part_of(uint64_t a, uint64_t b, uint64_t c)
{
	return c ? (unsigned __int128)a * b / c : 0;
}

#endif
