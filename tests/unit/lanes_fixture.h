/* SPDX-License-Identifier: Apache-2.0 */
/* The talk's three pictures as small runs made by hand: one thread that downloads, several that do, several that compute under one lock. */
#ifndef CONCPROF_TESTS_LANES_FIXTURE_H
#define CONCPROF_TESTS_LANES_FIXTURE_H

#include "run_builder.h"

/* 100 ms, ten times: 2 ms on a CPU, 8 ms for the socket. */
BUILDER struct run *picture_serial_io(void)
{
	struct run *run = build_run("serial-io", 100 * MS);
	struct run_thread *thread;
	struct run_wait *socket;

	build_process(run, 0, "serial-io");
	thread = build_thread(run, 1, 0, "serial-io", 0, 100 * MS);
	build_cpu(thread, 20 * MS, 0);
	socket = build_socket(run, thread, "poll", PEER, 10, 80 * MS);
	for (uint64_t i = 0; i < 10; i++)
		build_episode(run, thread, socket, i * 10 * MS + 2 * MS, 8 * MS, 0);
	return run;
}

/* 50 ms: a main thread that joins three workers one after the other, which download beside one another. */
BUILDER struct run *picture_threads_io(void)
{
	struct run *run = build_run("threads-io", 50 * MS);
	struct run_thread *first, *workers[3];
	struct run_wait *join;

	build_process(run, 0, "threads-io");
	first = build_thread(run, 1, 0, "threads-io", 0, 50 * MS);
	for (uint64_t i = 0; i < 3; i++)
		workers[i] = build_thread(run, 1, 1, "worker", 1 * MS + i * MS, 40 * MS);
	build_cpu(first, 5 * MS, 1 * MS);
	join = build_join(run, first, 44 * MS);
	join->waker = workers[2]->id;
	build_episode(run, first, join, 4 * MS, 44 * MS, 0);
	for (uint64_t i = 0; i < 3; i++) {
		struct run_wait *socket = build_socket(run, workers[i], "poll", PEER, 4, 32 * MS);

		build_cpu(workers[i], 8 * MS, 0);
		for (uint64_t j = 0; j < 4; j++)
			build_episode(run, workers[i], socket, 3 * MS + i * MS + j * 10 * MS, 8 * MS, 0);
	}
	return run;
}

/* 90 ms: three workers, of which the one that has the lock computes for 10 ms, and hands it on. */
BUILDER struct run *picture_threads_cpu(void)
{
	struct run *run = build_run("threads-cpu", 90 * MS);
	struct run_thread *first, *workers[3];
	struct run_wait *join, *lock[3];

	build_process(run, 0, "threads-cpu");
	first = build_thread(run, 1, 0, "threads-cpu", 0, 90 * MS);
	for (uint64_t i = 0; i < 3; i++)
		workers[i] = build_thread(run, 1, 1, "worker", 0, 90 * MS);
	join = build_join(run, first, 90 * MS);
	build_episode(run, first, join, 0, 90 * MS, 0);
	for (uint64_t i = 0; i < 3; i++) {
		lock[i] = build_futex(run, workers[i], "interpreter_lock", 0, true, 3 + (i > 0), 60 * MS);
		lock[i]->waker = lock[i]->holder = workers[(i + 2) % 3]->id;
		build_cpu(workers[i], 30 * MS, 0);
	}
	for (uint64_t i = 0; i < 3; i++)
		for (uint64_t at = 0; at < 9; at++) {
			uint64_t end = at;

			if (at % 3 == i)
				continue;
			while (end < 9 && end % 3 != i)
				end++;
			build_episode(run, workers[i], lock[i], at * 10 * MS, (end - at) * 10 * MS, 0);
			at = end;
		}
	return run;
}

/* Names that try to be markup, control a terminal or turn the text around, and are no UTF-8. */
BUILDER struct run *picture_hostile(void)
{
	struct run *run = picture_threads_cpu();

	set_text(&run->threads[1].comm, "</text><script>");
	set_text(&run->threads[2].comm, "\033[31m\xff\xfe");
	set_text(&run->threads[3].comm, "]]>&\"'\xe2\x80\xae");
	set_text(&run->waits[1].symbol, "<b>\033]0;x\007&lock");
	set_text(&run->name, "<svg onload='x'>\xc3");
	return run;
}

#endif
