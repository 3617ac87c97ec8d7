/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "lib/cleanup.h"
#include "profile/index.h"

struct builder {
	struct explanation *explanation;
	const struct rules *rules;
	const struct run *run;
	uint64_t (*attributed)[CLASS_SLOTS]; /* per thread: what its waits claim */
	struct wait *waits;
	size_t n, room;
};

/* Takes over the verdict's cause. */
static int add_wait(struct builder *builder, size_t thread, struct verdict *verdict, struct wait **ret)
{
	if (builder->n == builder->room) {
		size_t room = builder->room ? 2 * builder->room : 64;
		struct wait *waits = reallocarray(builder->waits, room, sizeof(*waits));

		if (!waits) {
			free(verdict->cause);
			return -ENOMEM;
		}
		builder->waits = waits;
		builder->room = room;
	}
	*ret = &builder->waits[builder->n++];
	**ret = (struct wait){
	    .thread = &builder->run->threads[thread],
	    .state = verdict->state,
	    .cause = verdict->cause,
	    .outside = verdict->outside,
	    .join = verdict->join,
	};
	return 0;
}

/*
 * A class's waits must not claim more than the account has; where they do (a defect, and counted as one), what goes beyond is cut off, so
 * that sums hold.
 */
static uint64_t claim(struct builder *builder, size_t thread, const struct run_wait *wait)
{
	uint64_t *attributed = &builder->attributed[thread][wait->class];
	uint64_t left = builder->run->threads[thread].ns[wait->class] - *attributed;
	uint64_t claimed = wait->total_ns < left ? wait->total_ns : left;

	builder->explanation->checks.surplus_ns += wait->total_ns - claimed;
	*attributed += claimed;
	return claimed;
}

static int add_run_wait(struct builder *builder, const struct run_index *index, const struct run_wait *run_wait)
{
	size_t thread = run_index_find(index, run_wait->thread);
	uint64_t claimed = claim(builder, thread, run_wait);
	struct verdict verdict;
	struct wait *wait;
	int err = rules_apply(builder->rules, run_wait, &verdict);

	if (err)
		return err;
	err = add_wait(builder, thread, &verdict, &wait);
	if (err)
		return err;
	wait->total_ns = claimed;
	wait->max_ns = run_wait->max_ns < claimed ? run_wait->max_ns : claimed;
	wait->count = run_wait->count;
	wait->timed_out = run_wait->timed_out;
	if (run_wait->class == CLASS_POLL && !strncmp(run_wait->syscall, "epoll", 5))
		wait->set_ns = claimed;
	memcpy(wait->log2_ns, run_wait->log2_ns, sizeof(wait->log2_ns));
	if (run_wait->unattributed)
		builder->explanation->checks.unattributed_ns += claimed;
	return 0;
}

/* What a class's account has beyond its waits is shown as a wait without a cause. */
static int add_remainders(struct builder *builder, size_t thread)
{
	const struct run_thread *facts = &builder->run->threads[thread];

	for (uint32_t class = CLASS_CPU + 1; class < CLASS_COUNT; class ++) {
		uint64_t rest = facts->ns[class] - builder->attributed[thread][class];
		struct verdict verdict;
		struct wait *wait;

		if (!rest)
			continue;
		if (rules_unattributed(class, &verdict) || add_wait(builder, thread, &verdict, &wait))
			return -ENOMEM;
		wait->total_ns = wait->max_ns = rest;
		if (class > CLASS_RUNNABLE_LAST)
			builder->explanation->checks.unattributed_ns += rest;
	}
	return 0;
}

static int by_thread_and_cause(const void *a, const void *b)
{
	const struct wait *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->outside != y->outside)
		return x->outside ? -1 : 1;
	return strcmp(x->cause, y->cause);
}

static int by_total(const void *a, const void *b)
{
	const struct wait *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	return by_thread_and_cause(a, b);
}

static void merge_into(struct wait *into, const struct wait *from)
{
	into->count += from->count;
	into->timed_out += from->timed_out;
	into->total_ns += from->total_ns;
	into->set_ns += from->set_ns;
	into->join |= from->join;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (int i = 0; i < WAIT_LOG2_SLOTS; i++)
		into->log2_ns[i] += from->log2_ns[i];
}

static void merge(struct builder *builder)
{
	size_t n = 0;

	if (builder->n)
		qsort(builder->waits, builder->n, sizeof(*builder->waits), by_thread_and_cause);
	for (size_t i = 0; i < builder->n; i++) {
		if (n && !by_thread_and_cause(&builder->waits[n - 1], &builder->waits[i])) {
			merge_into(&builder->waits[n - 1], &builder->waits[i]);
			free(builder->waits[i].cause);
		} else {
			builder->waits[n++] = builder->waits[i];
		}
	}
	builder->n = n;
	if (n)
		qsort(builder->waits, n, sizeof(*builder->waits), by_total);
}

static int build(struct builder *builder)
{
	const struct run *run = builder->run;
	struct run_index *index = NULL;
	int err = run_index_threads(run, &index);

	for (size_t i = 0; !err && i < run->n_waits; i++)
		err = add_run_wait(builder, index, &run->waits[i]);
	for (size_t i = 0; !err && i < run->n_threads; i++)
		err = add_remainders(builder, i);
	run_index_free(index);
	merge(builder);
	return err;
}

static void view_threads(struct explanation *explanation)
{
	const struct run *run = explanation->run;

	for (size_t i = 0; i < run->n_threads; i++) {
		struct thread_view *view = &explanation->threads[i];

		view->thread = &run->threads[i];
		for (uint32_t class = 0; class_on_cpu(class); class ++) {
			view->ns[class_state[class]] += run->threads[i].ns[class];
			view->progress_ns += run->threads[i].ns[class];
		}
	}
	for (size_t i = 0; i < explanation->n_waits; i++) {
		const struct wait *wait = &explanation->waits[i];
		struct thread_view *view = &explanation->threads[wait->thread - run->threads];

		view->ns[wait->state] += wait->total_ns;
		if (wait->outside)
			view->progress_ns += wait->total_ns;
	}
	for (size_t i = 0; i < run->n_threads; i++) {
		struct thread_view *view = &explanation->threads[i];
		uint64_t sum = 0;

		for (int state = 0; state < STATE_COUNT; state++)
			sum += view->ns[state];
		view->residual_ns = (int64_t)(run->threads[i].life_ns - sum);
		explanation->residual_ns += view->residual_ns < 0 ? -view->residual_ns : view->residual_ns;
	}
}

int explain_waits(struct explanation *explanation, const struct explain_options *options)
{
	const struct run *run = explanation->run;
	struct builder builder = {.explanation = explanation, .run = run};
	struct rules *rules;
	int err = rules_open(run, options, &rules);

	if (err)
		return err;
	builder.rules = rules;
	explanation->threads = calloc(run->n_threads + 1, sizeof(*explanation->threads));
	builder.attributed = calloc(run->n_threads + 1, sizeof(*builder.attributed));
	err = explanation->threads && builder.attributed ? build(&builder) : -ENOMEM;
	free(builder.attributed);
	rules_close(rules);
	explanation->waits = builder.waits;
	explanation->n_waits = builder.n;
	if (err)
		return err;
	view_threads(explanation);
	return explain_favourites(explanation);
}
