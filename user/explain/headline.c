/* SPDX-License-Identifier: Apache-2.0 */
/* The first line about two runs: the true reason in words, from figures alone. */
#include <errno.h>
#include <math.h>

#include "explain/internal.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define NO_DIFFERENCE 0.02 /* runs of the same thing differ by that much */
#define WORTH_SAYING  0.10 /* a factor's effect on the time */
#define WAITS_AT_ALL  0.30 /* mean threads: a wait that belongs into a sentence about several workers */

struct words {
	const struct comparison *comparison;
	const struct explanation *before, *after;
	double progress, overlap; /* logarithms: they add up to that of the speedup */
	struct text headline, reason;
};

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static const struct cause_view *find_cause(const struct explanation *explanation, enum state state, const char *cause,
					   bool outside)
{
	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *view = &explanation->causes[i];

		if (view->state == state && view->outside == outside && !view->joining && !view->idle &&
		    !strcmp(view->cause, cause))
			return view;
	}
	return NULL;
}

static void add_machine(struct text *text, const struct explanation *explanation)
{
	if (explanation->cpus)
		text_add(text, " (%u CPU%s)", explanation->cpus, plural(explanation->cpus));
}

/* "5 workers, but only 0.99 ran at a time: the others waited for the lock "GIL"" */
static void say_serialised(struct words *words)
{
	const struct explanation *after = words->after;
	struct blocker blocker = explain_blocker(after);
	_cleanup_free_ char *what = cause_words(blocker.state, blocker.cause ? blocker.cause : "", blocker.kinds);
	bool cpu = explain_is_mostly_cpu(after);
	double at_once = cpu ? after->running : explain_at_once(after);

	text_add(&words->headline, " %u workers, but only %.2f %s at a time: the others waited for %s", after->workers, at_once,
		 cpu ? "ran" : "made progress", what ? what : "?");
	if (blocker.state == STATE_RUN_QUEUE && after->running < 0.8 * after->cpus)
		text_add(&words->headline, " (there are %u, not all of them for this run)", after->cpus);
	text_add(&words->reason, "%s%.2f at a time: %s", words->reason.length ? "; " : "", at_once,
		 blocker.cause ? TOPIC_LABEL(&blocker) : "?");
}

/* What the workers that did not progress waited for, if it is worth a word. */
static void say_rest(struct words *words, const struct explanation *run, const char *before_it)
{
	struct blocker blocker = explain_blocker(run);
	_cleanup_free_ char *what = NULL;

	if (!blocker.cause || blocker.mean < WAITS_AT_ALL)
		return;
	what = cause_words(blocker.state, blocker.cause, blocker.kinds);
	text_add(&words->headline, "%s waited for %s", before_it, what ? what : "?");
}

/* The inside wait whose mean changed most from `from` to `to`, downwards in `from`'s favour. */
static const struct cause_view *most_changed(const struct explanation *from, const struct explanation *to, double *other)
{
	const struct cause_view *best = NULL;
	double change = 0;

	/* The largest comes first, and no change is larger than that. */
	for (size_t i = 0; i < from->n_topics && from->topics[i].mean >= WAITS_AT_ALL; i++) {
		const struct cause_view *cause = &from->topics[i];
		double mean;

		if (cause->outside || cause->join)
			continue;
		mean = explain_topic_mean(to, from, cause);
		if (cause->mean - mean > change) {
			change = cause->mean - mean;
			best = cause;
			*other = mean;
		}
	}
	return change >= WAITS_AT_ALL ? best : NULL;
}

