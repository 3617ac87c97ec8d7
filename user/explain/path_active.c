/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the threads that are alive was on a CPU last, for points in time that only go back: a heap of their lanes by when that was, as far
 * as it is known. A lane's time is found anew when it comes to the top and has become too late. Then either it is on a CPU at that very time,
 * and is the answer, or episodes are left behind for good: all calls together take O((episodes + calls) log lanes).
 */
#include <errno.h>

#include "explain/path_internal.h"

struct entry {
	uint64_t last_ns; /* not earlier than when it really was */
	bool exact;       /* as long as last_ns is not too late */
	size_t lane;
	size_t episode; /* those from here on are left behind */
};

struct path_active {
	const struct timeline *timeline;
	const struct lane **by_end; /* the last first */
	size_t ended;               /* how many of them are, or have been, in the heap */
	struct entry *heap;
	size_t n;
};

static bool is_later(const struct entry *a, const struct entry *b)
{
	return a->last_ns != b->last_ns ? a->last_ns > b->last_ns : a->lane < b->lane;
}

static void sift_down(struct path_active *active, size_t at)
{
	struct entry *heap = active->heap;

	for (;;) {
		size_t best = at, left = 2 * at + 1;
		struct entry entry = heap[at];

		for (size_t child = left; child < left + 2 && child < active->n; child++)
			if (is_later(&heap[child], &heap[best]))
				best = child;
		if (best == at)
			return;
		heap[at] = heap[best];
		heap[best] = entry;
		at = best;
	}
}

static void push(struct path_active *active, struct entry entry)
{
	struct entry *heap = active->heap;
	size_t at = active->n++;

	for (; at && is_later(&entry, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = entry;
}

static int by_end(const void *a, const void *b)
{
	const struct lane *x = *(const struct lane *const *)a, *y = *(const struct lane *const *)b;

	return x->end_ns != y->end_ns ? (x->end_ns > y->end_ns ? -1 : 1) : (x > y) - (x < y);
}

int path_active_new(const struct timeline *timeline, struct path_active **ret)
{
	size_t n = timeline->n_lanes;
	struct path_active *active = calloc(1, sizeof(*active));

	if (!active)
		return -ENOMEM;
	active->timeline = timeline;
	active->heap = calloc(n + 1, sizeof(*active->heap));
	active->by_end = calloc(n + 1, sizeof(*active->by_end));
	if (!active->heap || !active->by_end) {
		path_active_free(active);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		active->by_end[i] = &timeline->lanes[i];
	qsort(active->by_end, n, sizeof(*active->by_end), by_end);
	*ret = active;
	return 0;
}

/*
 * When the lane was on a CPU last, up to at_ns; one that never was counts from its birth. False: it is born later, as for all times to come.
 */
static bool find_last(const struct lane *lane, struct entry *entry, uint64_t at_ns)
{
	if (lane->begin_ns >= at_ns)
		return false;
	while (entry->episode) {
		const struct run_episode *episode = &lane->episodes[entry->episode - 1];

		if (episode_in_ns(episode) < at_ns)
			break;
		if (episode->out_ns < at_ns)
			at_ns = episode->out_ns;
		entry->episode--;
	}
	entry->last_ns = at_ns > lane->begin_ns ? at_ns : lane->begin_ns;
	entry->exact = true;
	return true;
}

size_t path_active_last(struct path_active *active, uint64_t at_ns)
{
	const struct lane *first = active->timeline->lanes;
	size_t n = active->timeline->n_lanes;

	for (; active->ended < n && active->by_end[active->ended]->end_ns >= at_ns; active->ended++) {
		const struct lane *lane = active->by_end[active->ended];

		push(active, (struct entry){.last_ns = lane->end_ns, .lane = lane - first, .episode = lane->n_episodes});
	}
	while (active->n) {
		struct entry *top = &active->heap[0];
		const struct lane *lane = &first[top->lane];

		if (top->exact && top->last_ns <= at_ns && lane->begin_ns < at_ns)
			return top->lane;
		if (!find_last(lane, top, at_ns))
			*top = active->heap[--active->n];
		else if (top->last_ns == at_ns)
			return top->lane;
		sift_down(active, 0);
	}
	return active->ended < n ? (size_t)(active->by_end[active->ended] - first) : SIZE_MAX;
}

void path_active_free(struct path_active *active)
{
	if (!active)
		return;
	free(active->heap);
	free(active->by_end);
	free(active);
}
