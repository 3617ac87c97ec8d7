/* SPDX-License-Identifier: Apache-2.0 */
/* The explanation of runs made by hand: states, causes, budget, progress, and that everything adds up. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "run_builder.h"

static const struct explain_options two_cpus = {.cpus = 2};

static struct explanation *explained(const struct run *run, const struct explain_options *options)
{
	struct explanation *explanation = NULL;

	assert_int_equal(explain_run(run, options, &explanation), 0);
	return explanation;
}

static const struct cause_view *cause_of(const struct explanation *explanation, enum state state, const char *cause)
{
	for (size_t i = 0; i < explanation->n_causes; i++)
		if (explanation->causes[i].state == state && !strcmp(explanation->causes[i].cause, cause))
			return &explanation->causes[i];
	return NULL;
}

/* What must hold of every explanation. */
static void check_sums(const struct explanation *explanation)
{
	const struct run *run = explanation->run;
	uint64_t causes[STATE_COUNT] = {0}, processes[STATE_COUNT] = {0}, progress = 0, threads_progress = 0;
	double budget = 0;

	for (size_t i = 0; i < run->n_threads; i++) {
		uint64_t waits[STATE_COUNT] = {0}, sum = 0;

		for (size_t j = 0; j < explanation->n_waits; j++) {
			assert_true(explanation->waits[j].cause[0]);
			if (explanation->waits[j].thread == &run->threads[i])
				waits[explanation->waits[j].state] += explanation->waits[j].total_ns;
		}
		for (int state = 0; state < STATE_COUNT; state++) {
			sum += explanation->threads[i].ns[state];
			if (state_info[state].group != STATE_GROUP_CPU)
				assert_int_equal(waits[state], explanation->threads[i].ns[state]);
		}
		assert_int_equal((int64_t)(run->threads[i].life_ns - sum), explanation->threads[i].residual_ns);
		threads_progress += explanation->threads[i].progress_ns;
	}
	for (size_t i = 0; i < explanation->n_causes; i++) {
		causes[explanation->causes[i].state] += explanation->causes[i].total_ns;
		progress += explanation->causes[i].outside ? explanation->causes[i].total_ns : 0;
	}
	for (size_t i = 0; i < run->n_processes; i++)
		for (int state = 0; state < STATE_COUNT; state++)
			processes[state] += explanation->processes[i].ns[state];
	for (int state = 0; state < STATE_COUNT; state++) {
		assert_int_equal(processes[state], explanation->ns[state]);
		if (state_info[state].group != STATE_GROUP_CPU)
			assert_int_equal(causes[state], explanation->ns[state]);
		budget += explanation->budget[state] * explanation->wall_ns;
	}
	assert_int_equal(progress + explanation->cpu_ns, explanation->progress_ns);
	assert_true(threads_progress <= explanation->progress_ns);
	assert_true(fabs(explanation->overlap * explanation->wall_ns - explanation->progress_ns) < 1);
	assert_true(budget > 0);
}

static void test_threads_under_one_lock(void **state)
{
	struct run *run = run_threads_cpu("interpreter_lock");
	struct explanation *explanation = explained(run, &two_cpus);
	const struct cause_view *lock = cause_of(explanation, STATE_LOCK, "GIL");

	(void)state;
	check_sums(explanation);
	assert_non_null(lock);
	/* Mutex and both words of the condition variable are one lock. */
	assert_int_equal(lock->total_ns, 5 * 2100 * MS);
	assert_int_equal(lock->count, 5 * 1040);
	assert_int_equal(lock->threads, 5);
	assert_false(lock->outside);
	assert_int_equal(explanation->ns[STATE_LOCK], lock->total_ns);
	assert_int_equal(explanation->workers, 5);
	assert_int_equal(explanation->residual_ns, 0);
	assert_int_equal(explanation->progress_ns, 10 * MS + 5 * 522 * MS);
	/* The main thread only joins, and its join is no lock of the workers'. */
	assert_true(explanation->threads[0].only_joins);
	assert_false(explanation->threads[1].only_joins);
	assert_true(fabs(explanation->joining - 2630.0 / 2650) < 1e-9);
	assert_string_equal(explanation->threads[1].most.cause, "GIL");
	assert_string_equal(explanation->findings[0].rule, "lock");
	assert_true(fabs(explanation->findings[0].seconds - 10.5) < 1e-9);
	explanation_free(explanation);
	run_free(run);
}

