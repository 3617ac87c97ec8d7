/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/wakes.h"

#include <errno.h>

struct search {
	const struct timeline *timeline;
	const bool *shown;
	bool only_hand_offs;
};

static bool is_wake(const struct search *search, const struct run_episode *episode, size_t lane, struct wake *ret)
{
	const struct timeline_cause *cause = episode->blocked_ns ? timeline_cause(search->timeline, episode) : NULL;

	if (!cause || !cause->waker || (search->only_hand_offs && cause->state != STATE_LOCK))
		return false;
	*ret = (struct wake){
	    .at_ns = episode_wake_ns(episode),
	    .from = timeline_lane(search->timeline, cause->waker),
	    .to = lane,
	    .cause = cause,
	};
	return ret->at_ns < search->timeline->wall_ns && ret->from != lane && search->shown[ret->from];
}

/* Calls for each; `ret` may have no room yet: then they are counted. */
static void walk(const struct search *search, struct wakes *ret)
{
	for (size_t i = 0; i < search->timeline->n_lanes; i++) {
		const struct lane *lane = &search->timeline->lanes[i];

		for (size_t j = 0; search->shown[i] && j < lane->n_episodes; j++) {
			struct wake wake;

			if (!is_wake(search, &lane->episodes[j], i, &wake))
				continue;
			if (ret->wakes) {
				ret->wakes[ret->n++] = wake;
				continue;
			}
			ret->found++;
			ret->hand_offs += wake.cause->state == STATE_LOCK;
		}
	}
}

int wakes_find(const struct timeline *timeline, const bool *shown, size_t most, struct wakes *ret)
{
	struct search search = {.timeline = timeline, .shown = shown};

	*ret = (struct wakes){.n = 0};
	walk(&search, ret);
	search.only_hand_offs = ret->only_hand_offs = ret->found > most;
	if ((search.only_hand_offs ? ret->hand_offs : ret->found) > most)
		return 0;
	ret->wakes = calloc((search.only_hand_offs ? ret->hand_offs : ret->found) + 1, sizeof(*ret->wakes));
	if (!ret->wakes)
		return -ENOMEM;
	walk(&search, ret);
	return 0;
}

void wakes_free(struct wakes *wakes)
{
	free(wakes->wakes);
	*wakes = (struct wakes){.n = 0};
}
