/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path summed: by state, cause and function; and by thread. */
#include <errno.h>

#include "explain/internal.h"
#include "explain/path_internal.h"
#include "explain/stacks.h"
#include "lib/cleanup.h"

/* So few samples say nothing of how much is on which side. */
#define SAMPLES_ENOUGH 20

enum { SIDE_USER, SIDE_KERNEL, SIDE_UNKNOWN, SIDES };
static const enum state side_states[SIDES] = {STATE_USER, STATE_KERNEL, STATE_CPU};

/* A row's part of one thread. */
struct piece {
	enum state state;
	const char *cause, *function;
	const struct run_thread *thread;
	uint64_t ns, count;
};

/* Samples of one thread by function and whether inside a syscall: key = 2 * function + inside. */
struct hits {
	uint64_t *count; /* by key */
	uint32_t *keys;  /* those that have any, in the order of time */
	size_t n;
	uint64_t all;
};

struct summing {
	const struct timeline *timeline;
	const struct path_tallies *tallies;
	const char *const *after;
	struct path *path;
	struct path_functions functions;
	bool *in_syscall; /* by stack id */
	bool *on_path;    /* by position of the moment */
	struct hits hits;
	struct piece *pieces;
	size_t n, room;
};

/* Pieces without time are left out, as are rows of them. */
static int add_piece(struct summing *summing, struct piece piece)
{
	if (!piece.ns)
		return 0;
	if (summing->n == summing->room) {
		size_t room = summing->room ? 2 * summing->room : 64;
		struct piece *pieces = reallocarray(summing->pieces, room, sizeof(*pieces));

		if (!pieces)
			return -ENOMEM;
		summing->pieces = pieces;
		summing->room = room;
	}
	summing->pieces[summing->n++] = piece;
	return 0;
}

/* --- on a CPU --- */

/* Segments and moments of a lane are in the order of time both: each lane's moments are passed once. */
static int mark_moments(struct summing *summing)
{
	const struct timeline *timeline = summing->timeline;
	const struct run *run = timeline->run;
	const struct path *path = summing->path;
	_cleanup_free_ size_t *passed = calloc(timeline->n_lanes + 1, sizeof(*passed));

	if (!passed)
		return -ENOMEM;
	for (size_t i = 0; i < path->n_segments; i++) {
		const struct path_segment *segment = &path->segments[i];
		const struct lane *lane;
		size_t position, *at;

		if (segment->state != STATE_CPU)
			continue;
		position = timeline_lane(timeline, segment->thread);
		lane = &timeline->lanes[position];
		at = &passed[position];
		while (*at < lane->n_moments && lane->moments[*at].at_ns < segment->begin_ns)
			++*at;
		for (; *at < lane->n_moments && lane->moments[*at].at_ns < segment->end_ns; ++*at)
			summing->on_path[&lane->moments[*at] - run->moments] = true;
	}
	return 0;
}

static void count_hits(struct summing *summing, const struct lane *lane, bool anywhere)
{
	struct hits *hits = &summing->hits;

	for (size_t i = 0; i < lane->n_moments; i++) {
		const struct run_moment *moment = &lane->moments[i];
		uint32_t key = 2 * summing->functions.of_stack[moment->stack] + summing->in_syscall[moment->stack];

		if (!anywhere && !summing->on_path[moment - summing->timeline->run->moments])
			continue;
		if (!hits->count[key]++)
			hits->keys[hits->n++] = key;
		hits->all++;
	}
}

/* Of a sample. Where the thread's account has no time on the side a sample says, the stack deceives, not the account. */
static int side_of(const struct run_thread *thread, bool in_syscall)
{
	bool user = thread->ns[CLASS_USER], kernel = thread->ns[CLASS_KERNEL];

	if (!user && !kernel && thread->ns[CLASS_CPU])
		return SIDE_UNKNOWN;
	if (user == kernel)
		return in_syscall ? SIDE_KERNEL : SIDE_USER;
	return kernel ? SIDE_KERNEL : SIDE_USER;
}

/* The sides of a thread's time on the path: they sum to `ns`. */
static void find_sides(const struct run_thread *thread, const struct hits *hits, uint64_t ns, uint64_t sides[SIDES])
{
	uint64_t parts[SIDES] = {thread->ns[CLASS_USER], thread->ns[CLASS_KERNEL], thread->ns[CLASS_CPU]};
	uint64_t all = parts[0] + parts[1] + parts[2], before = 0;

	/* The account is exact, but of the whole life; few samples say less of a part of it than that. */
	if (hits->all && (!all || (hits->all >= SAMPLES_ENOUGH && ns < all - all / 10))) {
		all = hits->all;
		memset(parts, 0, sizeof(parts));
		for (size_t i = 0; i < hits->n; i++)
			parts[side_of(thread, hits->keys[i] & 1)] += hits->count[hits->keys[i]];
	}
	if (!all) /* an account that has no such time contradicts the episodes */
		all = parts[2] = 1;
	for (int side = 0; side < SIDES; side++) {
		sides[side] = share_of(ns, before, parts[side], all);
		before += parts[side];
	}
}

