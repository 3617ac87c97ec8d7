/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h under random event orders, against a model that shares nothing with it: the model keeps the log of what happened, and
 * cuts the thread's life into labelled intervals only when asked.
 *
 * ACCOUNT_ROUNDS (lives per test, default 100,000 of about 40 events) and ACCOUNT_SEED vary the run; tests/unit/mutants.sh compiles
 * this file against deliberately broken copies of account.h and expects it to fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "account.h"
#include "account_random.h"

#define LOG_MAX 64

enum kind { BEGIN, OUT_BLOCKED, OUT_PREEMPTED, IN, WAKE, SIDE };

struct event {
	enum kind kind;
	__u64 now; /* as the clock of its CPU showed it */
	uint8_t class;
	uint8_t phase; /* BEGIN */
};

struct log {
	struct event event[LOG_MAX];
	int n;
};

struct interval {
	__u64 from, to;
	uint8_t label;
};

struct truth {
	struct interval interval[2 * LOG_MAX];
	int n;
	__u64 ns[CLASS_SLOTS];
	int lost_wake; /* of the last interval */
	int blocked, queued;
};

/* --- the model ------------------------------------------------------------------------------------------------------------ */

static void interval_add(struct truth *t, __u64 from, __u64 to, uint8_t label)
{
	assert_true(from <= to);
	if (t->n)
		assert_int_equal(t->interval[t->n - 1].to, from);
	t->interval[t->n++] = (struct interval){from, to, label};
	t->ns[label] += to - from;
}

/* Does a wake-up that stands before this event in the log say nothing about the waits after it? */
static int forgets_wakes(const struct log *log, int i, int on_cpu)
{
	enum kind kind = log->event[i].kind;

	return kind == BEGIN || kind == IN || (kind == SIDE && on_cpu);
}

/* Labels of what follows event i, which is the last of the thread's own events before `to`; `next` is the log position of `to`. */
static void cut(struct truth *t, const struct log *log, int i, int next, __u64 from, __u64 to, uint8_t side, __u64 wake)
{
	const struct event *e = &log->event[i];
	int blocked = e->kind == OUT_BLOCKED || (e->kind == BEGIN && e->phase == PHASE_BLOCKED);
	int k;

	t->blocked = blocked;
	t->lost_wake = 0;
	t->queued = 1;
	if (e->kind == IN || (e->kind == BEGIN && e->phase == PHASE_ON_CPU)) {
		interval_add(t, from, to, side);
		t->queued = 0;
	} else if (e->kind == OUT_PREEMPTED || (e->kind == BEGIN && e->phase == PHASE_PREEMPTED)) {
		interval_add(t, from, to, CLASS_PREEMPTED);
	} else if (!blocked) {
		interval_add(t, from, to, CLASS_WOKEN);
	} else {
		for (k = i + 1; k < next; k++)
			if (log->event[k].kind == WAKE)
				wake = log->event[k].now;
		t->lost_wake = wake == 0;
		t->queued = wake != 0;
		if (wake == 0 || wake > to)
			wake = to;
		if (wake < from)
			wake = from;
		interval_add(t, from, wake, e->class);
		interval_add(t, wake, to, CLASS_WOKEN);
	}
}

/* The whole life up to `end`, cut into intervals. */
static void truth_make(struct truth *t, const struct log *log, __u64 end)
{
	int last = 0, i, on_cpu = log->event[0].phase == PHASE_ON_CPU;
	__u64 from = log->event[0].now, to, wake = 0;
	uint8_t side = log->event[0].class;

	memset(t, 0, sizeof(*t));
	if (log->event[0].phase == PHASE_BLOCKED)
		side = CLASS_USER;
	for (i = 1; i <= log->n; i++) {
		if (i < log->n && log->event[i].kind == WAKE)
			continue;
		if (i < log->n && log->event[i].kind == SIDE && !on_cpu) {
			side = log->event[i].class;
			continue;
		}
		to = i < log->n ? log->event[i].now : end;
		if (to < from) /* the clock of this CPU is behind: nothing is undone */
			to = from;
		cut(t, log, last, i, from, to, side, wake);
		from = to;
		if (i == log->n)
			break;
		if (log->event[i].kind == SIDE) {
			side = log->event[i].class;
			wake = 0; /* the same on-CPU interval goes on, on the other side */
			continue;
		}
		if (forgets_wakes(log, i, on_cpu)) {
			wake = 0;
		} else {
			for (int k = last + 1; k < i; k++) {
				if (log->event[k].kind == WAKE)
					wake = log->event[k].now;
				if (forgets_wakes(log, k, on_cpu))
					wake = 0;
			}
		}
		last = i;
		on_cpu = log->event[i].kind == IN;
	}
}

