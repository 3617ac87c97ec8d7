/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/predict_locks.h"

#include <errno.h>

#include "explain/rules.h"
#include "explain/strings.h"
#include "lib/cleanup.h"

/*
 * Who waits again so soon after a wake-up did not have the lock meanwhile. An interpreter's lock is taken for much longer, or given up for a
 * wait of another kind; taking it means several waits in a row, with work between them that is the lock's own.
 */
#define AGAIN_INTERPRETER_NS 100000
#define AGAIN_NS             20000

/* A thread waits for a lock, or ends another's wait for it. */
struct touch {
	uint64_t lock; /* a number for what it is, later its position among the locks */
	uint64_t object;
	uint32_t lane;
	uint64_t at_ns, end_ns;            /* of the own wait; or of the wake-up, and when the other's wait had begun */
	const struct run_episode *episode; /* the own wait; NULL: a wake-up */
	uint32_t cause;
	bool interpreter;
};

struct touches {
	struct touch *items;
	size_t n;
};

/* Locks of a program live in its memory; others are the kernel's, of whoever uses them. */
static void identify(struct touch *touch, const struct timeline *timeline, const struct timeline_cause *cause,
		     const struct run_thread *thread)
{
	touch->cause = cause - timeline->causes;
	touch->interpreter = rules_is_interpreter_lock(cause->cause);
	touch->object = (uintptr_t)cause->cause;
	if (cause->wait && cause->wait->class == CLASS_FUTEX) {
		touch->lock = thread->process;
		if (!touch->interpreter && cause->wait->address)
			touch->object = cause->wait->address;
	}
}

static int gather(const struct timeline *timeline, const struct fates *fates, struct touches *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < timeline->run->n_episodes; i++)
		n += is_inner_lock(timeline_cause(timeline, &timeline->run->episodes[i]));
	ret->items = calloc(2 * n + 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		for (size_t k = 0; k < lane->n_episodes; k++) {
			const struct run_episode *episode = &lane->episodes[k];
			const struct timeline_cause *cause = timeline_cause(timeline, episode);
			struct touch touch = {.lane = i, .at_ns = episode->out_ns, .end_ns = episode_in_ns(episode)};

			if (!is_inner_lock(cause) || fates->changed[cause - timeline->causes])
				continue;
			identify(&touch, timeline, cause, lane->thread);
			touch.episode = episode;
			ret->items[ret->n++] = touch;
			if (!cause->waker || cause->waker == lane->thread)
				continue;
			touch.episode = NULL;
			touch.lane = timeline_lane(timeline, cause->waker);
			touch.at_ns = episode_wake_ns(episode);
			touch.end_ns = episode->out_ns;
			ret->items[ret->n++] = touch;
		}
	}
	return 0;
}

static int by_lock_and_time(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	/* A wake-up and then the own wait. */
	return (x->episode != NULL) - (y->episode != NULL);
}

/* What is known of one thread with one lock. */
struct holding {
	const struct timeline *timeline;
	const struct lane *lane;
	struct actions *actions;
	bool *vain;
	uint32_t which; /* the lock */
	bool interpreter, held;
	uint64_t since_ns, free_ns;      /* held since; not held before */
	const struct run_episode *after; /* the wait that it got the lock by */
	uint64_t seen_ns, seen;          /* how long the lock was held where that was seen, by any thread */
};

static int add(struct holding *holding, enum step_kind kind, uint64_t at_ns, uint32_t cause)
{
	struct action action = {.at_ns = at_ns,
				.lane = holding->lane - holding->timeline->lanes,
				.kind = kind,
				.target = holding->which,
				.cause = cause};

	holding->held = kind == STEP_ACQUIRE;
	return actions_add(holding->actions, &action);
}

/* The first wait for anything after the one that the lock came with. */
static uint64_t next_block(const struct holding *holding)
{
	const struct run_episode *end = holding->lane->episodes + holding->lane->n_episodes;

	for (const struct run_episode *episode = holding->after + 1; episode < end; episode++)
		if (timeline_cause(holding->timeline, episode))
			return episode->out_ns;
	return holding->lane->end_ns;
}