static void test_a_renamed_lock(void **state)
{
	static const char *const locks[] = {"other", "turnstile", NULL};
	struct explain_options options = {.locks = locks, .cpus = 2};
	struct run *run = run_threads_cpu("turnstile");
	struct explanation *explanation = explained(run, &two_cpus);

	(void)state;
	check_sums(explanation);
	assert_null(cause_of(explanation, STATE_LOCK, "GIL"));
	/* The mutex is one by what it expects; the condition variable's words are one signal. */
	assert_int_equal(cause_of(explanation, STATE_LOCK, "turnstile")->total_ns, 5 * 10 * MS);
	assert_int_equal(cause_of(explanation, STATE_SYNC, "turnstile")->total_ns, 5 * 2090 * MS);
	assert_string_equal(explanation->findings[0].rule, "turns");
	assert_non_null(strstr(explanation->findings[0].try_next, "--lock turnstile"));
	explanation_free(explanation);

	explanation = explained(run, &options);
	check_sums(explanation);
	assert_int_equal(cause_of(explanation, STATE_LOCK, "turnstile")->total_ns, 5 * 2100 * MS);
	assert_null(cause_of(explanation, STATE_SYNC, "turnstile"));
	explanation_free(explanation);
	run_free(run);
}

static void expect(struct run *run, enum state state, const char *cause, bool outside)
{
	struct explanation *explanation = explained(run, NULL);
	const struct cause_view *view = cause_of(explanation, state, cause);

	check_sums(explanation);
	if (!view)
		fail_msg("no %s \"%s\"; there is %s \"%s\"", state_info[state].name, cause,
			 state_info[explanation->causes[0].state].name, explanation->causes[0].cause);
	assert_int_equal(view->outside, outside);
	assert_int_equal(explanation->progress_ns, outside ? 1000 : 0);
	explanation_free(explanation);
}

