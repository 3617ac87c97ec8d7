/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "profile/cut.h"

static size_t position_of(const struct cut *cut, uint64_t thread)
{
	return thread ? run_index_find(cut->threads, thread) : RUN_NOT_FOUND;
}

static bool is_kept(const struct cut *cut, size_t position)
{
	return position != RUN_NOT_FOUND && cut->new_thread[position] != RUN_NOT_FOUND;
}

/* Marks the rows that are in the window. */
static void choose(struct cut *cut)
{
	const struct run *run = cut->run;

	for (size_t i = 0; i < run->n_waits; i++)
		cut->new_wait[i] = cut->whole[position_of(cut, run->waits[i].thread)];
	for (size_t i = 0; i < run->n_episodes; i++) {
		const struct run_episode *episode = &run->episodes[i];

		if (episode->wait && cut_within(cut, episode->out_ns, episode->out_ns + episode->blocked_ns))
			cut->new_wait[episode->wait - 1] = 1;
	}
}

/* A waker that is not in the window has a name at least, as any that was not followed. */
static int name_parties(const struct cut *cut, struct run_wait *wait)
{
	size_t waker = position_of(cut, wait->waker);

	if (!is_kept(cut, position_of(cut, wait->holder)))
		wait->holder = 0;
	if (is_kept(cut, waker))
		return 0;
	wait->waker = 0;
	if (waker == RUN_NOT_FOUND)
		return 0;
	free(wait->waker_name);
	wait->waker_name = text_format("%s[%u]", cut->run->threads[waker].comm, cut->run->threads[waker].pid);
	return wait->waker_name ? 0 : -ENOMEM;
}

static void clear(struct run_wait *wait)
{
	wait->count = wait->timed_out = wait->total_ns = wait->max_ns = 0;
	memset(wait->log2_ns, 0, sizeof(wait->log2_ns));
}

int cut_waits(struct cut *cut)
{
	const struct run *run = cut->run;
	struct run *out = cut->out;
	int err = 0;

	/* Threads that are cut get rows for the run queue of their own, as trace/ makes them: one for each class. */
	out->waits = calloc(run->n_waits + 2 * out->n_threads + 1, sizeof(*out->waits));
	if (!out->waits)
		return -ENOMEM;
	choose(cut);
	for (size_t i = 0; !err && i < run->n_waits; i++) {
		struct run_wait *wait = &out->waits[out->n_waits];

		if (!cut->new_wait[i])
			continue;
		err = cut_copy_wait(&run->waits[i], wait);
		wait->id = cut->new_wait[i] = ++out->n_waits;
		if (!err)
			err = name_parties(cut, wait);
		if (!cut->whole[position_of(cut, wait->thread)])
			clear(wait);
	}
	return err;
}

static void note(struct run_wait *wait, uint64_t ns)
{
	int slot = ns ? 63 - __builtin_clzll(ns) : 0;

	wait->count++;
	wait->total_ns += ns;
	if (ns > wait->max_ns)
		wait->max_ns = ns;
	wait->log2_ns[slot < WAIT_LOG2_SLOTS ? slot : WAIT_LOG2_SLOTS - 1]++;
}

/* A thread's episodes follow one another: its rows are among the last two, if they are there. */
static struct run_wait *queue_row(struct cut *cut, const struct run_episode *episode)
{
	char empty[] = "";
	const struct run_wait nothing = {.syscall = empty, .object = empty, .symbol = empty, .file = empty};
	struct run *out = cut->out;
	uint32_t class = cut_queue_class(episode);
	struct run_wait *wait;

	for (size_t back = 1; back <= 2 && back <= out->n_waits; back++) {
		wait = &out->waits[out->n_waits - back];
		if (wait->thread == episode->thread && wait->class == class)
			return wait;
	}
	wait = &out->waits[out->n_waits];
	if (cut_copy_wait(&nothing, wait)) {
		run_wait_free_members(wait);
		return NULL;
	}
	wait->id = ++out->n_waits;
	wait->thread = episode->thread;
	wait->class = class;
	return wait;
}

int cut_note_waits(struct cut *cut, const struct run_episode *episode, uint64_t blocked_ns, uint64_t queued_ns)
{
	struct run_wait *queue;

	if (episode->wait && blocked_ns)
		note(&cut->out->waits[cut->new_wait[episode->wait - 1] - 1], blocked_ns);
	if (!queued_ns)
		return 0;
	queue = queue_row(cut, episode);
	if (!queue)
		return -ENOMEM;
	note(queue, queued_ns);
	return 0;
}

void cut_end_waits(struct cut *cut)
{
	const struct run *run = cut->run;

	for (size_t i = 0; i < run->n_waits; i++) {
		const struct run_wait *wait = &run->waits[i];
		struct run_wait *part;

		if (!cut->new_wait[i] || cut->whole[position_of(cut, wait->thread)])
			continue;
		part = &cut->out->waits[cut->new_wait[i] - 1];
		part->timed_out = cut_part_of(wait->timed_out, part->count, wait->count);
		if (part->timed_out > part->count)
			part->timed_out = part->count;
	}
}
