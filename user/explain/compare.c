/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "explain/internal.h"
#include "explain/path.h"
#include "explain/repeats.h"
#include "lib/cleanup.h"
#include "lib/text.h"

static int by_key(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->progress != y->progress)
		return x->progress ? -1 : 1;
	if (x->joining != y->joining)
		return x->joining ? 1 : -1;
	return strcmp(x->cause, y->cause);
}

static uint64_t size_of(const struct difference *item)
{
	return item->before_ns > item->after_ns ? item->before_ns - item->after_ns : item->after_ns - item->before_ns;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = size_of(a), y = size_of(b);

	if (x != y)
		return x > y ? -1 : 1;
	return by_key(a, b);
}

/* The run's own process "sleep[1460]" has another pid in the other run, and the same name. */
static void forget_pid(char *cause)
{
	char *bracket = strrchr(cause, '[');
	size_t digits = bracket ? strspn(bracket + 1, "0123456789") : 0;

	if (digits && bracket > cause && bracket[-1] != ':' && !strcmp(bracket + 1 + digits, "]"))
		*bracket = '\0';
}

static struct difference *add_item(struct comparison *comparison, enum state state, const char *cause)
{
	struct difference *item = &comparison->items[comparison->n_items];

	*item = (struct difference){.state = state, .cause = strdup(cause)};
	if (!item->cause)
		return NULL;
	comparison->n_items++;
	return item;
}

/* One item for each CPU state and each cause of one run; both runs' are merged afterwards. */
static int add_items(struct comparison *comparison, const struct explanation *run, bool after)
{
	for (int state = 0; state < STATE_COUNT; state++) {
		struct difference *item;

		if (state_info[state].group != STATE_GROUP_CPU || !run->ns[state])
			continue;
		item = add_item(comparison, state, "");
		if (!item)
			return -ENOMEM;
		*(after ? &item->after_ns : &item->before_ns) = run->ns[state];
		item->progress = true;
	}
	for (size_t i = 0; i < run->n_causes; i++) {
		const struct cause_view *cause = &run->causes[i];
		struct difference *item = add_item(comparison, cause->state, cause->cause);

		if (!item)
			return -ENOMEM;
		*(after ? &item->after_ns : &item->before_ns) = cause->total_ns;
		item->progress = cause->outside;
		if (!cause->outside)
			forget_pid(item->cause);
		item->joining = cause->joining;
	}
	return 0;
}

static size_t merge_alike(struct difference *items, size_t n_items)
{
	size_t n = 0;

	qsort(items, n_items, sizeof(*items), by_key);
	for (size_t i = 0; i < n_items; i++) {
		if (n && !by_key(&items[n - 1], &items[i])) {
			items[n - 1].before_ns += items[i].before_ns;
			items[n - 1].after_ns += items[i].after_ns;
			free(items[i].cause);
		} else {
			items[n++] = items[i];
		}
	}
	return n;
}

/* What only one of the runs has: the other may have it by a name that the system chose differently, as an address or a port. */
struct single {
	struct difference item; /* by what both would call it */
	char *own;
};

static bool is_single(const struct difference *item)
{
	return item->cause[0] && !item->before_ns != !item->after_ns;
}

/* Those from `from` on that have one name: they are one thing if both runs have it, else they keep their own names. */
static size_t name_alike(struct single *singles, size_t from, size_t n)
{
	bool before = false, after = false;
	size_t to = from;

	for (; to < n && !by_key(&singles[from].item, &singles[to].item); to++) {
		before |= singles[to].item.before_ns > 0;
		after |= singles[to].item.after_ns > 0;
	}
	for (size_t i = from; i < to; i++) {
		char **other = before && after ? &singles[i].own : &singles[i].item.cause;

		free(*other);
		if (other == &singles[i].item.cause)
			singles[i].item.cause = singles[i].own;
	}
	return to;
}

static void free_names(struct single *singles, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(singles[i].item.cause);
}

/* 0 or -ENOMEM; the items are not touched. */
static int list_singles(const struct difference *items, size_t n, struct single *singles, size_t *n_singles)
{
	*n_singles = 0;
	for (size_t i = 0; i < n; i++) {
		struct single *single = &singles[*n_singles];

		if (!is_single(&items[i]))
			continue;
		*single = (struct single){.item = items[i], .own = items[i].cause};
		single->item.cause = path_words(items[i].cause);
		if (!single->item.cause) {
			free_names(singles, *n_singles);
			return -ENOMEM;
		}
		(*n_singles)++;
	}
	return 0;
}