/* One wait of each kind, in a run of two threads. */
static void test_every_kind_of_wait_has_its_state_and_name(void **unused)
{
	static const struct {
		uint32_t class;
		const char *syscall, *object, *symbol;
		uint64_t offset;
		const char *file;
		uint32_t op;
		bool expects_2, join, unattributed, inside;
		enum state state;
		const char *cause;
		bool outside;
	} cases[] = {
	    {CLASS_FUTEX, "futex", "", "_PyRuntime", 600, "python3.11", 9, 0, 0, 0, 0, STATE_LOCK, "GIL", 0},
	    {CLASS_FUTEX, "futex", "", "_PyRuntime", 600, "libpython3.11.so.1.0", 9, 0, 0, 0, 0, STATE_LOCK, "GIL", 0},
	    {CLASS_FUTEX, "futex", "", "orders_lock", 0, "shop", 0, 1, 0, 0, 0, STATE_LOCK, "orders_lock", 0},
	    {CLASS_FUTEX, "futex", "", "table", 64, "shop", 0, 1, 0, 0, 0, STATE_LOCK, "table+64", 0},
	    {CLASS_FUTEX, "futex", "", "lock", 0, "libshop.so.2", 0, 1, 0, 0, 0, STATE_LOCK, "lock (libshop.so.2)", 0},
	    {CLASS_FUTEX, "futex", "", "pi", 0, "shop", FUTEX_LOCK_PI, 0, 0, 0, 0, STATE_LOCK, "pi", 0},
	    {CLASS_FUTEX, "futex", "", "pi", 0, "shop", FUTEX_LOCK_PI2, 0, 0, 0, 0, STATE_LOCK, "pi", 0},
	    {CLASS_FUTEX, "futex", "", "", 0, "[heap]", 0, 1, 0, 0, 0, STATE_LOCK, "mutex in [heap] at 0x5581000", 0},
	    {CLASS_FUTEX, "futex", "", "queue", 40, "shop", 0, 0, 0, 0, 0, STATE_SYNC, "queue", 0},
	    {CLASS_FUTEX, "futex", "", "", 0, "[heap]", 0, 0, 0, 0, 0, STATE_SYNC, "futex in [heap] at 0x5581000", 0},
	    {CLASS_FUTEX, "futex", "", "", 0, "", 9, 0, 1, 0, 0, STATE_SYNC, "join", 0},
	    {CLASS_FUTEX, "", "", "", 0, "", 0, 0, 0, 1, 0, STATE_SYNC, "futex, unattributed", 0},
	    {CLASS_SOCKET, "recvfrom", "10.0.0.1:80", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "recv from 10.0.0.1:80", 1},
	    {CLASS_SOCKET, "recvfrom", "10.0.0.1:80", "", 0, "", 0, 0, 0, 0, 1, STATE_SOCKET, "recv from 10.0.0.1:80", 0},
	    {CLASS_SOCKET, "sendmsg", "10.0.0.1:80", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "send to 10.0.0.1:80", 1},
	    {CLASS_SOCKET, "connect", "10.0.0.1:80", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "connect to 10.0.0.1:80", 1},
	    {CLASS_SOCKET, "accept4", "[::]:80", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "accept on [::]:80", 1},
	    {CLASS_SOCKET, "ioctl", "10.0.0.1:80", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "ioctl on 10.0.0.1:80", 1},
	    {CLASS_POLL, "poll", "10.0.0.1:80", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "10.0.0.1:80", 1},
	    {CLASS_SOCKET, "accept4", "", "", 0, "", 0, 0, 0, 0, 0, STATE_SOCKET, "socket (accept4)", 1},
	    {CLASS_POLL, "epoll_wait", "poll set of 2 sockets (10.0.0.1:80 and others)", "", 0, "", 1, 0, 0, 0, 0, STATE_SOCKET,
	     "poll set of 2 sockets (10.0.0.1:80 and others)", 1},
	    {CLASS_POLL, "epoll_wait", "", "", 0, "", 1, 0, 0, 0, 0, STATE_SOCKET, "several peers", 1},
	    {CLASS_SELFWAKE, "epoll_wait", "", "", 0, "", 0, 0, 0, 0, 0, STATE_SYNC, "own wake-up (epoll_wait)", 0},
	    {CLASS_PIPE, "read", "pipe:[7]", "", 0, "", 0, 0, 0, 0, 0, STATE_PIPE, "pipe:[7]", 0},
	    {CLASS_PIPE, "", "", "", 0, "", 0, 0, 0, 1, 0, STATE_PIPE, "pipe, unattributed", 0},
	    {CLASS_TTY, "read", "", "", 0, "", 0, 0, 0, 0, 0, STATE_PIPE, "terminal", 1},
	    {CLASS_TTY, "read", "/dev/pts/0", "", 0, "", 0, 0, 0, 0, 0, STATE_PIPE, "terminal /dev/pts/0", 1},
	    {CLASS_FILE, "fsync", "/data/log", "", 0, "", 0, 0, 0, 0, 0, STATE_DISK, "fsync /data/log", 1},
	    {CLASS_FILE, "fsync", "", "", 0, "", 0, 0, 0, 0, 0, STATE_DISK, "fsync", 1},
	    {CLASS_PAGEIN, "", "", "", 0, "", 0, 0, 0, 0, 0, STATE_DISK, "page-in", 1},
	    {CLASS_FAULT, "", "", "", 0, "", 0, 0, 0, 0, 0, STATE_MEMORY, "page fault", 1},
	    {CLASS_FAULT, "", "mmap lock", "", 0, "", 0, 0, 0, 0, 0, STATE_MEMORY, "mmap lock", 0},
	    {CLASS_MEMORY, "mmap", "mmap lock", "", 0, "", 0, 0, 0, 0, 0, STATE_MEMORY, "mmap lock", 0},
	    {CLASS_MEMORY, "mmap", "", "", 0, "", 0, 0, 0, 0, 0, STATE_MEMORY, "mmap", 1},
	    {CLASS_SLEEP, "clock_nanosleep", "", "", 0, "", 0, 0, 0, 0, 0, STATE_SLEEP, "sleep", 1},
	    {CLASS_SLEEP, "clock_nanosleep", "100 ms", "", 0, "", 0, 0, 0, 0, 0, STATE_SLEEP, "sleep 100 ms", 1},
	    {CLASS_SLEEP, "read", "", "", 0, "", 0, 0, 0, 0, 0, STATE_SLEEP, "timerfd", 1},
	    {CLASS_CHILD, "wait4", "", "", 0, "", 0, 0, 0, 0, 0, STATE_CHILD, "child processes", 0},
	    {CLASS_CHILD, "wait4", "make[7]", "", 0, "", 0, 0, 0, 0, 0, STATE_CHILD, "child make[7]", 0},
	    {CLASS_FLOCK, "flock", "/run/x", "", 0, "", 0, 0, 0, 0, 0, STATE_LOCK, "file lock /run/x", 0},
	    {CLASS_SYSV, "semop", "", "", 0, "", 0, 0, 0, 0, 0, STATE_SYNC, "semop", 0},
	    {CLASS_SYSV, "semop", "7", "", 0, "", 0, 0, 0, 0, 0, STATE_SYNC, "semaphore set 7", 0},
	    {CLASS_SYSV, "mq_timedreceive", "/q", "", 0, "", 0, 0, 0, 0, 0, STATE_SYNC, "message queue /q", 0},
	    {CLASS_KLOCK, "write", "rwsem (to read)", "", 0, "", 0, 0, 0, 0, 0, STATE_LOCK, "kernel rwsem (to read) in write", 0},
	    {CLASS_KLOCK, "", "mutex", "", 0, "", 0, 0, 0, 0, 0, STATE_LOCK, "kernel mutex", 0},
	    {CLASS_STOPPED, "", "", "", 0, "", 0, 0, 0, 0, 0, STATE_STOPPED, "stopped", 1},
	    {CLASS_OTHER, "io_uring_enter", "", "", 0, "", 0, 0, 0, 0, 0, STATE_OTHER, "io_uring_enter", 1},
	    {CLASS_OTHER, "epoll_wait", "epoll set not seen", "", 0, "", 0, 0, 0, 0, 0, STATE_OTHER, "epoll set not seen", 1},
	    {CLASS_FILE, "getdents64", "", "", 0, "", 0, 0, 0, 0, 0, STATE_DISK, "getdents64", 1},
	    {CLASS_PREEMPTED, "", "", "", 0, "", 0, 0, 0, 0, 0, STATE_RUN_QUEUE, "preempted", 0},
	    {CLASS_WOKEN, "", "", "", 0, "", 0, 0, 0, 0, 0, STATE_RUN_QUEUE, "woken, not yet running", 0},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run *run = build_run("one", 1000);
		struct run_wait *wait;

		build_process(run, 0, "one");
		build_thread(run, 1, 0, "one", 0, 1000);
		build_thread(run, 1, 1, "two", 0, 0);
		wait = build_wait(run, &run->threads[0], cases[i].class, cases[i].syscall, 1, 1000);
		set_text(&wait->object, cases[i].object);
		set_text(&wait->symbol, cases[i].symbol);
		set_text(&wait->file, cases[i].file);
		wait->offset = cases[i].offset;
		wait->address = 0x5581000;
		wait->op = cases[i].op;
		wait->expects_2 = cases[i].expects_2;
		wait->join = cases[i].join;
		wait->unattributed = cases[i].unattributed;
		wait->inside = cases[i].inside;
		expect(run, cases[i].state, cases[i].cause, cases[i].outside);
		run_free(run);
	}
}

