/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/cut.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t since_begin(const struct run *run, uint64_t at_ns)
{
	return at_ns > run->begin_ns ? smaller(at_ns, run->end_ns) - run->begin_ns : 0;
}

/* How much of [begin, end) is before `at`. */
static uint64_t before(uint64_t begin, uint64_t end, uint64_t at)
{
	return at > begin ? smaller(at, end) - begin : 0;
}

uint64_t cut_within(const struct cut *cut, uint64_t begin_ns, uint64_t end_ns)
{
	return before(begin_ns, end_ns, cut->to_ns) - before(begin_ns, end_ns, cut->from_ns);
}

bool cut_is_in(const struct cut *cut, uint64_t at_ns)
{
	uint64_t wall_ns = cut->run->end_ns - cut->run->begin_ns;

	return at_ns >= cut->from_ns && (at_ns < cut->to_ns || (at_ns == wall_ns && cut->to_ns == wall_ns));
}

/* --- who is there --- */

static void choose_threads(struct cut *cut)
{
	for (size_t i = 0, kept = 0; i < cut->run->n_threads; i++) {
		const struct run_thread *thread = &cut->run->threads[i];
		uint64_t begin = since_begin(cut->run, thread->begin_ns);
		uint64_t end = since_begin(cut->run, thread->begin_ns + thread->life_ns);
		bool in = end > begin ? cut_within(cut, begin, end) > 0 : cut_is_in(cut, begin);

		cut->whole[i] = in && begin >= cut->from_ns && end <= cut->to_ns;
		cut->new_thread[i] = in ? kept++ : RUN_NOT_FOUND;
	}
}

/* Of threads without a record the timeline has nothing: their part is that of their process's life. */
static void cut_undelivered(const struct cut *cut, const struct run_process *process, struct run_process *part)
{
	uint64_t begin = since_begin(cut->run, process->begin_ns), end = since_begin(cut->run, process->end_ns);
	uint64_t first = before(begin, end, cut->from_ns), last = before(begin, end, cut->to_ns), all = end - begin;

	part->undelivered_life_ns = 0;
	for (int class = 0; class < CLASS_SLOTS; class ++) {
		uint64_t ns = process->undelivered_ns[class];

		part->undelivered_ns[class] = cut_part_of(ns, last, all) - cut_part_of(ns, first, all);
		part->undelivered_life_ns += part->undelivered_ns[class];
	}
}

static int cut_processes(const struct cut *cut)
{
	const struct run *run = cut->run;
	struct run *out = cut->out;
	struct run_index *processes = NULL;
	bool *has_thread = calloc(run->n_processes + 1, sizeof(*has_thread));
	int err = has_thread ? run_index_processes(run, &processes) : -ENOMEM;

	for (size_t i = 0; !err && i < run->n_threads; i++)
		if (cut->new_thread[i] != RUN_NOT_FOUND)
			has_thread[run_index_find(processes, run->threads[i].process)] = true;
	for (size_t i = 0; !err && i < run->n_processes; i++) {
		const struct run_process *process = &run->processes[i];
		uint64_t begin = since_begin(run, process->begin_ns), end = since_begin(run, process->end_ns);
		struct run_process *part = &out->processes[out->n_processes];

		if (!has_thread[i] && (begin >= end || !cut_within(cut, begin, end)))
			continue;
		err = cut_copy_process(process, part);
		out->n_processes++;
		if (begin >= cut->from_ns && end <= cut->to_ns)
			continue;
		part->begin_ns = smaller(larger(process->begin_ns, out->begin_ns), out->end_ns);
		part->end_ns = smaller(larger(process->end_ns, out->begin_ns), out->end_ns);
		part->ended = process->ended && end <= cut->to_ns;
		cut_undelivered(cut, process, part);
	}
	run_index_free(processes);
	free(has_thread);
	return err;
}

/* --- accounts --- */

