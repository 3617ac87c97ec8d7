/* SPDX-License-Identifier: Apache-2.0 */
/* One thread does it all, while others are there: in its own process, or at the other end of its pipe. */
#include "explain/internal.h"

#define WORK_SHARE      0.9 /* of all CPU time */
#define RUNNING_LEAST   0.5 /* mean threads on a CPU: with less, work is not what takes the time */
#define SATURATED_SHARE 0.9 /* of T, on a CPU or waiting for one */
#define LOCK_LEAST      0.5 /* mean threads: then a lock is the reason, and told as such */

static uint64_t cpu_of(const struct thread_view *view)
{
	return view->ns[STATE_USER] + view->ns[STATE_KERNEL] + view->ns[STATE_CPU];
}

/*
 * Who could have had a part in it, being there for half of T: any thread that neither joins nor is idle; where one thread has no time
 * left (`saturated`), also those that wait for it all their lives. Parents that wait for their children never.
 */
static unsigned int others(const struct explanation *explanation, const struct thread_view *most, bool saturated)
{
	unsigned int n = 0;

	for (size_t i = 0; i < explanation->run->n_threads; i++) {
		const struct thread_view *view = &explanation->threads[i];
		bool parent = view->only_joins && view->ns[STATE_CHILD] > view->thread->life_ns / 2;

		if (view != most && 2 * view->thread->life_ns >= explanation->wall_ns &&
		    (saturated ? !parent : !view->only_joins && !view->idle))
			n++;
	}
	return n;
}

static bool is_lock_the_reason(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_topics; i++)
		if (explanation->topics[i].state == STATE_LOCK && explanation->topics[i].mean >= LOCK_LEAST)
			return true;
	return false;
}

void explain_one_worker(struct explanation *explanation)
{
	const struct thread_view *most = NULL;
	bool saturated;

	for (size_t i = 0; i < explanation->run->n_threads; i++)
		if (!most || cpu_of(&explanation->threads[i]) > cpu_of(most))
			most = &explanation->threads[i];
	if (!most || explanation->running < RUNNING_LEAST || cpu_of(most) < WORK_SHARE * explanation->cpu_ns ||
	    is_lock_the_reason(explanation))
		return;
	saturated = explanation->cpus != 1 && cpu_of(most) + most->ns[STATE_RUN_QUEUE] >= SATURATED_SHARE * explanation->wall_ns;
	if (others(explanation, most, saturated))
		explanation->one_worker = most;
}
