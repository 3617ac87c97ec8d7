/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE table of findings: what stands out in a run, each with its evidence, its seconds and the experiment that would confirm it.
 *
 * To add one: write a function that looks at an explanation and, when there is something to say, fills the finding and returns
 * true; give it a line in `rules`, with a name that stays. Idle threads are no finding.
 */
#include <errno.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define STOLEN_SHARE  0.1 /* of the machine's CPU time */
#define MEAN_THREADS  0.5 /* waits below that leave little to gain */
#define READY_AT_ONCE 1.5 /* on a CPU or waiting for one: more than threads that take turns ever are, but for those just woken */

/* What takes less is noise: a start and an end have their own shape. */
#define RUN_LEAST_NS  20000000
#define SHARE_LEAST   0.01 /* of T */
#define SECONDS_LEAST 0.001

static const struct cause_view *main_topic(const struct explanation *run, enum state state, bool outside)
{
	for (size_t i = 0; i < run->n_topics; i++)
		if (run->topics[i].state == state && run->topics[i].outside == outside && !run->topics[i].join)
			return &run->topics[i];
	return NULL;
}

static bool find_losses(const struct explanation *run, struct finding *ret)
{
	struct text text = {0};

	if (!run->checks.losses && !run->checks.undelivered_threads && !run->checks.surplus_ns && !run->residual_ns)
		return false;
	text_add(&text, "This account has gaps:");
	for (size_t i = 0, told = 0; i < run->run->n_losses; i++)
		if (!loss_is_repaired(run->run->losses[i].name))
			text_add(&text, "%s %s %.0f", told++ ? "," : "", run->run->losses[i].name, run->run->losses[i].value);
	if (run->checks.undelivered_threads)
		text_add(&text, " %s threads are shown only in their process's sums",
			 FIGURE_COUNT(run->checks.undelivered_threads));
	if (run->residual_ns)
		text_add(&text, " states miss threads' lives by %s", FIGURE_NS(run->residual_ns));
	if (run->checks.surplus_ns)
		text_add(&text, " waits exceed the account by %s", FIGURE_NS(run->checks.surplus_ns));
	text_add(&text, ".");
	ret->state = STATE_OTHER;
	ret->seconds = (run->residual_ns + run->checks.surplus_ns) / 1e9;
	ret->sentence = text_take(&text);
	ret->try_next = strdup("Run it again; if the gaps stay, what they name is the limit that was met.");
	return true;
}

/* "the lock "GIL" lets one thread run at a time", "3 different locks hold threads up" */
static char *lock_words(const struct explanation *run, const struct cause_view *lock)
{
	bool one = explain_is_serialised(run);

	if (lock->kinds > 1)
		return text_format("%s different locks %s", FIGURE_COUNT(lock->kinds),
				   one ? "let one thread run at a time" : "hold threads up");
	return text_format("The lock \"%s\" %s", lock->cause, one ? "lets one thread run at a time" : "holds threads up");
}

static bool find_lock(const struct explanation *run, struct finding *ret)
{
	const struct cause_view *lock = main_topic(run, STATE_LOCK, false);
	_cleanup_free_ char *what = NULL;
	struct text text = {0};

	if (!lock || lock->mean < MEAN_THREADS)
		return false;
	what = lock_words(run, lock);
	ret->state = STATE_LOCK;
	ret->cause = strdup(lock->cause);
	ret->seconds = lock->total_ns / 1e9;
	text_add(&text, "%s: %.2f threads waited for %s at a time, %s in all (%s waits, the longest %s), while %.2f ran",
		 what ? what : "?", lock->mean, lock->kinds > 1 ? "one of them" : "it", FIGURE_NS(lock->total_ns),
		 FIGURE_COUNT(lock->count), FIGURE_NS(lock->max_ns), run->running);
	if (explain_part_counts(lock->holder.ns, lock->total_ns))
		text_add(&text, "; %s held it when waits of %.0f%% of that time began%s", PARTY_LABEL(&lock->holder),
			 100.0 * lock->holder.ns / lock->total_ns, lock->holder.count > 1 ? ", more than any other thread" : "");
	text_add(&text, ".");
	ret->sentence = text_take(&text);
	if (rules_is_interpreter_lock(lock->cause))
		ret->try_next =
		    strdup("Run the same work in processes, which do not share this lock: more than one should run at a time.");
	else if (lock->kinds > 1)
		ret->try_next = strdup("Look at what is done under locks: with less of it, these waits should shrink first.");
	else
		ret->try_next = strdup(
		    "Give each thread a part of what the lock guards, or shorten what is done under it: these waits should "
		    "shrink first.");
	return true;
}