/*
 * How much of the first `at_ns` on a CPU was on each side: in the proportion of all of the thread's, and never less for a later `at_ns`, so
 * that windows sum to the whole.
 */
static void divide_sides(const struct run_thread *thread, uint64_t at_ns, uint64_t sides[CLASS_CPU + 1])
{
	uint64_t left = thread->ns[CLASS_KERNEL] + thread->ns[CLASS_CPU];

	sides[CLASS_USER] = cut_part_of(thread->ns[CLASS_USER], at_ns, thread->ns[CLASS_USER] + left);
	sides[CLASS_KERNEL] = cut_part_of(thread->ns[CLASS_KERNEL], at_ns - sides[CLASS_USER], left);
	sides[CLASS_CPU] = at_ns - sides[CLASS_USER] - sides[CLASS_KERNEL];
}

/* What there is of a thread that reaches beyond the window; its episodes are added later. */
static void begin_account(const struct cut *cut, const struct run_thread *thread, struct run_thread *part)
{
	uint64_t begin = larger(since_begin(cut->run, thread->begin_ns), cut->from_ns);
	uint64_t end = smaller(since_begin(cut->run, thread->begin_ns + thread->life_ns), cut->to_ns);

	part->begin_ns = cut->run->begin_ns + begin;
	part->life_ns = end - begin;
	memset(part->ns, 0, sizeof(part->ns));
	part->voluntary = part->involuntary = 0;
	part->syscalls = part->connects = part->faults = 0;
	part->ended = false;
	part->audit_on_cpu_ns = part->audit_run_delay_ns = part->audit_switches = 0;
}

static int cut_threads(const struct cut *cut)
{
	const struct run *run = cut->run;
	int err = 0;

	for (size_t i = 0; !err && i < run->n_threads; i++) {
		struct run_thread *part = &cut->out->threads[cut->out->n_threads];

		if (cut->new_thread[i] == RUN_NOT_FOUND)
			continue;
		err = cut_copy_thread(&run->threads[i], part);
		cut->out->n_threads++;
		if (!cut->whole[i])
			begin_account(cut, &run->threads[i], part);
	}
	return err;
}

/* An episode's part in the window; of no length where there is none. */
struct part {
	uint64_t out_ns; /* since the window's begin */
	uint64_t blocked_ns, queued_ns;
	bool shows;
};

static struct part part_of(const struct cut *cut, const struct run_episode *episode)
{
	uint64_t wake_ns = episode->out_ns + episode->blocked_ns, in_ns = wake_ns + episode->queued_ns;
	struct part part = {
	    .out_ns = larger(episode->out_ns, cut->from_ns) - cut->from_ns,
	    .blocked_ns = cut_within(cut, episode->out_ns, wake_ns),
	    .queued_ns = cut_within(cut, wake_ns, in_ns),
	};

	part.shows = in_ns > episode->out_ns ? part.blocked_ns + part.queued_ns > 0 : cut_is_in(cut, in_ns);
	return part;
}

static void add_to_account(const struct cut *cut, const struct run_episode *episode, const struct part *part,
			   struct run_thread *thread)
{
	bool blocks = episode->class > CLASS_RUNNABLE_LAST;

	if (blocks)
		thread->ns[episode->class] += part->blocked_ns;
	thread->ns[cut_queue_class(episode)] += part->queued_ns;
	if (!cut_is_in(cut, episode->out_ns))
		return;
	if (blocks)
		thread->voluntary++;
	else if (episode->class == CLASS_PREEMPTED) /* not at its birth */
		thread->involuntary++;
}

/* Where the window begins after the wake-up, what is left is a wait for a CPU. */
static void add_episode(const struct cut *cut, const struct run_episode *episode, const struct part *part)
{
	struct run_episode *added = &cut->out->episodes[cut->out->n_episodes++];

	*added = *episode;
	added->out_ns = part->out_ns;
	added->blocked_ns = part->blocked_ns;
	added->queued_ns = part->queued_ns;
	added->wait = episode->wait ? cut->new_wait[episode->wait - 1] : 0;
	if (part->blocked_ns || !episode->blocked_ns)
		return;
	added->class = CLASS_WOKEN;
	added->wait = 0;
}