/* Given up at a time that was not seen, before `limit_ns`. */
static int release_unseen(struct holding *holding, uint64_t limit_ns)
{
	uint64_t at_ns;

	if (holding->interpreter)
		at_ns = next_block(holding);
	else
		at_ns = holding->since_ns + (holding->seen ? holding->seen_ns / holding->seen : 0);
	if (at_ns > limit_ns)
		at_ns = limit_ns;
	holding->free_ns = at_ns;
	return add(holding, STEP_RELEASE, at_ns, 0);
}

/* Nothing but little time on a CPU since the wait before. */
static bool is_again(const struct holding *holding, const struct touch *touch)
{
	uint64_t cpu_ns = touch->at_ns - holding->since_ns;

	for (const struct run_episode *episode = holding->after + 1; episode < touch->episode; episode++) {
		if (timeline_cause(holding->timeline, episode))
			return false;
		cpu_ns -= episode->queued_ns;
	}
	return cpu_ns < (holding->interpreter ? AGAIN_INTERPRETER_NS : AGAIN_NS);
}

static int wait_again(struct holding *holding, const struct touch *touch)
{
	int err = 0;

	if (!holding->held || !is_again(holding, touch)) {
		if (holding->held)
			err = release_unseen(holding, touch->at_ns);
		if (!err)
			err = add(holding, STEP_ACQUIRE, touch->at_ns, touch->cause);
	} else {
		holding->vain[holding->after - holding->timeline->run->episodes] = true;
	}
	holding->since_ns = touch->end_ns;
	holding->after = touch->episode;
	return err;
}

static int end_others_wait(struct holding *holding, const struct touch *touch)
{
	uint64_t at_ns = touch->at_ns, least_ns = holding->interpreter ? AGAIN_INTERPRETER_NS : 0;
	uint64_t since_ns = touch->end_ns > holding->free_ns ? touch->end_ns : holding->free_ns;
	int err = 0;

	if (holding->held) {
		/* An interpreter's new holder tells the former one first that it has the lock. */
		if (at_ns < holding->since_ns + least_ns)
			return 0;
		holding->seen_ns += at_ns - holding->since_ns;
		holding->seen++;
	} else {
		if (at_ns <= since_ns + least_ns)
			return 0;
		err = add(holding, STEP_ACQUIRE, since_ns, touch->cause);
	}
	holding->free_ns = at_ns;
	return err ? err : add(holding, STEP_RELEASE, at_ns, 0);
}

static bool is_same_lock(const struct touch *a, const struct touch *b)
{
	return a->lock == b->lock && a->object == b->object;
}

static int infer(struct holding *holding, const struct touch *touch, const struct touch *end)
{
	int err = 0;

	for (; !err && touch < end; touch++)
		err = touch->episode ? wait_again(holding, touch) : end_others_wait(holding, touch);
	if (!err && holding->held)
		err = release_unseen(holding, holding->lane->end_ns);
	return err;
}

int locks_infer(const struct timeline *timeline, const struct fates *fates, struct actions *actions, bool *vain,
		struct replay_lock **ret, size_t *n_ret)
{
	struct holding holding = {.timeline = timeline, .actions = actions, .vain = vain};
	struct touches touches = {0};
	_cleanup_free_ struct touch *items = NULL;
	int err = gather(timeline, fates, &touches);

	if (err)
		return err;
	items = touches.items;
	qsort(items, touches.n, sizeof(*items), by_lock_and_time);
	*ret = calloc(touches.n + 1, sizeof(**ret));
	*n_ret = 0;
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0, end; !err && i < touches.n; i = end) {
		const struct touch *first = &items[i];

		for (end = i; end < touches.n && items[end].lane == first->lane && is_same_lock(&items[end], first);)
			end++;
		if (!i || !is_same_lock(first, first - 1)) {
			holding.seen = holding.seen_ns = 0;
			holding.interpreter = first->interpreter;
			(*ret)[*n_ret].handed_on = first->interpreter;
			holding.which = (*n_ret)++;
		}
		holding.lane = &timeline->lanes[first->lane];
		holding.free_ns = holding.lane->begin_ns;
		holding.held = false;
		err = infer(&holding, first, &items[end]);
	}
	if (err)
		free(steal_pointer(ret));
	return err;
}
