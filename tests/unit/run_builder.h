/* SPDX-License-Identifier: Apache-2.0 */
/* Runs made by hand, for tests of profile/, explain/, report/ and export/. Out of memory is a failed test. */
#ifndef CONCPROF_TESTS_RUN_BUILDER_H
#define CONCPROF_TESTS_RUN_BUILDER_H

#include <assert.h>
#include <linux/futex.h>

#include "profile/run.h"

#define MS 1000000ull
#define S  1000000000ull

#define BUILDER_ROOM 4096 /* rows of each kind, so that pointers stay valid */

/* Compilers differ in what `unused` static functions they mind. */
#define BUILDER static __attribute__((unused))

BUILDER char *copy(const char *text)
{
	char *result = strdup(text);

	assert(result);
	return result;
}

BUILDER struct run *build_run(const char *name, uint64_t wall_ns)
{
	struct run *run = calloc(1, sizeof(*run));

	assert(run);
	run->name = copy(name);
	run->command = calloc(3, sizeof(char *));
	run->command[0] = copy(name);
	run->command[1] = copy("--option=\xff\x01 \"x\"");
	run->begin_ns = 1000 * S;
	run->end_ns = run->begin_ns + wall_ns;
	run->processes = calloc(BUILDER_ROOM, sizeof(*run->processes));
	run->threads = calloc(BUILDER_ROOM, sizeof(*run->threads));
	run->waits = calloc(BUILDER_ROOM, sizeof(*run->waits));
	run->losses = calloc(16, sizeof(*run->losses));
	run->ledger = calloc(16, sizeof(*run->ledger));
	run->frames = calloc(BUILDER_ROOM, sizeof(*run->frames));
	run->stacks = calloc(BUILDER_ROOM, sizeof(*run->stacks));
	run->samples = calloc(BUILDER_ROOM, sizeof(*run->samples));
	run->episodes = calloc(BUILDER_ROOM, sizeof(*run->episodes));
	run->moments = calloc(BUILDER_ROOM, sizeof(*run->moments));
	run->stack_figures = calloc(16, sizeof(*run->stack_figures));
	run->tax_cpu_ns = 61 * MS;
	run->tax_probe_ns = 40 * MS;
	run->tax_events = 1300000;
	return run;
}

BUILDER struct run_process *build_process(struct run *run, uint64_t parent, const char *comm)
{
	struct run_process *process = &run->processes[run->n_processes++];

	*process = (struct run_process){
	    .id = run->n_processes,
	    .parent = parent,
	    .pid = 5000 + run->n_processes,
	    .comm = copy(comm),
	    .begin_ns = run->begin_ns,
	    .end_ns = run->end_ns,
	    .ended = true,
	};
	return process;
}

/* A thread that lives from begin (after the run's begin) for life; the first thread of a process is its leader. */
BUILDER struct run_thread *build_thread(struct run *run, uint64_t process, uint64_t parent, const char *comm, uint64_t begin,
					uint64_t life)
{
	struct run_thread *thread = &run->threads[run->n_threads++];
	uint32_t pid = run->processes[process - 1].pid;
	bool leader = true;

	for (size_t i = 0; i + 1 < run->n_threads; i++)
		leader &= run->threads[i].process != process;
	*thread = (struct run_thread){
	    .id = run->n_threads,
	    .process = process,
	    .parent = parent,
	    .pid = pid,
	    .tid = leader ? pid : 7000 + run->n_threads,
	    .comm = copy(comm),
	    .begin_ns = run->begin_ns + begin,
	    .life_ns = life,
	    .ended = true,
	};
	return thread;
}

/* Time on a CPU, which the kernel's account agrees with. */
BUILDER void build_cpu(struct run_thread *thread, uint64_t user_ns, uint64_t kernel_ns)
{
	thread->ns[CLASS_USER] += user_ns;
	thread->ns[CLASS_KERNEL] += kernel_ns;
	thread->audit_on_cpu_ns += user_ns + kernel_ns;
}