/* Over the samples of the side; time whose side is not known over all. */
static int divide_side(struct summing *summing, const struct run_thread *thread, int side, uint64_t ns, bool on_path)
{
	const struct hits *hits = &summing->hits;
	struct piece piece = {.state = side_states[side], .cause = "", .function = "", .thread = thread, .ns = ns};
	uint64_t all = 0, before = 0;
	int err = 0;

	for (size_t i = 0; i < hits->n; i++)
		if (side == SIDE_UNKNOWN || side == side_of(thread, hits->keys[i] & 1))
			all += hits->count[hits->keys[i]];
	if (!all)
		return add_piece(summing, piece);
	for (size_t i = 0; !err && i < hits->n; i++) {
		uint64_t count = hits->count[hits->keys[i]];
		int own = side_of(thread, hits->keys[i] & 1);

		if (side != SIDE_UNKNOWN && side != own)
			continue;
		piece.function = summing->functions.names[hits->keys[i] / 2];
		piece.ns = share_of(ns, before, count, all);
		/* Each sample is counted once. */
		piece.count = on_path && side == own ? count : 0;
		before += count;
		err = add_piece(summing, piece);
	}
	return err;
}

static int divide(struct summing *summing, const struct run_thread *thread, uint64_t ns, bool on_path)
{
	struct hits *hits = &summing->hits;
	uint64_t sides[SIDES];
	int err = 0;

	find_sides(thread, hits, ns, sides);
	for (int side = 0; !err && side < SIDES; side++)
		err = divide_side(summing, thread, side, sides[side], on_path);
	for (size_t i = 0; i < hits->n; i++)
		hits->count[hits->keys[i]] = 0;
	hits->n = hits->all = 0;
	return err;
}

static int add_cpu(struct summing *summing, size_t position)
{
	const struct lane *lane = &summing->timeline->lanes[position];
	uint64_t ns = summing->tallies->cpus[position].ns;
	bool on_path;

	if (!ns)
		return 0;
	count_hits(summing, lane, false);
	on_path = summing->hits.all;
	if (on_path) {
		summing->path->sampled_ns += ns;
		summing->path->samples += summing->hits.all;
	} else {
		count_hits(summing, lane, true);
	}
	summing->path->cpu_ns += ns;
	return divide(summing, lane->thread, ns, on_path);
}

/* --- waits --- */

static int add_cause(struct summing *summing, size_t position)
{
	const struct timeline_cause *cause = &summing->timeline->causes[position];
	const struct run_wait *wait = cause->wait;
	const struct path_tally *waits = &summing->tallies->waits[position], *queues = &summing->tallies->queues[position];
	struct piece piece = {.state = cause->state, .cause = cause->cause, .ns = waits->ns, .count = waits->count};
	int err;

	if (!waits->ns && !queues->ns)
		return 0;
	piece.function = summing->functions.names[summing->functions.of_stack[wait ? wait->stack : 0]];
	piece.thread = waits->thread;
	err = add_piece(summing, piece);
	if (err)
		return err;
	piece.thread = queues->thread;
	piece.state = STATE_RUN_QUEUE;
	piece.cause = summing->after[position];
	piece.ns = queues->ns;
	piece.count = queues->count;
	return add_piece(summing, piece);
}

static int add_pieces(struct summing *summing)
{
	const struct timeline *timeline = summing->timeline;
	const struct path_tallies *tallies = summing->tallies;
	int err = 0;

	for (size_t i = 0; !err && i < timeline->run->n_waits + CLASS_COUNT; i++)
		err = add_cause(summing, i);
	for (size_t i = 0; !err && i < timeline->n_lanes; i++) {
		const struct path_tally *preempted = &tallies->preempted[i];

		err = add_piece(summing, (struct piece){STATE_RUN_QUEUE, PATH_PREEMPTED, "", timeline->lanes[i].thread,
							preempted->ns, preempted->count});
		if (!err)
			err = add_cpu(summing, i);
	}
	if (err)
		return err;
	return add_piece(summing, (struct piece){STATE_OTHER, PATH_NOBODY, "", NULL, tallies->nobody.ns, tallies->nobody.count});
}

/* --- rows --- */

