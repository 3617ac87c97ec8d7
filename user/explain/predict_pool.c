/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "explain/predict_internal.h"
#include "lib/cleanup.h"

#define ITEMS_LEAST 2 /* a thread, on average: else its work is one piece */
#define THREADS_MAX 10000000

/* A thread that may be of a pool. */
struct member {
	uint64_t parent;
	char pattern[COMM_BYTES];
	uint32_t lane;
	uint64_t begin_ns, end_ns;
	uint32_t generation; /* of those with the same creator and pattern */
};

/* "worker-12" -> "worker-#" */
static void set_pattern(char pattern[COMM_BYTES], const char *comm)
{
	size_t n = 0;

	for (; *comm && n < COMM_BYTES - 1; comm++) {
		if (!isdigit((unsigned char)*comm))
			pattern[n++] = *comm;
		else if (!n || pattern[n - 1] != '#')
			pattern[n++] = '#';
	}
	pattern[n] = '\0';
}

static int by_pool(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	order = strcmp(x->pattern, y->pattern);
	if (order)
		return order;
	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->lane < y->lane ? -1 : x->lane > y->lane;
}

static bool is_alike(const struct member *a, const struct member *b)
{
	return a->parent == b->parent && !strcmp(a->pattern, b->pattern);
}

static size_t list_members(const struct timeline *timeline, struct member *members)
{
	size_t n = 0;
	uint64_t until_ns = 0;

	for (size_t i = 0; i < timeline->n_lanes; i++) {
		const struct lane *lane = &timeline->lanes[i];

		if (!lane->thread->parent)
			continue;
		members[n] = (struct member){
		    .parent = lane->thread->parent, .lane = i, .begin_ns = lane->begin_ns, .end_ns = lane->end_ns};
		set_pattern(members[n++].pattern, lane->thread->comm);
	}
	qsort(members, n, sizeof(*members), by_pool);
	for (size_t i = 0; i < n; i++) {
		bool alike = i && is_alike(&members[i], &members[i - 1]);

		members[i].generation = alike ? members[i - 1].generation : 0;
		if (alike && members[i].begin_ns >= until_ns)
			members[i].generation++;
		if (!alike || members[i].begin_ns >= until_ns || members[i].end_ns > until_ns)
			until_ns = members[i].end_ns;
	}
	return n;
}

/* The pool whose members lived longest; it has at least two at a time. *n: its members. */
static struct member *choose_pool(struct member *members, size_t n_members, size_t *n, unsigned int *number)
{
	struct member *best = NULL;
	uint64_t most_ns = 0;

	for (size_t i = 0, end; i < n_members; i = end) {
		uint64_t life_ns = 0;
		unsigned int at_once = 0, most = 0;

		for (end = i; end < n_members && is_alike(&members[i], &members[end]); end++) {
			at_once = end > i && members[end].generation == members[end - 1].generation ? at_once + 1 : 1;
			most = at_once > most ? at_once : most;
			life_ns += members[end].end_ns - members[end].begin_ns;
		}
		if (most < 2 || life_ns <= most_ns)
			continue;
		most_ns = life_ns;
		best = &members[i];
		*n = end - i;
		*number = most;
	}
	return best;
}

struct dealer {
	const struct timeline *timeline;
	struct program *program;
	const struct kinds *kinds;
	struct member *members;
	size_t n_members;
	uint32_t cut; /* kind of waits */
	struct piece *items;
	uint32_t *ranks; /* by item: how many its thread did before */
	size_t n_items, room;
	size_t n_ends, n_threads, n_pools;
};

static bool is_wait(const struct step *step)
{
	return step->kind == STEP_ACQUIRE || step->kind == STEP_SLEEP || step->kind == STEP_WAIT;
}

/* The kind of waits that the members do most often. */
static uint64_t choose_cut(struct dealer *dealer)
{
	_cleanup_free_ uint64_t *counts = calloc(dealer->kinds->n + 1, sizeof(*counts));
	uint64_t most = 0;

	for (size_t i = 0; counts && i < dealer->n_members; i++) {
		const struct piece *piece = &dealer->program->threads[dealer->members[i].lane].piece;

		for (uint32_t s = piece->first; s < piece->end; s++) {
			uint32_t kind = dealer->kinds->of[dealer->program->steps[s].cause];

			if (!is_wait(&dealer->program->steps[s]) || kind == UINT32_MAX || dealer->kinds->items[kind].join)
				continue;
			if (++counts[kind] <= most)
				continue;
			most = counts[kind];
			dealer->cut = kind;
		}
	}
	return most;
}

static void add_item(struct dealer *dealer, struct piece item, uint32_t rank)
{
	if (item.first == item.end && item.from_ns == item.to_ns)
		return;
	dealer->ranks[dealer->n_items] = rank;
	dealer->items[dealer->n_items++] = item;
}

/* What a thread's end tells others, the pool's end tells instead. Returns the piece without it. */
static struct piece take_ends(struct dealer *dealer, struct piece piece)
{
	struct program *program = dealer->program;

	while (piece.end > piece.first) {
		const struct step *step = &program->steps[piece.end - 1];

		if (step->kind != STEP_SIGNAL || !dealer->timeline->causes[program->steps[step->target].cause].join)
			break;
		program->ends[dealer->n_ends++] = step->target;
		piece.end--;
	}
	return piece;
}

