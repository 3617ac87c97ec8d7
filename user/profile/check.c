/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "profile/index.h"
#include "profile/run.h"

#define SUM_LIMIT (1ULL << 62)

struct check {
	const struct run *run;
	struct run_index *threads, *processes;
	uint64_t sum; /* of all times and counts: no reader's sum can overflow */
	char *reason;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct check *check, const char *format, ...)
{
	va_list args;

	if (check->reason) {
		va_start(args, format);
		vsnprintf(check->reason, RUN_REASON_BYTES, format, args);
		va_end(args);
	}
	return -EINVAL;
}

/* True when the value, with all those before it, is within the limit. */
static bool add(struct check *check, uint64_t value)
{
	if (value >= SUM_LIMIT - check->sum)
		return false;
	check->sum += value;
	return true;
}

static bool add_classes(struct check *check, const uint64_t ns[CLASS_SLOTS])
{
	for (int i = 0; i < CLASS_SLOTS; i++)
		if (!add(check, ns[i]) || (i >= CLASS_COUNT && ns[i]))
			return false;
	return true;
}

static int check_processes(struct check *check)
{
	for (size_t i = 0; i < check->run->n_processes; i++) {
		const struct run_process *process = &check->run->processes[i];

		if (!process->id)
			return wrong(check, "a process has the serial 0");
		if (process->begin_ns >= SUM_LIMIT || process->end_ns >= SUM_LIMIT)
			return wrong(check, "process %" PRIu64 ": times out of range", process->id);
		if (!add(check, process->undelivered_threads) || !add(check, process->undelivered_life_ns) ||
		    !add_classes(check, process->undelivered_ns))
			return wrong(check, "process %" PRIu64 ": undelivered time out of range", process->id);
	}
	return 0;
}

static int check_threads(struct check *check)
{
	for (size_t i = 0; i < check->run->n_threads; i++) {
		const struct run_thread *thread = &check->run->threads[i];
		const uint64_t figures[] = {thread->life_ns,        thread->voluntary,       thread->involuntary,
					    thread->syscalls,       thread->connects,        thread->faults,
					    thread->audit_switches, thread->audit_on_cpu_ns, thread->audit_run_delay_ns};

		if (!thread->id)
			return wrong(check, "a thread has the serial 0");
		if (run_index_find(check->processes, thread->process) == RUN_NOT_FOUND)
			return wrong(check, "thread %" PRIu64 " is of process %" PRIu64 ", which is not there", thread->id,
				     thread->process);
		if (thread->begin_ns >= SUM_LIMIT || !add_classes(check, thread->ns))
			return wrong(check, "thread %" PRIu64 ": times out of range", thread->id);
		for (size_t j = 0; j < sizeof(figures) / sizeof(figures[0]); j++)
			if (!add(check, figures[j]))
				return wrong(check, "thread %" PRIu64 ": figures out of range", thread->id);
	}
	return 0;
}

static int check_waits(struct check *check)
{
	for (size_t i = 0; i < check->run->n_waits; i++) {
		const struct run_wait *wait = &check->run->waits[i];
		bool fits = add(check, wait->count) && add(check, wait->timed_out) && add(check, wait->total_ns) &&
			    add(check, wait->max_ns);

		if (wait->id != i + 1)
			return wrong(check, "wait %zu is out of place", i + 1);
		if (run_index_find(check->threads, wait->thread) == RUN_NOT_FOUND)
			return wrong(check, "a wait is of thread %" PRIu64 ", which is not there", wait->thread);
		if (wait->class >= CLASS_COUNT || wait->class <= CLASS_CPU)
			return wrong(check, "a wait of thread %" PRIu64 " has the class %u, which is none of a wait",
				     wait->thread, wait->class);
		for (int j = 0; fits && j < WAIT_LOG2_SLOTS; j++)
			fits = add(check, wait->log2_ns[j]);
		if (!fits)
			return wrong(check, "a wait of thread %" PRIu64 ": figures out of range", wait->thread);
	}
	return 0;
}