BUILDER struct run_wait *build_wait(struct run *run, struct run_thread *thread, uint32_t class, const char *syscall,
				    uint64_t count, uint64_t total_ns)
{
	struct run_wait *wait = &run->waits[run->n_waits++];

	*wait = (struct run_wait){
	    .id = run->n_waits,
	    .thread = thread->id,
	    .class = class,
	    .syscall = copy(syscall),
	    .object = copy(""),
	    .symbol = copy(""),
	    .file = copy(""),
	    .count = count,
	    .total_ns = total_ns,
	    .max_ns = count ? total_ns / count : 0,
	};
	for (int i = 0; count && i < WAIT_LOG2_SLOTS; i++)
		if (i == WAIT_LOG2_SLOTS - 1 || total_ns / count < 2ull << i) {
			wait->log2_ns[i] = count;
			break;
		}
	thread->ns[class] += total_ns;
	if (class == CLASS_PREEMPTED)
		thread->involuntary += count;
	else if (class != CLASS_WOKEN)
		thread->voluntary += count;
	thread->audit_switches = thread->voluntary + thread->involuntary;
	return wait;
}

BUILDER void set_text(char **member, const char *text)
{
	free(*member);
	*member = copy(text);
}

BUILDER struct run_wait *build_futex(struct run *run, struct run_thread *thread, const char *symbol, uint64_t offset,
				     bool expects_2, uint64_t count, uint64_t total_ns)
{
	struct run_wait *wait = build_wait(run, thread, CLASS_FUTEX, "futex", count, total_ns);

	set_text(&wait->symbol, symbol);
	set_text(&wait->file, symbol[0] ? "program" : "[heap]");
	wait->offset = offset;
	wait->address = 0x5581000 + offset;
	wait->op = FUTEX_WAIT;
	wait->expects_2 = expects_2;
	return wait;
}

BUILDER struct run_wait *build_join(struct run *run, struct run_thread *thread, uint64_t total_ns)
{
	struct run_wait *wait = build_futex(run, thread, "", 0, false, 1, total_ns);

	wait->join = true;
	return wait;
}

BUILDER struct run_wait *build_socket(struct run *run, struct run_thread *thread, const char *syscall, const char *peer,
				      uint64_t count, uint64_t total_ns)
{
	struct run_wait *wait = build_wait(run, thread, CLASS_POLL, syscall, count, total_ns);

	set_text(&wait->object, peer);
	return wait;
}

BUILDER void build_figure(struct run_figure *figures, size_t *n, const char *name, double value)
{
	figures[(*n)++] = (struct run_figure){copy(name), value};
}

/* A frame with this name, found again if it is there: `name_[k]` is a kernel frame, `name_[i]` an inlined one, `[unfinished: why]` the mark. */
BUILDER uint64_t build_frame(struct run *run, const char *name, size_t length)
{
	static const char unfinished[] = "[unfinished: ";
	char text[512], *end;
	struct run_frame frame = {.kind = FRAME_USER};

	assert(length < sizeof(text));
	memcpy(text, name, length);
	text[length] = '\0';
	end = text + length - (length > 4 ? 4 : length);
	if (!strcmp(end, "_[k]"))
		frame.kind = FRAME_KERNEL;
	else if (!strcmp(end, "_[i]"))
		frame.inlined = true;
	if (frame.kind == FRAME_KERNEL || frame.inlined)
		*end = '\0';
	if (!strncmp(text, unfinished, sizeof(unfinished) - 1)) {
		frame.kind = FRAME_UNFINISHED;
		memmove(text, text + sizeof(unfinished) - 1, length - sizeof(unfinished) + 2);
		text[strcspn(text, "]")] = '\0';
	}
	for (size_t i = 0; i < run->n_frames; i++)
		if (!strcmp(run->frames[i].function, text) && run->frames[i].kind == frame.kind &&
		    run->frames[i].inlined == frame.inlined)
			return i + 1;
	assert(run->n_frames < BUILDER_ROOM);
	frame.id = run->n_frames + 1;
	frame.function = copy(text);
	frame.object = copy(frame.kind == FRAME_KERNEL ? "[kernel]" : frame.kind == FRAME_USER ? "program" : "");
	frame.source = copy("");
	frame.address = frame.kind == FRAME_USER && !frame.inlined ? 0x1000 + 16 * frame.id : 0;
	run->frames[run->n_frames] = frame;
	return ++run->n_frames;
}

