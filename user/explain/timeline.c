/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/timeline.h"

#include <errno.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "explain/strings.h"
#include "lib/cleanup.h"
#include "profile/index.h"

static int set_cause(struct timeline *timeline, struct timeline_cause *cause, struct verdict *verdict)
{
	cause->state = verdict->state;
	cause->outside = verdict->outside;
	cause->join = verdict->join;
	cause->cause = strings_take(&timeline->strings, verdict->cause);
	return cause->cause ? 0 : -ENOMEM;
}

static const struct run_thread *find_thread(const struct run *run, const struct run_index *threads, uint64_t id)
{
	size_t position = id ? run_index_find(threads, id) : RUN_NOT_FOUND;

	return position == RUN_NOT_FOUND ? NULL : &run->threads[position];
}

static int judge(struct timeline *timeline, const struct rules *rules, const struct run_index *threads)
{
	const struct run *run = timeline->run;
	int err = 0;

	timeline->causes = calloc(run->n_waits + CLASS_COUNT, sizeof(*timeline->causes));
	if (!timeline->causes)
		return -ENOMEM;
	for (size_t i = 0; !err && i < run->n_waits + CLASS_COUNT; i++) {
		struct timeline_cause *cause = &timeline->causes[i];
		struct verdict verdict = {0};

		if (i < run->n_waits) {
			cause->wait = &run->waits[i];
			cause->waker = find_thread(run, threads, cause->wait->waker);
			cause->holder = find_thread(run, threads, cause->wait->holder);
			err = rules_apply(rules, cause->wait, &verdict);
		} else if (!class_on_cpu(i - run->n_waits)) {
			err = rules_unattributed(i - run->n_waits, &verdict);
		} else {
			continue;
		}
		if (!err)
			err = set_cause(timeline, cause, &verdict);
	}
	return err;
}

static uint64_t since_begin(const struct run *run, uint64_t at_ns)
{
	if (at_ns > run->end_ns)
		at_ns = run->end_ns;
	return at_ns > run->begin_ns ? at_ns - run->begin_ns : 0;
}

static void measure(struct timeline *timeline, struct lane *lane)
{
	uint64_t account = 0, seen = 0;

	for (uint32_t class = CLASS_CPU + 1; class < CLASS_COUNT; class ++)
		account += lane->thread->ns[class];
	for (size_t i = 0; i < lane->n_episodes; i++)
		seen += lane->episodes[i].blocked_ns + lane->episodes[i].queued_ns;
	lane->missing_ns = (int64_t)(account - seen);
	timeline->missing_ns += lane->missing_ns < 0 ? -lane->missing_ns : lane->missing_ns;
}

/* Episodes and moments stand in the order of threads: each lane is a part of them. */
static int divide(struct timeline *timeline, const struct run_index *threads)
{
	const struct run *run = timeline->run;

	timeline->lanes = calloc(run->n_threads + 1, sizeof(*timeline->lanes));
	if (!timeline->lanes)
		return -ENOMEM;
	timeline->n_lanes = run->n_threads;
	for (size_t i = 0; i < run->n_threads; i++) {
		const struct run_thread *thread = &run->threads[i];

		timeline->lanes[i].thread = thread;
		timeline->lanes[i].begin_ns = since_begin(run, thread->begin_ns);
		timeline->lanes[i].end_ns = since_begin(run, thread->begin_ns + thread->life_ns);
	}
	for (size_t i = 0; i < run->n_episodes; i++) {
		struct lane *lane = &timeline->lanes[run_index_find(threads, run->episodes[i].thread)];

		if (!lane->n_episodes++)
			lane->episodes = &run->episodes[i];
	}
	for (size_t i = 0; i < run->n_moments; i++) {
		struct lane *lane = &timeline->lanes[run_index_find(threads, run->moments[i].thread)];

		if (!lane->n_moments++)
			lane->moments = &run->moments[i];
	}
	for (size_t i = 0; i < timeline->n_lanes; i++)
		measure(timeline, &timeline->lanes[i]);
	return 0;
}

int timeline_open(const struct run *run, const struct explain_options *options, struct timeline **ret)
{
	struct timeline *timeline;
	struct run_index *threads = NULL;
	struct rules *rules = NULL;
	int err;

	if (!run->timeline)
		return -ENODATA;
	timeline = calloc(1, sizeof(*timeline));
	if (!timeline)
		return -ENOMEM;
	timeline->run = run;
	timeline->wall_ns = run->end_ns - run->begin_ns;
	err = rules_open(run, options, &rules);
	if (!err)
		err = run_index_threads(run, &threads);
	if (!err)
		err = judge(timeline, rules, threads);
	if (!err)
		err = divide(timeline, threads);
	run_index_free(threads);
	rules_close(rules);
	if (err)
		timeline_close(timeline);
	else
		*ret = timeline;
	return err;
}

void timeline_close(struct timeline *timeline)
{
	if (!timeline)
		return;
	free(timeline->lanes);
	free(timeline->causes);
	strings_free(timeline->strings);
	free(timeline);
}

const struct timeline_cause *timeline_cause(const struct timeline *timeline, const struct run_episode *episode)
{
	if (episode->class <= CLASS_RUNNABLE_LAST)
		return NULL;
	return &timeline->causes[episode->wait ? episode->wait - 1 : timeline->run->n_waits + episode->class];
}

bool timeline_next(const struct timeline *timeline, const struct lane *lane, struct interval_cursor *cursor, struct interval *ret)
{
	while (cursor->episode < lane->n_episodes) {
		const struct run_episode *episode = &lane->episodes[cursor->episode];
		uint64_t wake = episode_wake_ns(episode), in = episode_in_ns(episode);

		switch (cursor->part++) {
		case 0:
			ret->begin_ns = cursor->episode ? episode_in_ns(episode - 1) : lane->begin_ns;
			*ret = (struct interval){.begin_ns = ret->begin_ns, .end_ns = episode->out_ns, .state = STATE_CPU};
			break;
		case 1:
			*ret = (struct interval){.begin_ns = episode->out_ns, .end_ns = wake, .episode = episode};
			ret->cause = timeline_cause(timeline, episode);
			ret->state = ret->cause ? ret->cause->state : STATE_RUN_QUEUE;
			break;
		default:
			*ret = (struct interval){.begin_ns = wake, .end_ns = in, .state = STATE_RUN_QUEUE, .episode = episode};
			cursor->part = 0;
			cursor->episode++;
		}
		if (ret->end_ns > ret->begin_ns)
			return true;
	}
	if (cursor->part)
		return false;
	cursor->part = 1;
	ret->begin_ns = lane->n_episodes ? episode_in_ns(&lane->episodes[lane->n_episodes - 1]) : lane->begin_ns;
	*ret = (struct interval){.begin_ns = ret->begin_ns, .end_ns = lane->end_ns, .state = STATE_CPU};
	return ret->end_ns > ret->begin_ns;
}

/* The first moment at or after at_ns. */
static size_t moment_from(const struct lane *lane, uint64_t at_ns)
{
	size_t low = 0, high = lane->n_moments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lane->moments[middle].at_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct run_moment *timeline_moments(const struct lane *lane, uint64_t begin_ns, uint64_t end_ns, size_t *n)
{
	size_t first = moment_from(lane, begin_ns);

	*n = moment_from(lane, end_ns) - first;
	return lane->moments + first;
}
