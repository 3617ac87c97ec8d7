/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many CPUs the run could use, how fast it got them, and what others used of them: from how many of its threads ran while how many could
 * have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/predict_heap.h"
#include "explain/predict_internal.h"

#define CPUS_LOOKED_AT 256
#define TIME_LEAST     0.01  /* of T: less is no evidence */
#define NEVER          0.001 /* of the times that it could have been so */
#define SPELLS_LEAST   100
#define SPELLS_FEW     20     /* are enough where it could have been so nearly all the time: */
#define MOSTLY         0.8    /* of T */
#define LATENCY_MOST   200000 /* ns */
#define SPELL_NS       2000   /* clocks of CPUs differ: what is shorter may not have been so */

/* Waits for a CPU by their length: 8 steps for each power of two. */
#define LENGTHS (64 * 8)

struct sweep {
	const struct timeline *timeline;
	struct heap ends; /* lanes, by the end of their present interval */
	struct interval_cursor *cursors;
	struct interval *intervals;
	uint64_t running[CPUS_LOOKED_AT + 1], able[CPUS_LOOKED_AT + 1]; /* spells with so many on CPUs; and able to be */
	uint64_t able_ns[CPUS_LOOKED_AT + 1];
	uint64_t lengths[CPUS_LOOKED_AT + 1][LENGTHS]; /* of waits after wake-ups, by how many ran meanwhile */
	size_t n_running, n_able;
	/* In a second sweep, when it is known what the run could use; NULL in the first. */
	struct capacity *capacity;
	double lost_ns;  /* what a thread that always waited for a CPU would have lost to others so far */
	double *lost_at; /* by lane: that, when its present wait for a CPU began */
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

static void note_length(struct sweep *sweep, const struct interval *interval)
{
	const struct run_episode *episode = interval->episode;

	if (!episode || !episode->blocked_ns)
		return;
	if (interval->state == STATE_RUN_QUEUE)
		sweep->lengths[at_most(sweep->n_running)][length_slot(episode->queued_ns)]++;
	else if (!episode->queued_ns)
		sweep->lengths[0][0]++;
}

/* A wait for a CPU is over: what of it others were the reason for, beyond what a wake-up takes. */
static void note_lost(struct sweep *sweep, uint32_t lane)
{
	const struct interval *interval = &sweep->intervals[lane];
	struct capacity *capacity = sweep->capacity;
	double ns = sweep->lost_ns - sweep->lost_at[lane];

	if (!interval->episode || interval->state != STATE_RUN_QUEUE)
		return;
	if (interval->episode->blocked_ns)
		ns -= capacity->latency_ns;
	if (ns < 1)
		return;
	capacity->lost_ns[interval->episode - sweep->timeline->run->episodes] = ns;
	capacity->all_lost_ns += ns;
}

static void advance(struct sweep *sweep, uint32_t lane)
{
	struct interval *interval = &sweep->intervals[lane];

	if (!timeline_next(sweep->timeline, &sweep->timeline->lanes[lane], &sweep->cursors[lane], interval))
		return;
	if (sweep->capacity)
		sweep->lost_at[lane] = sweep->lost_ns;
	else
		note_length(sweep, interval);
	count(sweep, interval, 1);
	heap_put(&sweep->ends, lane, interval->end_ns);
}

static void note_time(struct sweep *sweep, uint64_t ns)
{
	size_t queued = sweep->n_able - sweep->n_running, cpus = sweep->capacity ? sweep->capacity->cpus : 0;

	if (sweep->capacity) {
		size_t idle = cpus > sweep->n_running ? cpus - sweep->n_running : 0;

		if (queued)
			sweep->lost_ns += (double)ns * (idle < queued ? idle : queued) / queued;
		return;
	}
	if (ns >= SPELL_NS) {
		sweep->running[at_most(sweep->n_running)]++;
		sweep->able[at_most(sweep->n_able)]++;
	}
	sweep->able_ns[at_most(sweep->n_able)] += ns;
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

		note_time(sweep, next_ns - now_ns);
		now_ns = next_ns;
		if (sweep->intervals[lane].end_ns)
			count(sweep, &sweep->intervals[lane], -1);
		if (sweep->capacity)
			note_lost(sweep, lane);
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

/*
 * The median wait for a CPU after a wake-up while not all CPUs were in use by the run itself. What is longer than it takes to wake a CPU up from
 * its deepest sleep is no latency: others use the CPUs.
 */
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
			return !k ? 0 : slot_length(k) < LATENCY_MOST ? slot_length(k) : LATENCY_MOST;
	}
	return 0;
}

/* The run could have used more than n CPUs, and as good as never did: a busy machine would have let it now and then. */
static bool is_confined_to(const struct sweep *sweep, unsigned int n)
{
	uint64_t able = sum_above(sweep->able, n), able_ns = sum_above(sweep->able_ns, n);
	uint64_t least = able_ns >= MOSTLY * sweep->timeline->wall_ns ? SPELLS_FEW : SPELLS_LEAST;

	return able >= least && able_ns >= TIME_LEAST * sweep->timeline->wall_ns && sum_above(sweep->running, n) < NEVER * able;
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
}

static int sweep_once(const struct timeline *timeline, unsigned int cpus, struct capacity *capacity, bool again)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	int err;

	if (!sweep)
		return -ENOMEM;
	sweep->timeline = timeline;
	sweep->capacity = again ? capacity : NULL;
	sweep->cursors = calloc(timeline->n_lanes + 1, sizeof(*sweep->cursors));
	sweep->intervals = calloc(timeline->n_lanes + 1, sizeof(*sweep->intervals));
	sweep->lost_at = calloc(timeline->n_lanes + 1, sizeof(*sweep->lost_at));
	err = sweep->cursors && sweep->intervals && sweep->lost_at ? heap_open(&sweep->ends, timeline->n_lanes) : -ENOMEM;
	if (!err)
		look_at_all(sweep);
	if (!err && !again)
		judge(sweep, cpus, capacity);
	heap_close(&sweep->ends);
	free(sweep->cursors);
	free(sweep->intervals);
	free(sweep->lost_at);
	free(sweep);
	return err;
}

int capacity_measure(const struct timeline *timeline, unsigned int cpus, struct capacity *ret)
{
	int err;

	*ret = (struct capacity){.lost_part = 1, .lost_ns = calloc(timeline->run->n_episodes + 1, sizeof(*ret->lost_ns))};
	err = ret->lost_ns ? sweep_once(timeline, cpus, ret, false) : -ENOMEM;
	if (!err)
		err = sweep_once(timeline, cpus, ret, true);
	ret->others_part = 1;
	if (timeline->run->others_ns < ret->all_lost_ns)
		ret->others_part = (double)timeline->run->others_ns / ret->all_lost_ns;
	return err;
}

void capacity_set_cpus(struct capacity *capacity, const struct timeline *timeline, unsigned int cpus)
{
	double freed_ns = cpus < capacity->cpus ? (double)(capacity->cpus - cpus) * timeline->wall_ns : 0;

	capacity->lost_part = cpus > capacity->cpus ? (double)capacity->cpus / cpus : 1;
	if (freed_ns > 0)
		capacity->lost_part = freed_ns < capacity->all_lost_ns ? 1 - freed_ns / capacity->all_lost_ns : 0;
}

void capacity_free(struct capacity *capacity)
{
	free(capacity->lost_ns);
	*capacity = (struct capacity){0};
}