/* Gives the items that only one run has the names that both runs have for them. */
static int pair_singles(struct difference *items, size_t n)
{
	_cleanup_free_ struct single *singles = calloc(n + 1, sizeof(*singles));
	size_t n_singles = 0, kept = 0;
	int err = singles ? list_singles(items, n, singles, &n_singles) : -ENOMEM;

	if (err)
		return err;
	qsort(singles, n_singles, sizeof(*singles), by_key);
	for (size_t i = 0; i < n; i++)
		if (!is_single(&items[i]))
			items[kept++] = items[i];
	for (size_t i = 0; i < n_singles;)
		i = name_alike(singles, i, n_singles);
	for (size_t i = 0; i < n_singles; i++)
		items[kept++] = singles[i].item;
	return 0;
}

static int merge_items(struct comparison *comparison)
{
	struct difference *items = comparison->items;
	int err;

	comparison->n_items = merge_alike(items, comparison->n_items);
	err = pair_singles(items, comparison->n_items);
	if (err)
		return err;
	comparison->n_items = merge_alike(items, comparison->n_items);
	qsort(items, comparison->n_items, sizeof(*items), by_size);
	return 0;
}

/* A run that failed or was cut short did less than it should; one that was observed took as long as the user liked: no measure. */
static int refuse(struct comparison *comparison)
{
	const struct explanation *runs[] = {comparison->before, comparison->after};

	for (int i = 0; i < 2; i++) {
		const struct run *run = runs[i]->run;

		if (run->failure)
			comparison->refused = text_format("%s failed (%s)", run->name, run->failure);
		else if (run->attached)
			comparison->refused = text_format("%s was observed for a time, not run to its end", run->name);
		else if (run->interrupted)
			comparison->refused = text_format("%s was interrupted", run->name);
		else
			continue;
		return comparison->refused ? 0 : -ENOMEM;
	}
	return 0;
}

static void compute_ratios(struct comparison *comparison)
{
	const struct explanation *before = comparison->before, *after = comparison->after;

	comparison->speedup = (double)before->wall_ns / after->wall_ns;
	comparison->progress_ratio = comparison->overlap_ratio = 1;
	/* Nothing that progressed (it never was on a CPU) says nothing about why. */
	if (before->progress_ns && after->progress_ns) {
		comparison->progress_ratio = (double)before->progress_ns / after->progress_ns;
		comparison->overlap_ratio = after->overlap / before->overlap;
	} else {
		comparison->overlap_ratio = comparison->speedup;
	}
}

static int compare(struct comparison *comparison)
{
	size_t room = comparison->before->n_causes + comparison->after->n_causes + 2 * STATE_COUNT;
	int err;

	comparison->items = calloc(room, sizeof(*comparison->items));
	err = comparison->items ? add_items(comparison, comparison->before, false) : -ENOMEM;
	if (!err)
		err = add_items(comparison, comparison->after, true);
	if (err)
		return err;
	err = merge_items(comparison);
	if (err)
		return err;
	compute_ratios(comparison);
	err = explain_path_difference(comparison);
	if (!err)
		err = refuse(comparison);
	return err ? err : explain_difference_words(comparison);
}

int explain_difference(const struct explanation *before, const struct explanation *after, struct comparison **ret)
{
	struct comparison *comparison = calloc(1, sizeof(*comparison));
	int err;

	if (!comparison)
		return -ENOMEM;
	comparison->before = before;
	comparison->after = after;
	err = compare(comparison);
	if (err)
		comparison_free(comparison);
	else
		*ret = comparison;
	return err;
}

void comparison_free(struct comparison *comparison)
{
	if (!comparison)
		return;
	for (size_t i = 0; i < comparison->n_items; i++)
		free(comparison->items[i].cause);
	free(comparison->items);
	explain_path_difference_free(comparison);
	repeats_free(comparison->repeats);
	free(comparison->headline);
	free(comparison->reason);
	free(comparison->refused);
	free(comparison->progress_reason);
	free(comparison->overlap_reason);
	free(comparison);
}