static void say_more_running(struct words *words)
{
	const struct explanation *before = words->before, *after = words->after;

	if (after->workers > 1)
		text_add(&words->headline, " %u workers, ", after->workers);
	else
		text_add(&words->headline, " ");
	text_add(&words->headline, "%.2f ran at a time", after->running);
	text_add(&words->reason, "%.2f ran at a time", after->running);
	add_machine(&words->headline, after);
	if (before->workers > 1 || before->running < 0.9)
		text_add(&words->headline, " instead of %.2f", before->running);
	if (before->workers > 1) {
		double now = 0;
		const struct cause_view *cause = most_changed(before, after, &now);
		_cleanup_free_ char *what = cause ? cause_words(cause->state, cause->cause, cause->kinds) : NULL;

		if (what)
			text_add(&words->headline, ": %.2f waited for %s, now %.2f", cause->mean, what, now);
	}
	say_rest(words, after, "; the rest");
}

static void say_more_waits_at_once(struct words *words)
{
	const struct cause_view *cause = explain_outside(words->after);
	double before = explain_topic_mean(words->before, words->after, cause);

	text_add(&words->headline, " %u worker%s: %.1f waits (%s) overlapped at a time instead of %.2f", words->after->workers,
		 plural(words->after->workers), cause->mean, TOPIC_LABEL(cause), before);
	text_add(&words->reason, "%.1f %s waits at a time", cause->mean, state_info[cause->state].name);
	say_rest(words, words->after, "; others");
}

static void say_less_at_once(struct words *words)
{
	const struct explanation *before = words->before, *after = words->after;
	bool cpu = explain_is_mostly_cpu(after);
	double then = 0;
	const struct cause_view *cause = most_changed(after, before, &then);
	_cleanup_free_ char *what = cause ? cause_words(cause->state, cause->cause, cause->kinds) : NULL;

	text_add(&words->headline, " Only %.2f %s at a time instead of %.2f", cpu ? after->running : explain_at_once(after),
		 cpu ? "ran" : "made progress", cpu ? before->running : explain_at_once(before));
	text_add(&words->reason, "only %.2f at a time", cpu ? after->running : explain_at_once(after));
	if (what) {
		text_add(&words->headline, ": %.2f waited for %s (before: %.2f)", cause->mean, what, then);
		text_add(&words->reason, ": %s", what);
	}
}

/* The part of the progress that changed most in the given direction. CPU time counts as one. */
struct change {
	const struct difference *item; /* NULL: CPU time */
	uint64_t before_ns, after_ns;
};

static double change_of(const struct change *change, int direction)
{
	return direction * ((double)change->after_ns - (double)change->before_ns);
}

static struct change main_change(const struct words *words, int direction)
{
	struct change best = {NULL, words->before->cpu_ns, words->after->cpu_ns};

	for (size_t i = 0; i < words->comparison->n_items; i++) {
		const struct difference *item = &words->comparison->items[i];
		struct change change = {item, item->before_ns, item->after_ns};

		if (item->progress && state_info[item->state].group != STATE_GROUP_CPU &&
		    change_of(&change, direction) > change_of(&best, direction))
			best = change;
	}
	return best;
}

/* True when these waits were now waited for together, through one poll set, by one thread. */
static bool became_a_set(const struct words *words, const struct difference *item)
{
	const struct cause_view *now = find_cause(words->after, item->state, item->cause, true);
	const struct cause_view *then = find_cause(words->before, item->state, item->cause, true);

	return now && words->after->workers == 1 && 2 * now->set_ns > now->total_ns &&
	       (!then || 2 * then->set_ns <= then->total_ns);
}

#define duration(ns) ((ns) ? FIGURE_NS(ns) : "0")

/* "waiting (sleep) fell from 2.00 s to 0"; `first`: it begins a sentence. */
static void say_change(struct words *words, int direction, bool first)
{
	struct change change = main_change(words, direction);
	const char *verb = direction < 0 ? "fell" : "rose";
	const char *label = change.item ? CAUSE_LABEL(change.item->state, change.item->cause) : "CPU time";
	bool set = direction < 0 && change.item && became_a_set(words, change.item);

	if (change_of(&change, direction) <= 0)
		return;
	if (set && first)
		text_add(&words->headline, " One thread waited for its sockets together, in one poll set:");
	else if (set)
		text_add(&words->headline, ", one thread waited for its sockets together:");
	if (change.item)
		text_add(&words->headline, " %saiting (%s) %s from %s to %s", first && !set ? "W" : "w", label, verb,
			 duration(change.before_ns), duration(change.after_ns));
	else
		text_add(&words->headline, " CPU time %s from %s to %s", verb, duration(change.before_ns),
			 duration(change.after_ns));
	if (set && first)
		text_add(&words->reason, "one poll set for all sockets");
	else if (first)
		text_add(&words->reason, "%s%s %s", change.item ? "waiting: " : "", label, verb);
}

