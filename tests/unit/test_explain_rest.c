/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for work is told apart from waiting while there is work; and one thread that does it all from threads that take turns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explained.h"
#include "run_builder.h"

/* What a server is made of: one thread that accepts, and workers that wait for jobs, woken by `waker`. */
struct server {
	uint64_t accept_cpu_ns; /* of 10 s */
	uint64_t worker_cpu_ns;
	uint64_t waker;     /* serial, 0: not known */
	bool same_cause;    /* the accepting thread waits for jobs, too */
	uint64_t lock_ns;   /* workers wait so long for a lock */
	uint64_t connects;  /* of the accepting thread */
	bool producer_busy; /* the accepting thread waits for a disk instead of for requests */
};

static struct run *run_server(const struct server *server)
{
	struct run *run = build_run("server", 10 * S);
	struct run_thread *thread;
	uint64_t rest = 10 * S - server->accept_cpu_ns;

	build_process(run, 0, "server");
	thread = build_thread(run, 1, 0, "server", 0, 10 * S);
	thread->connects = server->connects;
	build_cpu(thread, server->accept_cpu_ns, 0);
	if (server->same_cause) {
		build_futex(run, thread, "jobs", 0, false, 2000, rest / 4);
		rest -= rest / 4;
	}
	if (server->producer_busy)
		build_wait(run, thread, CLASS_FILE, "fsync", 1000, rest);
	else
		build_wait(run, thread, CLASS_SOCKET, "accept4", 1000, rest);
	for (int i = 0; i < 4; i++) {
		thread = build_thread(run, 1, 1, "worker", 0, 10 * S);
		build_cpu(thread, server->worker_cpu_ns, 0);
		if (server->lock_ns)
			build_futex(run, thread, "cache_lock", 0, true, 500, server->lock_ns);
		build_futex(run, thread, "jobs", 0, false, 2000, 10 * S - server->worker_cpu_ns - server->lock_ns)->waker =
		    server->waker;
	}
	return run;
}

static double waiting_for_work(const struct server *server)
{
	struct run *run = run_server(server);
	struct explanation *explanation = explained_on(run, 4);
	double mean = (double)explanation->for_work_ns / explanation->wall_ns;

	explanation_free(explanation);
	run_free(run);
	return mean;
}

static void test_a_server_without_requests_is_well(void **state)
{
	struct server server = {.accept_cpu_ns = 20 * MS, .worker_cpu_ns = 20 * MS, .waker = 1};
	struct run *run = run_server(&server);
	struct explanation *explanation;

	(void)state;
	run->attached = run->interrupted = true;
	set_text(&run->name, "server");
	explanation = explained_on(run, 4);
	assert_true(explanation->at_rest);
	assert_true(explanation->waits_for_work);
	says(explanation->headline,
	     "observed 10.0 s of server[5001]: 5 threads; 0.01 ran at a time (4 CPUs): nothing is wrong, its "
	     "threads wait for work (");
	assert_int_equal(explanation->n_findings, 0);
	for (int i = 0; i < 5; i++)
		assert_true(explanation->threads[i].idle);
	explanation_free(explanation);
	run_free(run);
}

/* Busy, yet its workers have nothing to do at times: the one that hands out jobs waits for requests itself. */
static void test_workers_of_a_producer_that_waits_for_requests(void **state)
{
	struct server server = {.accept_cpu_ns = 3 * S, .worker_cpu_ns = 4 * S, .waker = 1};
	struct run *run = run_server(&server);
	struct explanation *explanation = explained_on(run, 4);

	(void)state;
	assert_false(explanation->at_rest);
	assert_false(explanation->waits_for_work);
	assert_true(fabs(explanation->for_work_ns - 4 * 6.0 * S) < 1);
	says(explanation->headline, "1.90 ran at a time (4 CPUs)");
	says(explanation->headline, "2.40 waited for work");
	says_not(explanation->headline, "jobs");
	assert_null(finding_of(explanation, "turns"));
	explanation_free(explanation);
	run_free(run);
}

