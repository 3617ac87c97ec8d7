/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of what shows time: runs with a timeline, of any size, whose episodes and account agree to the nanosecond. Includes come from the
 * test: cmocka, run_builder.h.
 */
#ifndef CONCPROF_TESTS_TIMELINE_FIXTURE_H
#define CONCPROF_TESTS_TIMELINE_FIXTURE_H

#include "flame_fixture.h"

#define TIMED_WAITS 6 /* of each thread */

struct timed {
	uint64_t random;
	uint64_t life_ns;
};

BUILDER uint64_t timed_random(struct timed *timed, uint64_t below)
{
	timed->random = timed->random * 6364136223846793005ull + 1442695040888963407ull;
	return (timed->random >> 33) % below;
}

/* What a thread of the run waits for; times are added with the episodes. Ended by another thread, a timer, or nobody knows whom. */
BUILDER void timed_waits(struct run *run, struct run_thread *thread, struct run_wait *waits[TIMED_WAITS])
{
	uint64_t other = thread->id > 1 ? thread->id - 1 : run->n_threads;

	waits[0] = build_futex(run, thread, "orders_lock", 0, true, 0, 0);
	waits[0]->waker = waits[0]->holder = other;
	waits[0]->stack = build_stack(run, SERVE ";find_order;pthread_mutex_lock;__lll_lock_wait;" FUTEX);
	waits[1] = build_futex(run, thread, "queue_filled", 8, false, 0, 0);
	waits[1]->waker = thread->id > 1 ? 1 : other;
	waits[1]->stack = build_stack(run, "clone3;start_thread;worker_main;queue_pop;pthread_cond_wait;" FUTEX);
	waits[2] = build_socket(run, thread, "recvfrom", "10.0.0.7:5432", 0, 0);
	waits[2]->waker_name = copy("interrupt");
	waits[3] = build_wait(run, thread, CLASS_PIPE, "read", 0, 0);
	waits[3]->waker = other;
	waits[4] = build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 0, 0);
	waits[4]->waker_name = copy("timer");
	waits[5] = build_wait(run, thread, CLASS_PREEMPTED, "", 0, 0);
}

/* Adds an episode to the timeline and to the account. */
BUILDER void timed_episode(struct run *run, struct run_thread *thread, struct run_wait *wait, uint64_t out_ns,
			   uint64_t blocked_ns, uint64_t queued_ns)
{
	bool blocked = wait->class != CLASS_PREEMPTED;

	if (!blocked)
		blocked_ns = 0;
	run->episodes[run->n_episodes++] = (struct run_episode){.out_ns = out_ns,
								.blocked_ns = blocked_ns,
								.queued_ns = queued_ns,
								.thread = thread->id,
								.class = wait->class,
								.wait = blocked ? wait->id : 0};
	wait->total_ns += blocked ? blocked_ns : queued_ns;
	wait->max_ns = blocked_ns > wait->max_ns ? blocked_ns : wait->max_ns;
	wait->count++;
	thread->ns[wait->class] += blocked ? blocked_ns : queued_ns;
	if (blocked)
		thread->ns[CLASS_WOKEN] += queued_ns;
	thread->voluntary += blocked;
	thread->involuntary += !blocked;
	thread->audit_switches++;
}

BUILDER void timed_thread(struct run *run, struct run_thread *thread, struct timed *timed, size_t episodes)
{
	struct run_wait *waits[TIMED_WAITS];
	uint64_t begin_ns = thread->begin_ns - run->begin_ns, slot = thread->life_ns / (episodes + 1), off = 0;

	timed_waits(run, thread, waits);
	for (size_t i = 0; i < episodes; i++) {
		/* Some leave no time between them, or none on one side. */
		uint64_t blocked = timed_random(timed, 3) ? timed_random(timed, slot / 2) : 0, queued = 0, lead;

		if (timed_random(timed, 4))
			queued = timed_random(timed, slot / 4) + 1;
		lead = timed_random(timed, 5) ? timed_random(timed, slot / 8) + 1 : 0;
		timed_episode(run, thread, waits[timed_random(timed, TIMED_WAITS)], begin_ns + i * slot + lead, blocked, queued);
		if (i % 16 == 7 && run->n_moments < BUILDER_ROOM)
			build_moment(run, thread, SERVE ";parse_request;json_parse", begin_ns + (i + 1) * slot - 1);
	}
	for (uint32_t class = 0; class < CLASS_COUNT; class ++)
		off += thread->ns[class];
	build_cpu(thread, thread->life_ns - off, 0);
}

/* `threads` threads in two processes, with `episodes` each. */
BUILDER struct run *run_timed(size_t threads, size_t episodes, uint64_t seed)
{
	struct timed timed = {.random = seed};
	struct run *run = build_run("timed", 10 * S);

	free(run->episodes);
	run->episodes = calloc(threads * episodes + 1, sizeof(*run->episodes));
	run->timeline = true;
	build_process(run, 0, "timed");
	build_process(run, 1, "helper");
	for (size_t i = 0; i < threads; i++)
		build_thread(run, i < threads / 2 + 1 ? 1 : 2, i > 0, i ? "worker" : "timed", i * 10 * MS + i,
			     10 * S - i * 11 * MS - 7 * i);
	for (size_t i = 0; i < threads; i++)
		timed_thread(run, &run->threads[i], &timed, episodes);
	assert_int_equal(run_check(run, NULL), 0);
	return run;
}

/* The same with names that no format likes: of threads, processes, functions, and of what is waited for. */
BUILDER struct run *run_timed_hostile(void)
{
	struct run *run = run_timed(6, 60, 5);
	char *endless = malloc(100001);

	memset(endless, 'x', 100000);
	endless[100000] = '\0';
	set_text(&run->name, HOSTILE);
	set_text(&run->processes[1].comm, HOSTILE "\r\n");
	for (size_t i = 0; i < run->n_threads; i++)
		set_text(&run->threads[i].comm, i % 2 ? HOSTILE : "=cmd|' /C calc'!A0");
	for (size_t i = 0; i < run->n_frames; i++)
		set_text(&run->frames[i].function, i % 3 == 0 ? HOSTILE : i % 3 == 1 ? endless : "");
	for (size_t i = 0; i < run->n_waits; i++) {
		if (run->waits[i].object[0])
			set_text(&run->waits[i].object, HOSTILE "\",\n");
		if (run->waits[i].symbol[0])
			set_text(&run->waits[i].symbol, endless);
		if (run->waits[i].waker_name)
			set_text(&run->waits[i].waker_name, HOSTILE);
	}
	free(endless);
	return run;
}

#endif