static void say_overlap(struct words *words)
{
	if (words->overlap < 0)
		say_less_at_once(words);
	else if (explain_is_mostly_cpu(words->after) || !explain_outside(words->after))
		say_more_running(words);
	else
		say_more_waits_at_once(words);
}

static void say_connects(struct words *words)
{
	uint64_t before = words->before->connects, after = words->after->connects;

	if ((before >= 10 && after <= 0.7 * before) || (after >= 10 && before <= 0.7 * after && before))
		text_add(&words->headline, "; %s connects became %s", FIGURE_COUNT(before), FIGURE_COUNT(after));
}

/* The factor that matters most, and the other one where it matters too. */
static void say_reason(struct words *words)
{
	bool progress_first = fabs(words->progress) > fabs(words->overlap);
	double other = progress_first ? words->overlap : words->progress;
	double first = progress_first ? words->progress : words->overlap;

	if (explain_is_serialised(words->after) && words->overlap < log(1.3)) {
		/* It explains why it is not faster; when it is faster all the same, that has another reason. */
		if (words->progress > WORTH_SAYING) {
			say_change(words, -1, true);
			text_add(&words->headline, ";");
		}
		say_serialised(words);
		progress_first = false;
		other = words->progress < 0 ? words->progress : 0;
		first = words->overlap;
	} else if (fabs(first) < NO_DIFFERENCE) {
		return;
	} else if (progress_first) {
		say_change(words, words->progress > 0 ? -1 : 1, true);
	} else {
		say_overlap(words);
	}
	if (fabs(other) >= WORTH_SAYING && fabs(other) >= 0.1 * fabs(first)) {
		/* What works against the outcome is said as such. */
		text_add(&words->headline, (other > 0) == (words->comparison->speedup > 1) ? "; also" : ", though");
		if (!progress_first)
			say_change(words, other > 0 ? -1 : 1, false);
		else
			text_add(&words->headline, " %.2f made progress at a time instead of %.2f", words->after->overlap,
				 words->before->overlap);
	}
	say_connects(words);
	text_add(&words->headline, ".");
}

static void say_verdict(struct words *words)
{
	const char *before = words->before->run->name, *after = words->after->run->name;
	double speedup = words->comparison->speedup;
	bool same = !strcmp(before, after);

	text_add(&words->headline, "%s: ", after);
	if (fabs(speedup - 1) < NO_DIFFERENCE)
		text_add(&words->headline, "no difference from %s (%.2fx).", same ? "the run before" : before, speedup);
	else
		text_add(&words->headline, "%sx of %s.", FIGURE_RATIO(speedup), same ? "the run before" : before);
}

/* Only what went the same way as the CPU time can be behind it. */
static void say_amount(struct text *text, const char *what, int direction, uint64_t before, uint64_t after)
{
	double change = direction * ((double)after - (double)before);

	if (change >= 100 && 5 * change >= (direction > 0 ? after : before))
		text_add(text, ", %s %s %s", FIGURE_COUNT(change), direction > 0 ? "more" : "fewer", what);
}

static void say_lock_waits(struct text *text, const struct words *words)
{
	for (size_t i = 0; i < words->after->n_causes; i++) {
		const struct cause_view *cause = &words->after->causes[i];
		const struct cause_view *then = find_cause(words->before, cause->state, cause->cause, cause->outside);

		if (cause->state != STATE_LOCK)
			continue;
		if (cause->count >= 100 && (!then || cause->count > 2 * then->count))
			text_add(text, ", %s waits for the lock \"%s\"", FIGURE_COUNT(cause->count), cause->cause);
		return;
	}
}

