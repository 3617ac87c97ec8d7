/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for work, told apart from waiting while there is work: from sums alone, so that each claim is one that sums can prove.
 *
 * A wait can be *for work* when its state is sync (a condition, a queue, an eventfd; no join), or when it is for input: a socket, a pipe or
 * a terminal. Locks, CPUs, disks, memory, children and mere timers are waited for by who has something to do. It *is* for work when
 *
 *   (1) the run is at rest: the time that all its threads together spent on a CPU, waiting for one, for a lock, a disk or memory is at most
 *       half of T, so that for at least the other half nobody had anything to do (times of several threads cover at most their
 *       sum); some thread waits for input from outside, so that there is somebody to give work; and no process of it connected to
 *       anything, as an answer that one asked for is no work. Waits for signals are no more than that then, either; or
 *   (2) it is a sync wait, or one for input from inside, that was ended by a producer with nothing to hand on: a followed thread, not
 *       the waiter, that spent at least 30% of its own life waiting for input from outside, that never waited for the same thing (or
 *       the two take turns), and whose process did not connect to anything.
 *
 * What cannot be told so (a waker that is not known, a producer that is busy) is not for work: it stays what it was. One thing sums
 * cannot tell: after attach, an answer on a connection that was there before looks like a request.
 *
 * A run at rest has its doubtful waits, too: those that only its own processes can end (or sets of pipes and
 * signals, which may be for those), in a process in which no other thread waits for input
 * from outside, and not ended by a timeout or as in (2). A database's session that waits for a row looks like that. They are not for work;
 * and with a thread that spends a tenth of T in them, or in waits for locks, nobody says that nothing is wrong.
 */
#include <errno.h>

#include "explain/internal.h"
#include "lib/cleanup.h"
#include "profile/index.h"

#define REST_SHARE     0.5
#define IDLE_SHARE     0.95 /* of a thread's life: more than that in waits for work, and it is idle */
#define PRODUCER_SHARE 0.3
#define DOUBT_SHARE    0.1 /* of T, of one thread */
/* A run that only waits for work: hardly ever on a CPU, and so much of its threads' lives in such waits. */
#define WAITING_CPU_SHARE 0.2
#define WAITING_SHARE     0.9
#define STUCK_CPU_SHARE   0.01
#define STUCK_WAIT_SHARE  0.99

static bool can_be_for_work(const struct wait *wait)
{
	switch (wait->state) {
	case STATE_SYNC:
		return !wait->join;
	case STATE_SOCKET:
	case STATE_PIPE:
		return true;
	default:
		return false;
	}
}

/* Nothing to do but to wait for a signal, as a parent does that hands on what it gets. */
static bool is_for_signals(const struct wait *wait)
{
	return wait->state == STATE_OTHER && !strcmp(wait->cause, class_name(CLASS_SIGNAL));
}

static bool is_input_from_outside(const struct wait *wait)
{
	return wait->outside && !wait->mixed && (wait->state == STATE_SOCKET || wait->state == STATE_PIPE);
}

static uint64_t busy_of(const struct thread_view *view)
{
	static const enum state with_work[] = {STATE_USER, STATE_KERNEL, STATE_CPU,   STATE_RUN_QUEUE,
					       STATE_LOCK, STATE_DISK,   STATE_MEMORY};
	uint64_t ns = 0;

	for (size_t i = 0; i < sizeof(with_work) / sizeof(with_work[0]); i++)
		ns += view->ns[with_work[i]];
	return ns;
}

struct rest {
	struct explanation *explanation;
	bool *connects;     /* by position of the thread: its process connected to something */
	double *outside_ns; /* by position of the thread: input from outside */
	double *for_work_ns;
	double *doubtful_ns;
	uint64_t *producers; /* by position of the process: threads that wait for input from outside */
	struct run_index *processes;
};

static bool is_producer(const struct rest *rest, size_t thread)
{
	uint64_t life_ns = rest->explanation->run->threads[thread].life_ns;

	return rest->outside_ns[thread] >= PRODUCER_SHARE * life_ns && life_ns;
}

