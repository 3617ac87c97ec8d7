/* SPDX-License-Identifier: Apache-2.0 */
/* The first line about one run: how long, how many at once, and what it comes down to. */
#include <errno.h>

#include "explain/internal.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define MEAN_WORTH_SAYING  0.1
#define QUEUE_WORTH_SAYING 0.5

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "nginx[812]"; the name of a run that was attached to may have it already. */
static void add_name(struct text *text, const struct run *run)
{
	text_add(text, "%s", run->name);
	if (run->attached && run->n_processes && !strchr(run->name, '['))
		text_add(text, "[%u]", run->processes[0].pid);
}

static void add_begin(struct text *text, const struct explanation *explanation)
{
	const struct run *run = explanation->run;

	if (run->attached) {
		text_add(text, "observed %s of ", FIGURE_NS(explanation->wall_ns));
		add_name(text, run);
		text_add(text, ": ");
	} else {
		add_name(text, run);
		if (run->failure)
			text_add(text, " FAILED (%s)", run->failure);
		if (run->interrupted)
			text_add(text, " (interrupted)");
		text_add(text, ": %s, ", FIGURE_NS(explanation->wall_ns));
	}
	if (run->n_processes > 1 && run->n_threads > run->n_processes)
		text_add(text, "%s processes with %s threads; ", FIGURE_COUNT(run->n_processes), FIGURE_COUNT(run->n_threads));
	else if (run->n_processes > 1)
		text_add(text, "%s processes; ", FIGURE_COUNT(run->n_processes));
	else if (run->n_threads > 1)
		text_add(text, "%s threads; ", FIGURE_COUNT(run->n_threads));
	text_add(text, "%.2f ran at a time", explanation->running);
	if (explanation->cpus)
		text_add(text, " (%u CPU%s)", explanation->cpus, plural(explanation->cpus));
}

/* Where work would come from: what is waited for outside, the most first. */
static void add_work_sources(struct text *text, const struct explanation *explanation)
{
	size_t told = 0;

	for (size_t i = 0; i < explanation->n_causes && told < 2; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (cause->idle && cause->outside && cause->state != STATE_OTHER && cause->mean >= MEAN_WORTH_SAYING)
			text_add(text, "%s%s", told++ ? ", " : " (", CAUSE_LABEL(cause->state, cause->cause));
	}
	text_add(text, "%s", told ? ")" : "");
}

static void add_one_worker(struct text *text, const struct explanation *explanation)
{
	const struct thread_view *view = explanation->one_worker;
	uint64_t ns = view->ns[STATE_USER] + view->ns[STATE_KERNEL] + view->ns[STATE_CPU];

	text_add(text, ": one thread did the work, %s (%.0f%% of the CPU time), while the others waited",
		 THREAD_LABEL(view->thread), 100.0 * ns / explanation->cpu_ns);
}

/* Beside a wait that many share, what keeps those that could go on from it. */
static void add_run_queue(struct text *text, const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_topics; i++)
		if (explanation->topics[i].state == STATE_RUN_QUEUE && explanation->topics[i].mean >= QUEUE_WORTH_SAYING)
			text_add(text, ", %.2f for a CPU", explanation->topics[i].mean);
}

static void add_waits(struct text *text, const struct explanation *explanation)
{
	const struct cause_view *outside = explain_outside(explanation);
	struct blocker blocker = explain_blocker(explanation);
	_cleanup_free_ char *what = NULL;

	if (outside && outside->mean >= MEAN_WORTH_SAYING && outside->kinds > 1) {
		_cleanup_free_ char *several = cause_words(outside->state, outside->cause, outside->kinds);

		text_add(text, ", %.2f waited for %s%s", outside->mean, several ? several : "?",
			 explain_is_mostly_timeouts(outside) ? ", mostly until a timeout" : "");
	} else if (outside && outside->mean >= MEAN_WORTH_SAYING) {
		text_add(text, ", %.2f waited%s (%s)", outside->mean,
			 explain_is_mostly_timeouts(outside) ? ", mostly until a timeout" : "", TOPIC_LABEL(outside));
	}
	if (!blocker.cause || blocker.mean < MEAN_WORTH_SAYING)
		return;
	what = cause_words(blocker.state, blocker.cause, blocker.kinds);
	text_add(text, ", %.2f waited for %s", blocker.mean, what ? what : "?");
	if (blocker.state == STATE_LOCK && 2 * blocker.holder.ns >= blocker.total_ns)
		text_add(text, " (held by %s)", PARTY_LABEL(&blocker.holder));
	if (blocker.state != STATE_RUN_QUEUE)
		add_run_queue(text, explanation);
}

int explain_headline(struct explanation *explanation)
{
	double for_work = (double)explanation->for_work_ns / explanation->wall_ns;
	struct text text = {0};

	add_begin(&text, explanation);
	if (explanation->waits_for_work) {
		text_add(&text, ": nothing is wrong, its threads wait for work");
		add_work_sources(&text, explanation);
	} else if (explanation->stuck) {
		text_add(&text, ": nothing moves, its threads wait for each other");
		add_waits(&text, explanation);
	} else if (explanation->one_worker) {
		add_one_worker(&text, explanation);
	} else {
		add_waits(&text, explanation);
		if (for_work >= MEAN_WORTH_SAYING)
			text_add(&text, ", %.2f waited for work", for_work);
	}
	text_add(&text, ".");
	explanation->headline = text_take(&text);
	return explanation->headline ? 0 : -ENOMEM;
}