/* The stack of frames "main;work;futex_wait_[k]", outermost first; found again if it is there. Returns its id. */
BUILDER uint64_t build_stack(struct run *run, const char *frames)
{
	uint64_t stack = 0;

	while (*frames) {
		size_t length = strcspn(frames, ";"), i = 0;
		uint64_t frame = build_frame(run, frames, length);

		while (i < run->n_stacks && (run->stacks[i].parent != stack || run->stacks[i].frame != frame))
			i++;
		if (i == run->n_stacks) {
			assert(i < BUILDER_ROOM);
			run->stacks[run->n_stacks++] = (struct run_stack){.id = i + 1, .parent = stack, .frame = frame};
		}
		stack = i + 1;
		frames += length + (frames[length] == ';');
	}
	return stack;
}

BUILDER void build_sample(struct run *run, const struct run_thread *thread, const char *frames, uint64_t count)
{
	assert(run->n_samples < BUILDER_ROOM);
	run->samples[run->n_samples++] =
	    (struct run_sample){.thread = thread->id, .stack = build_stack(run, frames), .count = count};
	run->sample_hz = 997;
}

/*
 * The thread's next episode: off its CPU `out` ns after the run's begin, blocked as `wait` says (NULL: preempted), then in the queue. It is not
 * added to the account. Threads in the order of their serials.
 */
BUILDER void build_episode(struct run *run, const struct run_thread *thread, const struct run_wait *wait, uint64_t out_ns,
			   uint64_t blocked_ns, uint64_t queued_ns)
{
	assert(run->n_episodes < BUILDER_ROOM);
	run->episodes[run->n_episodes++] = (struct run_episode){.out_ns = out_ns,
								.blocked_ns = blocked_ns,
								.queued_ns = queued_ns,
								.thread = thread->id,
								.class = wait ? wait->class : CLASS_PREEMPTED,
								.wait = wait ? wait->id : 0};
	run->timeline = true;
}

/* A sample in time; not counted in run->samples. */
BUILDER void build_moment(struct run *run, const struct run_thread *thread, const char *frames, uint64_t at_ns)
{
	assert(run->n_moments < BUILDER_ROOM);
	run->moments[run->n_moments++] =
	    (struct run_moment){.at_ns = at_ns, .thread = thread->id, .stack = build_stack(run, frames)};
}

/* What is left of the thread's life is spent waiting for a CPU. */
BUILDER void build_rest_in_queue(struct run *run, struct run_thread *thread)
{
	uint64_t sum = 0;

	for (int i = 0; i < CLASS_COUNT; i++)
		sum += thread->ns[i];
	assert(sum <= thread->life_ns);
	if (sum < thread->life_ns)
		build_wait(run, thread, CLASS_PREEMPTED, "", 10, thread->life_ns - sum);
}

/* --- the models, as they come out on 2 CPUs --- */

BUILDER struct run *run_serial_cpu(uint64_t sleep_ns)
{
	struct run *run = build_run("serial-cpu", 2400 * MS + sleep_ns);
	struct run_thread *thread;

	build_process(run, 0, "serial-cpu");
	thread = build_thread(run, 1, 0, "serial-cpu", 0, 2400 * MS + sleep_ns);
	build_cpu(thread, 2380 * MS, 15 * MS);
	if (sleep_ns)
		build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 20, sleep_ns);
	build_rest_in_queue(run, thread);
	build_figure(run->ledger, &run->n_ledger, "wall_ns", 2400.0 * MS + sleep_ns);
	return run;
}