static void test_every_class_has_a_rule(void **unused)
{
	(void)unused;
	for (uint32_t class = CLASS_CPU + 1; class < CLASS_COUNT; class ++) {
		for (int unattributed = 0; unattributed < 2; unattributed++) {
			struct run *run = build_run("one", 1000);
			struct explanation *explanation;

			build_process(run, 0, "one");
			build_thread(run, 1, 0, "one", 0, 1000);
			build_wait(run, &run->threads[0], class, "", 1, 1000)->unattributed = unattributed;
			explanation = explained(run, NULL);
			check_sums(explanation);
			assert_int_equal(explanation->n_causes, 1);
			assert_int_equal(explanation->ns[class_state[class]], 1000);
			explanation_free(explanation);
			run_free(run);
		}
	}
}

static void test_a_lone_thread_has_nobody_inside_its_pipe(void **unused)
{
	struct run *run = build_run("cat", 1000);

	(void)unused;
	build_process(run, 0, "cat");
	build_thread(run, 1, 0, "cat", 0, 1000);
	build_wait(run, &run->threads[0], CLASS_PIPE, "read", 1, 1000);
	expect(run, STATE_PIPE, "pipe", true);
	run->processes[0].undelivered_threads = 1;
	expect(run, STATE_PIPE, "pipe", false);
	run_free(run);
}