/* References only to what is there, and stacks without cycles. */
static int check_stacks(struct check *check)
{
	const struct run *run = check->run;

	for (size_t i = 0; i < run->n_frames; i++)
		if (run->frames[i].id != i + 1 || run->frames[i].kind >= FRAME_KIND_COUNT)
			return wrong(check, "frame %zu is out of place, or of no known kind", i + 1);
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_stack *stack = &run->stacks[i];

		if (stack->id != i + 1 || stack->parent >= stack->id || !stack->frame || stack->frame > run->n_frames)
			return wrong(check, "stack %zu does not hang together", i + 1);
	}
	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].stack > run->n_stacks)
			return wrong(check, "a wait refers to a stack that is not there");
	for (size_t i = 0; i < run->n_samples; i++) {
		const struct run_sample *sample = &run->samples[i];

		if (!sample->stack || sample->stack > run->n_stacks || !add(check, sample->count) ||
		    run_index_find(check->threads, sample->thread) == RUN_NOT_FOUND)
			return wrong(check, "a sample refers to a thread or stack that is not there");
	}
	return 0;
}

/* In order, without overlaps, within their threads' lives: then they sum to no more than these. */
static int check_episodes(struct check *check)
{
	const struct run *run = check->run;
	const struct run_thread *thread = NULL;
	uint64_t at = 0;

	for (size_t i = 0; i < run->n_episodes; i++) {
		const struct run_episode *episode = &run->episodes[i];

		if (!thread || episode->thread != thread->id) {
			size_t position = run_index_find(check->threads, episode->thread);

			if (position == RUN_NOT_FOUND || (thread && episode->thread < thread->id))
				return wrong(check, "episode %zu is of no thread, or out of order", i + 1);
			thread = &run->threads[position];
			at = 0;
		}
		if (!run_episode_fits(run, thread, episode, &at))
			return wrong(
			    check,
			    "episode %zu of thread %u overlaps, leaves the thread's life, or has a class that it cannot have",
			    i + 1, episode->thread);
		if (episode->wait && (episode->wait > run->n_waits || run->waits[episode->wait - 1].thread != episode->thread ||
				      run->waits[episode->wait - 1].class != episode->class))
			return wrong(check, "episode %zu is part of a wait that is not its own", i + 1);
	}
	return 0;
}

static int check_moments(struct check *check)
{
	const struct run *run = check->run;

	for (size_t i = 0; i < run->n_moments; i++) {
		const struct run_moment *moment = &run->moments[i], *before = i ? moment - 1 : moment;

		if (!moment->stack || moment->stack > run->n_stacks || moment->at_ns > run->end_ns - run->begin_ns ||
		    run_index_find(check->threads, moment->thread) == RUN_NOT_FOUND)
			return wrong(check, "moment %zu refers to what is not there", i + 1);
		if (moment->thread < before->thread || (moment->thread == before->thread && moment->at_ns < before->at_ns))
			return wrong(check, "moment %zu is out of order", i + 1);
	}
	return 0;
}

static int check_figures(struct check *check, const struct run_figure *figures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(figures[i].value))
			return wrong(check, "figure %.40s is not a number", figures[i].name);
	return 0;
}

static int check_all(struct check *check)
{
	const struct run *run = check->run;
	int err;

	if (run->end_ns >= SUM_LIMIT || run->begin_ns > run->end_ns)
		return wrong(check, "the run ends before it begins");
	if (run->exit_status < 0 || run->exit_status > 255)
		return wrong(check, "exit status %d", run->exit_status);
	if (!add(check, run->end_ns - run->begin_ns) || !add(check, run->tax_cpu_ns) || !add(check, run->tax_events) ||
	    !add(check, run->tax_probe_ns) || !add(check, run->stolen_ns) || !add(check, run->others_ns))
		return wrong(check, "times of the run out of range");
	err = run_index_processes(run, &check->processes);
	if (err == -EEXIST)
		return wrong(check, "two processes have the same serial");
	if (!err)
		err = run_index_threads(run, &check->threads);
	if (err == -EEXIST)
		return wrong(check, "two threads have the same serial");
	if (!err)
		err = check_processes(check);
	if (!err)
		err = check_threads(check);
	if (!err)
		err = check_waits(check);
	if (!err)
		err = check_stacks(check);
	if (!err)
		err = check_episodes(check);
	if (!err)
		err = check_moments(check);
	if (!err)
		err = check_figures(check, run->stack_figures, run->n_stack_figures);
	if (!err)
		err = check_figures(check, run->losses, run->n_losses);
	if (!err)
		err = check_figures(check, run->ledger, run->n_ledger);
	return err;
}

int run_check(const struct run *run, char *reason)
{
	struct check check = {.run = run, .reason = reason};
	int err = check_all(&check);

	run_index_free(check.processes);
	run_index_free(check.threads);
	return err;
}
