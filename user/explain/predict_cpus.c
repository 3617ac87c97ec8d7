/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/predict_sim.h"

/* Time on a CPU up to now. */
void sim_account(struct sim *sim, struct actor *actor)
{
	uint64_t ns = sim->now_ns - actor->since_ns;

	actor->piece.from_ns += ns;
	actor->virtual_ns += ns;
	actor->slice_ns -= ns < actor->slice_ns ? ns : actor->slice_ns;
	actor->since_ns = sim->now_ns;
	sim->result->cpu_ns += ns;
}

/* Of the threads that run or are ready; it never falls. */
static uint64_t least_virtual(struct sim *sim)
{
	uint64_t least = sim->ready.n ? sim->ready.entries[0].key : UINT64_MAX;

	for (size_t i = 0; i < sim->n_running; i++) {
		const struct actor *actor = &sim->actors[sim->running[i]];
		uint64_t virtual_ns = actor->virtual_ns + (actor->phase == RUNNING ? sim->now_ns - actor->since_ns : 0);

		if (virtual_ns < least)
			least = virtual_ns;
	}
	if (least != UINT64_MAX && least > sim->virtual_ns)
		sim->virtual_ns = least;
	return sim->virtual_ns;
}

void sim_make_ready(struct sim *sim, uint32_t who)
{
	struct actor *actor = &sim->actors[who];
	uint64_t least = least_virtual(sim);

	least = least > sim->sleeper_ns ? least - sim->sleeper_ns : 0;
	if (actor->virtual_ns < least)
		actor->virtual_ns = least;
	actor->phase = READY;
	actor->since_ns = sim->now_ns;
	heap_put(&sim->ready, who, actor->virtual_ns);
	sim->woken = true;
}

static uint64_t next_stop(const struct sim *sim, const struct actor *actor)
{
	uint64_t at = actor->piece.to_ns;

	if (actor->piece.first < actor->piece.end)
		at = sim->input->steps[actor->piece.first].at_ns;
	return at > actor->piece.from_ns ? at - actor->piece.from_ns : 0;
}

static void plan(struct sim *sim, uint32_t who)
{
	struct actor *actor = &sim->actors[who];
	uint64_t stop = next_stop(sim, actor);

	heap_put(&sim->events, who, sim->now_ns + (stop < actor->slice_ns ? stop : actor->slice_ns));
}

static void put_on_cpu(struct sim *sim, uint32_t who)
{
	struct actor *actor = &sim->actors[who];

	sim->result->queue_ns += sim->now_ns - actor->since_ns;
	if (actor->virtual_ns > sim->virtual_ns)
		sim->virtual_ns = actor->virtual_ns;
	actor->phase = RUNNING;
	actor->since_ns = sim->now_ns;
	actor->slice_ns = sim->slice_ns;
	sim->running[sim->n_running++] = who;
	plan(sim, who);
}

static void take_off_cpu(struct sim *sim, uint32_t who)
{
	for (size_t i = 0; i < sim->n_running; i++) {
		if (sim->running[i] != who)
			continue;
		sim->running[i] = sim->running[--sim->n_running];
		break;
	}
}

static void requeue(struct sim *sim, uint32_t who)
{
	take_off_cpu(sim, who);
	heap_remove(&sim->events, who);
	sim->actors[who].phase = READY;
	heap_put(&sim->ready, who, sim->actors[who].virtual_ns);
}

/* The thread that has run furthest ahead gives its CPU to the first of the ready ones, if that is far enough behind. */
static bool preempt(struct sim *sim)
{
	uint64_t first = sim->ready.entries[0].key, most = 0;
	uint32_t victim = REPLAY_NOBODY;

	for (size_t i = 0; i < sim->n_running; i++) {
		const struct actor *actor = &sim->actors[sim->running[i]];
		uint64_t virtual_ns = actor->virtual_ns + sim->now_ns - actor->since_ns;

		if (virtual_ns > most) {
			most = virtual_ns;
			victim = sim->running[i];
		}
	}
	if (victim == REPLAY_NOBODY || most <= first + sim->preempt_ns)
		return false;
	sim_account(sim, &sim->actors[victim]);
	requeue(sim, victim);
	return true;
}

/* Its slice is over, and another has had less. */
static bool must_yield(const struct sim *sim, const struct actor *actor)
{
	return !actor->slice_ns && sim->ready.n && sim->ready.entries[0].key < actor->virtual_ns;
}

void sim_run_on(struct sim *sim, uint32_t who)
{
	struct actor *actor = &sim->actors[who];

	sim_account(sim, actor);
	if (!sim_proceed(sim, who)) {
		take_off_cpu(sim, who);
		return;
	}
	if (must_yield(sim, actor)) {
		requeue(sim, who);
		return;
	}
	if (!actor->slice_ns)
		actor->slice_ns = sim->slice_ns;
	plan(sim, who);
}

void sim_dispatch(struct sim *sim)
{
	while (sim->ready.n) {
		if (sim->n_running == sim->input->cpus && !(sim->woken && preempt(sim)))
			break;
		put_on_cpu(sim, heap_take(&sim->ready));
	}
	sim->woken = false;
}
