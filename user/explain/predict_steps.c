/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/predict_sim.h"

static void block(struct sim *sim, uint32_t who, uint32_t cause)
{
	struct actor *actor = &sim->actors[who];

	actor->phase = BLOCKED;
	actor->since_ns = sim->now_ns;
	actor->cause = cause;
}

void sim_end_wait(struct sim *sim, uint32_t who)
{
	struct actor *actor = &sim->actors[who];

	sim->result->wait_ns[actor->cause] += sim->now_ns - actor->since_ns;
	heap_remove(&sim->events, who);
	if (!sim->input->latency_ns) {
		sim_make_ready(sim, who);
		return;
	}
	actor->phase = WAKING;
	heap_put(&sim->events, who, sim->now_ns + sim->input->latency_ns);
}

static void signal_step(struct sim *sim, uint32_t target)
{
	if (sim->arrived[target] == PASSED || ++sim->arrived[target] < sim->input->steps[target].ns || !sim->waiting[target])
		return;
	sim->arrived[target] = PASSED;
	sim_end_wait(sim, sim->waiting[target] - 1);
}

static void forget_held(struct sim *sim, uint32_t which)
{
	uint32_t *link = &sim->actors[sim->locks[which].owner].held;

	while (*link != which)
		link = &sim->locks[*link].next;
	*link = sim->locks[which].next;
	sim->locks[which].owner = REPLAY_NOBODY;
}

static void own(struct sim *sim, uint32_t which, uint32_t who)
{
	sim->locks[which].owner = who;
	sim->locks[which].next = sim->actors[who].held;
	sim->actors[who].held = which;
}

/* From its owner to whoever waits longest. */
void sim_pass_on(struct sim *sim, uint32_t which)
{
	struct lock *lock = &sim->locks[which];
	uint32_t heir = lock->first;

	if (lock->owner != REPLAY_NOBODY)
		forget_held(sim, which);
	if (heir == REPLAY_NOBODY)
		return;
	lock->first = sim->actors[heir].next;
	if (sim->input->locks[which].handed_on)
		own(sim, which, heir);
	sim_end_wait(sim, heir);
}

/* True: it has the lock. */
static bool acquire(struct sim *sim, uint32_t which, uint32_t who)
{
	struct lock *lock = &sim->locks[which];

	if (lock->owner == who)
		return true;
	if (lock->owner == REPLAY_NOBODY) {
		own(sim, which, who);
		return true;
	}
	sim->actors[who].next = REPLAY_NOBODY;
	if (lock->first == REPLAY_NOBODY)
		lock->first = who;
	else
		sim->actors[lock->last].next = who;
	lock->last = who;
	return false;
}

/* Not at once: its own steps may create others, and theirs. */
static void be_born(struct sim *sim, uint32_t who)
{
	if (sim->actors[who].phase == UNBORN)
		heap_put(&sim->events, who, sim->now_ns);
}

/* One step of a thread. True: it goes on. */
static bool do_step(struct sim *sim, uint32_t who, uint32_t which)
{
	const struct step *step = &sim->input->steps[which];
	bool goes_on = true;

	switch ((enum step_kind)step->kind) {
	case STEP_SIGNAL:
		signal_step(sim, step->target);
		break;
	case STEP_BIRTH:
		be_born(sim, step->target);
		break;
	case STEP_RELEASE:
		if (sim->locks[step->target].owner == who)
			sim_pass_on(sim, step->target);
		break;
	case STEP_ACQUIRE:
		goes_on = acquire(sim, step->target, who);
		break;
	case STEP_SLEEP:
		goes_on = step->ns == 0;
		if (!goes_on)
			heap_put(&sim->events, who, sim->now_ns + step->ns);
		break;
	case STEP_WAIT:
		goes_on = sim->arrived[which] == PASSED || sim->arrived[which] >= step->ns;
		sim->arrived[which] = goes_on ? PASSED : sim->arrived[which];
		sim->waiting[which] = who + 1;
		break;
	case STEP_PARK:
		goes_on = false;
		sim->actors[who].parked = true;
		break;
	}
	if (!goes_on)
		block(sim, who, step->cause);
	return goes_on;
}

/* A lock is tried again after a wait for it; all other steps are behind a thread that waits in them. */
static bool is_tried_again(const struct step *step)
{
	return step->kind == STEP_ACQUIRE;
}

static void leave_pool(struct sim *sim, uint32_t which)
{
	const struct replay_pool *pool = &sim->input->pools[which];

	if (--sim->pools[which].active)
		return;
	for (size_t i = 0; i < pool->n_ends; i++)
		signal_step(sim, pool->ends[i]);
}

static bool next_item(struct sim *sim, uint32_t who)
{
	uint32_t which = sim->input->threads[who].pool;
	const struct replay_pool *pool;

	if (which == REPLAY_NOBODY)
		return false;
	pool = &sim->input->pools[which];
	if (sim->pools[which].next == pool->n_items) {
		leave_pool(sim, which);
		return false;
	}
	sim->actors[who].piece = pool->items[sim->pools[which].next++];
	return true;
}

static void be_done(struct sim *sim, uint32_t who)
{
	sim->actors[who].phase = DONE;
	while (sim->actors[who].held != REPLAY_NOBODY)
		sim_pass_on(sim, sim->actors[who].held);
	if (!sim->input->threads[who].counts)
		return;
	if (!--sim->n_left)
		sim->result->end_ns = sim->now_ns;
}

/* All steps that are due; a thread that has nothing left to do is done. True: it needs a CPU. */
bool sim_proceed(struct sim *sim, uint32_t who)
{
	struct actor *actor = &sim->actors[who];

	do {
		while (actor->piece.first < actor->piece.end &&
		       sim->input->steps[actor->piece.first].at_ns <= actor->piece.from_ns) {
			uint32_t which = actor->piece.first++;

			if (do_step(sim, who, which))
				continue;
			actor->locked = is_tried_again(&sim->input->steps[which]);
			actor->piece.first -= actor->locked;
			return false;
		}
		if (actor->piece.first < actor->piece.end || actor->piece.from_ns < actor->piece.to_ns)
			return true;
	} while (next_item(sim, who));
	be_done(sim, who);
	return false;
}

/* What a thread does before it uses a CPU for the first time. */
void sim_begin_thread(struct sim *sim, uint32_t who)
{
	if (sim->input->threads[who].also != REPLAY_NOBODY)
		be_born(sim, sim->input->threads[who].also);
	sim->actors[who].phase = READY;
	if (sim_proceed(sim, who))
		sim_make_ready(sim, who);
}
