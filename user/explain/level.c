/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/level.h"

#include <errno.h>

/* Where a lane is: between `ended` and `begun`. */
struct place {
	struct interval_cursor cursor;
	struct interval ended, begun;
	bool has_ended, has_begun;
};

struct levels {
	const struct timeline *timeline;
	struct place *places; /* by lane */
	uint32_t *heap;       /* lanes with changes to come: the one with the next change is the first */
	size_t n_heap;
	bool seen; /* the first lane's change was returned */
	uint64_t threads[STATE_COUNT];
};

static uint64_t next_ns(const struct levels *levels, uint32_t lane)
{
	const struct place *place = &levels->places[lane];

	return place->has_begun ? place->begun.begin_ns : place->ended.end_ns;
}

static bool comes_before(const struct levels *levels, uint32_t a, uint32_t b)
{
	uint64_t a_ns = next_ns(levels, a), b_ns = next_ns(levels, b);

	return a_ns != b_ns ? a_ns < b_ns : a < b;
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t was = *a;

	*a = *b;
	*b = was;
}

/* The heap's first lane has a later change than before. */
static void sift_down(struct levels *levels)
{
	size_t at = 0;

	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < levels->n_heap; child++)
			if (comes_before(levels, levels->heap[child], levels->heap[least]))
				least = child;
		if (least == at)
			return;
		swap(&levels->heap[at], &levels->heap[least]);
		at = least;
	}
}

static void push(struct levels *levels, uint32_t lane)
{
	size_t at = levels->n_heap++;

	levels->heap[at] = lane;
	for (; at && comes_before(levels, levels->heap[at], levels->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&levels->heap[at], &levels->heap[(at - 1) / 2]);
}

int levels_open(const struct timeline *timeline, struct levels **ret)
{
	struct levels *levels = calloc(1, sizeof(*levels));

	if (!levels)
		return -ENOMEM;
	levels->timeline = timeline;
	levels->places = calloc(timeline->n_lanes + 1, sizeof(*levels->places));
	levels->heap = calloc(timeline->n_lanes + 1, sizeof(*levels->heap));
	if (!levels->places || !levels->heap) {
		levels_close(levels);
		return -ENOMEM;
	}
	for (size_t i = 0; i < timeline->n_lanes; i++) {
		struct place *place = &levels->places[i];

		place->has_begun = timeline_next(timeline, &timeline->lanes[i], &place->cursor, &place->begun);
		if (place->has_begun)
			push(levels, i);
	}
	*ret = levels;
	return 0;
}

void levels_close(struct levels *levels)
{
	if (!levels)
		return;
	free(levels->places);
	free(levels->heap);
	free(levels);
}

static const struct lane *waker_of(const struct levels *levels, const struct place *place)
{
	const struct timeline *timeline = levels->timeline;
	const struct lane *waker;

	if (!place->has_ended || !place->has_begun || !place->ended.cause || !place->ended.cause->waker)
		return NULL;
	waker = &timeline->lanes[timeline_lane(timeline, place->ended.cause->waker)];
	return waker->begin_ns <= place->ended.end_ns && place->ended.end_ns <= waker->end_ns ? waker : NULL;
}

/* The first lane's change is over: its current interval becomes the one that ended. */
static void advance(struct levels *levels)
{
	struct place *place = &levels->places[levels->heap[0]];

	if (place->has_begun) {
		place->ended = place->begun;
		place->has_ended = true;
		place->has_begun =
		    timeline_next(levels->timeline, &levels->timeline->lanes[levels->heap[0]], &place->cursor, &place->begun);
	} else {
		levels->heap[0] = levels->heap[--levels->n_heap];
	}
	sift_down(levels);
}

/* The heap's first lane is the only one with a change at its time: a lane has no two. */
static bool is_last(const struct levels *levels)
{
	uint64_t at_ns = next_ns(levels, levels->heap[0]);

	return (levels->n_heap < 2 || next_ns(levels, levels->heap[1]) != at_ns) &&
	       (levels->n_heap < 3 || next_ns(levels, levels->heap[2]) != at_ns);
}

bool levels_next(struct levels *levels, struct level_change *ret)
{
	struct place *place;

	if (levels->n_heap && levels->seen)
		advance(levels);
	levels->seen = true;
	if (!levels->n_heap)
		return false;
	place = &levels->places[levels->heap[0]];
	*ret = (struct level_change){
	    .at_ns = next_ns(levels, levels->heap[0]),
	    .lane = &levels->timeline->lanes[levels->heap[0]],
	    .ended = place->has_ended ? &place->ended : NULL,
	    .begun = place->has_begun ? &place->begun : NULL,
	    .waker = waker_of(levels, place),
	    .last = is_last(levels),
	};
	if (ret->ended)
		levels->threads[ret->ended->state]--;
	if (ret->begun)
		levels->threads[ret->begun->state]++;
	return true;
}

const uint64_t *levels_threads(const struct levels *levels)
{
	return levels->threads;
}
