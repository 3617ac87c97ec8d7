/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who had a lock while a thread waited for it whom in the end nobody woke: its time to wait was over (an interpreter's lock is waited for so,
 * again and again), and then the lock was free. It is whoever had got the lock last: the thread whose last wait for it had ended last, if that
 * wait gave it the lock. One that the thread repeats at once was in vain.
 */
#include <errno.h>

#include "explain/path_internal.h"
#include "explain/rules.h"

/* Work of the lock's own between a wait in vain and the next: an interpreter's asks its holder for the lock in between. */
#define AGAIN_NS 100000

/* A thread has got the lock. */
struct gain {
	uint64_t process; /* of the lock's memory; 0: the kernel's */
	uint64_t object;  /* the address; of an interpreter's lock, which has several words, its name */
	uint64_t at_ns;
	size_t lane;
};

struct path_holders {
	struct gain *gains; /* by lock and time */
	size_t n;
};

static bool is_lock(const struct timeline_cause *cause)
{
	return cause && cause->state == STATE_LOCK && !cause->outside;
}

static struct gain gain_of(const struct timeline *timeline, const struct timeline_cause *cause, size_t lane, uint64_t at_ns)
{
	struct gain gain = {.object = (uintptr_t)cause->cause, .at_ns = at_ns, .lane = lane};

	if (cause->wait && cause->wait->class == CLASS_FUTEX) {
		gain.process = timeline->lanes[lane].thread->process;
		if (!rules_is_interpreter_lock(cause->cause) && cause->wait->address)
			gain.object = cause->wait->address;
	}
	return gain;
}

static int by_lock(const struct gain *a, const struct gain *b)
{
	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return (a->object > b->object) - (a->object < b->object);
}

static int by_lock_and_time(const void *a, const void *b)
{
	const struct gain *x = a, *y = b;
	int order = by_lock(x, y);

	if (order)
		return order;
	return x->at_ns != y->at_ns ? (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns) : (x->lane > y->lane) - (x->lane < y->lane);
}

/* Whether the thread waits for the same lock again, having done next to nothing. */
static bool is_vain(const struct timeline *timeline, size_t number, const struct run_episode *episode)
{
	const struct lane *lane = &timeline->lanes[number];
	const struct run_episode *end = lane->episodes + lane->n_episodes;
	struct gain this = gain_of(timeline, timeline_cause(timeline, episode), number, 0), next;
	uint64_t since_ns = episode_in_ns(episode), cpu_ns = 0;
	const struct timeline_cause *cause;

	for (episode++; episode < end; episode++) {
		cpu_ns += episode->out_ns - since_ns;
		since_ns = episode_in_ns(episode);
		cause = timeline_cause(timeline, episode);
		if (cpu_ns >= AGAIN_NS)
			return false;
		if (!cause)
			continue;
		if (!is_lock(cause))
			return false;
		next = gain_of(timeline, cause, number, 0);
		return !by_lock(&this, &next);
	}
	return false;
}

int path_holders_new(const struct timeline *timeline, struct path_holders **ret)
{
	struct path_holders *holders = calloc(1, sizeof(*holders));
	size_t n = 0;

	if (!holders)
		return -ENOMEM;
	for (size_t i = 0; i < timeline->run->n_episodes; i++)
		n += is_lock(timeline_cause(timeline, &timeline->run->episodes[i]));
	holders->gains = calloc(n + 1, sizeof(*holders->gains));
	if (!holders->gains) {
		free(holders);
		return -ENOMEM;
	}
	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		for (size_t k = 0; k < lane->n_episodes; k++) {
			const struct timeline_cause *cause = timeline_cause(timeline, &lane->episodes[k]);

			if (is_lock(cause) && !is_vain(timeline, i, &lane->episodes[k]))
				holders->gains[holders->n++] = gain_of(timeline, cause, i, episode_in_ns(&lane->episodes[k]));
		}
	}
	qsort(holders->gains, holders->n, sizeof(*holders->gains), by_lock_and_time);
	*ret = holders;
	return 0;
}

size_t path_holder(const struct path_holders *holders, const struct timeline *timeline, const struct timeline_cause *cause,
		   size_t lane, uint64_t at_ns)
{
	struct gain wanted = gain_of(timeline, cause, lane, at_ns);
	size_t low = 0, high = holders->n;

	/* The first that is not before it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = by_lock(&holders->gains[middle], &wanted);

		if (order < 0 || (!order && holders->gains[middle].at_ns < at_ns))
			low = middle + 1;
		else
			high = middle;
	}
	/* A thread that has got it several times in a row has not waited for itself. */
	while (low && !by_lock(&holders->gains[low - 1], &wanted) && holders->gains[low - 1].lane == lane)
		low--;
	return low && !by_lock(&holders->gains[low - 1], &wanted) ? holders->gains[low - 1].lane : SIZE_MAX;
}

void path_holders_free(struct path_holders *holders)
{
	if (!holders)
		return;
	free(holders->gains);
	free(holders);
}