/* --- checks --------------------------------------------------------------------------------------------------------------- */

static void log_print(const struct log *log)
{
	static const char *const name[] = {"begin", "out-blocked", "out-preempted", "in", "wake", "side"};

	for (int i = 0; i < log->n; i++)
		print_message("# %2d %-13s %llu class %d\n", i, name[log->event[i].kind], log->event[i].now - START + 100000,
			      log->event[i].class);
}

/* The account so far, ended at `end` on a copy as a snapshot does it, equals the model. */
static void check_ended(const struct account *a, const struct log *log, __u64 end)
{
	struct account copy = *a;
	struct account_split split;
	struct truth t;

	account_end(&copy, end, &split);
	truth_make(&t, log, end);
	if (memcmp(t.ns, copy.ns, sizeof(t.ns)) != 0 || !consistent(&copy)) {
		log_print(log);
		for (int i = 0; i < CLASS_COUNT; i++)
			if (t.ns[i] != copy.ns[i])
				print_message("# class %d: %llu ns, should be %llu\n", i, copy.ns[i], t.ns[i]);
		fail_msg("account and model differ at %llu", end - START + 100000);
	}
	assert_int_equal(t.interval[0].from, copy.begin_ns);
	assert_int_equal(t.interval[t.n - 1].to, copy.since_ns);
	assert_int_equal(copy.phase, PHASE_DEAD);
	assert_int_equal(split.blocked, t.blocked);
	assert_int_equal(split.queued, t.queued);
	assert_int_equal(split.lost_wake, t.lost_wake);
	if (t.blocked) {
		assert_int_equal(split.blocked_ns, t.interval[t.n - 2].to - t.interval[t.n - 2].from);
		assert_int_equal(split.queued_ns, t.interval[t.n - 1].to - t.interval[t.n - 1].from);
		assert_int_equal(split.class, t.interval[t.n - 2].label);
		assert_int_equal(split.queue, CLASS_WOKEN);
	}
}

/* --- random lives --------------------------------------------------------------------------------------------------------- */

static unsigned long long events_seen;

struct life {
	struct account a;
	struct log log;
	__u64 true_ns;
	__s64 skew[4];                         /* of the CPUs' clocks */
	__u64 charged_blocked, charged_queued; /* what the splits said */
};

/* Time goes on, or not; then a CPU is asked for it, and may be a little behind or ahead. */
static __u64 tick(struct life *l)
{
	static const __u64 step[] = {1, 50, 2000, 100000, 10000000};

	if (!one_in(4))
		l->true_ns += below(step[below(5)]);
	return l->true_ns + (__u64)l->skew[below(4)];
}

static void life_begin(struct life *l, uint8_t phase, uint8_t class)
{
	memset(l, 0, sizeof(*l));
	l->true_ns = START;
	if (!one_in(3))
		for (int i = 0; i < 4; i++)
			l->skew[i] = (__s64)below(6000) - 3000;
	l->a.class = class;
	l->log.event[0] = (struct event){BEGIN, tick(l), class, phase};
	l->log.n = 1;
	account_begin(&l->a, l->log.event[0].now, phase, phase == PHASE_BLOCKED ? CLASS_USER : class);
}

static void life_event(struct life *l, enum kind kind, uint8_t class)
{
	__u64 now = tick(l), since = l->a.since_ns;
	struct account before = l->a;
	struct account_split split = {0};

	if (l->log.n == LOG_MAX)
		return;
	l->log.event[l->log.n++] = (struct event){kind, now, class, 0};
	events_seen++;
	switch (kind) {
	case OUT_BLOCKED:
	case OUT_PREEMPTED:
		account_switch_out(&l->a, now, kind == OUT_BLOCKED, class, &split);
		break;
	case IN:
		account_switch_in(&l->a, now, &split);
		break;
	case WAKE:
		account_wake(&l->a, now);
		break;
	case SIDE:
		account_side(&l->a, now, class);
		break;
	default:
		fail();
	}
	assert_true(l->a.since_ns >= since); /* never backwards, hence nothing negative */
	assert_true(consistent(&l->a));
	assert_int_equal(l->a.seq % 2, 0);
	assert_int_equal(l->a.begin_ns, before.begin_ns);
	for (int i = 0; i < CLASS_SLOTS; i++)
		assert_true(l->a.ns[i] >= before.ns[i]);
	if (kind != WAKE && kind != SIDE && before.phase != PHASE_ON_CPU)
		assert_int_equal(split.blocked_ns + split.queued_ns, l->a.since_ns - before.since_ns);
	if (one_in(8))
		check_ended(&l->a, &l->log, tick(l));
}

