/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that are followed before they are measured, and threads that lived before they were followed. The reference is the same life
 * seen from its birth: what it has at the end, less what it had at the begin of the measurement, is what the other account must say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "account.h"
#include "account_random.h"

enum { BEFORE, MARKED, MEASURED };

struct life {
	struct account reference; /* from birth */
	struct account late;      /* marked in mid-life */
	__u64 now, start;         /* start: of the measurement; 0: not yet */
	__u64 at_start[CLASS_SLOTS];
	int stage;
	int side_known;    /* the late account has met a syscall boundary, or was found off its CPU */
	int queued_marked; /* found runnable: whether preempted or woken cannot be seen */
};

/* What the reference has until `now`. */
static void ns_until(const struct account *a, __u64 now, __u64 *ns)
{
	struct account copy = *a;
	struct account_split split;

	account_end(&copy, now, &split);
	memcpy(ns, copy.ns, sizeof(copy.ns));
}

static __u8 where_it_is(const struct account *a)
{
	switch (a->phase) {
	case PHASE_ON_CPU:
		return FOUND_ON_CPU;
	case PHASE_BLOCKED:
		return a->wake_ns ? FOUND_QUEUED : FOUND_BLOCKED;
	default:
		return FOUND_QUEUED;
	}
}

static void mark(struct life *l)
{
	__u8 found = where_it_is(&l->reference);

	memset(&l->late, 0, sizeof(l->late));
	account_mark(&l->late, l->now, found, l->reference.side, found == FOUND_BLOCKED ? l->reference.class : 0);
	l->side_known = found != FOUND_ON_CPU;
	l->queued_marked = found == FOUND_QUEUED;
	l->stage = MARKED;
}

/* The measurement's begin lies between two events of the thread; it is noticed at the next one. */
static void start(struct life *l)
{
	l->start = l->now;
	ns_until(&l->reference, l->start, l->at_start);
	l->stage = MEASURED;
}

static void tick(struct life *l)
{
	l->now += 1 + below(one_in(3) ? 1000000 : 1000);
}

static void notice_start(struct account *late, const struct life *l)
{
	if (l->start && late->begin_ns < l->start)
		account_rebase(late, l->start);
}

static __u64 on_cpu(const __u64 *ns)
{
	return ns[CLASS_CPU] + ns[CLASS_USER] + ns[CLASS_KERNEL];
}

/* At the end of the measurement, as a snapshot sees it. */
static void compare(const struct life *l)
{
	struct account copy = l->late;
	struct account_split split;
	__u64 ns[CLASS_SLOTS];

	notice_start(&copy, l);
	account_end(&copy, l->now, &split);
	ns_until(&l->reference, l->now, ns);
	for (int i = 0; i < CLASS_SLOTS; i++)
		ns[i] -= l->at_start[i];
	assert_int_equal(copy.begin_ns, l->start);
	assert_int_equal(copy.since_ns, l->now);
	assert_true(consistent(&copy));
	assert_int_equal(on_cpu(copy.ns), on_cpu(ns));
	assert_int_equal(copy.ns[CLASS_PREEMPTED] + copy.ns[CLASS_WOKEN], ns[CLASS_PREEMPTED] + ns[CLASS_WOKEN]);
	for (int i = CLASS_FUTEX; i < CLASS_COUNT; i++)
		assert_int_equal(copy.ns[i], ns[i]);
	/* What is not known is not guessed: it is neither user nor kernel. */
	assert_true(copy.ns[CLASS_USER] <= ns[CLASS_USER]);
	assert_true(copy.ns[CLASS_KERNEL] <= ns[CLASS_KERNEL]);
	if (l->side_known)
		assert_int_equal(copy.ns[CLASS_CPU], 0);
	if (!l->queued_marked)
		assert_int_equal(copy.ns[CLASS_WOKEN], ns[CLASS_WOKEN]);
}

static void event(struct life *l, int running, int *blocked)
{
	struct account *both[2] = {&l->reference, &l->late};
	int late = l->stage != BEFORE, side = running && one_in(2), out = running && !side;
	__u8 to = one_in(2) ? CLASS_USER : CLASS_KERNEL, class = any_wait();
	struct account_split split;

	tick(l);
	if (out)
		*blocked = !one_in(3);
	for (int i = 0; i <= late; i++) {
		if (i)
			notice_start(both[i], l);
		if (side)
			account_side(both[i], l->now, to);
		else if (out)
			account_switch_out(both[i], l->now, *blocked, class, &split);
		else
			account_switch_in(both[i], l->now, &split);
		assert_true(consistent(both[i]));
	}
	if (side && l->start)
		l->side_known = l->side_known || l->late.ns[CLASS_CPU] == 0;
}

static void wake(struct life *l)
{
	tick(l);
	account_wake(&l->reference, l->now);
	if (l->stage != BEFORE)
		account_wake(&l->late, l->now);
}

