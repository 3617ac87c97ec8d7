/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the rows of a run to waits with state and name. Rows differ by stack, waker and holder, so that there may be a hundred thousand of
 * them: each step sorts, none looks at pairs.
 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "explain/strings.h"
#include "lib/cleanup.h"
#include "profile/index.h"

struct builder {
	struct explanation *explanation;
	const struct rules *rules;
	const struct run *run;
	const struct run_index *threads;
	uint64_t (*attributed)[CLASS_SLOTS]; /* per thread: what its waits claim */
};

/* Takes over the verdict's cause. There is room: a row for each of the run's, and for each class of each thread. */
static struct wait *add_wait(struct builder *builder, size_t thread, struct verdict *verdict)
{
	struct explanation *explanation = builder->explanation;
	const char *cause = strings_take(&explanation->strings, verdict->cause);
	struct wait *wait = &explanation->waits[explanation->n_waits];

	if (!cause)
		return NULL;
	explanation->n_waits++;
	*wait = (struct wait){
	    .thread = &builder->run->threads[thread],
	    .state = verdict->state,
	    .cause = cause,
	    .outside = verdict->outside,
	    .join = verdict->join,
	};
	return wait;
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

static const struct run_thread *find_thread(const struct builder *builder, uint64_t id)
{
	size_t position = id ? run_index_find(builder->threads, id) : RUN_NOT_FOUND;

	return position == RUN_NOT_FOUND ? NULL : &builder->run->threads[position];
}

static int add_run_wait(struct builder *builder, const struct run_wait *run_wait)
{
	size_t thread = run_index_find(builder->threads, run_wait->thread);
	struct verdict verdict;
	struct wait *wait;
	int err = rules_apply(builder->rules, run_wait, &verdict);

	if (err)
		return err;
	wait = add_wait(builder, thread, &verdict);
	if (!wait)
		return -ENOMEM;
	wait->total_ns = claim(builder, thread, run_wait);
	wait->max_ns = run_wait->max_ns < wait->total_ns ? run_wait->max_ns : wait->total_ns;
	wait->count = run_wait->count;
	wait->timed_out = run_wait->timed_out;
	wait->timed_out_ns = run_wait->count && run_wait->timed_out == run_wait->count ? wait->total_ns : 0;
	if (run_wait->class == CLASS_POLL && !strncmp(run_wait->syscall, "epoll", 5))
		wait->set_ns = wait->total_ns;
	/* As trace/ calls sets of several; one with a single pipe has the pipe's name. */
	wait->mixed = run_wait->class == CLASS_PIPE && !strncmp(run_wait->object, "poll set", strlen("poll set"));
	memcpy(wait->log2_ns, run_wait->log2_ns, sizeof(wait->log2_ns));
	wait->stack = run_wait->stack;
	wait->stack_ns = wait->total_ns;
	if (run_wait->unattributed) {
		builder->explanation->checks.unattributed_ns += wait->total_ns;
		return 0;
	}
	wait->holder = find_thread(builder, run_wait->holder);
	wait->waker = find_thread(builder, run_wait->waker);
	wait->waker_name = wait->waker ? NULL : run_wait->waker_name;
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
		if (rules_unattributed(class, &verdict))
			return -ENOMEM;
		wait = add_wait(builder, thread, &verdict);
		if (!wait)
			return -ENOMEM;
		wait->total_ns = wait->max_ns = rest;
		if (class > CLASS_RUNNABLE_LAST)
			builder->explanation->checks.unattributed_ns += rest;
	}
	return 0;
}

static size_t count_remainders(const struct builder *builder)
{
	size_t n = 0;

	for (size_t i = 0; i < builder->run->n_threads; i++)
		for (uint32_t class = CLASS_CPU + 1; class < CLASS_COUNT; class ++)
			n += builder->run->threads[i].ns[class] != 0;
	return n;
}

static int order(const void *a, const void *b)
{
	return a < b ? -1 : a > b;
}

/* By place in the run's array, NULL first. */
static int by_thread_and_cause(const void *a, const void *b)
{
	const struct wait *x = a, *y = b;

	if (x->thread != y->thread)
		return order(x->thread, y->thread);
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->outside != y->outside)
		return x->outside ? -1 : 1;
	return x->cause == y->cause ? 0 : strcmp(x->cause, y->cause);
}