static void test_time_without_a_cause_is_shown(void **unused)
{
	struct run *run = build_run("one", 3000);
	struct explanation *explanation;

	(void)unused;
	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 3000);
	build_socket(run, &run->threads[0], "poll", PEER, 1, 1000);
	run->threads[0].ns[CLASS_POLL] += 500;
	run->threads[0].ns[CLASS_FUTEX] += 1500;
	explanation = explained(run, NULL);
	check_sums(explanation);
	assert_int_equal(explanation->residual_ns, 0);
	assert_int_equal(cause_of(explanation, STATE_SOCKET, PEER)->total_ns, 1000);
	assert_int_equal(cause_of(explanation, STATE_SOCKET, "poll, unattributed")->total_ns, 500);
	assert_int_equal(cause_of(explanation, STATE_SYNC, "futex, unattributed")->total_ns, 1500);
	assert_int_equal(explanation->checks.unattributed_ns, 2000);
	explanation_free(explanation);
	run_free(run);
}

static void test_waits_beyond_their_class_are_cut_and_counted(void **unused)
{
	struct run *run = build_run("one", 3000);
	struct explanation *explanation;

	(void)unused;
	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 3000);
	build_socket(run, &run->threads[0], "poll", PEER, 1, 3000);
	run->threads[0].ns[CLASS_POLL] = 2000;
	build_cpu(&run->threads[0], 1000, 0);
	explanation = explained(run, NULL);
	check_sums(explanation);
	assert_int_equal(explanation->residual_ns, 0);
	assert_int_equal(explanation->checks.surplus_ns, 1000);
	assert_string_equal(explanation->findings[0].rule, "losses");
	explanation_free(explanation);
	run_free(run);
}

static void test_a_residual_is_not_hidden(void **unused)
{
	struct run *run = build_run("one", 3000);
	struct explanation *explanation;

	(void)unused;
	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 3000);
	build_thread(run, 1, 1, "two", 0, 100);
	build_cpu(&run->threads[0], 2990, 0);
	build_cpu(&run->threads[1], 103, 0);
	explanation = explained(run, NULL);
	assert_int_equal(explanation->threads[0].residual_ns, 10);
	assert_int_equal(explanation->threads[1].residual_ns, -3);
	assert_int_equal(explanation->residual_ns, 13);
	explanation_free(explanation);
	run_free(run);
}

static void test_undelivered_threads_are_in_their_process(void **unused)
{
	struct run *run = build_run("one", 3000);
	struct explanation *explanation;

	(void)unused;
	build_process(run, 0, "one");
	build_thread(run, 1, 0, "one", 0, 3000);
	build_cpu(&run->threads[0], 3000, 0);
	run->processes[0].undelivered_threads = 2;
	run->processes[0].undelivered_life_ns = 5000;
	run->processes[0].undelivered_ns[CLASS_USER] = 1000;
	run->processes[0].undelivered_ns[CLASS_FUTEX] = 3000;
	run->processes[0].undelivered_ns[CLASS_SLEEP] = 1000;
	explanation = explained(run, NULL);
	check_sums(explanation);
	assert_int_equal(explanation->processes[0].ns[STATE_USER], 4000);
	assert_int_equal(explanation->ns[STATE_SYNC], 3000);
	assert_int_equal(explanation->progress_ns, 5000);
	assert_int_equal(explanation->checks.undelivered_threads, 2);
	explanation_free(explanation);
	run_free(run);
}

static void test_checks_count_ended_threads_only(void **unused)
{
	struct run *run = run_threads_cpu("interpreter_lock");
	struct explanation *explanation;

	(void)unused;
	run->threads[2].audit_switches++;
	run->threads[3].audit_switches += 7;
	run->threads[3].ended = false;
	build_figure(run->ledger, &run->n_ledger, "wall_ns", 2500.0 * MS);
	explanation = explained(run, NULL);
	assert_int_equal(explanation->checks.threads, 6);
	assert_int_equal(explanation->checks.ended, 5);
	assert_int_equal(explanation->checks.switches_differ, 1);
	assert_int_equal(explanation->checks.kernel_switches, explanation->checks.switches + 1);
	assert_true(fabs(explanation->checks.wall_error - 0.06) < 1e-9);
	assert_true(fabs(explanation->checks.on_cpu_error) < 1e-9);
	explanation_free(explanation);
	run_free(run);
}

