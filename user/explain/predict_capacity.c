/* SPDX-License-Identifier: Apache-2.0 */
/* How many CPUs the run could use, and how fast it got them: from how many of its threads ran while how many could have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/predict_heap.h"
#include "explain/predict_internal.h"

#define CPUS_LOOKED_AT 256
#define TIME_LEAST     0.01  /* of T: less is no evidence */
#define NEVER          0.001 /* of the times that it could have been so */
#define SPELLS_LEAST   100
#define SPELL_NS       2000 /* clocks of CPUs differ: what is shorter may not have been so */
#define SHARE_WHOLE    0.98

/* Waits for a CPU by their length: 8 steps for each power of two. */
#define LENGTHS (64 * 8)

struct sweep {
	const struct timeline *timeline;
	struct heap ends; /* lanes, by the end of their present interval */
	struct interval_cursor *cursors;
	struct interval *intervals;
	uint64_t running[CPUS_LOOKED_AT + 1], able[CPUS_LOOKED_AT + 1]; /* spells with so many on CPUs; and able to be */
	uint64_t able_ns[CPUS_LOOKED_AT + 1];
	uint64_t used_ns[CPUS_LOOKED_AT + 1];          /* CPU time meanwhile */
	uint64_t lengths[CPUS_LOOKED_AT + 1][LENGTHS]; /* of waits after wake-ups, by how many ran meanwhile */
	size_t n_running, n_able;
	uint64_t wakes[CPUS_LOOKED_AT + 1]; /* by how many were able to run then */
};

static size_t at_most(size_t n)
{
	return n < CPUS_LOOKED_AT ? n : CPUS_LOOKED_AT;
}

static size_t length_slot(uint64_t ns)
{
	unsigned int log2 = 63 - __builtin_clzll(ns | 1);

	return log2 * 8 + (log2 >= 3 ? ns >> (log2 - 3) & 7 : 0);
}

static uint64_t slot_length(size_t slot)
{
	return slot < 24 ? 1ull << slot / 8 : (8 + slot % 8) << (slot / 8 - 3);
}

/* Counts a thread in, or out. */
static void count(struct sweep *sweep, const struct interval *interval, int sign)
{
	sweep->n_running += sign * (interval->state == STATE_CPU && !interval->episode);
	sweep->n_able += sign * (interval->state == STATE_CPU || interval->state == STATE_RUN_QUEUE);
}

static void advance(struct sweep *sweep, uint32_t lane)
{
	struct interval *interval = &sweep->intervals[lane];
	const struct run_episode *episode;

	if (!timeline_next(sweep->timeline, &sweep->timeline->lanes[lane], &sweep->cursors[lane], interval))
		return;
	episode = interval->episode;
	if (episode && interval->state == STATE_RUN_QUEUE && episode->blocked_ns)
		sweep->lengths[at_most(sweep->n_running)][length_slot(episode->queued_ns)]++;
	/* Woken and running at once. */
	if (episode && interval->state != STATE_RUN_QUEUE && !episode->queued_ns)
		sweep->lengths[0][0]++;
	count(sweep, interval, 1);
	if (episode && interval->state == STATE_RUN_QUEUE && episode->blocked_ns)
		sweep->wakes[at_most(sweep->n_able)]++;
	heap_put(&sweep->ends, lane, interval->end_ns);
}

static void look_at_all(struct sweep *sweep)
{
	uint64_t now_ns = 0;

	/* Threads that are not born yet stand with an empty interval that ends at their birth. */
	for (size_t i = 0; i < sweep->timeline->n_lanes; i++)
		heap_put(&sweep->ends, i, sweep->timeline->lanes[i].begin_ns);
	while (sweep->ends.n) {
		uint64_t next_ns = sweep->ends.entries[0].key;
		uint32_t lane = heap_take(&sweep->ends);

		if (next_ns - now_ns >= SPELL_NS) {
			sweep->running[at_most(sweep->n_running)]++;
			sweep->able[at_most(sweep->n_able)]++;
		}
		sweep->able_ns[at_most(sweep->n_able)] += next_ns - now_ns;
		sweep->used_ns[at_most(sweep->n_able)] += (next_ns - now_ns) * sweep->n_running;
		now_ns = next_ns;
		if (sweep->intervals[lane].end_ns)
			count(sweep, &sweep->intervals[lane], -1);
		advance(sweep, lane);
	}
}