static void life_end(struct life *l)
{
	__u64 seq = l->a.seq, end = tick(l);
	struct account_split split;
	struct account dead;

	check_ended(&l->a, &l->log, end);
	account_end(&l->a, end, &split);
	assert_int_equal(l->a.seq, seq + 2);
	/* What comes after the end changes nothing. */
	dead = l->a;
	account_switch_in(&l->a, end + 1000, &split);
	account_side(&l->a, end + 2000, CLASS_KERNEL);
	account_switch_out(&l->a, end + 3000, 1, CLASS_FUTEX, &split);
	account_end(&l->a, end + 4000, &split);
	assert_int_equal(l->a.since_ns, dead.since_ns);
	assert_int_equal(l->a.phase, PHASE_DEAD);
	assert_memory_equal(l->a.ns, dead.ns, sizeof(dead.ns));
}

/* Orders that a kernel can produce. */
static void life_like_the_kernel(void)
{
	static const uint8_t first[] = {PHASE_WOKEN, PHASE_ON_CPU, PHASE_PREEMPTED, PHASE_BLOCKED};
	struct life l;
	int running, blocked;
	uint8_t phase = first[one_in(4) ? below(4) : below(2)];

	life_begin(&l, phase, phase == PHASE_BLOCKED ? any_wait() : any_side());
	running = phase == PHASE_ON_CPU;
	blocked = phase == PHASE_BLOCKED;
	for (int left = 5 + (int)below(LOG_MAX - 10); left > 0 && l.log.n < LOG_MAX - 3; left--) {
		if (!running) {
			if (blocked && !one_in(10)) /* else the wake-up is lost */
				life_event(&l, WAKE, 0);
			while (one_in(10)) /* and again */
				life_event(&l, WAKE, 0);
			if (one_in(20))
				break; /* ends blocked, or woken and not yet running */
			life_event(&l, IN, 0);
			running = 1;
			continue;
		}
		while (one_in(2))
			life_event(&l, SIDE, any_side());
		if (one_in(6)) /* it sets its state, is woken, and does not even switch; or has it before the switch-out */
			life_event(&l, WAKE, 0);
		if (one_in(8))
			life_event(&l, SIDE, any_side());
		if (one_in(30))
			break; /* ends on its CPU, as an exiting thread does */
		blocked = !one_in(3);
		life_event(&l, blocked ? OUT_BLOCKED : OUT_PREEMPTED, any_wait());
		running = 0;
	}
	life_end(&l);
}

static void test_kernel_orders(void **state)
{
	unsigned long i, n = rounds();

	(void)state;
	for (i = 0; i < n; i++)
		life_like_the_kernel();
	print_message("# %lu lives, %llu events\n", n, events_seen);
}

/* Orders that no kernel should produce: probes missed in mid-life, anything after anything. */
static void test_any_order(void **state)
{
	static const uint8_t first[] = {PHASE_WOKEN, PHASE_ON_CPU, PHASE_PREEMPTED, PHASE_BLOCKED};
	unsigned long i, n = rounds();

	(void)state;
	for (i = 0; i < n; i++) {
		uint8_t phase = first[below(4)];
		struct life l;

		life_begin(&l, phase, phase == PHASE_BLOCKED ? any_wait() : any_side());
		for (int left = (int)below(LOG_MAX - 1); left > 0; left--) {
			enum kind kind = (enum kind)(OUT_BLOCKED + below(5));

			life_event(&l, kind, kind == SIDE ? any_side() : any_wait());
		}
		life_end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kernel_orders),
	    cmocka_unit_test(test_any_order),
	};

	seed_random();
	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
