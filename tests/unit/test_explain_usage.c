/* SPDX-License-Identifier: Apache-2.0 */
/* What only all waits together tell, and what must not be said without: as real programs came out (a database, interpreters, a build). */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explained.h"
#include "run_builder.h"

static const struct wait *wait_of(const struct explanation *explanation, enum state state, const char *cause)
{
	for (size_t i = 0; i < explanation->n_thread_waits; i++)
		if (explanation->thread_waits[i].state == state && !strcmp(explanation->thread_waits[i].cause, cause))
			return &explanation->thread_waits[i];
	return NULL;
}

/* --- a database --- */

#define ROW_LOCK                                                                                                                 \
	"main;ExecUpdate;heap_update;XactLockTableWait;LockAcquireExtended;WaitOnLock;ProcSleep;WaitLatch;WaitEventSetWait;"     \
	"epoll_wait;do_epoll_wait_[k]"

static struct run_wait *build_set(struct run *run, struct run_thread *thread, uint32_t class, uint64_t ns)
{
	struct run_wait *wait = build_wait(run, thread, class, "epoll_wait", 1, ns);

	set_text(&wait->object, class == CLASS_POLL ? "clients of 127.0.0.1:5432" : "poll set of 1 pipe, 1 signal descriptor");
	wait->op = class == CLASS_POLL;
	return wait;
}

/* A postmaster and its sessions, of which the last one waits otherwise. */
static struct run *run_database(int sessions, uint32_t class, uint64_t ns)
{
	struct run *run = build_run("postgres", 10 * S);

	run->attached = true;
	build_process(run, 0, "postgres");
	build_set(run, build_thread(run, 1, 0, "postgres", 0, 10 * S), CLASS_POLL, 10 * S);
	for (int i = 0; i < sessions; i++) {
		struct run_thread *thread;

		build_process(run, 1, "postgres");
		thread = build_thread(run, run->n_processes, 1, "postgres", 0, 10 * S);
		if (i + 1 < sessions) {
			build_set(run, thread, CLASS_POLL, 10 * S);
			continue;
		}
		build_set(run, thread, CLASS_POLL, 10 * S - ns);
		build_set(run, thread, class, ns);
	}
	return run;
}

static void test_a_session_that_waits_for_a_row_is_not_well(void **state)
{
	/* Whatever the set holds: the client's socket as well, or nothing but its own. */
	static const uint32_t classes[] = {CLASS_POLL, CLASS_PIPE, CLASS_SELFWAKE, CLASS_SLEEP};

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct run *run = run_database(30, classes[i], 2 * S);
		struct explanation *explanation;

		run->waits[run->n_waits - 1].stack = build_stack(run, ROW_LOCK);
		explanation = explained_on(run, 2);
		assert_non_null(wait_of(explanation, STATE_LOCK, "XactLockTableWait()"));
		says_not(explanation->headline, "nothing is wrong");
		says(explanation->headline, "0.20 waited for the lock \"XactLockTableWait()\"");
		explanation_free(explanation);
		run_free(run);
	}
}

static void test_without_its_stack_it_is_described_and_not_judged(void **state)
{
	static const struct {
		uint32_t class;
		uint64_t ns;
		const char *said; /* NULL: nothing is wrong */
	} cases[] = {
	    {CLASS_PIPE, 2 * S, "0.20 waited for a poll set of 1 pipe, 1 signal descriptor"},
	    {CLASS_SELFWAKE, 10 * S, "1.00 waited for a wake-up (own wake-up (epoll_wait))"},
	    {CLASS_EVENTFD, 10 * S, "1.00 waited for a wake-up (eventfd)"},
	    {CLASS_POLL, 2 * S, NULL},
	    {CLASS_PIPE, 500 * MS, NULL}, /* not long */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run *run = run_database(30, cases[i].class, cases[i].ns);
		struct explanation *explanation = explained_on(run, 2);

		assert_true(explanation->at_rest);
		assert_int_equal(explanation->waits_for_work, !cases[i].said);
		if (cases[i].said)
			says(explanation->headline, cases[i].said);
		else
			says(explanation->headline, "nothing is wrong");
		explanation_free(explanation);
		run_free(run);
	}
}