static int compare_texts(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

static int by_row(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int result = (int)x->state - (int)y->state;

	if (!result)
		result = compare_texts(x->cause, y->cause);
	return result ? result : compare_texts(x->function, y->function);
}

/* Threads by their places in the run's array. */
static int by_row_and_thread(const void *a, const void *b)
{
	const struct run_thread *x = ((const struct piece *)a)->thread, *y = ((const struct piece *)b)->thread;
	int result = by_row(a, b);

	return result ? result : (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
	const struct path_row *x = a, *y = b;
	int result;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	result = (int)x->state - (int)y->state;
	if (!result)
		result = compare_texts(x->cause, y->cause);
	return result ? result : compare_texts(x->function, y->function);
}

/* The pieces of one row, in the order of threads. Returns how many there are. */
static size_t merge_row(const struct piece *pieces, size_t n, struct path_row *row)
{
	uint64_t most_ns = 0, threads_ns = 0;
	size_t i = 0;

	*row = (struct path_row){.state = pieces->state, .cause = pieces->cause, .function = pieces->function, .alike = true};
	for (; i < n && !by_row(pieces, &pieces[i]); i++) {
		const struct run_thread *thread = pieces[i].thread;

		row->ns += pieces[i].ns;
		row->count += pieces[i].count;
		if (!thread) {
			row->alike = false;
			continue;
		}
		if (!i || thread != pieces[i - 1].thread) {
			row->n_threads++;
			threads_ns = 0;
		}
		threads_ns += pieces[i].ns;
		row->alike &= !row->thread || !strcmp(row->thread->comm, thread->comm);
		if (threads_ns > most_ns) {
			most_ns = threads_ns;
			row->thread = thread;
		}
	}
	return i;
}

static int make_rows(struct summing *summing)
{
	struct path *path = summing->path;

	path->rows = calloc(summing->n + 1, sizeof(*path->rows));
	if (!path->rows)
		return -ENOMEM;
	if (summing->n)
		qsort(summing->pieces, summing->n, sizeof(*summing->pieces), by_row_and_thread);
	for (size_t i = 0; i < summing->n;)
		i += merge_row(&summing->pieces[i], summing->n - i, &path->rows[path->n_rows++]);
	qsort(path->rows, path->n_rows, sizeof(*path->rows), by_time);
	for (size_t i = 0; i < path->n_rows; i++)
		path->ns[path->rows[i].state] += path->rows[i].ns;
	return 0;
}

static int by_share(const void *a, const void *b)
{
	const struct path_thread *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return (x->thread > y->thread) - (x->thread < y->thread);
}

static int make_threads(struct summing *summing)
{
	const struct timeline *timeline = summing->timeline;
	struct path *path = summing->path;
	size_t n = 0;

	path->threads = calloc(timeline->n_lanes + 1, sizeof(*path->threads));
	if (!path->threads)
		return -ENOMEM;
	for (size_t i = 0; i < path->n_segments; i++) {
		const struct path_segment *segment = &path->segments[i];

		if (segment->thread)
			path->threads[timeline_lane(timeline, segment->thread)].ns += segment->end_ns - segment->begin_ns;
	}
	for (size_t i = 0; i < timeline->n_lanes; i++)
		if (path->threads[i].ns)
			path->threads[n++] = (struct path_thread){timeline->lanes[i].thread, path->threads[i].ns};
	path->n_threads = n;
	qsort(path->threads, n, sizeof(*path->threads), by_share);
	return 0;
}

static int sum(struct summing *summing)
{
	const struct run *run = summing->timeline->run;
	int err = path_functions_find(run, &summing->path->strings, &summing->functions);

	if (err)
		return err;
	summing->in_syscall = explain_in_syscall(run);
	summing->on_path = calloc(run->n_moments + 1, sizeof(*summing->on_path));
	summing->hits.count = calloc(2 * summing->functions.n, sizeof(*summing->hits.count));
	summing->hits.keys = calloc(2 * summing->functions.n, sizeof(*summing->hits.keys));
	if (!summing->in_syscall || !summing->on_path || !summing->hits.count || !summing->hits.keys)
		return -ENOMEM;
	err = mark_moments(summing);
	if (!err)
		err = add_pieces(summing);
	if (!err)
		err = make_rows(summing);
	return err ? err : make_threads(summing);
}

int path_sum(const struct timeline *timeline, const struct path_tallies *tallies, const char *const *after, struct path *path)
{
	struct summing summing = {.timeline = timeline, .tallies = tallies, .after = after, .path = path};
	int err = sum(&summing);

	path_functions_free(&summing.functions);
	free(summing.in_syscall);
	free(summing.on_path);
	free(summing.hits.count);
	free(summing.hits.keys);
	free(summing.pieces);
	return err;
}
