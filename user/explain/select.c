/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a run: the processes of one cgroup, with their threads, waits and samples. */
#include <errno.h>

#include "explain/internal.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/index.h"

/* "/a/b.service/x" belongs to "/a/b.service", to "/a", to "b.service" and to "a/b.service"; to no part of a name. */
static bool is_in(const char *path, const char *cgroup)
{
	size_t length = strlen(cgroup);

	while (length && cgroup[length - 1] == '/')
		length--;
	if (!path || !path[0] || !cgroup[0])
		return false;
	if (!length) /* "/" */
		return true;
	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		const char *begin = cgroup[0] == '/' || *at != '/' ? at : at + 1;

		if (!strncmp(begin, cgroup, length) && (!begin[length] || begin[length] == '/'))
			return true;
		if (cgroup[0] == '/')
			return false;
	}
	return false;
}

struct selection {
	struct run *run;
	struct run_index *threads, *processes;
	bool *keep_process, *keep_thread;
	uint32_t *new_id; /* of waits, by their old one - 1; 0: left out */
};

static bool is_kept(const struct selection *selection, uint64_t thread)
{
	size_t position = run_index_find(selection->threads, thread);

	return position != RUN_NOT_FOUND && selection->keep_thread[position];
}

/* A waker that is left out has a name at least, as any that was not followed. */
static int name_waker(const struct selection *selection, struct run_wait *wait)
{
	size_t position = wait->waker ? run_index_find(selection->threads, wait->waker) : RUN_NOT_FOUND;
	const struct run_thread *waker;

	if (position == RUN_NOT_FOUND || selection->keep_thread[position])
		return 0;
	waker = &selection->run->threads[position];
	free(wait->waker_name);
	wait->waker_name = text_format("%s[%u]", waker->comm, waker->pid);
	wait->waker = 0;
	return wait->waker_name ? 0 : -ENOMEM;
}

static int keep_waits(struct selection *selection)
{
	struct run *run = selection->run;
	size_t kept = 0;

	for (size_t i = 0; i < run->n_waits; i++) {
		struct run_wait *wait = &run->waits[i];

		if (!is_kept(selection, wait->thread)) {
			run_wait_free_members(wait);
			continue;
		}
		if (name_waker(selection, wait)) {
			/* What was not looked at is moved all the same, so that the run can be freed. */
			memmove(&run->waits[kept], wait, (run->n_waits - i) * sizeof(*wait));
			run->n_waits -= i - kept;
			return -ENOMEM;
		}
		if (!is_kept(selection, wait->holder))
			wait->holder = 0;
		run->waits[kept] = *wait;
		run->waits[kept].id = kept + 1;
		selection->new_id[i] = ++kept;
	}
	run->n_waits = kept;
	return 0;
}

/* To be called when waits have their new ids. */
static void keep_timeline(struct selection *selection)
{
	struct run *run = selection->run;
	size_t kept = 0;

	for (size_t i = 0; i < run->n_episodes; i++) {
		struct run_episode episode = run->episodes[i];

		if (!is_kept(selection, episode.thread))
			continue;
		if (episode.wait)
			episode.wait = selection->new_id[episode.wait - 1];
		run->episodes[kept++] = episode;
	}
	run->n_episodes = kept;
	kept = 0;
	for (size_t i = 0; i < run->n_moments; i++)
		if (is_kept(selection, run->moments[i].thread))
			run->moments[kept++] = run->moments[i];
	run->n_moments = kept;
}

static void keep_samples(struct selection *selection)
{
	struct run *run = selection->run;
	size_t kept = 0;

	for (size_t i = 0; i < run->n_samples; i++)
		if (is_kept(selection, run->samples[i].thread))
			run->samples[kept++] = run->samples[i];
	run->n_samples = kept;
}

static void keep_threads_and_processes(struct selection *selection)
{
	struct run *run = selection->run;
	size_t threads = 0, processes = 0;

	for (size_t i = 0; i < run->n_threads; i++) {
		if (selection->keep_thread[i])
			run->threads[threads++] = run->threads[i];
		else
			free(run->threads[i].comm);
	}
	for (size_t i = 0; i < run->n_processes; i++) {
		if (selection->keep_process[i]) {
			run->processes[processes++] = run->processes[i];
			continue;
		}
		free(run->processes[i].comm);
		free(run->processes[i].cgroup);
	}
	run->n_threads = threads;
	run->n_processes = processes;
}

static int choose(struct selection *selection, const char *cgroup)
{
	struct run *run = selection->run;
	int err = run_index_threads(run, &selection->threads);

	if (!err)
		err = run_index_processes(run, &selection->processes);
	for (size_t i = 0; !err && i < run->n_processes; i++)
		selection->keep_process[i] = is_in(run->processes[i].cgroup, cgroup);
	for (size_t i = 0; !err && i < run->n_threads; i++) {
		size_t process = run_index_find(selection->processes, run->threads[i].process);

		selection->keep_thread[i] = process != RUN_NOT_FOUND && selection->keep_process[process];
	}
	return err;
}

int run_keep_cgroup(struct run *run, const char *cgroup)
{
	_cleanup_free_ bool *keep_process = calloc(run->n_processes + 1, sizeof(bool));
	_cleanup_free_ bool *keep_thread = calloc(run->n_threads + 1, sizeof(bool));
	_cleanup_free_ uint32_t *new_id = calloc(run->n_waits + 1, sizeof(*new_id));
	struct selection selection = {.run = run, .keep_process = keep_process, .keep_thread = keep_thread, .new_id = new_id};
	int err = keep_process && keep_thread && new_id ? choose(&selection, cgroup) : -ENOMEM;

	if (!err)
		err = keep_waits(&selection);
	if (!err) {
		keep_samples(&selection);
		keep_timeline(&selection);
		keep_threads_and_processes(&selection);
	}
	run_index_free(selection.threads);
	run_index_free(selection.processes);
	return err ? err : (int)run->n_processes;
}
