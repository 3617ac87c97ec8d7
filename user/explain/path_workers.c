/* SPDX-License-Identifier: Apache-2.0 */
/* Who had work to do last, of all threads but the idle ones: alive or not by then. */
#include "explain/path_internal.h"

/* The first of the lane's episodes that does not begin before at_ns. */
static size_t episodes_before(const struct lane *lane, uint64_t at_ns)
{
	size_t low = 0, high = lane->n_episodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lane->episodes[middle].out_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Until when, up to at_ns, the lane was on a CPU last; 0: it never was. */
static uint64_t last_on_cpu(const struct lane *lane, uint64_t at_ns)
{
	if (lane->end_ns < at_ns)
		at_ns = lane->end_ns;
	if (lane->begin_ns >= at_ns)
		return 0;
	for (size_t n = episodes_before(lane, at_ns); n; n--) {
		const struct run_episode *episode = &lane->episodes[n - 1];

		if (episode_in_ns(episode) < at_ns)
			return at_ns;
		if (episode->out_ns < at_ns)
			at_ns = episode->out_ns;
	}
	return lane->begin_ns < at_ns ? at_ns : 0;
}

size_t path_worker_last(const struct timeline *timeline, const struct thread_view *threads, uint64_t *from_ns, uint64_t at_ns)
{
	size_t worker = SIZE_MAX;

	for (size_t i = 0; i < timeline->n_lanes; i++) {
		uint64_t last_ns = threads[i].idle || threads[i].only_joins ? 0 : last_on_cpu(&timeline->lanes[i], at_ns);

		if (last_ns <= *from_ns)
			continue;
		*from_ns = last_ns;
		worker = i;
	}
	return worker;
}
