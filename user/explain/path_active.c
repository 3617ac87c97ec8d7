/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread was on a CPU last, for points in time that only go back: a heap of lanes by when that was, as far as it is known. A lane's
 * time is found anew when it comes to the top and has become too late. Then either it is on a CPU at that very time, and is the answer, or
 * episodes are left behind for good: all calls together take O((episodes + calls) log lanes).
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

int path_active_new(const struct timeline *timeline, struct path_active **ret)
{
	struct path_active *active = calloc(1, sizeof(*active));

	if (!active)
		return -ENOMEM;
	active->timeline = timeline;
	active->heap = calloc(timeline->n_lanes + 1, sizeof(*active->heap));
	if (!active->heap) {
		free(active);
		return -ENOMEM;
	}
	active->n = timeline->n_lanes;
	for (size_t i = 0; i < active->n; i++)
		active->heap[i] =
		    (struct entry){.last_ns = timeline->lanes[i].end_ns, .lane = i, .episode = timeline->lanes[i].n_episodes};
	for (size_t i = active->n / 2; i-- > 0;)
		sift_down(active, i);
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
	if (at_ns > lane->end_ns)
		at_ns = lane->end_ns;
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
	while (active->n) {
		struct entry *top = &active->heap[0];
		const struct lane *lane = &active->timeline->lanes[top->lane];

		if (top->exact && top->last_ns <= at_ns && lane->begin_ns < at_ns)
			return top->lane;
		if (!find_last(lane, top, at_ns))
			*top = active->heap[--active->n];
		else if (top->last_ns == at_ns)
			return top->lane;
		sift_down(active, 0);
	}
	return SIZE_MAX;
}

void path_active_free(struct path_active *active)
{
	if (!active)
		return;
	free(active->heap);
	free(active);
}