static size_t process_of(const struct rest *rest, size_t thread)
{
	return run_index_find(rest->processes, rest->explanation->run->threads[thread].process);
}

static int find_clients(struct rest *rest)
{
	const struct run *run = rest->explanation->run;
	_cleanup_free_ uint64_t *connects = calloc(run->n_processes + 1, sizeof(*connects));

	if (!connects)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_threads; i++)
		connects[process_of(rest, i)] += run->threads[i].connects;
	for (size_t i = 0; i < run->n_threads; i++)
		rest->connects[i] = connects[process_of(rest, i)] > 0;
	return 0;
}

static bool is_at_rest(const struct rest *rest)
{
	const struct explanation *explanation = rest->explanation;
	const struct run *run = explanation->run;
	double busy = 0, outside = 0;

	for (size_t i = 0; i < run->n_processes; i++)
		if (run->processes[i].undelivered_threads)
			return false;
	for (size_t i = 0; i < run->n_threads; i++) {
		if (rest->connects[i])
			return false;
		busy += busy_of(&explanation->threads[i]);
		outside += rest->outside_ns[i];
	}
	return busy <= REST_SHARE * explanation->wall_ns && outside >= (1 - REST_SHARE) * explanation->wall_ns;
}

/* What a thread waited for, as far as it says who takes turns: sorted by thread, state and cause as thread_waits never are. */
static int by_cause(const void *a, const void *b)
{
	const struct wait *x = *(const struct wait *const *)a, *y = *(const struct wait *const *)b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return x->cause == y->cause ? 0 : strcmp(x->cause, y->cause);
}

static bool waits_for_the_same(const struct wait **sorted, size_t n, const struct run_thread *thread, const struct wait *wait)
{
	const struct wait key = {.thread = thread, .state = wait->state, .cause = wait->cause}, *address = &key;

	return bsearch(&address, sorted, n, sizeof(*sorted), by_cause) != NULL;
}

static bool ended_by_idle_producer(const struct rest *rest, const struct wait *wait, const struct wait **sorted)
{
	const struct explanation *explanation = rest->explanation;
	size_t producer;

	if (!wait->waker || wait->waker == wait->thread || wait->outside)
		return false;
	producer = wait->waker - explanation->run->threads;
	return !rest->connects[producer] && is_producer(rest, producer) &&
	       !waits_for_the_same(sorted, explanation->n_thread_waits, wait->waker, wait);
}

/* At rest: no input from outside, and nothing says that it is for work. */
static bool is_doubtful(const struct rest *rest, const struct wait *wait)
{
	size_t thread = wait->thread - rest->explanation->run->threads;
	uint64_t others = rest->producers[process_of(rest, thread)] - is_producer(rest, thread);

	return (!wait->outside || wait->mixed) && !others && 2 * wait->timed_out <= wait->count;
}

static void mark_wait(struct rest *rest, struct wait *wait, const struct wait **sorted)
{
	struct explanation *explanation = rest->explanation;
	size_t thread = wait->thread - explanation->run->threads;

	if (explanation->threads[thread].only_joins || !(can_be_for_work(wait) || (explanation->at_rest && is_for_signals(wait))))
		return;
	if (ended_by_idle_producer(rest, wait, sorted) || (explanation->at_rest && !is_doubtful(rest, wait))) {
		wait->idle = true;
		explanation->for_work_ns += wait->total_ns;
		rest->for_work_ns[thread] += wait->total_ns;
	} else if (explanation->at_rest) {
		/* Beside threads that work it would be taken for a helper's. */
		wait->idle = false;
		rest->doubtful_ns[thread] += wait->total_ns;
	}
}