/* Attached to alone, its set leads nowhere that is followed: it might be for input. That is not said. */
static void test_a_lone_session(void **state)
{
	(void)state;
	for (int stacks = 0; stacks < 2; stacks++) {
		struct run *run = build_run("postgres", 10 * S);
		struct explanation *explanation;

		run->attached = true;
		build_process(run, 0, "postgres");
		build_set(run, build_thread(run, 1, 0, "postgres", 0, 10 * S), CLASS_PIPE, 10 * S)->stack =
		    stacks ? build_stack(run, ROW_LOCK) : 0;
		explanation = explained_on(run, 2);
		says_not(explanation->headline, "nothing is wrong");
		says(explanation->headline,
		     stacks ? "1.00 waited for the lock \"XactLockTableWait()\"" : "1.00 waited (pipe poll set of");
		explanation_free(explanation);
		/* A single pipe is input, and a client's. */
		set_text(&run->waits[0].object, "pipe:[123]");
		run->waits[0].stack = 0;
		explanation = explained_on(run, 2);
		says(explanation->headline, "nothing is wrong");
		explanation_free(explanation);
		run_free(run);
	}
}

/* Ended by timeouts it is a timer; beside a thread that waits for clients, in the same process, it is a pool's; and a producer tells, too. */
static void test_what_takes_the_doubt_away(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		struct run *run = run_database(30, CLASS_PIPE, 8 * S);
		struct run_wait *wait = &run->waits[run->n_waits - 1];
		struct explanation *explanation;

		wait->count = 20;
		if (how == 1)
			wait->timed_out = 20;
		if (how == 2)
			build_set(run, build_thread(run, wait->thread, 1, "acceptor", 0, 10 * S), CLASS_POLL, 10 * S);
		if (how == 3)
			wait->waker = 1;
		explanation = explained_on(run, 2);
		assert_int_equal(explanation->waits_for_work, how > 0);
		explanation_free(explanation);
		run_free(run);
	}
}

static void test_names_that_mean_a_lock_of_the_program(void **unused)
{
	static const struct {
		const char *stack;
		uint32_t class;
		const char *cause; /* NULL: none */
	} cases[] = {
	    {ROW_LOCK, CLASS_PIPE, "XactLockTableWait()"},
	    {"main;heap_open;LockRelationOid;LockAcquireExtended;ProcSleep;WaitLatch;epoll_wait", CLASS_PIPE,
	     "LockRelationOid()"},
	    {"main;row_search;lock_wait_suspend_thread;os_event::wait;pthread_cond_wait", CLASS_FUTEX,
	     "lock_wait_suspend_thread()"},
	    {"[unfinished: no_rule];main;ObjectMonitor::enter(JavaThread*);ObjectMonitor::EnterI(JavaThread*);"
	     "os::PlatformEvent::park();pthread_cond_wait",
	     CLASS_FUTEX, "ObjectMonitor::enter(JavaThread*)"},
	    /* What a stripped program does not export has no name. */
	    {"main;XactLockTableWait;;LockAcquireExtended;;ProcSleep;WaitLatch;poll", CLASS_PIPE, "XactLockTableWait()"},
	    /* Parts of words are no words; and what waits for more than locks is none. */
	    {"main;block_wait;poll", CLASS_PIPE, NULL},
	    {"main;clock_wait;poll", CLASS_PIPE, NULL},
	    {"main;WaitLatch;epoll_wait", CLASS_PIPE, NULL},
	    {"main;futex_wait;syscall", CLASS_FUTEX, NULL},
	    {"main;lock_wait_[k];poll", CLASS_PIPE, NULL},
	    /* Below a lock, but for a disk; and far below it. */
	    {"main;LockAcquire;read", CLASS_FILE, NULL},
	    {"main;LockAcquire;a;b;c;d;e;f;g;h;i;poll", CLASS_PIPE, NULL},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run *run = build_run("db", 1 * S);
		struct explanation *explanation;

		build_process(run, 0, "db");
		build_thread(run, 1, 0, "db", 0, 1 * S);
		build_wait(run, &run->threads[0], cases[i].class, "call", 1, 1 * S)->stack = build_stack(run, cases[i].stack);
		explanation = explained_on(run, 2);
		if (cases[i].cause)
			assert_non_null(wait_of(explanation, STATE_LOCK, cases[i].cause));
		else
			assert_int_equal(explanation->ns[STATE_LOCK], 0);
		explanation_free(explanation);
		run_free(run);
	}
}

/* --- Python --- */

#define ACQUIRE "main;acquire;PyThread_acquire_lock_timed;sem_clockwait"

static struct run_wait *build_acquire(struct run *run, size_t thread, uint64_t word, uint64_t waker, uint64_t ns)
{
	struct run_wait *wait = build_futex(run, &run->threads[thread], "", word, false, 10, ns);