/* Nobody told us that it is a lock, but it acts like one. */
static bool find_turns(const struct explanation *run, struct finding *ret)
{
	struct blocker blocker = explain_blocker(run);
	_cleanup_free_ char *what = NULL;

	if (!explain_is_serialised(run) || blocker.state != STATE_SYNC)
		return false;
	/* Who takes turns is not ready to run beside another: the CPUs were too few, and the rest waited for those without one. */
	if (run->running + run->budget[STATE_RUN_QUEUE] >= READY_AT_ONCE)
		return false;
	what = cause_words(blocker.state, blocker.cause, blocker.kinds);
	ret->state = STATE_SYNC;
	ret->cause = strdup(blocker.cause);
	ret->seconds = blocker.total_ns / 1e9;
	ret->sentence = text_format("Threads take turns: %.2f at a time waited for %s, %s in all, while %.2f ran.", blocker.mean,
				    what ? what : "?", FIGURE_NS(blocker.total_ns), run->running);
	/* The name of a data symbol has no blanks. */
	if (!blocker.cause[0] || strchr(blocker.cause, ' '))
		ret->try_next = strdup("See who wakes them, and what that thread does first.");
	else
		ret->try_next = text_format("If this is a lock, say so: --lock %s.", blocker.cause);
	return true;
}

static bool find_run_queue(const struct explanation *run, struct finding *ret)
{
	double mean = run->budget[STATE_RUN_QUEUE];
	bool full = run->cpus && run->running >= 0.8 * run->cpus;

	if (mean < MEAN_THREADS)
		return false;
	ret->state = STATE_RUN_QUEUE;
	ret->cause = strdup("");
	ret->seconds = run->ns[STATE_RUN_QUEUE] / 1e9;
	if (full || !run->cpus) {
		ret->sentence =
		    text_format("More threads could run than there are CPUs: %.2f waited for one at a time, while %.2f ran.",
				mean, run->running);
		ret->try_next = full ? text_format("Use %u workers: the run should not take longer.", run->cpus)
				     : strdup("Use fewer workers: the run should not take longer.");
	} else if (run->run->stolen_ns >= STOLEN_SHARE * run->wall_ns * run->cpus) {
		ret->sentence =
		    text_format("%.2f threads waited for a CPU at a time, though this run used only %.2f of %u: the hypervisor "
				"gave %s of CPU time to others meanwhile.",
				mean, run->running, run->cpus, FIGURE_NS(run->run->stolen_ns));
		ret->try_next = strdup("Run it where the machine's CPUs are its own: this is no figure of the program.");
	} else {
		ret->sentence =
		    text_format("%.2f threads waited for a CPU at a time, though this run used only %.2f of %u: something else "
				"ran there, or the run may not use them all.",
				mean, run->running, run->cpus);
		ret->try_next = strdup("Look at the load of the machine, the CPU affinity and the cgroup's CPU limit.");
	}
	return true;
}

