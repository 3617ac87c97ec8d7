/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the page: a server's run in time, of as many intervals as asked for, the same each time. */
#ifndef CONCPROF_TESTS_HTML_FIXTURE_H
#define CONCPROF_TESTS_HTML_FIXTURE_H

#include "flame_fixture.h"

#define SERVER_WORKERS 8
#define SERVER_KINDS   5 /* of waits that a worker has; the last is none: it is preempted */
#define SERVER_STACKS  4

struct server_sums {
	uint64_t count, blocked_ns, queued_ns;
};

struct server {
	struct run *run;
	uint32_t random;
	uint64_t end_ns; /* of the worker that ends last */
};

/* Numerical Recipes' generator; its upper bits. */
BUILDER uint64_t server_random(struct server *server, uint64_t below)
{
	server->random = server->random * 1664525 + 1013904223;
	return (server->random >> 8) % below;
}

BUILDER struct run_wait *server_wait(struct run *run, struct run_thread *thread, int kind, const struct server_sums *sums)
{
	static const char *const stacks[] = {SERVE ";find_order;pthread_mutex_lock;__lll_lock_wait;" FUTEX,
					     SERVE ";log_line;pthread_mutex_lock;__lll_lock_wait;" FUTEX,
					     "clone3;start_thread;worker_main;queue_pop;pthread_cond_wait;" FUTEX,
					     SERVE ";find_order;PQexec;recv;" SYSCALL
						   ";tcp_recvmsg_[k];sk_wait_data_[k];schedule_timeout_[k];schedule_[k]"};
	struct run_wait *wait;

	if (kind == 3)
		wait = build_socket(run, thread, "recvfrom", "10.0.0.7:5432", sums->count, sums->blocked_ns);
	else
		wait = build_futex(run, thread,
				   kind == 0   ? "orders_lock"
				   : kind == 1 ? "log_lock"
					       : "queue_filled",
				   0, kind < 2, sums->count, sums->blocked_ns);
	wait->stack = build_stack(run, stacks[kind]);
	wait->waker = kind == 3 ? 0 : 2 + (thread->id + 1) % SERVER_WORKERS;
	wait->holder = kind < 2 ? wait->waker : 0;
	return wait;
}

/* What the worker did in time; its waits' sums in `sums`, on a CPU it was for the result. */
BUILDER uint64_t server_episodes(struct server *server, struct run_thread *thread, size_t n,
				 struct server_sums sums[SERVER_KINDS])
{
	static const uint64_t blocked_ns[] = {180000, 60000, 900000, 420000};
	struct run *run = server->run;
	uint64_t at_ns = thread->begin_ns - run->begin_ns, cpu_ns = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t burst = 4000 + server_random(server, i % 97 ? 90000 : 3000000);
		int dice = server_random(server, 100);
		int kind = dice < 38 ? 0 : dice < 52 ? 1 : dice < 60 ? 2 : dice < 78 ? 3 : 4;
		struct run_episode *episode = &run->episodes[run->n_episodes++];

		at_ns += burst;
		cpu_ns += burst;
		*episode = (struct run_episode){.out_ns = at_ns, .thread = thread->id, .class = kind};
		episode->blocked_ns =
		    kind == 4 ? 0 : 2000 + server_random(server, i % 211 ? blocked_ns[kind] : 30 * blocked_ns[kind]);
		episode->queued_ns = 1000 + server_random(server, kind == 4 ? 400000 : 25000);
		at_ns += episode->blocked_ns + episode->queued_ns;
		sums[kind].count++;
		sums[kind].blocked_ns += episode->blocked_ns;
		sums[kind].queued_ns += episode->queued_ns;
	}
	thread->life_ns = at_ns + 1000 - (thread->begin_ns - run->begin_ns);
	if (at_ns + 1000 > server->end_ns)
		server->end_ns = at_ns + 1000;
	return cpu_ns + 1000;
}

