/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is worth a word. Two things keep the account exact and a sentence about it wrong: threads that sleep all the time beside those
 * that work, and waits that are spread over so many causes that the largest of them says nothing.
 */
#include <errno.h>

#include "explain/internal.h"
#include "lib/cleanup.h"

/* An idle helper is hardly ever on a CPU ... */
#define IDLE_CPU_SHARE 0.01
/* ... waits for one thing nearly all its life ... */
#define IDLE_WAIT_SHARE 0.95
/* ... and is not woken more often than once in so long: who is, serves something that is merely slow. */
#define IDLE_WAKE_NS 100000000
/* Of its waits' time: ended by threads of the same name, it takes turns with them. */
#define IDLE_TURNS_SHARE 0.1
/* That long a part of T it lives, and others work, so that they did so at the same time: a sleep before the work is no idle helper. */
#define IDLE_LIFE_SHARE 0.5

/* The largest part of a thread's waits that one of its causes, or several of them together, can be named for. */
struct favourite {
	const struct wait *wait; /* the largest */
	uint64_t kinds;
};

static void choose(struct thread_view *view, const struct favourite favourites[STATE_COUNT])
{
	for (int state = 0; state < STATE_COUNT; state++) {
		const struct favourite *favourite = &favourites[state];
		bool several = favourite->wait && 2 * favourite->wait->total_ns < view->ns[state];
		struct most most = {.state = state, .cause = "", .kinds = favourite->kinds, .total_ns = view->ns[state]};

		if (!favourite->wait || state_info[state].group != STATE_GROUP_WAIT)
			continue;
		if (!several) {
			most.cause = favourite->wait->cause;
			most.kinds = 1;
			most.total_ns = favourite->wait->total_ns;
		}
		if (most.total_ns > view->most.total_ns)
			view->most = most;
	}
}

int explain_favourites(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ struct favourite(*favourites)[STATE_COUNT] = calloc(run->n_threads + 1, sizeof(*favourites));

	if (!favourites)
		return -ENOMEM;
	for (size_t i = 0; i < explanation->n_thread_waits; i++) {
		const struct wait *wait = &explanation->thread_waits[i];
		struct favourite *favourite = &favourites[wait->thread - run->threads][wait->state];

		/* The largest comes first. */
		if (!favourite->wait)
			favourite->wait = wait;
		favourite->kinds++;
	}
	for (size_t i = 0; i < run->n_threads; i++)
		choose(&explanation->threads[i], favourites[i]);
	return 0;
}

static uint64_t cpu_of(const struct thread_view *view)
{
	return view->ns[STATE_USER] + view->ns[STATE_KERNEL] + view->ns[STATE_CPU];
}

/* A lock is waited for by who has something to do, however long it takes; and who waits for a child or a thread to end, joins. */
static bool is_idle_wait(const struct wait *wait)
{
	uint64_t woken = wait->count > wait->timed_out ? wait->count - wait->timed_out : 0;

	return state_info[wait->state].group == STATE_GROUP_WAIT && wait->state != STATE_LOCK && !wait->join &&
	       wait->total_ns > IDLE_WAIT_SHARE * wait->thread->life_ns && woken <= 1 + wait->thread->life_ns / IDLE_WAKE_NS;
}

/* By cause, so that those of one are neighbours. */
static int by_cause(const void *a, const void *b)
{
	const struct wait *x = *(const struct wait *const *)a, *y = *(const struct wait *const *)b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return x->cause == y->cause ? 0 : strcmp(x->cause, y->cause);
}

/* What a thread does on words of its own. */
struct own_waits {
	uint64_t total_ns, woken;
	uint64_t turns_ns; /* of all its waits: ended by a thread of the same name */
};

/* "pool-1-thread-17" is one of many like it. */
static bool have_one_name(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	while (*a && *b) {
		a += strspn(a, digits);
		b += strspn(b, digits);
		if (*a != *b)
			return false;
		if (*a) {
			a++;
			b++;
		}
	}
	return !a[strspn(a, digits)] && !b[strspn(b, digits)];
}

static int find_own_waits(const struct explanation *explanation, struct own_waits *own)
{
	const struct run *run = explanation->run;
	size_t n = explanation->n_thread_waits;
	_cleanup_free_ const struct wait **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &explanation->thread_waits[i];
	qsort(sorted, n, sizeof(*sorted), by_cause);
	for (size_t i = 0; i < n; i++) {
		const struct wait *wait = sorted[i];
		struct own_waits *sum = &own[wait->thread - run->threads];

		if (wait->state != STATE_SYNC || wait->join || wait->outside || (i && !by_cause(&sorted[i - 1], &sorted[i])) ||
		    (i + 1 < n && !by_cause(&sorted[i], &sorted[i + 1])))
			continue;
		sum->total_ns += wait->total_ns;
		sum->woken += wait->count > wait->timed_out ? wait->count - wait->timed_out : 0;
	}
	for (size_t i = 0; i < explanation->n_waits; i++) {
		const struct wait *wait = &explanation->waits[i];

		if (wait->waker && wait->waker != wait->thread && have_one_name(wait->waker->comm, wait->thread->comm))
			own[wait->thread - run->threads].turns_ns += wait->total_ns;
	}
	return 0;
}

/*
 * A service thread of a runtime (a virtual machine's collector, compiler, timer) has several words that nobody else waits for, and sleeps on
 * them nearly all its life. Threads that contend for a lock which is made of a word for each waiter look like that, but wake one another.
 */