static bool find_outside(const struct explanation *run, enum state state, struct finding *ret)
{
	const struct cause_view *cause = main_topic(run, state, true);
	_cleanup_free_ char *what = NULL;

	/* A wait that is there all the time but does not compare with the work is a server at rest. */
	if (!cause || 2 * cause->total_ns < run->progress_ns - run->idle_progress_ns ||
	    10 * run->cpu_ns < cause->total_ns / run->workers)
		return false;
	what = cause_words(cause->state, cause->cause, cause->kinds);
	ret->state = state;
	ret->cause = strdup(cause->cause);
	ret->seconds = cause->total_ns / 1e9;
	ret->sentence = text_format("This run is mostly waiting for %s%s: %s in %s waits, %.2f at a time, beside %s of CPU.",
				    what ? what : "?", explain_is_mostly_timeouts(cause) ? ", until a timeout" : "",
				    FIGURE_NS(cause->total_ns), FIGURE_COUNT(cause->count), cause->mean, FIGURE_NS(run->cpu_ns));
	return true;
}

/* Who waits for clients gives answers, and asks for none: that they come slowly is no figure of the run. As trace/ names such sockets. */
static bool is_for_clients(const struct cause_view *cause)
{
	return cause && (strstr(cause->cause, "connections to ") || strstr(cause->cause, "clients of ") ||
			 !strncmp(cause->cause, "accept on ", strlen("accept on ")));
}

static bool find_peer(const struct explanation *run, struct finding *ret)
{
	if (is_for_clients(main_topic(run, STATE_SOCKET, true)) || !find_outside(run, STATE_SOCKET, ret))
		return false;
	if (explain_is_mostly_timeouts(main_topic(run, STATE_SOCKET, true)))
		ret->try_next =
		    strdup("Most of it ended by a timeout, and not by the peer: look at who set it, as a timer of an event "
			   "loop is waited for so.");
	else
		ret->try_next =
		    strdup("Have more requests under way at a time: if the peer keeps up, the run shortens in proportion.");
	return true;
}

static bool find_disk(const struct explanation *run, struct finding *ret)
{
	if (!find_outside(run, STATE_DISK, ret))
		return false;
	ret->try_next = strdup("Run it with the files in memory (a second run, or tmpfs): what remains is not the disk's.");
	return true;
}

static bool find_sleep(const struct explanation *run, struct finding *ret)
{
	if (!find_outside(run, STATE_SLEEP, ret))
		return false;
	ret->try_next = strdup("Wait for the event itself instead of a time.");
	return true;
}

/* "wc, sh and 3 more" is more than what helps: one name, and how many. */
static void add_others(struct text *text, const struct explanation *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->run->n_threads; i++)
		n += 2 * run->run->threads[i].life_ns >= run->wall_ns && &run->threads[i] != run->one_worker;
	text_add(text, "; %s other thread%s %s there meanwhile, and mostly waited", FIGURE_COUNT(n), n == 1 ? "" : "s",
		 n == 1 ? "was" : "were");
}

static bool find_one_thread(const struct explanation *run, struct finding *ret)
{
	const struct thread_view *most = run->one_worker;
	struct text text = {0};
	uint64_t ns;

	if (!most)
		return false;
	ns = most->ns[STATE_USER] + most->ns[STATE_KERNEL] + most->ns[STATE_CPU];
	ret->state = STATE_USER;
	ret->cause = strdup("");
	ret->seconds = ns / 1e9;
	text_add(&text, "One thread does the work: %s (tid %u) used %s of %s of CPU, %.0f%% of the wall time", most->thread->comm,
		 most->thread->tid, FIGURE_NS(ns), FIGURE_NS(run->cpu_ns), 100.0 * ns / run->wall_ns);
	add_others(&text, run);
	text_add(&text, ".");
	ret->sentence = text_take(&text);
	ret->try_next =
	    strdup("Look at how work is handed to the other threads; or make this one's work cheaper: it is the limit.");
	return true;
}