/* Each one thing that keeps a wait from being for work. */
static void test_what_is_not_for_work(void **state)
{
	const struct server busy = {.accept_cpu_ns = 3 * S, .worker_cpu_ns = 4 * S, .waker = 1};
	struct server server = busy;

	(void)state;
	assert_true(fabs(waiting_for_work(&server) - 2.4) < 1e-9);
	server.waker = 0; /* nobody knows who woke them */
	assert_true(waiting_for_work(&server) == 0);
	server = busy;
	server.waker = 3; /* another worker, which waits for the same: they take turns */
	assert_true(waiting_for_work(&server) == 0);
	server = busy;
	server.same_cause = true;
	assert_true(waiting_for_work(&server) == 0);
	server = busy;
	server.accept_cpu_ns = 9500 * MS; /* the producer does not keep up: there is work, and nobody hands it out */
	assert_true(waiting_for_work(&server) == 0);
	server = busy;
	server.producer_busy = true; /* it waits for a disk: the same */
	assert_true(waiting_for_work(&server) == 0);
	server = busy;
	server.connects = 1; /* it waits for answers, perhaps */
	assert_true(waiting_for_work(&server) == 0);
	server = busy;
	server.lock_ns = 2 * S; /* a lock is never waited for by who has nothing to do */
	assert_true(fabs(waiting_for_work(&server) - 1.6) < 1e-9);
}

static void test_a_run_at_rest_needs_all_of_it(void **state)
{
	const struct server idle = {.accept_cpu_ns = 20 * MS, .worker_cpu_ns = 20 * MS};
	struct server server = idle;

	(void)state;
	assert_true(waiting_for_work(&server) > 4.9);
	server.connects = 1; /* a client waits for its answer */
	assert_true(waiting_for_work(&server) == 0);
	server = idle;
	server.lock_ns = 5 * S;
	assert_true(waiting_for_work(&server) == 0);
	server = idle;
	server.producer_busy = true; /* a disk, and nobody waits for anything from outside */
	assert_true(waiting_for_work(&server) == 0);
	server = idle;
	server.worker_cpu_ns = 2 * S; /* together they may have been busy for most of T */
	assert_true(waiting_for_work(&server) == 0);
}

/* A hand-made turnstile: each thread is woken by the one before. Nobody of them waits for work. */
static void test_turns_are_not_for_work(void **state)
{
	struct run *run = build_run("turns", 10 * S);
	struct explanation *explanation;
	char name[16];

	(void)state;
	build_process(run, 0, "turns");
	for (int i = 0; i < 4; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "worker", 0, 10 * S);

		build_cpu(thread, 2500 * MS, 0);
		snprintf(name, sizeof(name), "turn_%d", i);
		build_futex(run, thread, name, 0, false, 100, 7500 * MS)->waker = 1 + (i + 3) % 4;
	}
	explanation = explained_on(run, 4);
	assert_int_equal(explanation->for_work_ns, 0);
	assert_non_null(finding_of(explanation, "turns"));
	explanation_free(explanation);
	run_free(run);
}

static struct run *run_pipeline(void)
{
	struct run *run = build_run("sh", 10 * S);
	struct run_thread *thread;

	build_process(run, 0, "sh");
	thread = build_thread(run, 1, 0, "sh", 0, 10 * S);
	build_wait(run, thread, CLASS_CHILD, "wait4", 2, 10 * S);
	build_process(run, 1, "xz");
	thread = build_thread(run, 2, 1, "xz", 0, 10 * S);
	build_cpu(thread, 10 * MS, 0);
	build_futex(run, thread, "", 0, false, 400, 10 * S - 10 * MS)->waker = 4;
	build_process(run, 1, "wc");
	thread = build_thread(run, 3, 1, "wc", 0, 10 * S);
	build_cpu(thread, 10 * MS, 0);
	build_wait(run, thread, CLASS_PIPE, "read", 2000, 10 * S - 10 * MS)->waker = 2;
	thread = build_thread(run, 2, 2, "xz", 0, 10 * S);
	build_cpu(thread, 9800 * MS, 0);
	build_rest_in_queue(run, thread);
	return run;
}

/* `sh -c 'xz -T2 ... | wc -c'`: the reason is the one thread, not the pipe that another one waits for. */
static void test_one_thread_of_a_pipeline_does_it_all(void **state)
{
	struct run *run = run_pipeline();
	struct explanation *explanation = explained_on(run, 4);

	(void)state;
	assert_ptr_equal(explanation->one_worker, &explanation->threads[3]);
	says(explanation->headline,
	     "sh: 10.0 s, 3 processes with 4 threads; 0.98 ran at a time (4 CPUs): one thread did the work, "
	     "xz/7004 (100% of the CPU time), while the others waited.");
	says(finding_of(explanation, "one_thread")->sentence, "xz (tid 7004) used 9.80 s of 9.82 s of CPU, 98% of the wall time");
	assert_null(finding_of(explanation, "turns"));
	explanation_free(explanation);
	run_free(run);
}

