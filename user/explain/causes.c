/* SPDX-License-Identifier: Apache-2.0 */
/* All threads' waits by state and cause; and of each cause who held it, who ended the waits, and where threads blocked. */
#include <errno.h>
#include <math.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "lib/cleanup.h"

static const char undelivered_cause[] = "threads without a record";

/* A part of one cause's time: `key` is the holder, the waker, its name, or the place. Neither key: not known. */
struct part {
	const void *key;
	bool is_thread;
	uint64_t ns;
};

struct work {
	struct explanation *explanation;
	struct places *places;
	const struct wait **rows; /* sorted by cause, then thread */
	struct part *parts;       /* as many as rows */
};

static int compare_causes(const struct wait *x, const struct wait *y)
{
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->outside != y->outside)
		return x->outside ? -1 : 1;
	if (x->joining != y->joining)
		return x->joining ? 1 : -1;
	if (x->idle != y->idle)
		return x->idle ? 1 : -1;
	return x->cause == y->cause ? 0 : strcmp(x->cause, y->cause);
}

static int by_cause(const void *a, const void *b)
{
	const struct wait *x = *(const struct wait *const *)a, *y = *(const struct wait *const *)b;
	int result = compare_causes(x, y);

	/* Rows lie by thread already. */
	return result ? result : x < y ? -1 : x > y;
}

static int by_total(const void *a, const void *b)
{
	const struct cause_view *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->outside != y->outside)
		return x->outside ? -1 : 1;
	if (x->joining != y->joining)
		return x->joining ? 1 : -1;
	if (x->idle != y->idle)
		return x->idle ? 1 : -1;
	return strcmp(x->cause, y->cause);
}

static int by_key(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static int by_name(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->is_thread != y->is_thread)
		return x->is_thread ? -1 : 1;
	return x->is_thread ? by_key(a, b) : strcmp(x->key, y->key);
}

/* The largest of what is the same; the first of those that are as large. `kinds`: how many there are. */
static struct part largest(struct part *parts, size_t n, int (*compare)(const void *, const void *), uint64_t *kinds)
{
	struct part best = {0};

	*kinds = 0;
	if (n)
		qsort(parts, n, sizeof(*parts), compare);
	for (size_t i = 0; i < n;) {
		struct part sum = parts[i];

		while (++i < n && !compare(&sum, &parts[i]))
			sum.ns += parts[i].ns;
		(*kinds)++;
		if (sum.ns > best.ns)
			best = sum;
	}
	return best;
}

static struct party as_party(const struct part *part, uint64_t kinds)
{
	return (struct party){
	    .thread = part->is_thread ? part->key : NULL,
	    .name = part->is_thread ? NULL : part->key,
	    .ns = part->ns,
	    .count = kinds,
	};
}

static void find_parties(struct work *work, const struct wait *const *rows, size_t n, struct cause_view *cause)
{
	uint64_t kinds;
	struct part best;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i]->holder)
			work->parts[found++] = (struct part){rows[i]->holder, true, rows[i]->total_ns};
	best = largest(work->parts, found, by_key, &kinds);
	cause->holder = as_party(&best, kinds);
	found = 0;
	for (size_t i = 0; i < n; i++) {
		const void *key = rows[i]->waker ? (const void *)rows[i]->waker : rows[i]->waker_name;

		if (key)
			work->parts[found++] = (struct part){key, rows[i]->waker != NULL, rows[i]->total_ns};
	}
	best = largest(work->parts, found, by_name, &kinds);
	cause->waker = as_party(&best, kinds);
}

static int by_place(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->key == y->key ? 0 : strcmp(x->key, y->key);
}

static int find_place(struct work *work, const struct wait *const *rows, size_t n, struct cause_view *cause)
{
	struct part best;
	uint64_t kinds;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const char *place = NULL;
		int err = places_of(work->places, rows[i]->stack, &place);

		if (err)
			return err;
		if (!place)
			continue;
		work->parts[found++] = (struct part){place, false, rows[i]->total_ns};
		cause->placed_ns += rows[i]->total_ns;
	}
	best = largest(work->parts, found, by_place, &kinds);
	cause->place = best.key;
	cause->place_ns = best.ns;
	return 0;
}

static void add_row(struct cause_view *cause, const struct wait *row)
{
	cause->join |= row->join;
	cause->set_ns += row->set_ns;
	cause->count += row->count;
	cause->timed_out += row->timed_out;
	cause->timed_out_ns += row->timed_out_ns;
	cause->total_ns += row->total_ns;
	if (row->max_ns > cause->max_ns)
		cause->max_ns = row->max_ns;
	for (int i = 0; i < WAIT_LOG2_SLOTS; i++)
		cause->log2_ns[i] += row->log2_ns[i];
}