static int by_everything(const void *a, const void *b)
{
	const struct wait *x = a, *y = b;
	int result = by_thread_and_cause(a, b);

	if (!result)
		result = order(x->holder, y->holder);
	if (!result)
		result = order(x->waker, y->waker);
	if (!result && x->waker_name != y->waker_name)
		result = !x->waker_name ? -1 : !y->waker_name ? 1 : strcmp(x->waker_name, y->waker_name);
	return result;
}

static int by_total(const void *a, const void *b)
{
	const struct wait *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	return by_everything(a, b);
}

static void merge_into(struct wait *into, const struct wait *from)
{
	into->count += from->count;
	into->timed_out += from->timed_out;
	into->timed_out_ns += from->timed_out_ns;
	into->total_ns += from->total_ns;
	into->set_ns += from->set_ns;
	into->join |= from->join;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	if (from->stack_ns > into->stack_ns) {
		into->stack_ns = from->stack_ns;
		into->stack = from->stack;
	}
	for (int i = 0; i < WAIT_LOG2_SLOTS; i++)
		into->log2_ns[i] += from->log2_ns[i];
}

void explain_merge_waits(struct explanation *explanation)
{
	struct wait *waits = explanation->waits;
	size_t merged = 0;

	for (size_t i = 0; i < explanation->n_waits; i++) {
		if (merged && !by_everything(&waits[merged - 1], &waits[i]))
			merge_into(&waits[merged - 1], &waits[i]);
		else
			waits[merged++] = waits[i];
	}
	explanation->n_waits = merged;
	qsort(waits, merged, sizeof(*waits), by_total);
}

/* The same without holders and wakers. */
static int sum_waits(struct explanation *explanation)
{
	size_t n = explanation->n_waits;
	struct wait *sums = calloc(n + 1, sizeof(*sums));

	if (!sums)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct wait wait = explanation->waits[i];

		wait.holder = wait.waker = NULL;
		wait.waker_name = NULL;
		wait.stack = wait.stack_ns = 0;
		/* At once, or as many rows as there are would be copied. */
		if (explanation->n_thread_waits && !by_thread_and_cause(&sums[explanation->n_thread_waits - 1], &wait))
			merge_into(&sums[explanation->n_thread_waits - 1], &wait);
		else
			sums[explanation->n_thread_waits++] = wait;
	}
	explanation->thread_waits = sums;
	qsort(sums, explanation->n_thread_waits, sizeof(*sums), by_total);
	return 0;
}

static int build(struct builder *builder)
{
	struct explanation *explanation = builder->explanation;
	const struct run *run = builder->run;
	int err = 0;

	explanation->waits = calloc(run->n_waits + count_remainders(builder) + 1, sizeof(*explanation->waits));
	if (!explanation->waits)
		return -ENOMEM;
	for (size_t i = 0; !err && i < run->n_waits; i++)
		err = add_run_wait(builder, &run->waits[i]);
	for (size_t i = 0; !err && i < run->n_threads; i++)
		err = add_remainders(builder, i);
	if (err)
		return err;
	qsort(explanation->waits, explanation->n_waits, sizeof(*explanation->waits), by_everything);
	return sum_waits(explanation);
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
	for (size_t i = 0; i < explanation->n_thread_waits; i++) {
		const struct wait *wait = &explanation->thread_waits[i];
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
	_cleanup_free_ uint64_t(*attributed)[CLASS_SLOTS] = calloc(run->n_threads + 1, sizeof(*attributed));
	struct builder builder = {.explanation = explanation, .run = run, .attributed = attributed};
	struct run_index *threads = NULL;
	struct rules *rules;
	int err = rules_open(run, options, &rules);

	if (err)
		return err;
	builder.rules = rules;
	explanation->threads = calloc(run->n_threads + 1, sizeof(*explanation->threads));
	err = explanation->threads && attributed ? run_index_threads(run, &threads) : -ENOMEM;
	builder.threads = threads;
	if (!err)
		err = build(&builder);
	run_index_free(threads);
	rules_close(rules);
	if (err)
		return err;
	view_threads(explanation);
	return explain_favourites(explanation);
}