static int find_service_threads(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ struct own_waits *own = calloc(run->n_threads + 1, sizeof(*own));
	int err = own ? find_own_waits(explanation, own) : -ENOMEM;

	for (size_t i = 0; !err && i < run->n_threads; i++) {
		struct thread_view *view = &explanation->threads[i];
		uint64_t life_ns = run->threads[i].life_ns;
		/* On a busy machine a timer's thread is woken in vain, and then waits for a CPU: that is not its doing. */
		uint64_t own_life_ns = life_ns > view->ns[STATE_RUN_QUEUE] ? life_ns - view->ns[STATE_RUN_QUEUE] : 0;

		if (own[i].total_ns > IDLE_WAIT_SHARE * own_life_ns && own[i].woken <= 1 + life_ns / IDLE_WAKE_NS &&
		    own[i].turns_ns <= IDLE_TURNS_SHARE * own[i].total_ns && !view->only_joins &&
		    life_ns >= IDLE_LIFE_SHARE * explanation->wall_ns && cpu_of(view) < IDLE_CPU_SHARE * life_ns)
			view->idle = true;
	}
	return err;
}

int explain_idle(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	double long_enough = IDLE_LIFE_SHARE * explanation->wall_ns, others_ns = 0;
	int err = find_service_threads(explanation);

	if (err)
		return err;

	for (size_t i = 0; i < explanation->n_thread_waits; i++) {
		const struct wait *wait = &explanation->thread_waits[i];
		struct thread_view *view = &explanation->threads[wait->thread - run->threads];

		if (is_idle_wait(wait) && !view->only_joins && wait->thread->life_ns >= long_enough &&
		    cpu_of(view) < IDLE_CPU_SHARE * wait->thread->life_ns)
			view->idle = true;
	}
	for (size_t i = 0; i < run->n_threads; i++)
		if (!explanation->threads[i].idle && !explanation->threads[i].only_joins)
			others_ns += run->threads[i].life_ns;
	for (size_t i = 0; i < run->n_threads && others_ns < long_enough; i++)
		explanation->threads[i].idle = false;
	for (size_t i = 0; i < explanation->n_waits; i++) {
		struct wait *wait = &explanation->waits[i];

		wait->idle =
		    explanation->threads[wait->thread - run->threads].idle && state_info[wait->state].group == STATE_GROUP_WAIT;
	}
	return 0;
}

static bool is_worth_a_topic(const struct cause_view *cause)
{
	return !cause->joining && !cause->idle;
}

bool explain_same_kind(const struct cause_view *a, const struct cause_view *b)
{
	return a->state == b->state && a->outside == b->outside && a->join == b->join && is_worth_a_topic(a) &&
	       is_worth_a_topic(b);
}

/* The causes of the same kind as `first`, which is the largest of them, taken together. */
static struct cause_view together(const struct explanation *explanation, const struct cause_view *first)
{
	struct cause_view sum = {.state = first->state, .cause = "", .outside = first->outside, .join = first->join};

	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];

		if (!explain_same_kind(first, cause))
			continue;
		sum.kinds++;
		sum.count += cause->count;
		sum.timed_out += cause->timed_out;
		sum.timed_out_ns += cause->timed_out_ns;
		sum.total_ns += cause->total_ns;
		sum.set_ns += cause->set_ns;
		sum.threads = cause->threads > sum.threads ? cause->threads : sum.threads;
		sum.max_ns = cause->max_ns > sum.max_ns ? cause->max_ns : sum.max_ns;
		for (int slot = 0; slot < WAIT_LOG2_SLOTS; slot++)
			sum.log2_ns[slot] += cause->log2_ns[slot];
	}
	/* Preempted or not yet running: it is one thing, waiting for a CPU. */
	if (sum.state == STATE_RUN_QUEUE)
		sum.kinds = 1;
	sum.mean = (double)sum.total_ns / explanation->wall_ns;
	return sum;
}

static int by_total(const void *a, const void *b)
{
	const struct cause_view *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	return x->state != y->state ? (x->state < y->state ? -1 : 1) : strcmp(x->cause, y->cause);
}

int explain_topics(struct explanation *explanation)
{
	/* Of each kind (state, outside or not, join or not): looked at, and taken together. */
	bool seen[STATE_COUNT][4] = {{0}}, folded[STATE_COUNT][4] = {{0}};
	size_t n = 0;

	explanation->topics = calloc(explanation->n_causes + 1, sizeof(*explanation->topics));
	if (!explanation->topics)
		return -ENOMEM;
	for (size_t i = 0; i < explanation->n_causes; i++) {
		const struct cause_view *cause = &explanation->causes[i];
		int kind = 2 * cause->outside + cause->join;

		if (!is_worth_a_topic(cause))
			continue;
		if (!seen[cause->state][kind]) {
			struct cause_view sum = together(explanation, cause);

			seen[cause->state][kind] = true;
			folded[cause->state][kind] = cause->state == STATE_RUN_QUEUE || 2 * cause->total_ns < sum.total_ns;
			if (folded[cause->state][kind])
				explanation->topics[n++] = sum;
		}
		if (!folded[cause->state][kind])
			explanation->topics[n++] = *cause;
	}
	explanation->n_topics = n;
	qsort(explanation->topics, n, sizeof(*explanation->topics), by_total);
	return 0;
}
