/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "explain/predict_internal.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/index.h"

#define CPUS_FULL     0.85 /* of them in use on average */
#define ONE_THREAD    0.85 /* of the wall time: that thread is the limit */
#define WAITS_LEAST   0.5  /* threads at a time */
#define MISSING_TOLD  0.01 /* of T */
#define LOST_TOLD     0.02 /* of the CPUs' time */
#define DEALT_DIFFERS 0.05

/* The kind of waits that is changed; NULL: there are several. */
static const struct kind *chosen_kind(const struct telling *telling)
{
	const struct kind *kind = NULL;

	for (size_t i = 0; i < telling->fates->n; i++) {
		if (!telling->fates->changed[i] || kind == &telling->kinds->items[telling->kinds->of[i]])
			continue;
		if (kind)
			return NULL;
		kind = &telling->kinds->items[telling->kinds->of[i]];
	}
	return kind;
}

static char *change_words(const struct telling *telling)
{
	const struct predict_change *change = telling->change;
	const struct kind *kind = chosen_kind(telling);
	const char *name = kind ? kind->cause : change->cause;
	const char *label = kind ? CAUSE_LABEL(kind->state, kind->cause) : change->cause;

	switch (change->kind) {
	case PREDICT_WITHOUT_LOCK:
		return text_format("without the lock \"%s\"", name);
	case PREDICT_CPUS:
		return text_format("with %u CPU%s", change->number, change->number == 1 ? "" : "s");
	case PREDICT_THREADS:
		return text_format("with %u worker%s", change->number, change->number == 1 ? "" : "s");
	default:
		if (change->factor > 0)
			return text_format("with waits for %s taking %s of their time", label, FIGURE_RATIO(change->factor));
		return text_format("without waits for %s", label);
	}
}

/* A sentence more; NULL, for one that memory was short for, is an error. */
static int assume(struct prediction *prediction, char *sentence)
{
	size_t n = 0;

	while (prediction->assumptions[n])
		n++;
	if (!sentence)
		return -ENOMEM;
	if (n == PREDICT_ASSUMPTIONS)
		free(sentence);
	else
		prediction->assumptions[n] = sentence;
	return 0;
}

static char *cpus_words(const struct telling *telling, const struct prediction *prediction)
{
	if (telling->change->kind == PREDICT_CPUS)
		return text_format("Each burst takes as long as it did, on any number of CPUs; the run %s %u.",
				   telling->capacity->confined ? "seems confined to" : "was measured on", prediction->cpus_seen);
	if (telling->capacity->confined)
		return text_format(
		    "The run seems confined to %u CPU%s: more of its threads never ran at a time, though they could have.",
		    prediction->cpus, prediction->cpus == 1 ? "" : "s");
	return text_format("%u CPU%s, shared fairly; from a wake-up to a free CPU it takes %s.", prediction->cpus,
			   prediction->cpus == 1 ? "" : "s", FIGURE_NS(telling->capacity->latency_ns));
}

static char *others_words(const struct telling *telling)
{
	if (telling->change->kind == PREDICT_CPUS)
		return text_format("Others used %s of CPU time while this run wanted it; on these CPUs they use %.0f%% of that.",
				   FIGURE_NS(telling->capacity->all_lost_ns), 100 * telling->capacity->lost_part);
	return text_format("Others use %s of CPU time again while this run wants it.", FIGURE_NS(telling->program->lost_ns));
}

static bool has_other_locks(const struct telling *telling)
{
	for (size_t i = 0; i < telling->fates->n; i++) {
		uint32_t kind = telling->kinds->of[i];

		if (kind != UINT32_MAX && telling->kinds->items[kind].inner_lock && telling->kinds->items[kind].total_ns &&
		    !telling->fates->changed[i])
			return true;
	}
	return false;
}

static int tell_pool(const struct telling *telling, struct prediction *prediction)
{
	const struct pool_found *pool = telling->pool;
	double off = telling->dealt_ns ? (double)telling->dealt_ns / prediction->replayed_ns - 1 : 0;
	int err;

	err = assume(prediction,
		     text_format("Work is interchangeable among the workers %s (%u at a time): it is cut at their waits for %s "
				 "(%s items), and whoever is free takes the next.",
				 pool->name, pool->number, CAUSE_LABEL(pool->state, pool->cut), FIGURE_COUNT(pool->items)));
	if (!err && fabs(off) > DEALT_DIFFERS)
		err = assume(prediction, text_format("Dealt so to the %u that there were, it takes %s: %+.0f%%.", pool->number,
						     FIGURE_NS(telling->dealt_ns), 100 * off));
	return err;
}