static void test_on_cpu_time_is_held_against_the_kernels(void **unused)
{
	static const struct {
		uint64_t kernels_ns, switches;
		bool differs;
		uint64_t wake_ups, stolen_ns;
	} cases[] = {
	    /* the kernel counts from wake-ups: it may have more for each, never less */
	    {1100 * MS, 0, false, 8000, 0},
	    {1100 * MS, 0, true, 1000, 0},
	    {900 * MS, 0, true, 8000, 0},
	    /* the hypervisor's part is in ours, not in the kernel's */
	    {900 * MS, 0, false, 0, 100 * MS},
	    {1100 * MS, 0, true, 0, 100 * MS},
	    {1000 * MS, 0, false, 0, 0},
	    {1019 * MS, 0, false, 0, 0},
	    {1021 * MS, 0, true, 0, 0},
	    {1021 * MS, 1000, false, 0, 0},
	    {980 * MS, 0, true, 0, 0},
	    {1200 * MS, 60000, false, 0, 0},
	    {1200 * MS, 10000, true, 0, 0}, /* 38% of little is much only when it was not switched all the time */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run *run = build_run("one", 1000 * MS);
		struct explanation *explanation;

		build_process(run, 0, "one");
		build_thread(run, 1, 0, "one", 0, 1000 * MS);
		build_cpu(&run->threads[0], 1000 * MS, 0);
		run->threads[0].audit_on_cpu_ns = cases[i].kernels_ns;
		run->threads[0].audit_switches = run->threads[0].voluntary = cases[i].switches;
		run->stolen_ns = cases[i].stolen_ns;
		if (cases[i].wake_ups)
			build_wait(run, &run->threads[0], CLASS_WOKEN, "", cases[i].wake_ups, 0);
		explanation = explained(run, NULL);
		if (explanation->checks.on_cpu_differs != cases[i].differs)
			fail_msg("case %zu", i);
		if (cases[i].switches)
			assert_true(fabs(explanation->checks.on_cpu_ns_a_switch * cases[i].switches -
					 (1000.0 * MS - cases[i].kernels_ns)) < 1);
		explanation_free(explanation);
		run_free(run);
	}
}

static void test_idle_is_not_a_finding(void **unused)
{
	struct run *run = build_run("server", 60 * S);
	struct explanation *explanation;

	(void)unused;
	build_process(run, 0, "server");
	build_thread(run, 1, 0, "server", 0, 60 * S);
	build_cpu(&run->threads[0], 2 * MS, 2 * MS);
	build_wait(run, &run->threads[0], CLASS_SOCKET, "accept4", 3, 60 * S - 4 * MS);
	for (int i = 0; i < 8; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "pool", 0, 60 * S);

		build_cpu(thread, 1 * MS, 1 * MS);
		build_futex(run, thread, "work", 0, false, 3, 60 * S - 2 * MS);
	}
	explanation = explained(run, &two_cpus);
	check_sums(explanation);
	assert_int_equal(explanation->n_findings, 0);
	explanation_free(explanation);
	run_free(run);
}

static void test_contradictions_are_refused(void **unused)
{
	struct explanation *explanation = NULL;
	struct run *run = run_serial_cpu(0);

	(void)unused;
	run->end_ns = run->begin_ns;
	assert_int_equal(explain_run(run, NULL, &explanation), -EINVAL);
	run_free(run);
	run = run_serial_cpu(0);
	run->waits[0].thread = 99;
	assert_int_equal(explain_run(run, NULL, &explanation), -EINVAL);
	run_free(run);
	assert_null(explanation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_threads_under_one_lock),
	    cmocka_unit_test(test_a_renamed_lock),
	    cmocka_unit_test(test_every_kind_of_wait_has_its_state_and_name),
	    cmocka_unit_test(test_every_class_has_a_rule),
	    cmocka_unit_test(test_a_lone_thread_has_nobody_inside_its_pipe),
	    cmocka_unit_test(test_time_without_a_cause_is_shown),
	    cmocka_unit_test(test_waits_beyond_their_class_are_cut_and_counted),
	    cmocka_unit_test(test_a_residual_is_not_hidden),
	    cmocka_unit_test(test_undelivered_threads_are_in_their_process),
	    cmocka_unit_test(test_checks_count_ended_threads_only),
	    cmocka_unit_test(test_on_cpu_time_is_held_against_the_kernels),
	    cmocka_unit_test(test_idle_is_not_a_finding),
	    cmocka_unit_test(test_contradictions_are_refused),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