static bool find_stuck(const struct explanation *run, struct finding *ret)
{
	struct blocker blocker = explain_blocker(run);
	_cleanup_free_ char *what = NULL;
	bool is_held;

	if (!run->stuck)
		return false;
	is_held = explain_part_counts(blocker.holder.ns, blocker.total_ns);
	what = blocker.cause ? cause_words(blocker.state, blocker.cause, blocker.kinds) : strdup("each other");
	ret->state = blocker.cause ? blocker.state : STATE_SYNC;
	ret->cause = strdup(blocker.cause ? blocker.cause : "");
	ret->seconds = run->wall_ns / 1e9;
	ret->sentence =
	    text_format("Nothing moves: for all of %s %s threads waited for one another (%s%s%s), and none for anything outside.",
			FIGURE_NS(run->wall_ns), FIGURE_COUNT(run->run->n_threads), what ? what : "?",
			is_held ? ", held by " : "", is_held ? PARTY_LABEL(&blocker.holder) : "");
	ret->try_next = strdup("Look for locks taken in different orders, and for a wake-up that was sent before its wait.");
	return true;
}

static bool find_kernel(const struct explanation *run, struct finding *ret)
{
	uint64_t sides = run->ns[STATE_USER] + run->ns[STATE_KERNEL];

	if (run->ns[STATE_KERNEL] < 0.4 * sides || run->running < 0.1 || !sides)
		return false;
	ret->state = STATE_KERNEL;
	ret->cause = strdup("");
	ret->seconds = run->ns[STATE_KERNEL] / 1e9;
	ret->sentence =
	    text_format("%.0f%% of the CPU time is inside the kernel: %s syscalls, %s page faults, %s context switches.",
			100.0 * run->ns[STATE_KERNEL] / sides, FIGURE_COUNT(run->syscalls), FIGURE_COUNT(run->faults),
			FIGURE_COUNT(run->switches));
	ret->try_next = strdup("Do more in each call: larger buffers, kept connections, fewer mappings.");
	return true;
}

static const struct {
	const char *rule;
	bool (*find)(const struct explanation *run, struct finding *ret);
} rules[] = {
    {FINDING_LOSSES, find_losses}, {"lock", find_lock},   {"turns", find_turns}, {"run_queue", find_run_queue},
    {"peer", find_peer},           {"disk", find_disk},   {"sleep", find_sleep}, {"one_thread", find_one_thread},
    {"kernel", find_kernel},       {"stuck", find_stuck},
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

/* Gaps come first whatever their size, as they bear on all the rest. */
static int by_weight(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if ((x->rule == rules[0].rule) != (y->rule == rules[0].rule))
		return x->rule == rules[0].rule ? -1 : 1;
	if (x->seconds != y->seconds)
		return x->seconds > y->seconds ? -1 : 1;
	return strcmp(x->rule, y->rule);
}

static bool is_noise(const struct explanation *run, const struct finding *finding)
{
	if (finding->rule == rules[0].rule)
		return false;
	return run->wall_ns < RUN_LEAST_NS || finding->seconds < SECONDS_LEAST ||
	       finding->seconds < SHARE_LEAST * run->wall_ns / 1e9;
}

int explain_findings(struct explanation *explanation)
{
	explanation->findings = calloc(RULES, sizeof(*explanation->findings));
	if (!explanation->findings)
		return -ENOMEM;
	for (size_t i = 0; i < RULES; i++) {
		struct finding *finding = &explanation->findings[explanation->n_findings];

		*finding = (struct finding){.rule = rules[i].rule};
		if (!rules[i].find(explanation, finding))
			continue;
		if (is_noise(explanation, finding)) {
			free(finding->sentence);
			free(finding->cause);
			free(finding->try_next);
			*finding = (struct finding){0};
			continue;
		}
		explanation->n_findings++;
		if (!finding->cause)
			finding->cause = strdup("");
		if (!finding->sentence || !finding->cause || !finding->try_next)
			return -ENOMEM;
	}
	qsort(explanation->findings, explanation->n_findings, sizeof(*explanation->findings), by_weight);
	return 0;
}