	wait->waker = waker;
	wait->stack = build_stack(run, ACQUIRE);
	return wait;
}

static struct run *run_python(int threads)
{
	struct run *run = build_run("python3", 10 * S);

	build_process(run, 0, "python3");
	for (int i = 0; i < threads; i++)
		build_cpu(build_thread(run, 1, i ? 1 : 0, "python3", 0, 10 * S), 1900 * MS, 0);
	return run;
}

/* Consumers of a queue: each waits on a word of its own, or on one that another had before; the main thread ends that. */
static void test_waiters_of_a_queue_wait_for_no_lock(void **state)
{
	struct run *run = run_python(6);
	struct explanation *explanation;

	(void)state;
	for (size_t i = 1; i < 6; i++) {
		build_acquire(run, i, 64 * i, 1, 6 * S);
		build_acquire(run, i, 64 * (i % 5 + 1), 1, 2 * S);
	}
	for (size_t i = 0; i < 6; i++)
		build_rest_in_queue(run, &run->threads[i]);
	explanation = explained_on(run, 2);
	assert_int_equal(explanation->ns[STATE_LOCK], 0);
	assert_int_equal(explanation->ns[STATE_SYNC], 40 * S);
	assert_non_null(wait_of(explanation, STATE_SYNC, "runtime event or queue"));
	assert_null(finding_of(explanation, "lock"));
	says_not(explanation->headline, "lock");
	explanation_free(explanation);
	run_free(run);
}

/* Threads that wait for one another's word: that is a lock, also where one of its waits was ended by who never waited. */
static void test_threads_that_take_a_word_in_turns_have_a_lock(void **state)
{
	struct run *run = run_python(4);
	struct explanation *explanation;

	(void)state;
	for (size_t i = 1; i < 4; i++) {
		build_acquire(run, i, 64, i % 3 + 2, 7 * S);
		build_acquire(run, i, 64, 1, 1 * S);
	}
	explanation = explained_on(run, 2);
	assert_int_equal(explanation->ns[STATE_LOCK], 24 * S);
	assert_int_equal(explanation->n_topics > 0, 1);
	assert_non_null(finding_of(explanation, "lock"));
	says(explanation->headline, "the lock \"runtime lock of acquire() at 0x");
	explanation_free(explanation);
	run_free(run);
}

static void test_the_same_word_of_two_processes_is_two(void **state)
{
	struct run *run = run_python(2);
	struct explanation *explanation;

	(void)state;
	build_process(run, 1, "python3");
	build_thread(run, 2, 1, "python3", 0, 10 * S);
	build_acquire(run, 1, 64, 0, 1 * S);
	build_acquire(run, 2, 64, 0, 1 * S);
	explanation = explained_on(run, 2);
	assert_int_equal(explanation->ns[STATE_LOCK], 0);
	explanation_free(explanation);
	/* Of one process they are two waiters, and nothing says that it is no lock. */
	run->threads[2].process = 1;
	explanation = explained_on(run, 2);
	assert_int_equal(explanation->ns[STATE_LOCK], 2 * S);
	explanation_free(explanation);
	run_free(run);
}

/* --- a virtual machine --- */

/* `turns`: the pool's threads wake one another; then they contend, whatever words they wait on. */
static struct run *run_machine(bool turns, uint64_t wakes)
{
	struct run *run = build_run("java", 10 * S);
	char name[24];

	build_process(run, 0, "java");
	build_cpu(build_thread(run, 1, 0, "main", 0, 10 * S), 10 * S, 0);
	for (size_t i = 0; i < 8; i++) {
		struct run_thread *thread;

		snprintf(name, sizeof(name), "pool-1-thread-%zu", i + 9);
		thread = build_thread(run, 1, 1, name, 0, 10 * S);
		build_cpu(thread, 50 * MS, 0);
		build_wait(run, thread, CLASS_PREEMPTED, "", 10, 1 * S);
		for (int word = 0; word < 4; word++)
			build_futex(run, thread, "", 256 * i + 64 * word, false, wakes, word ? 1 * S : 5950 * MS)->waker =
			    turns ? 2 + (i + 1) % 8 : 1;
	}
	return run;
}