/* Five threads that take turns under one lock; `symbol` is what the lock object is called. */
BUILDER struct run *run_threads_cpu(const char *symbol)
{
	struct run *run = build_run("threads-cpu", 2650 * MS);
	struct run_thread *main_thread, *thread;

	build_process(run, 0, "threads-cpu");
	main_thread = build_thread(run, 1, 0, "threads-cpu", 0, 2650 * MS);
	build_cpu(main_thread, 5 * MS, 5 * MS);
	build_join(run, main_thread, 2630 * MS);
	build_rest_in_queue(run, main_thread);
	for (int i = 0; i < 5; i++) {
		thread = build_thread(run, 1, 1, "worker", 5 * MS, 2640 * MS);
		build_cpu(thread, 480 * MS, 42 * MS);
		build_futex(run, thread, symbol, 0, true, 20, 10 * MS);
		build_futex(run, thread, symbol, 48, false, 500, 1000 * MS);
		build_futex(run, thread, symbol, 52, false, 520, 1090 * MS);
		build_rest_in_queue(run, thread);
	}
	return run;
}

/* Five processes, or five threads that share nothing. */
BUILDER struct run *run_parallel_cpu(const char *name, bool processes)
{
	struct run *run = build_run(name, 1260 * MS);
	struct run_thread *main_thread, *thread;

	build_process(run, 0, name);
	main_thread = build_thread(run, 1, 0, name, 0, 1260 * MS);
	build_cpu(main_thread, 5 * MS, 5 * MS);
	if (processes)
		build_wait(run, main_thread, CLASS_CHILD, "wait4", 5, 1240 * MS);
	else
		build_join(run, main_thread, 1240 * MS);
	build_rest_in_queue(run, main_thread);
	for (int i = 0; i < 5; i++) {
		uint64_t process = processes ? build_process(run, 1, name)->id : 1;

		thread = build_thread(run, process, 1, name, 10 * MS, 1240 * MS);
		build_cpu(thread, 485 * MS, 5 * MS);
		build_rest_in_queue(run, thread);
	}
	return run;
}

#define PEER "127.0.0.1:40123"

/* One thread, a connection each. */
BUILDER struct run *run_serial_io(void)
{
	struct run *run = build_run("serial-io", 3000 * MS);
	struct run_thread *thread;

	build_process(run, 0, "serial-io");
	thread = build_thread(run, 1, 0, "serial-io", 0, 3000 * MS);
	thread->connects = 1050;
	thread->syscalls = 20000;
	build_cpu(thread, 150 * MS, 250 * MS);
	build_socket(run, thread, "poll", PEER, 4000, 2590 * MS);
	build_rest_in_queue(run, thread);
	return run;
}

/* Ten rounds of five threads each. */
BUILDER struct run *run_pool_io(const char *name, uint64_t wall_ns, uint64_t cpu_ns, uint64_t connects)
{
	struct run *run = build_run(name, wall_ns);
	struct run_thread *main_thread, *thread;

	build_process(run, 0, name);
	main_thread = build_thread(run, 1, 0, name, 0, wall_ns);
	build_cpu(main_thread, 2 * MS, 2 * MS);
	build_join(run, main_thread, wall_ns - 5 * MS);
	build_rest_in_queue(run, main_thread);
	for (int i = 0; i < 50; i++) {
		thread = build_thread(run, 1, 1, name, i / 5 * wall_ns / 10, wall_ns / 10);
		thread->connects = connects / 50;
		build_cpu(thread, cpu_ns / 100, cpu_ns / 100);
		build_socket(run, thread, "poll", PEER, 80, wall_ns / 10 - cpu_ns / 50 - wall_ns / 1000);
		build_rest_in_queue(run, thread);
	}
	return run;
}

/* One thread, all its sockets in one epoll set. */
BUILDER struct run *run_async_io(void)
{
	struct run *run = build_run("async-io", 700 * MS);
	struct run_thread *thread;

	build_process(run, 0, "async-io");
	thread = build_thread(run, 1, 0, "async-io", 0, 700 * MS);
	thread->connects = 1050;
	build_cpu(thread, 150 * MS, 200 * MS);
	build_socket(run, thread, "epoll_wait", PEER, 900, 340 * MS);
	build_rest_in_queue(run, thread);
	return run;
}

#endif