/* A thread's work, cut where it waits for `cut` and holds no lock. */
static void cut_member(struct dealer *dealer, uint32_t lane)
{
	const struct step *steps = dealer->program->steps;
	struct piece piece = take_ends(dealer, dealer->program->threads[lane].piece), item = piece;
	uint32_t rank = 0, held = 0;

	for (uint32_t s = piece.first; s < piece.end; s++) {
		if (is_wait(&steps[s]) && dealer->kinds->of[steps[s].cause] == dealer->cut && !held && s > item.first) {
			item.end = s;
			item.to_ns = steps[s].at_ns;
			add_item(dealer, item, rank++);
			item = (struct piece){.first = s, .from_ns = steps[s].at_ns};
		}
		held += steps[s].kind == STEP_ACQUIRE;
		held -= steps[s].kind == STEP_RELEASE && held;
	}
	item.end = piece.end;
	item.to_ns = piece.to_ns;
	add_item(dealer, item, rank);
}

struct ranked {
	struct piece item;
	uint32_t rank;
	size_t order;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Each thread's first items before the second ones, and so on: about the order in which they were taken. */
static int sort_items(struct dealer *dealer, size_t first)
{
	size_t n = dealer->n_items - first;
	_cleanup_free_ struct ranked *ranked = calloc(n + 1, sizeof(*ranked));

	if (!ranked)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){dealer->items[first + i], dealer->ranks[first + i], i};
	qsort(ranked, n, sizeof(*ranked), by_rank);
	for (size_t i = 0; i < n; i++)
		dealer->items[first + i] = ranked[i].item;
	return 0;
}

/* The threads of one generation, fewer or more. */
static void staff(struct dealer *dealer, const struct member *members, size_t n, unsigned int number, uint32_t pool)
{
	struct replay_thread *threads = dealer->program->threads, *last = &threads[members[n - 1].lane];

	for (size_t i = 0; i < n; i++) {
		threads[members[i].lane].piece = (struct piece){0};
		threads[members[i].lane].pool = i < number ? pool : REPLAY_NOBODY;
	}
	for (size_t i = n; i < number; i++) {
		uint32_t who = dealer->n_threads++;

		threads[who] = (struct replay_thread){
		    .start_ns = REPLAY_BORN_BY_STEP, .pool = pool, .also = REPLAY_NOBODY, .counts = last->counts};
		last->also = who;
		last = &threads[who];
	}
}

static int deal_generation(struct dealer *dealer, const struct member *members, size_t n, unsigned int number)
{
	struct replay_pool *pool = &dealer->program->pools[dealer->n_pools];
	size_t first = dealer->n_items, first_end = dealer->n_ends;
	int err;

	for (size_t i = 0; i < n; i++)
		cut_member(dealer, members[i].lane);
	err = sort_items(dealer, first);
	*pool = (struct replay_pool){.items = dealer->items + first,
				     .n_items = dealer->n_items - first,
				     .ends = dealer->program->ends + first_end,
				     .n_ends = dealer->n_ends - first_end};
	staff(dealer, members, n, number, dealer->n_pools++);
	return err;
}

static int make_room(struct dealer *dealer, unsigned int number)
{
	struct program *program = dealer->program;
	size_t generations = dealer->n_members ? dealer->members[dealer->n_members - 1].generation + 1 : 0;
	size_t n_threads = program->input.n_threads + number * generations + 1, room = dealer->n_members + 1;
	struct replay_thread *threads = NULL;

	if (n_threads <= THREADS_MAX)
		threads = reallocarray(program->threads, n_threads, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	program->threads = threads;
	program->input.threads = threads;
	dealer->n_threads = program->input.n_threads;
	for (size_t i = 0; i < dealer->n_members; i++) {
		const struct piece *piece = &program->threads[dealer->members[i].lane].piece;

		room += piece->end - piece->first + 1;
	}
	program->pools = calloc(dealer->n_members + 1, sizeof(*program->pools));
	program->items = dealer->items = calloc(room, sizeof(*program->items));
	program->ends = calloc(room, sizeof(*program->ends));
	dealer->ranks = calloc(room, sizeof(*dealer->ranks));
	return program->pools && program->items && program->ends && dealer->ranks ? 0 : -ENOMEM;
}

static int deal(struct dealer *dealer, unsigned int number)
{
	int err = make_room(dealer, number);

	for (size_t i = 0, end; !err && i < dealer->n_members; i = end) {
		for (end = i; end < dealer->n_members && dealer->members[end].generation == dealer->members[i].generation;)
			end++;
		err = deal_generation(dealer, &dealer->members[i], end - i, number ? number : end - i);
	}
	dealer->program->input.n_threads = dealer->n_threads;
	dealer->program->input.pools = dealer->program->pools;
	dealer->program->input.n_pools = dealer->n_pools;
	free(dealer->ranks);
	return err;
}

int program_deal(struct program *program, const struct timeline *timeline, const struct kinds *kinds, unsigned int number,
		 struct pool_found *ret)
{
	_cleanup_free_ struct member *members = calloc(timeline->n_lanes + 1, sizeof(*members));
	struct dealer dealer = {.timeline = timeline, .program = program, .kinds = kinds};
	uint64_t cuts;
	int err;

	*ret = (struct pool_found){0};
	if (!members)
		return -ENOMEM;
	dealer.members = choose_pool(members, list_members(timeline, members), &dealer.n_members, &ret->number);
	if (!dealer.members)
		return -ENOENT;
	ret->name = strdup(dealer.members->pattern);
	if (!ret->name)
		return -ENOMEM;
	cuts = choose_cut(&dealer);
	if (cuts < ITEMS_LEAST * dealer.n_members)
		return -ESRCH;
	ret->cut = kinds->items[dealer.cut].cause;
	ret->state = kinds->items[dealer.cut].state;
	err = deal(&dealer, number);
	ret->items = dealer.n_items;
	return err;
}

void pool_found_free(struct pool_found *found)
{
	free(found->name);
	*found = (struct pool_found){0};
}
