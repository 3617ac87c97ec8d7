/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "profile/run.h"

/* States by identifier, as classes.def writes them; explain/ has the states themselves. */
enum {
#define STATE(id, name, group, gloss, colour, letter) NAME_##id,
#include "states.def"
#undef STATE
};

static const char *const state_names[] = {
#define STATE(id, name, group, gloss, colour, letter) [NAME_##id] = name,
#include "states.def"
#undef STATE
};

static const struct {
	const char *name, *gloss;
	unsigned int state;
} class_info[CLASS_COUNT] = {
#define CLASS(id, name, state, gloss) [CLASS_##id] = {name, gloss, NAME_##state},
#include "classes.def"
#undef CLASS
};

const char *class_name(uint32_t class)
{
	return class_info[class].name;
}

const char *class_gloss(uint32_t class)
{
	return class_info[class].gloss;
}

const char *class_default_state(uint32_t class)
{
	return state_names[class_info[class].state];
}

int class_by_name(const char *name)
{
	for (int i = 0; i < CLASS_COUNT; i++)
		if (!strcmp(class_info[i].name, name))
			return i;
	return -1;
}

static void figures_free(struct run_figure *figures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(figures[i].name);
	free(figures);
}

void run_wait_free_members(struct run_wait *wait)
{
	free(wait->syscall);
	free(wait->object);
	free(wait->symbol);
	free(wait->file);
	free(wait->waker_name);
}

const char *loss_gloss(const char *name)
{
	static const struct {
		const char *name, *gloss;
	} losses[] = {
#define X(id, name, gloss) {name, gloss},
	    LOSSES(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (!strcmp(losses[i].name, name))
			return losses[i].gloss;
	return "not in the account";
}

bool loss_is_repaired(const char *name)
{
	static const char ending[] = "_repaired";
	size_t length = strlen(name), tail = sizeof(ending) - 1;

	return length > tail && strcmp(name + length - tail, ending) == 0;
}

bool run_episode_fits(const struct run *run, const struct run_thread *thread, const struct run_episode *episode, uint64_t *at_ns)
{
	uint64_t begin_ns = thread->begin_ns > run->begin_ns ? thread->begin_ns - run->begin_ns : 0, end_ns = 0;

	if (thread->begin_ns + thread->life_ns > run->begin_ns)
		end_ns = thread->begin_ns + thread->life_ns - run->begin_ns;
	if (episode->class >= CLASS_COUNT || episode->class <= CLASS_CPU ||
	    (episode->class <= CLASS_RUNNABLE_LAST && (episode->wait || episode->blocked_ns)))
		return false;
	if (episode->out_ns < begin_ns || episode->out_ns < *at_ns || episode->out_ns > end_ns ||
	    episode->blocked_ns > end_ns - episode->out_ns || episode->queued_ns > end_ns - episode->out_ns - episode->blocked_ns)
		return false;
	*at_ns = episode->out_ns + episode->blocked_ns + episode->queued_ns;
	return true;
}

void run_free(struct run *run)
{
	if (!run)
		return;
	free(run->name);
	for (char **argument = run->command; argument && *argument; argument++)
		free(*argument);
	free(run->command);
	free(run->failure);
	for (size_t i = 0; i < run->n_processes; i++) {
		free(run->processes[i].comm);
		free(run->processes[i].cgroup);
	}
	free(run->processes);
	for (size_t i = 0; i < run->n_threads; i++)
		free(run->threads[i].comm);
	free(run->threads);
	for (size_t i = 0; i < run->n_waits; i++)
		run_wait_free_members(&run->waits[i]);
	free(run->waits);
	figures_free(run->losses, run->n_losses);
	figures_free(run->ledger, run->n_ledger);
	figures_free(run->stack_figures, run->n_stack_figures);
	for (size_t i = 0; i < run->n_frames; i++) {
		free(run->frames[i].function);
		free(run->frames[i].object);
		free(run->frames[i].source);
	}
	free(run->frames);
	free(run->stacks);
	free(run->samples);
	free(run->episodes);
	free(run->moments);
	free(run);
}

void host_free_members(struct host *host)
{
	free(host->kernel);
	free(host->version);
	*host = (struct host){0};
}