static int mark(struct rest *rest)
{
	struct explanation *explanation = rest->explanation;
	_cleanup_free_ const struct wait **sorted = calloc(explanation->n_thread_waits + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < explanation->n_thread_waits; i++)
		sorted[i] = &explanation->thread_waits[i];
	qsort(sorted, explanation->n_thread_waits, sizeof(*sorted), by_cause);
	for (size_t i = 0; i < explanation->n_waits; i++)
		mark_wait(rest, &explanation->waits[i], sorted);
	for (size_t i = 0; i < explanation->run->n_threads; i++) {
		struct thread_view *view = &explanation->threads[i];

		view->idle |= rest->for_work_ns[i] > IDLE_SHARE * view->thread->life_ns &&
			      2 * view->thread->life_ns >= explanation->wall_ns;
		if (rest->doubtful_ns[i] > (1 - IDLE_SHARE) * view->thread->life_ns)
			view->idle = false;
		explanation->in_doubt |=
		    explanation->at_rest && rest->doubtful_ns[i] + view->ns[STATE_LOCK] > DOUBT_SHARE * explanation->wall_ns;
	}
	return 0;
}

static int look_at_rest(struct rest *rest)
{
	struct explanation *explanation = rest->explanation;
	const struct run *run = explanation->run;
	int err = find_clients(rest);

	if (err)
		return err;
	for (size_t i = 0; i < explanation->n_thread_waits; i++)
		if (is_input_from_outside(&explanation->thread_waits[i]))
			rest->outside_ns[explanation->thread_waits[i].thread - run->threads] +=
			    explanation->thread_waits[i].total_ns;
	for (size_t i = 0; i < run->n_threads; i++)
		rest->producers[process_of(rest, i)] += is_producer(rest, i);
	explanation->at_rest = is_at_rest(rest);
	return mark(rest);
}

int explain_rest(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ bool *connects = calloc(run->n_threads + 1, sizeof(*connects));
	_cleanup_free_ double *ns = calloc(3 * (run->n_threads + 1), sizeof(*ns));
	_cleanup_free_ uint64_t *producers = calloc(run->n_processes + 1, sizeof(*producers));
	struct rest rest = {.explanation = explanation, .connects = connects, .producers = producers};
	int err;

	if (!connects || !ns || !producers)
		return -ENOMEM;
	rest.outside_ns = ns;
	rest.for_work_ns = ns + run->n_threads;
	rest.doubtful_ns = ns + 2 * run->n_threads;
	err = run_index_processes(run, &rest.processes);
	if (!err)
		err = look_at_rest(&rest);
	run_index_free(rest.processes);
	return err;
}

/*
 * A run that ended by itself was not stuck. In one that was cut or observed, a thread that is stuck begins no wait but its last one; one more
 * may have ended first.
 */
static bool is_stuck(const struct explanation *explanation)
{
	const struct run *run = explanation->run;
	double inside = 0, life = 0;
	uint64_t count = 0;

	if (!(run->attached || run->interrupted) || run->n_threads < 2 || explanation->running > STUCK_CPU_SHARE)
		return false;
	for (size_t i = 0; i < run->n_threads; i++) {
		const struct thread_view *view = &explanation->threads[i];

		if (2 * view->thread->life_ns < explanation->wall_ns)
			continue;
		life += view->thread->life_ns;
		inside += view->ns[STATE_LOCK] + view->ns[STATE_SYNC] + view->ns[STATE_CHILD];
	}
	for (size_t i = 0; i < explanation->n_waits; i++)
		if (2 * explanation->waits[i].thread->life_ns >= explanation->wall_ns &&
		    state_info[explanation->waits[i].state].group == STATE_GROUP_WAIT)
			count += explanation->waits[i].count;
	return life > 0 && inside >= STUCK_WAIT_SHARE * life && count <= 2 * run->n_threads;
}

void explain_judge_rest(struct explanation *explanation)
{
	double life = 0, sleep = 0;

	for (size_t i = 0; i < explanation->run->n_threads; i++) {
		if (explanation->threads[i].only_joins)
			continue;
		life += explanation->run->threads[i].life_ns;
		sleep += explanation->threads[i].ns[STATE_SLEEP];
	}
	/* Joins of parents apart. Timers may be part of it, but not the most: a program that sleeps waits for no work. */
	explanation->waits_for_work = explanation->at_rest && !explanation->in_doubt &&
				      explanation->running <= WAITING_CPU_SHARE && explanation->for_work_ns > sleep &&
				      explanation->for_work_ns + sleep >= WAITING_SHARE * life;
	explanation->stuck = !explanation->waits_for_work && is_stuck(explanation);
}