static int cut_episodes(struct cut *cut)
{
	const struct run *run = cut->run;
	size_t position = 0;
	int err = 0;

	cut->out->episodes = calloc(run->n_episodes + 1, sizeof(*cut->out->episodes));
	if (!cut->out->episodes)
		return -ENOMEM;
	for (size_t i = 0; !err && i < run->n_episodes; i++) {
		const struct run_episode *episode = &run->episodes[i];
		struct part part = part_of(cut, episode);

		if (!i || episode->thread != episode[-1].thread)
			position = run_index_find(cut->threads, episode->thread);
		cut->off_ns[position] +=
		    before(episode->out_ns, episode->out_ns + episode->blocked_ns + episode->queued_ns, cut->from_ns);
		if (!part.shows || cut->new_thread[position] == RUN_NOT_FOUND)
			continue;
		if (!cut->whole[position]) {
			add_to_account(cut, episode, &part, &cut->out->threads[cut->new_thread[position]]);
			err = cut_note_waits(cut, episode, part.blocked_ns, part.queued_ns);
		}
		add_episode(cut, episode, &part);
	}
	return err;
}

/* What is left of the part of its life is spent on a CPU. */
static void end_account(const struct cut *cut, size_t position)
{
	const struct run_thread *thread = &cut->run->threads[position];
	struct run_thread *part = &cut->out->threads[cut->new_thread[position]];
	uint64_t begin = since_begin(cut->run, thread->begin_ns), on_ns = part->life_ns, first_ns = 0;
	uint64_t first[CLASS_CPU + 1], last[CLASS_CPU + 1];

	if (cut->from_ns > begin)
		first_ns = cut->from_ns - begin - cut->off_ns[position];
	for (int class = CLASS_CPU + 1; class < CLASS_COUNT; class ++)
		on_ns -= part->ns[class];
	divide_sides(thread, first_ns, first);
	divide_sides(thread, first_ns + on_ns, last);
	for (int class = 0; class <= CLASS_CPU; class ++)
		part->ns[class] = last[class] - first[class];
}

/* --- samples --- */

static int by_stack(const void *a, const void *b)
{
	const struct run_sample *x = a, *y = b;

	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Those of one thread, from the one at `first`: stacks once each, with their counts. */
static void count_samples(struct run *out, size_t first)
{
	size_t last = first;

	qsort(out->samples + first, out->n_samples - first, sizeof(*out->samples), by_stack);
	for (size_t i = first + 1; i < out->n_samples; i++) {
		if (out->samples[i].stack == out->samples[last].stack)
			out->samples[last].count += out->samples[i].count;
		else
			out->samples[++last] = out->samples[i];
	}
	if (out->n_samples > first)
		out->n_samples = last + 1;
}

static void cut_moments(const struct cut *cut)
{
	const struct run *run = cut->run;
	struct run *out = cut->out;
	size_t position = 0, first = out->n_samples;

	for (size_t i = 0; i < run->n_moments; i++) {
		struct run_moment moment = run->moments[i];

		if (!i || moment.thread != run->moments[i - 1].thread) {
			count_samples(out, first);
			first = out->n_samples;
			position = run_index_find(cut->threads, moment.thread);
		}
		if (!cut_is_in(cut, moment.at_ns) || cut->new_thread[position] == RUN_NOT_FOUND)
			continue;
		moment.at_ns -= cut->from_ns;
		out->moments[out->n_moments++] = moment;
		if (!cut->whole[position])
			out->samples[out->n_samples++] =
			    (struct run_sample){.thread = moment.thread, .stack = moment.stack, .count = 1};
	}
	count_samples(out, first);
}

static int cut_samples(const struct cut *cut)
{
	const struct run *run = cut->run;
	struct run *out = cut->out;

	out->samples = calloc(run->n_samples + run->n_moments + 1, sizeof(*out->samples));
	out->moments = calloc(run->n_moments + 1, sizeof(*out->moments));
	if (!out->samples || !out->moments)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_samples; i++)
		if (cut->whole[run_index_find(cut->threads, run->samples[i].thread)])
			out->samples[out->n_samples++] = run->samples[i];
	cut_moments(cut);
	return 0;
}

