/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/predict_replay.h"

#include <errno.h>
#include <stdlib.h>

#include "explain/predict_sim.h"

/* What has waited longest for what will not come is let go, or, when nobody waits, the first that was never created begins. */
static bool force(struct sim *sim)
{
	uint32_t who = REPLAY_NOBODY, unborn = REPLAY_NOBODY, which;

	for (uint32_t i = 0; i < sim->input->n_threads; i++) {
		const struct actor *actor = &sim->actors[i];

		if (actor->phase == UNBORN && unborn == REPLAY_NOBODY)
			unborn = i;
		if (actor->phase == BLOCKED && !actor->parked &&
		    (who == REPLAY_NOBODY || actor->since_ns < sim->actors[who].since_ns))
			who = i;
	}
	if (who == REPLAY_NOBODY && unborn == REPLAY_NOBODY)
		return false;
	sim->result->forced++;
	if (who == REPLAY_NOBODY) {
		heap_put(&sim->events, unborn, sim->now_ns);
		return true;
	}
	which = sim->actors[who].piece.first;
	if (sim->actors[who].locked) {
		sim_pass_on(sim, sim->input->steps[which].target);
		return true;
	}
	sim->arrived[which - 1] = PASSED;
	sim_end_wait(sim, who);
	return true;
}

static void handle(struct sim *sim, uint32_t who)
{
	switch (sim->actors[who].phase) {
	case RUNNING:
		sim_run_on(sim, who);
		break;
	case UNBORN:
		sim->actors[who].virtual_ns = sim->virtual_ns;
		sim_begin_thread(sim, who);
		break;
	case BLOCKED:
		sim_end_wait(sim, who);
		break;
	case WAKING:
		sim_make_ready(sim, who);
		break;
	default:
		break;
	}
}

static int run(struct sim *sim)
{
	while (sim->n_left) {
		sim_dispatch(sim);
		if (sim->events.n) {
			if (sim->events.entries[0].key > sim->now_ns)
				sim->now_ns = sim->events.entries[0].key;
			handle(sim, heap_take(&sim->events));
			continue;
		}
		if (sim->result->forced == REPLAY_FORCED_MAX)
			return -EDEADLK;
		if (force(sim))
			continue;
		sim->result->end_ns = sim->now_ns;
		break;
	}
	for (size_t i = 0; i < sim->input->n_threads; i++) {
		const struct actor *actor = &sim->actors[i];

		if (actor->phase == BLOCKED && !actor->parked)
			sim->result->wait_ns[actor->cause] += sim->now_ns - actor->since_ns;
		else if (actor->phase == READY)
			sim->result->queue_ns += sim->now_ns - actor->since_ns;
	}
	return 0;
}

static void set_out(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->input->n_threads; i++) {
		const struct replay_thread *thread = &sim->input->threads[i];

		sim->actors[i].piece = thread->piece;
		sim->actors[i].held = REPLAY_NOBODY;
		sim->n_left += thread->counts;
		if (thread->pool != REPLAY_NOBODY)
			sim->pools[thread->pool].active++;
		if (thread->start_ns != REPLAY_BORN_BY_STEP)
			heap_put(&sim->events, i, thread->start_ns);
	}
	for (size_t i = 0; i < sim->input->n_locks; i++)
		sim->locks[i] = (struct lock){.owner = REPLAY_NOBODY, .first = REPLAY_NOBODY};
}

static int sim_open(struct sim *sim, const struct replay_input *input)
{
	unsigned int factor = 1;
	int err;

	for (unsigned int cpus = input->cpus < 8 ? input->cpus : 8; cpus > 1; cpus /= 2)
		factor++;
	sim->input = input;
	sim->slice_ns = factor * REPLAY_SLICE_NS;
	sim->sleeper_ns = factor * REPLAY_SLEEPER_NS;
	sim->preempt_ns = factor * REPLAY_PREEMPT_NS;
	sim->actors = calloc(input->n_threads + 1, sizeof(*sim->actors));
	sim->arrived = calloc(input->n_steps + 1, sizeof(*sim->arrived));
	sim->waiting = calloc(input->n_steps + 1, sizeof(*sim->waiting));
	sim->locks = calloc(input->n_locks + 1, sizeof(*sim->locks));
	sim->pools = calloc(input->n_pools + 1, sizeof(*sim->pools));
	sim->running = calloc(input->cpus, sizeof(*sim->running));
	if (!sim->actors || !sim->arrived || !sim->waiting || !sim->locks || !sim->pools || !sim->running)
		return -ENOMEM;
	err = heap_open(&sim->events, input->n_threads);
	return err ? err : heap_open(&sim->ready, input->n_threads);
}

static void sim_close(struct sim *sim)
{
	free(sim->actors);
	free(sim->arrived);
	free(sim->waiting);
	free(sim->locks);
	free(sim->pools);
	free(sim->running);
	heap_close(&sim->events);
	heap_close(&sim->ready);
}

int replay(const struct replay_input *input, struct replay_result *ret)
{
	struct sim sim = {0};
	int err;

	*ret = (struct replay_result){.wait_ns = calloc(input->n_causes + 1, sizeof(*ret->wait_ns)), .n_causes = input->n_causes};
	if (!ret->wait_ns)
		return -ENOMEM;
	sim.result = ret;
	err = sim_open(&sim, input);
	if (!err) {
		set_out(&sim);
		err = run(&sim);
	}
	sim_close(&sim);
	if (err)
		replay_free(ret);
	return err;
}

void replay_free(struct replay_result *result)
{
	free(result->wait_ns);
	*result = (struct replay_result){0};
}