static uint64_t sum_above(const uint64_t values[CPUS_LOOKED_AT + 1], size_t n)
{
	uint64_t sum = 0;

	for (size_t i = n + 1; i <= CPUS_LOOKED_AT; i++)
		sum += values[i];
	return sum;
}

/* The median wait for a CPU after a wake-up while not all CPUs were in use by the run itself. */
static uint64_t find_latency(const struct sweep *sweep, unsigned int cpus)
{
	uint64_t sums[LENGTHS] = {0}, all = 0, seen = 0;

	for (size_t i = 0; i < cpus && i <= CPUS_LOOKED_AT; i++)
		for (size_t k = 0; k < LENGTHS; k++) {
			sums[k] += sweep->lengths[i][k];
			all += sweep->lengths[i][k];
		}
	for (size_t k = 0; k < LENGTHS && all; k++) {
		seen += sums[k];
		if (2 * seen >= all)
			return k ? slot_length(k) : 0;
	}
	return 0;
}

/* The run could have used more than n CPUs, and as good as never did: a busy machine would have let it now and then. */
static bool is_confined_to(const struct sweep *sweep, unsigned int n)
{
	uint64_t able = sum_above(sweep->able, n);

	return able >= SPELLS_LEAST && sum_above(sweep->able_ns, n) >= TIME_LEAST * sweep->timeline->wall_ns &&
	       sum_above(sweep->running, n) < NEVER * able;
}

/*
 * Of the CPU time that the run could have used, wake-ups apart, what it got: while as many threads could run as mostly could. Those that wait
 * while another, which holds them up, runs at full speed would say little.
 */
static double find_share(const struct sweep *sweep, const struct capacity *capacity)
{
	double able, waking;
	size_t most = 1;

	for (size_t n = 1; n <= CPUS_LOOKED_AT; n++)
		if (sweep->able_ns[n] > sweep->able_ns[most])
			most = n;
	waking = (double)sweep->wakes[most] * capacity->latency_ns;
	able = (double)sweep->able_ns[most] * (most < capacity->cpus ? most : capacity->cpus);
	able -= waking < able ? waking : able;
	return sweep->used_ns[most] && sweep->used_ns[most] < SHARE_WHOLE * able ? sweep->used_ns[most] / able : 1;
}

static void judge(const struct sweep *sweep, unsigned int cpus, struct capacity *ret)
{
	unsigned int most = cpus ? cpus : CPUS_LOOKED_AT;

	ret->cpus = cpus;
	for (unsigned int n = 1; n < at_most(most) && !ret->confined; n++)
		if (is_confined_to(sweep, n)) {
			ret->cpus = n;
			ret->confined = true;
		}
	/* Of a machine that is not known, as many as were used. */
	while (!ret->cpus || (!cpus && !ret->confined && sum_above(sweep->running, ret->cpus)))
		ret->cpus++;
	ret->latency_ns = find_latency(sweep, ret->cpus);
	ret->share = find_share(sweep, ret);
}

int capacity_measure(const struct timeline *timeline, unsigned int cpus, struct capacity *ret)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	int err;

	*ret = (struct capacity){0};
	if (!sweep)
		return -ENOMEM;
	sweep->timeline = timeline;
	sweep->cursors = calloc(timeline->n_lanes + 1, sizeof(*sweep->cursors));
	sweep->intervals = calloc(timeline->n_lanes + 1, sizeof(*sweep->intervals));
	err = sweep->cursors && sweep->intervals ? heap_open(&sweep->ends, timeline->n_lanes) : -ENOMEM;
	if (!err) {
		look_at_all(sweep);
		judge(sweep, cpus, ret);
	}
	heap_close(&sweep->ends);
	free(sweep->cursors);
	free(sweep->intervals);
	free(sweep);
	return err;
}