/* Rows of one cause. */
static int view_cause(struct work *work, const struct wait *const *rows, size_t n)
{
	struct explanation *explanation = work->explanation;
	struct cause_view *cause = &explanation->causes[explanation->n_causes++];

	*cause = (struct cause_view){
	    .state = rows[0]->state,
	    .cause = rows[0]->cause,
	    .outside = rows[0]->outside,
	    .joining = rows[0]->joining,
	    .idle = rows[0]->idle,
	    .kinds = 1,
	};
	for (size_t i = 0; i < n; i++) {
		add_row(cause, rows[i]);
		cause->threads += !i || rows[i]->thread != rows[i - 1]->thread;
	}
	find_parties(work, rows, n, cause);
	return find_place(work, rows, n, cause);
}

static int view_rows(struct work *work)
{
	size_t n = work->explanation->n_waits;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		work->rows[i] = &work->explanation->waits[i];
	qsort(work->rows, n, sizeof(*work->rows), by_cause);
	for (size_t i = 0, end; !err && i < n; i = end) {
		end = i + 1;
		while (end < n && !compare_causes(work->rows[i], work->rows[end]))
			end++;
		err = view_cause(work, &work->rows[i], end - i);
	}
	return err;
}

static void view_undelivered(struct explanation *explanation)
{
	const struct run *run = explanation->run;

	for (int state = 0; state < STATE_COUNT; state++) {
		struct cause_view cause = {.state = state, .cause = undelivered_cause, .kinds = 1};

		cause.outside = rules_state_is_outside(state);
		for (size_t i = 0; state_info[state].group != STATE_GROUP_CPU && i < run->n_processes; i++)
			for (int class = 0; class < CLASS_COUNT; class ++)
				if (class_state[class] == (enum state)state)
					cause.total_ns += run->processes[i].undelivered_ns[class];
		if (cause.total_ns)
			explanation->causes[explanation->n_causes++] = cause;
	}
}

/* How many causes the rows can have at most: a struct of each row's size would be a hundred MB for nothing. */
static size_t count_causes(const struct explanation *explanation)
{
	return explanation->n_thread_waits * 2 + STATE_COUNT + 1;
}

int explain_causes(struct explanation *explanation)
{
	_cleanup_free_ const struct wait **rows = calloc(explanation->n_waits + 1, sizeof(*rows));
	_cleanup_free_ struct part *parts = calloc(explanation->n_waits + 1, sizeof(*parts));
	struct work work = {.explanation = explanation, .rows = rows, .parts = parts};
	int err = rows && parts ? places_new(explanation, &work.places) : -ENOMEM;

	if (!err) {
		explanation->causes = calloc(count_causes(explanation), sizeof(*explanation->causes));
		err = explanation->causes ? view_rows(&work) : -ENOMEM;
	}
	places_free(work.places);
	if (err)
		return err;
	view_undelivered(explanation);
	for (size_t i = 0; i < explanation->n_causes; i++)
		explanation->causes[i].mean = (double)explanation->causes[i].total_ns / explanation->wall_ns;
	qsort(explanation->causes, explanation->n_causes, sizeof(*explanation->causes), by_total);
	return 0;
}

uint64_t explain_percentile(const uint64_t log2_ns[WAIT_LOG2_SLOTS], uint64_t max_ns, double quantile)
{
	double total = 0, rank, before = 0;

	for (int i = 0; i < WAIT_LOG2_SLOTS; i++)
		total += log2_ns[i];
	/* The wait of that rank; without what a product like 0.95 x 100 is too much. */
	rank = ceil(quantile * total - 1e-6);
	for (int i = 0; i < WAIT_LOG2_SLOTS && total > 0; i++) {
		/* In the first are those that had ended before they began: 0. */
		double from = i ? (double)(1ull << i) : 0, to = i ? (double)(2ull << i) : 0;

		/* The last one is open. And nothing took longer than the longest. */
		if (i == WAIT_LOG2_SLOTS - 1 || to > max_ns)
			to = max_ns;
		if (from > to)
			from = to;
		if (log2_ns[i] && before + log2_ns[i] >= rank)
			return from + (to - from) * (rank - before) / log2_ns[i];
		before += log2_ns[i];
	}
	return 0;
}

const char *thread_label(char label[THREAD_LABEL_BYTES], const struct run_thread *thread)
{
	if (thread)
		snprintf(label, THREAD_LABEL_BYTES, "%.24s/%u", thread->comm, thread->tid);
	else
		label[0] = '\0';
	return label;
}

const char *party_label(char label[THREAD_LABEL_BYTES], const struct party *party)
{
	if (party->thread)
		return thread_label(label, party->thread);
	snprintf(label, THREAD_LABEL_BYTES, "%s", party->name ? party->name : "");
	return label;
}