static int tell_assumptions(const struct telling *telling, struct prediction *prediction)
{
	enum predict_kind kind = telling->change->kind;
	int64_t missing_ns = telling->explanation->timeline->missing_ns;
	int err;

	err = assume(prediction,
		     strdup("Each thread uses as much CPU time as it did, and waits for what lies outside the run for as long "
			    "as it did."));
	if (!err && kind == PREDICT_WITHOUT_LOCK)
		err =
		    assume(prediction, strdup("What the lock guards comes to no harm, and the CPU time of taking turns stays."));
	if (!err && telling->pool)
		err = tell_pool(telling, prediction);
	if (!err)
		err = assume(prediction, cpus_words(telling, prediction));
	if (!err && telling->capacity->all_lost_ns >= LOST_TOLD * prediction->measured_ns * prediction->cpus_seen)
		err = assume(prediction, others_words(telling));
	if (!err && has_other_locks(telling))
		err = assume(prediction,
			     strdup(telling->mode == LOCKS_EXCLUDE
					? "Locks: first come, first served; how long they are held is inferred from their waits."
					: "Locks are handed from thread to thread in the recorded order."));
	if (!err && prediction->forced)
		err = assume(prediction, text_format("%s wait%s that nothing in the replay would have ended %s cut short.",
						     FIGURE_COUNT(prediction->forced), prediction->forced == 1 ? "" : "s",
						     prediction->forced == 1 ? "was" : "were"));
	if (!err && missing_ns > MISSING_TOLD * prediction->measured_ns)
		err = assume(prediction,
			     text_format("The timeline lacks %s of waits, which count as CPU time here.", FIGURE_NS(missing_ns)));
	return err;
}

/* Waits of threads that have a part in the work. */
static const struct kind *most_waits(const struct telling *telling, double *mean)
{
	const struct timeline *timeline = telling->explanation->timeline;
	_cleanup_free_ uint64_t *sums = calloc(telling->kinds->n + 1, sizeof(*sums));
	struct run_index *index = NULL;
	size_t most = 0;

	if (run_index_threads(timeline->run, &index))
		return NULL;
	for (size_t i = 0; sums && i < telling->result->n_causes; i++) {
		const struct run_wait *wait = timeline->causes[i].wait;
		uint32_t kind = telling->kinds->of[i];

		size_t thread = wait ? run_index_find(index, wait->thread) : RUN_NOT_FOUND;

		if (kind == UINT32_MAX || timeline->causes[i].join ||
		    (thread != RUN_NOT_FOUND && telling->explanation->threads[thread].idle))
			continue;
		sums[kind] += telling->result->wait_ns[i];
	}
	run_index_free(index);
	for (size_t i = 0; sums && i < telling->kinds->n; i++)
		if (sums[i] > sums[most])
			most = i;
	if (!sums || !telling->kinds->n || !sums[most] || !telling->result->end_ns)
		return NULL;
	*mean = (double)sums[most] / telling->result->end_ns;
	return &telling->kinds->items[most];
}

static const struct run_thread *busiest(const struct telling *telling, uint64_t *cpu_ns)
{
	const struct run *run = telling->explanation->run;
	size_t most = 0;

	for (size_t i = 0; i < run->n_threads; i++)
		if (telling->program->threads[i].piece.to_ns > telling->program->threads[most].piece.to_ns)
			most = i;
	*cpu_ns = run->n_threads ? telling->program->threads[most].piece.to_ns : 0;
	return run->n_threads ? &run->threads[most] : NULL;
}

static char *limit_words(const struct telling *telling, const struct prediction *prediction)
{
	uint64_t cpu_ns;
	double mean = 0, queue = (double)telling->result->queue_ns / (telling->result->end_ns ? telling->result->end_ns : 1);
	const struct run_thread *thread = busiest(telling, &cpu_ns);
	const struct kind *kind = most_waits(telling, &mean);

	if (prediction->in_use >= CPUS_FULL * prediction->cpus && queue >= WAITS_LEAST)
		return text_format("Then %s the limit: %.2f threads would run at a time%s, and %.2f wait for one.",
				   prediction->cpus == 1 ? "the CPU is" : "the CPUs are", prediction->running,
				   prediction->running < CPUS_FULL * prediction->cpus ? " beside what others use" : "", queue);
	if (thread && cpu_ns >= ONE_THREAD * prediction->predicted_ns)
		return text_format("Then one thread is the limit: %s uses %s of CPU.", THREAD_LABEL(thread), FIGURE_NS(cpu_ns));
	if (kind && mean >= WAITS_LEAST)
		return text_format("Then %.2f threads would run at a time, and %.2f wait for %s.", prediction->running, mean,
				   CAUSE_LABEL(kind->state, kind->cause));
	return text_format("Then %.2f threads would run at a time, on %u CPU%s.", prediction->running, prediction->cpus,
			   prediction->cpus == 1 ? "" : "s");
}

static char *headline_words(const struct prediction *prediction)
{
	char *text = text_format("%s, this run would take about %s instead of %s (%sx).", prediction->change,
				 FIGURE_NS(prediction->predicted_ns), FIGURE_NS(prediction->measured_ns),
				 FIGURE_RATIO(prediction->speedup));

	if (text)
		text[0] = toupper((unsigned char)text[0]);
	return text;
}

static char *calibration_words(const struct prediction *prediction)
{
	return text_format("Replay without a change: %s, measured %s (%+.1f%%).%s", FIGURE_NS(prediction->replayed_ns),
			   FIGURE_NS(prediction->measured_ns), 100 * prediction->replay_error,
			   prediction->doubtful ? " That is too far off for the prediction to be relied on." : "");
}

int predict_tell(const struct telling *telling, struct prediction *prediction)
{
	prediction->change = change_words(telling);
	if (!prediction->change)
		return -ENOMEM;
	if (prediction->refused)
		return 0;
	prediction->headline = headline_words(prediction);
	prediction->calibration = calibration_words(prediction);
	prediction->limit = limit_words(telling, prediction);
	return prediction->headline && prediction->calibration && prediction->limit ? tell_assumptions(telling, prediction)
										    : -ENOMEM;
}