static void one_life(void)
{
	struct life l = {.now = START};
	int events = 3 + (int)below(40), blocked = 0, woken = 0;
	int mark_at = (int)below(events), start_at = mark_at + (int)below(events - mark_at);

	account_begin(&l.reference, l.now, PHASE_WOKEN, CLASS_KERNEL);
	for (int i = 0; i < events; i++) {
		int running = l.reference.phase == PHASE_ON_CPU;

		tick(&l);
		if (i == mark_at)
			mark(&l);
		tick(&l);
		if (i == start_at)
			start(&l);
		if (l.start && one_in(4)) {
			tick(&l);
			compare(&l);
		}
		if (!running && blocked && !woken) {
			wake(&l);
			woken = 1;
			continue;
		}
		woken = 0;
		event(&l, running, &blocked);
		if (running && l.reference.phase == PHASE_ON_CPU)
			continue;
	}
	tick(&l);
	if (l.start)
		compare(&l);
}

static void test_late_accounts_are_the_rest_of_the_whole_one(void **state)
{
	unsigned long n = rounds();

	(void)state;
	for (unsigned long i = 0; i < n; i++)
		one_life();
}

static struct account marked(__u8 found)
{
	struct account a;

	memset(&a, 0, sizeof(a));
	account_mark(&a, START, found, CLASS_KERNEL, CLASS_SOCKET);
	return a;
}

static void test_first_event_tells_where_it_was(void **state)
{
	struct account_split split;
	struct account a;

	(void)state;
	/* A switch-out: it was on a CPU, wherever it had been found. */
	a = marked(FOUND_ON_CPU);
	account_switch_out(&a, START + 10, 1, CLASS_FUTEX, &split);
	assert_int_equal(a.ns[CLASS_CPU], 10);
	/* A syscall boundary: from there on the side is known. */
	a = marked(FOUND_ON_CPU);
	account_side(&a, START + 10, CLASS_USER);
	account_switch_out(&a, START + 15, 1, CLASS_FUTEX, &split);
	assert_int_equal(a.ns[CLASS_CPU], 10);
	assert_int_equal(a.ns[CLASS_USER], 5);
	/* A switch-in without a wake-up: as it was found. */
	a = marked(FOUND_QUEUED);
	account_switch_in(&a, START + 10, &split);
	assert_int_equal(a.ns[CLASS_PREEMPTED], 10);
	assert_int_equal(a.side, CLASS_KERNEL);
	a = marked(FOUND_BLOCKED);
	account_switch_in(&a, START + 10, &split);
	assert_int_equal(a.ns[CLASS_SOCKET], 10);
	assert_true(split.lost_wake);
	/* With one: it had been blocked until then. */
	a = marked(FOUND_BLOCKED);
	account_wake(&a, START + 4);
	account_switch_in(&a, START + 10, &split);
	assert_int_equal(a.ns[CLASS_SOCKET], 4);
	assert_int_equal(a.ns[CLASS_WOKEN], 6);
	assert_int_equal(split.blocked_ns, 4);
}

static void test_no_event_until_the_end(void **state)
{
	struct account_split split;
	struct account a;

	(void)state;
	a = marked(FOUND_ON_CPU);
	account_wake(&a, START + 1); /* of a wait that it gave up: it is on its CPU all the same */
	account_end(&a, START + 10, &split);
	assert_int_equal(a.ns[CLASS_CPU], 10);
	a = marked(FOUND_QUEUED);
	account_end(&a, START + 10, &split);
	assert_int_equal(a.ns[CLASS_PREEMPTED], 10);
	a = marked(FOUND_BLOCKED);
	account_end(&a, START + 10, &split);
	assert_int_equal(a.ns[CLASS_SOCKET], 10);
}

static void test_start_drops_what_was_before(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split split;

	(void)state;
	account_switch_out(&a, START + 100, 1, CLASS_PIPE, &split);
	account_rebase(&a, START + 150);
	assert_int_equal(sum(a.ns), 0);
	assert_int_equal(a.begin_ns, START + 150);
	account_wake(&a, START + 160);
	account_switch_in(&a, START + 170, &split);
	assert_int_equal(a.ns[CLASS_PIPE], 10);
	assert_int_equal(split.blocked_ns, 10);
	assert_int_equal(a.ns[CLASS_WOKEN], 10);
	assert_true(consistent(&a));
}

static void test_woken_before_the_start_is_no_wait_any_more(void **state)
{
	struct account a = started(PHASE_ON_CPU);
	struct account_split split;

	(void)state;
	account_switch_out(&a, START + 100, 1, CLASS_PIPE, &split);
	account_wake(&a, START + 120);
	account_rebase(&a, START + 150);
	account_switch_in(&a, START + 170, &split);
	assert_false(split.blocked);
	assert_int_equal(a.ns[CLASS_PIPE], 0);
	assert_int_equal(a.ns[CLASS_WOKEN], 20);
	/* The same for one that was only marked. */
	a = marked(FOUND_BLOCKED);
	account_wake(&a, START + 20);
	account_rebase(&a, START + 50);
	account_switch_in(&a, START + 60, &split);
	assert_false(split.blocked);
	assert_int_equal(a.ns[CLASS_WOKEN], 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_event_tells_where_it_was),
	    cmocka_unit_test(test_no_event_until_the_end),
	    cmocka_unit_test(test_start_drops_what_was_before),
	    cmocka_unit_test(test_woken_before_the_start_is_no_wait_any_more),
	    cmocka_unit_test(test_late_accounts_are_the_rest_of_the_whole_one),
	};

	seed_random();
	return cmocka_run_group_tests_name("account_attach", tests, NULL, NULL);
}
