/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "lib/cleanup.h"
#include "profile/index.h"

/* A thread only joins when at least this part of its life is spent waiting for its workers. */
#define JOINING_SHARE 0.6
/* The workers alive at a time are counted over all but this part of T: hand-overs between threads last a moment. */
#define WORKERS_SHARE 0.01

/* Marks threads and processes that created others. */
static void mark_parents(const struct run *run, const struct run_index *threads, const struct run_index *processes,
			 bool *has_workers)
{
	bool *process_has = calloc(run->n_processes + 1, sizeof(bool));

	for (size_t i = 0; i < run->n_threads; i++) {
		size_t parent = run_index_find(threads, run->threads[i].parent);

		if (parent != RUN_NOT_FOUND && parent != i)
			has_workers[parent] = true;
	}
	for (size_t i = 0; process_has && i < run->n_processes; i++) {
		size_t parent = run_index_find(processes, run->processes[i].parent);

		if (parent != RUN_NOT_FOUND && parent != i)
			process_has[parent] = true;
	}
	for (size_t i = 0; process_has && i < run->n_threads; i++)
		if (process_has[run_index_find(processes, run->threads[i].process)])
			has_workers[i] = true;
	free(process_has);
}

/*
 * Waits in which a main thread does nothing but wait for its workers: joins and children everywhere; in the root's main thread also
 * signals and pipes, which is how pools tell that a task is done.
 */
static bool is_joining(const struct wait *wait, bool root)
{
	if (wait->outside)
		return false;
	return wait->join || (root && (wait->state == STATE_SYNC || wait->state == STATE_PIPE || wait->state == STATE_SOCKET));
}

static void find_joining(struct explanation *explanation, const bool *has_workers, uint64_t *joined)
{
	const struct run *run = explanation->run;

	for (size_t i = 0; i < explanation->n_thread_waits; i++) {
		const struct wait *wait = &explanation->thread_waits[i];

		if (is_joining(wait, wait->thread->id == 1))
			joined[wait->thread - run->threads] += wait->total_ns;
	}
	for (size_t i = 0; i < run->n_threads; i++) {
		const struct run_thread *thread = &run->threads[i];

		explanation->threads[i].only_joins =
		    has_workers[i] && thread->tid == thread->pid && joined[i] >= JOINING_SHARE * thread->life_ns && joined[i];
	}
	for (size_t i = 0; i < explanation->n_waits; i++) {
		struct wait *wait = &explanation->waits[i];

		wait->joining =
		    explanation->threads[wait->thread - run->threads].only_joins && is_joining(wait, wait->thread->id == 1);
	}
}

static int mark_joining(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ bool *has_workers = calloc(run->n_threads + 1, sizeof(bool));
	_cleanup_free_ uint64_t *joined = calloc(run->n_threads + 1, sizeof(uint64_t));
	struct run_index *threads = NULL, *processes = NULL;
	int err = has_workers && joined ? run_index_threads(run, &threads) : -ENOMEM;

	if (!err)
		err = run_index_processes(run, &processes);
	if (!err) {
		mark_parents(run, threads, processes, has_workers);
		find_joining(explanation, has_workers, joined);
	}
	run_index_free(threads);
	run_index_free(processes);
	return err;
}

static int view_processes(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	struct run_index *index = NULL;
	int err = run_index_processes(run, &index);

	explanation->processes = calloc(run->n_processes + 1, sizeof(*explanation->processes));
	if (err || !explanation->processes) {
		run_index_free(index);
		return -ENOMEM;
	}
	for (size_t i = 0; i < run->n_processes; i++) {
		explanation->processes[i].process = &run->processes[i];
		for (int class = 0; class < CLASS_COUNT; class ++)
			explanation->processes[i].ns[class_state[class]] += run->processes[i].undelivered_ns[class];
	}
	for (size_t i = 0; i < run->n_threads; i++) {
		struct process_view *view = &explanation->processes[run_index_find(index, run->threads[i].process)];

		for (int state = 0; state < STATE_COUNT; state++)
			view->ns[state] += explanation->threads[i].ns[state];
	}
	run_index_free(index);
	return 0;
}

struct edge {
	uint64_t at_ns;
	int step;
};

static int by_time(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return y->step - x->step; /* births first: a thread that lived for no time must not end before it began */
}

/* The largest number of threads that were alive together for at least WORKERS_SHARE of T. */
static int count_workers(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ struct edge *edges = calloc(2 * run->n_threads + 1, sizeof(*edges));
	_cleanup_free_ uint64_t *alive_ns = calloc(run->n_threads + 2, sizeof(*alive_ns));
	uint64_t sum = 0;
	size_t n = 0, alive = 0;

	if (!edges || !alive_ns)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_threads; i++) {
		if (explanation->threads[i].only_joins || explanation->threads[i].idle)
			continue;
		edges[n++] = (struct edge){run->threads[i].begin_ns, 1};
		edges[n++] = (struct edge){run->threads[i].begin_ns + run->threads[i].life_ns, -1};
	}
	qsort(edges, n, sizeof(*edges), by_time);
	for (size_t i = 0; i + 1 < n; i++) {
		alive += edges[i].step;
		alive_ns[alive] += edges[i + 1].at_ns - edges[i].at_ns;
	}
	explanation->workers = 1;
	for (size_t level = run->n_threads; level > 1; level--) {
		sum += alive_ns[level];
		if (sum >= WORKERS_SHARE * explanation->wall_ns && sum) {
			explanation->workers = level;
			break;
		}
	}
	return 0;
}

static void sum_up(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	double wall = explanation->wall_ns;
	uint64_t joining = 0, idle = 0;

	for (size_t i = 0; i < run->n_processes; i++)
		for (int state = 0; state < STATE_COUNT; state++)
			explanation->ns[state] += explanation->processes[i].ns[state];
	for (int state = 0; state < STATE_COUNT; state++) {
		explanation->budget[state] = explanation->ns[state] / wall;
		if (state_info[state].group == STATE_GROUP_CPU)
			explanation->cpu_ns += explanation->ns[state];
	}
	explanation->progress_ns = explanation->cpu_ns;
	for (size_t i = 0; i < explanation->n_causes; i++) {
		if (explanation->causes[i].outside)
			explanation->progress_ns += explanation->causes[i].total_ns;
		if (explanation->causes[i].joining)
			joining += explanation->causes[i].total_ns;
		if (!explanation->causes[i].idle)
			continue;
		idle += explanation->causes[i].total_ns;
		if (explanation->causes[i].outside)
			explanation->idle_progress_ns += explanation->causes[i].total_ns;
	}
	for (size_t i = 0; i < run->n_threads; i++) {
		explanation->syscalls += run->threads[i].syscalls;
		explanation->connects += run->threads[i].connects;
		explanation->faults += run->threads[i].faults;
		explanation->switches += run->threads[i].voluntary + run->threads[i].involuntary;
	}
	explanation->joining = joining / wall;
	explanation->idle = idle / wall;
	explanation->overlap = explanation->progress_ns / wall;
	explanation->running = explanation->cpu_ns / wall;
}

int explain_budget(struct explanation *explanation)
{
	int err = mark_joining(explanation);

	if (err)
		return err;
	err = explain_idle(explanation);
	if (!err)
		err = explain_rest(explanation);
	if (!err)
		err = explain_causes(explanation);
	if (!err)
		err = explain_topics(explanation);
	if (!err)
		err = view_processes(explanation);
	if (!err)
		err = count_workers(explanation);
	if (!err)
		sum_up(explanation);
	return err;
}