/* --- the run --- */

static bool is_all(const struct cut *cut)
{
	return cut->to_ns - cut->from_ns == cut->run->end_ns - cut->run->begin_ns;
}

static int allocate(struct cut *cut)
{
	const struct run *run = cut->run;

	cut->whole = calloc(run->n_threads + 1, sizeof(*cut->whole));
	cut->new_thread = calloc(run->n_threads + 1, sizeof(*cut->new_thread));
	cut->off_ns = calloc(run->n_threads + 1, sizeof(*cut->off_ns));
	cut->new_wait = calloc(run->n_waits + 1, sizeof(*cut->new_wait));
	cut->out->processes = calloc(run->n_processes + 1, sizeof(*cut->out->processes));
	cut->out->threads = calloc(run->n_threads + 1, sizeof(*cut->out->threads));
	if (!cut->whole || !cut->new_thread || !cut->off_ns || !cut->new_wait || !cut->out->processes || !cut->out->threads)
		return -ENOMEM;
	return run_index_threads(run, &cut->threads);
}

static int fill(struct cut *cut)
{
	int err = allocate(cut);

	if (!err)
		err = cut_copy_rest(cut->run, is_all(cut), cut->out);
	if (err)
		return err;
	choose_threads(cut);
	err = cut_processes(cut);
	if (!err)
		err = cut_threads(cut);
	if (!err)
		err = cut_waits(cut);
	if (!err)
		err = cut_episodes(cut);
	if (err)
		return err;
	cut_end_waits(cut);
	for (size_t i = 0; i < cut->run->n_threads; i++)
		if (cut->new_thread[i] != RUN_NOT_FOUND && !cut->whole[i])
			end_account(cut, i);
	return cut_samples(cut);
}

/* The figures of the run itself. */
static struct run *begin_run(const struct cut *cut)
{
	const struct run *run = cut->run;
	struct run *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	*out = (struct run){
	    .begin_ns = run->begin_ns + cut->from_ns,
	    .end_ns = run->begin_ns + cut->to_ns,
	    .cut_ns = run->cut_ns + cut->from_ns,
	    .whole_ns = run->whole_ns || is_all(cut) ? run->whole_ns : run->end_ns - run->begin_ns,
	    .exit_status = run->exit_status,
	    .interrupted = run->interrupted,
	    .no_syscalls = run->no_syscalls,
	    .sample_hz = run->sample_hz,
	    .timeline = true,
	    .attached = run->attached,
	    .tax_probe_ns = run->tax_probe_ns,
	    .stolen_ns = run->stolen_ns,
	    .others_ns = run->others_ns,
	    .tax_cpu_ns = run->tax_cpu_ns,
	    .tax_events = run->tax_events,
	};
	return out;
}

int run_window(const struct run *run, uint64_t from_ns, uint64_t to_ns, struct run **ret)
{
	struct cut cut = {.run = run, .from_ns = from_ns, .to_ns = smaller(to_ns, run->end_ns - run->begin_ns)};
	int err;

	if (!run->timeline)
		return -ENODATA;
	if (cut.from_ns >= cut.to_ns)
		return -ERANGE;
	cut.out = begin_run(&cut);
	if (!cut.out)
		return -ENOMEM;
	err = fill(&cut);
	run_index_free(cut.threads);
	free(cut.whole);
	free(cut.new_thread);
	free(cut.off_ns);
	free(cut.new_wait);
	if (err)
		run_free(cut.out);
	else
		*ret = cut.out;
	return err;
}