/* A sample each millisecond or so of the time on a CPU from one episode to the next. */
BUILDER void server_moments(struct server *server, const struct run_thread *thread, size_t first, uint64_t counts[SERVER_STACKS])
{
	static const char *const stacks[SERVER_STACKS] = {
	    SERVE ";parse_request;json_parse", SERVE ";find_order;std::_Rb_tree<unsigned long, Order>::find",
	    SERVE ";reply;deflate;longest_match",
	    SERVE ";reply;send;" SYSCALL ";__x64_sys_sendto_[k];tcp_sendmsg_[k];tcp_write_xmit_[k]"};
	struct run *run = server->run;
	uint64_t due_ns = 500000, at_ns = thread->begin_ns - run->begin_ns, seen_ns = 0;

	for (size_t i = first; i < run->n_episodes; i++) {
		const struct run_episode *episode = &run->episodes[i];

		for (; due_ns < seen_ns + (episode->out_ns - at_ns); due_ns += 1003009) {
			size_t stack = server_random(server, 10) * SERVER_STACKS / 10;

			run->moments[run->n_moments++] = (struct run_moment){
			    .at_ns = at_ns + (due_ns - seen_ns), .thread = thread->id, .stack = build_stack(run, stacks[stack])};
			counts[stack]++;
		}
		seen_ns += episode->out_ns - at_ns;
		at_ns = episode->out_ns + episode->blocked_ns + episode->queued_ns;
	}
	for (size_t stack = 0; stack < SERVER_STACKS; stack++)
		if (counts[stack])
			build_sample(run, thread, stacks[stack], counts[stack]);
}

BUILDER void server_worker(struct server *server, size_t episodes)
{
	struct run *run = server->run;
	struct run_thread *thread = build_thread(run, 1, 1, "worker", (1 + run->n_threads) * 300000, 0);
	struct server_sums sums[SERVER_KINDS] = {0};
	uint64_t ids[SERVER_KINDS] = {0}, counts[SERVER_STACKS] = {0}, woken = 0, woken_ns = 0, cpu_ns;
	size_t first = run->n_episodes;

	cpu_ns = server_episodes(server, thread, episodes, sums);
	server_moments(server, thread, first, counts);
	build_cpu(thread, cpu_ns - cpu_ns / 5, cpu_ns / 5);
	for (int kind = 0; kind < SERVER_KINDS - 1; kind++) {
		if (sums[kind].count)
			ids[kind] = server_wait(run, thread, kind, &sums[kind])->id;
		woken += sums[kind].count;
		woken_ns += sums[kind].queued_ns;
	}
	build_wait(run, thread, CLASS_WOKEN, "", woken, woken_ns);
	build_wait(run, thread, CLASS_PREEMPTED, "", sums[4].count, sums[4].queued_ns);
	for (size_t i = first; i < run->n_episodes; i++) {
		struct run_episode *episode = &run->episodes[i];
		uint32_t kind = episode->class;

		episode->wait = ids[kind];
		episode->class = ids[kind] ? run->waits[ids[kind] - 1].class : CLASS_PREEMPTED;
	}
}

/* A main thread that joins workers, which take orders, look them up under a lock, ask a database and answer. */
BUILDER struct run *run_server(size_t intervals)
{
	struct server server = {.run = build_run("orders", 0), .random = 7};
	size_t episodes = intervals / 2.8 / SERVER_WORKERS + 1;
	struct run *run = server.run;
	struct run_thread *first;
	struct run_wait *join;

	set_text(&run->command[0], "./orders");
	set_text(&run->command[1], "--workers=8");
	free(run->episodes);
	free(run->moments);
	run->episodes = calloc(episodes * SERVER_WORKERS + 2, sizeof(*run->episodes));
	run->moments = calloc(episodes * SERVER_WORKERS + 2, sizeof(*run->moments));
	assert(run->episodes && run->moments);
	run->timeline = true;
	build_process(run, 0, "orders");
	first = build_thread(run, 1, 0, "orders", 0, 0);
	run->n_episodes = 1;
	for (int i = 0; i < SERVER_WORKERS; i++)
		server_worker(&server, episodes);
	run->end_ns = run->processes[0].end_ns = run->begin_ns + server.end_ns + 400000;
	first->life_ns = server.end_ns + 400000;
	build_cpu(first, 200000, first->life_ns - 200000 - (server.end_ns - 300000) - 7000);
	join = build_join(run, first, server.end_ns - 300000);
	build_wait(run, first, CLASS_WOKEN, "", 1, 7000);
	run->episodes[0] = (struct run_episode){.out_ns = 500000,
						.blocked_ns = server.end_ns - 300000,
						.queued_ns = 7000,
						.thread = 1,
						.class = CLASS_FUTEX,
						.wait = join->id};
	return run;
}

#endif