static void test_service_threads_of_a_runtime_are_idle(void **state)
{
	static const struct {
		bool turns;
		uint64_t wakes;
		bool idle;
	} cases[] = {{false, 20, true}, {false, 100, false}, {true, 20, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run *run = run_machine(cases[i].turns, cases[i].wakes);
		struct explanation *explanation = explained_on(run, 2);

		for (size_t thread = 1; thread < 9; thread++)
			assert_int_equal(explanation->threads[thread].idle, cases[i].idle);
		if (cases[i].idle)
			says_not(explanation->headline, "futexes");
		explanation_free(explanation);
		run_free(run);
	}
}

/* Who waits for what others wait for as well is no helper on its own. */
static void test_words_that_others_wait_for_are_not_its_own(void **state)
{
	struct run *run = run_machine(false, 20);
	struct explanation *explanation;

	(void)state;
	/* The second one's words are the first one's, too. */
	for (size_t i = 6; i < 10; i++)
		run->waits[i].address = run->waits[i - 5].address;
	explanation = explained_on(run, 2);
	assert_false(explanation->threads[1].idle);
	assert_false(explanation->threads[2].idle);
	assert_true(explanation->threads[3].idle);
	explanation_free(explanation);
	run_free(run);
}

/* --- a build --- */

static void test_a_pipe_that_children_hold_too_is_no_wake_up_of_its_own(void **state)
{
	(void)state;
	for (int others = 0; others < 2; others++) {
		struct run *run = build_run("make", 10 * S);
		struct explanation *explanation;
		struct run_thread *thread, *child;

		build_process(run, 0, "make");
		thread = build_thread(run, 1, 0, "make", 0, 10 * S);
		build_process(run, 1, "cc1");
		child = build_thread(run, 2, 1, "cc1", 0, 10 * S);
		build_cpu(child, 10 * S, 0);
		build_wait(run, thread, CLASS_SELFWAKE, "pselect6", 3, 6 * S)->waker = others ? 2 : 1;
		build_wait(run, thread, CLASS_SELFWAKE, "pselect6", 2, 3 * S)->waker = others ? 1 : 2;
		build_wait(run, thread, CLASS_SELFWAKE, "pselect6", 1, 1 * S);
		explanation = explained_on(run, 2);
		assert_int_equal(explanation->ns[STATE_PIPE], others ? 10 * S : 0);
		assert_non_null(wait_of(explanation, others ? STATE_PIPE : STATE_SYNC,
					others ? "pipe shared with other processes (pselect6)" : "own wake-up (pselect6)"));
		explanation_free(explanation);
		run_free(run);
	}
}

/* --- a server under load --- */

/* It answers: that its clients ask slowly is nothing that more requests at a time would mend. */
static void test_a_server_is_not_told_to_ask_more(void **state)
{
	static const char *const peers[] = {"clients of 0.0.0.0:6379",
					    "poll set of 5 or more sockets (connections to 0.0.0.0:6379 "
					    "and others)"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct run *run = build_run("server", 10 * S);
		struct run_thread *thread;
		struct explanation *explanation;

		build_process(run, 0, "server");
		thread = build_thread(run, 1, 0, "server", 0, 10 * S);
		build_cpu(thread, 3 * S, 1 * S);
		thread->connects = 1; /* to a log: so much as not to be at rest */
		build_socket(run, thread, "epoll_wait", i < 2 ? peers[i] : PEER, 1000, 6 * S);
		explanation = explained_on(run, 2);
		assert_int_equal(finding_of(explanation, "peer") != NULL, i == 2);
		explanation_free(explanation);
		run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_session_that_waits_for_a_row_is_not_well),
	    cmocka_unit_test(test_without_its_stack_it_is_described_and_not_judged),
	    cmocka_unit_test(test_a_lone_session),
	    cmocka_unit_test(test_what_takes_the_doubt_away),
	    cmocka_unit_test(test_names_that_mean_a_lock_of_the_program),
	    cmocka_unit_test(test_waiters_of_a_queue_wait_for_no_lock),
	    cmocka_unit_test(test_threads_that_take_a_word_in_turns_have_a_lock),
	    cmocka_unit_test(test_the_same_word_of_two_processes_is_two),
	    cmocka_unit_test(test_service_threads_of_a_runtime_are_idle),
	    cmocka_unit_test(test_words_that_others_wait_for_are_not_its_own),
	    cmocka_unit_test(test_a_pipe_that_children_hold_too_is_no_wake_up_of_its_own),
	    cmocka_unit_test(test_a_server_is_not_told_to_ask_more),
	};

	return cmocka_run_group_tests_name("explain: usage", tests, NULL, NULL);
}
