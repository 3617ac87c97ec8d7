/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "explain/predict_internal.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define TOLD_MAX 8

struct numbered {
	const struct timeline_cause *cause;
	size_t index;
};

/* Equal texts are one pointer, but its order is none: the output must not depend on where memory lies. */
static int by_kind(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int order;

	if (x->cause->state != y->cause->state)
		return x->cause->state < y->cause->state ? -1 : 1;
	order = x->cause->cause == y->cause->cause ? 0 : strcmp(x->cause->cause, y->cause->cause);
	if (order)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void group(const struct timeline *timeline, const struct numbered *causes, size_t n, struct kinds *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct timeline_cause *cause = causes[i].cause;

		if (!i || cause->state != causes[i - 1].cause->state || cause->cause != causes[i - 1].cause->cause)
			ret->items[ret->n++] = (struct kind){.state = cause->state, .cause = cause->cause, .join = true};
		ret->items[ret->n - 1].join &= cause->join;
		ret->items[ret->n - 1].inner_lock |= is_inner_lock(cause);
		ret->of[causes[i].index] = ret->n - 1;
	}
	for (size_t i = 0; i < timeline->run->n_episodes; i++) {
		const struct run_episode *episode = &timeline->run->episodes[i];

		if (timeline_cause(timeline, episode))
			ret->items[ret->of[cause_index(timeline, episode)]].total_ns += episode->blocked_ns;
	}
}

int kinds_open(const struct timeline *timeline, struct kinds *ret)
{
	size_t n = timeline->run->n_waits + CLASS_COUNT, used = 0;
	struct numbered *causes = calloc(n + 1, sizeof(*causes));

	*ret = (struct kinds){.items = calloc(n + 1, sizeof(*ret->items)), .of = calloc(n + 1, sizeof(*ret->of))};
	if (!causes || !ret->items || !ret->of) {
		free(causes);
		kinds_close(ret);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		ret->of[i] = UINT32_MAX;
		if (timeline->causes[i].cause && timeline->causes[i].state != STATE_RUN_QUEUE)
			causes[used++] = (struct numbered){&timeline->causes[i], i};
	}
	qsort(causes, used, sizeof(*causes), by_kind);
	group(timeline, causes, used, ret);
	free(causes);
	return 0;
}

void kinds_close(struct kinds *kinds)
{
	free(kinds->items);
	free(kinds->of);
	*kinds = (struct kinds){0};
}

static bool is_candidate(const struct kind *kind, const struct predict_change *change)
{
	return kind->total_ns && (change->kind != PREDICT_WITHOUT_LOCK || kind->inner_lock);
}

/* How a wait may be called, the best first. */
enum naming { BY_NAME, BY_STATE, BY_PART, NAMINGS };

static bool is_meant(const struct kind *kind, const char *text, enum naming naming)
{
	const char *label = CAUSE_LABEL(kind->state, kind->cause);

	switch (naming) {
	case BY_NAME:
		return !strcmp(kind->cause, text) || !strcmp(label, text);
	case BY_STATE:
		return !kind->join && !strcmp(state_info[kind->state].name, text);
	default:
		return strstr(label, text) || strstr(kind->cause, text);
	}
}

/* The largest of those that are meant; `text` NULL: of all. */
static void add_candidates(struct text *out, const struct kinds *kinds, const struct predict_change *change, const char *text)
{
	bool *told = calloc(kinds->n + 1, sizeof(*told));
	size_t n = 0;

	for (; told && n <= TOLD_MAX; n++) {
		const struct kind *most = NULL;

		for (size_t i = 0; i < kinds->n; i++)
			if (!told[i] && is_candidate(&kinds->items[i], change) &&
			    (!text || is_meant(&kinds->items[i], text, BY_PART)) &&
			    (!most || kinds->items[i].total_ns > most->total_ns))
				most = &kinds->items[i];
		if (!most)
			break;
		told[most - kinds->items] = true;
		text_add(out, "%s%s", n ? ", " : "", n == TOLD_MAX ? "..." : CAUSE_LABEL(most->state, most->cause));
	}
	free(told);
	if (!n)
		text_add(out, "nothing");
}

static char *refuse(const struct kinds *kinds, const struct predict_change *change, size_t n)
{
	const char *what = change->kind == PREDICT_WITHOUT_LOCK ? "lock" : "wait";
	struct text text = {0};

	if (n)
		text_add(&text, "\"%s\" is part of several %ss' names: ", change->cause, what);
	else
		text_add(&text, "no %s of this run is called \"%s\"; there is: ", what, change->cause);
	add_candidates(&text, kinds, change, n ? change->cause : NULL);
	return text_take(&text);
}

/* Of parts of names, one must be meant; the same name in several states is one. */
static bool is_ambiguous(const struct kinds *kinds, const bool *chosen)
{
	const struct kind *first = NULL;

	for (size_t i = 0; i < kinds->n; i++) {
		if (chosen[i] && first && first->cause != kinds->items[i].cause)
			return true;
		if (chosen[i])
			first = &kinds->items[i];
	}
	return false;
}

int kinds_select(const struct kinds *kinds, const struct predict_change *change, struct fates *fates, char **refused)
{
	_cleanup_free_ bool *chosen = calloc(kinds->n + 1, sizeof(*chosen));
	enum naming naming;
	size_t n = 0;

	if (!chosen)
		return -ENOMEM;
	for (naming = BY_NAME; naming < NAMINGS && !n; naming++)
		for (size_t i = 0; i < kinds->n; i++) {
			chosen[i] = is_candidate(&kinds->items[i], change) && is_meant(&kinds->items[i], change->cause, naming);
			n += chosen[i];
		}
	if (!n || (naming == NAMINGS && is_ambiguous(kinds, chosen))) {
		*refused = refuse(kinds, change, n);
		return *refused ? -ENOENT : -ENOMEM;
	}
	for (size_t i = 0; i < fates->n; i++)
		fates->changed[i] = kinds->of[i] != UINT32_MAX && chosen[kinds->of[i]];
	return 0;
}