/* With one CPU there is nobody to share with; a parent that waits for its child is nobody to share with; and halves are not all. */
static void test_when_one_thread_is_no_reason(void **state)
{
	static const struct explain_options one_cpu = {.cpus = 1};
	struct run *run = run_pipeline();
	struct explanation *explanation = NULL;

	(void)state;
	run->threads[1].life_ns = run->threads[2].life_ns = 0;
	run->threads[1].ns[CLASS_USER] = run->threads[1].ns[CLASS_FUTEX] = 0;
	run->threads[2].ns[CLASS_USER] = run->threads[2].ns[CLASS_PIPE] = 0;
	run->waits[1].total_ns = run->waits[2].total_ns = 0;
	explanation = explained_on(run, 4);
	assert_null(explanation->one_worker);
	explanation_free(explanation);
	run_free(run);

	/* Who is idle all the time counts only where a full thread is the limit, which one CPU would be anyway. */
	run = run_pipeline();
	run->waits[1].count = run->waits[2].count = 1;
	assert_int_equal(explain_run(run, &one_cpu, &explanation), 0);
	assert_null(explanation->one_worker);
	explanation_free(explanation);
	explanation = explained_on(run, 4);
	assert_non_null(explanation->one_worker);
	explanation_free(explanation);
	run_free(run);

	run = run_parallel_cpu("two", false);
	explanation = explained_on(run, 4);
	assert_null(explanation->one_worker);
	explanation_free(explanation);
	run_free(run);
}

/* Two locks in the wrong order. */
static void test_a_deadlock_is_no_rest(void **state)
{
	struct run *run = build_run("dead", 10 * S);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "dead");
	build_join(run, build_thread(run, 1, 0, "dead", 0, 10 * S), 10 * S);
	for (int i = 0; i < 2; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "worker", 0, 10 * S);

		build_futex(run, thread, i ? "lock_a" : "lock_b", 0, true, 1, 10 * S)->holder = 3 - i;
	}
	run->attached = true;
	explanation = explained_on(run, 4);
	assert_true(explanation->stuck);
	assert_false(explanation->waits_for_work);
	says(explanation->headline, "nothing moves, its threads wait for each other");
	says(finding_of(explanation, "stuck")->sentence, "for all of 10.0 s 3 threads waited for one another");
	explanation_free(explanation);
	/* A run that came to its end was not stuck. */
	run->attached = false;
	explanation = explained_on(run, 4);
	assert_false(explanation->stuck);
	explanation_free(explanation);
	run->attached = true;
	run->waits[1].count = 100; /* they do move */
	explanation = explained_on(run, 4);
	assert_false(explanation->stuck);
	explanation_free(explanation);
	run_free(run);
}

/* A sleep is a wait for a time, and not for work; nothing is said to be well of it. */
static void test_sleep_is_not_for_work(void **state)
{
	struct run *run = build_run("sleep", 10 * S);
	struct explanation *explanation;

	(void)state;
	build_process(run, 0, "sleep");
	build_wait(run, build_thread(run, 1, 0, "sleep", 0, 10 * S), CLASS_SLEEP, "clock_nanosleep", 1, 10 * S);
	explanation = explained_on(run, 4);
	assert_false(explanation->waits_for_work);
	says(explanation->headline, "1.00 waited (sleep)");
	explanation_free(explanation);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_server_without_requests_is_well),
	    cmocka_unit_test(test_workers_of_a_producer_that_waits_for_requests),
	    cmocka_unit_test(test_what_is_not_for_work),
	    cmocka_unit_test(test_a_run_at_rest_needs_all_of_it),
	    cmocka_unit_test(test_turns_are_not_for_work),
	    cmocka_unit_test(test_one_thread_of_a_pipeline_does_it_all),
	    cmocka_unit_test(test_when_one_thread_is_no_reason),
	    cmocka_unit_test(test_a_deadlock_is_no_rest),
	    cmocka_unit_test(test_sleep_is_not_for_work),
	};

	return cmocka_run_group_tests_name("explain: rest", tests, NULL, NULL);
}