/* "0.22 s more CPU: 0.19 s of it in the kernel, 5,204 waits for the lock "GIL"" */
static void say_cpu(struct text *text, const struct words *words, const struct change *cpu, int direction)
{
	const struct explanation *before = words->before, *after = words->after;
	double kernel = direction * ((double)after->ns[STATE_KERNEL] - (double)before->ns[STATE_KERNEL]);
	double change = change_of(cpu, direction);
	struct text because = {0};

	text_add(text, "%s %s CPU", FIGURE_NS(change), direction > 0 ? "more" : "less");
	if (kernel >= 0.95 * change)
		text_add(&because, ", all of it in the kernel");
	else if (kernel >= 0.1 * change)
		text_add(&because, ", %s of it in the kernel", FIGURE_NS(kernel));
	if (direction > 0)
		say_lock_waits(&because, words);
	if (kernel >= 0.1 * change)
		say_amount(&because, "syscalls", direction, before->syscalls, after->syscalls);
	say_amount(&because, "context switches", direction, before->switches, after->switches);
	say_amount(&because, "connects", direction, before->connects, after->connects);
	say_amount(&because, "page faults", direction, before->faults, after->faults);
	if (because.length)
		text_add(text, ": %s", because.bytes + 2);
	text->failed |= because.failed;
	text_free(&because);
}

/* CPU time and the wait that changed most, as far as they are worth a word; the larger one first. */
static char *progress_reason(const struct words *words)
{
	int cpu_direction = words->after->cpu_ns > words->before->cpu_ns ? 1 : -1, wait_direction = words->progress > 0 ? -1 : 1;
	struct change cpu = {NULL, words->before->cpu_ns, words->after->cpu_ns}, wait = main_change(words, wait_direction);
	double least = 0.01 * words->before->progress_ns, cpu_change = change_of(&cpu, cpu_direction);
	double wait_change = wait.item ? change_of(&wait, wait_direction) : 0;
	struct text text = {0};

	for (int i = 0; i < 2; i++) {
		bool is_cpu = (cpu_change >= wait_change) == !i;

		if ((is_cpu ? cpu_change : wait_change) <= least)
			continue;
		if (text.length)
			text_add(&text, "; ");
		if (is_cpu)
			say_cpu(&text, words, &cpu, cpu_direction);
		else
			text_add(&text, "%s %s waiting (%s)", FIGURE_NS(wait_change), wait_direction < 0 ? "less" : "more",
				 CAUSE_LABEL(wait.item->state, wait.item->cause));
	}
	return text_take(&text);
}

int explain_difference_words(struct comparison *comparison)
{
	struct words words = {
	    .comparison = comparison,
	    .before = comparison->before,
	    .after = comparison->after,
	    .progress = log(comparison->progress_ratio),
	    .overlap = log(comparison->overlap_ratio),
	};

	if (comparison->refused) {
		text_add(&words.headline, "%s: not compared with %s, as %s.", words.after->run->name, words.before->run->name,
			 comparison->refused);
		text_add(&words.reason, "not compared: %s", comparison->refused);
	} else {
		say_verdict(&words);
		comparison->reason_at = words.headline.length;
		say_reason(&words);
	}
	if (!words.reason.length)
		text_add(&words.reason, "no difference");
	comparison->headline = text_take(&words.headline);
	comparison->reason = text_take(&words.reason);
	comparison->progress_reason = progress_reason(&words);
	comparison->overlap_reason =
	    text_format("%.2f made progress at a time instead of %.2f", words.after->overlap, words.before->overlap);
	return comparison->headline && comparison->reason && comparison->progress_reason && comparison->overlap_reason ? 0
														       : -ENOMEM;
}
