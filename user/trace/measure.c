/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/measure.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "trace/build.h"
#include "trace/select.h"

/* How often the rings are looked at while the program runs. They hold much more than this fills. */
#define LOOK_MS 100

/* From the root's exit to its last switch-out: up to 246 ms were seen when a thread loses its CPU in between. */
#define LAST_SWITCH_MS 5000

/* Of a millisecond each: longer than a CPU was seen to be away. */
#define LAST_LOOKS 500

/* The kernel side is told begin and end ahead: then they are exact, also if we get no CPU when it is time. */
#define AHEAD_NS (LOOK_MS * 1000000ULL)

uint64_t measure_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/*
 * A program that starts waits for nobody, and its first waits have stacks only if its mappings are known by then: what we do meanwhile is
 * short, and goes first. Where that is not allowed, things stay as they are.
 */
static void go_first(struct measurement *m)
{
	m->priority = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, -20);
}

/*
 * Each object that is named stays open, and so may its debug file: a large program with many plugins needs more than the usual 1,024. What is
 * launched is not to inherit it: it was forked before, and the next one is after measure_close().
 */
static void open_more_files(struct measurement *m)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &m->open_files))
		return;
	most = (struct rlimit){.rlim_cur = m->open_files.rlim_max, .rlim_max = m->open_files.rlim_max};
	setrlimit(RLIMIT_NOFILE, &most);
}

int measure_open(struct measurement *m, const struct trace_options *options, bool attach, char *error)
{
	int err;

	m->options = options;
	m->cpu_ns = own_cpu_ns();
	go_first(m);
	open_more_files(m);
	err = unwinding_begin(&m->unwinding, options);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot begin to measure: %s", strerror(-err));
		return err;
	}
	err = kernel_open(options, attach, &m->kernel, error);
	if (err)
		return err;
	err = mappings_open(&m->mappings);
	if (err)
		m->mappings = NULL;
	err = unwinding_open(&m->unwinding, options, m->kernel, m->mappings);
	m->collected.spaces = m->unwinding.spaces;
	m->collected.stacks = m->unwinding.stacks;
	if (!err && options->timeline != TIMELINE_NONE)
		err = episodes_open(options->timeline == TIMELINE_ALL, &m->collected.episodes);
	if (!err)
		err = kernel_set_taker(m->kernel, collect_record, &m->collected);
	if (!err)
		err = signals_take(&m->signals);
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "cannot begin to measure: %s", strerror(-err));
	m->machine = machine_times();
	return err;
}

void measure_begin_delay(struct measurement *m)
{
	if (m->options->delay_ns)
		m->delay_end = measure_now_ns() + m->options->delay_ns;
}

int measure_look(struct measurement *m)
{
	uint64_t now = measure_now_ns();
	bool all, lost;
	int taken;

	if (m->mappings)
		mappings_take(m->mappings);
	taken = kernel_take(m->kernel, &all);
	if (all)
		m->taken_until = now;
	if (m->collected.episodes && episodes_given_up(m->collected.episodes, &lost))
		kernel_end_timeline(m->kernel);
	spaces_round(m->unwinding.spaces, m->mappings, m->taken_until);
	if (m->collected.objects)
		objects_look(m->collected.objects, false);
	if (taken < 0 || !m->unwinding.stacks)
		return taken < 0 ? taken : 0;
	return stacks_round(m->unwinding.stacks, m->taken_until);
}

/* When the next thing has to be done; UINT64_MAX: nothing is planned. */
static uint64_t next_deadline(const struct measurement *m)
{
	uint64_t begin = kernel_begin_ns(m->kernel);

	if (m->delay_end)
		return m->delay_end;
	if (m->options->duration_ns && begin)
		return begin + m->options->duration_ns;
	return UINT64_MAX;
}

/* Begins or ends the measurement when it is time. Returns whether it has ended. */
static bool act_on_time(struct measurement *m)
{
	uint64_t deadline = next_deadline(m);

	if (deadline == UINT64_MAX || measure_now_ns() + AHEAD_NS < deadline)
		return false;
	if (m->delay_end) {
		m->delay_end = 0;
		kernel_start(m->kernel, deadline);
		return false;
	}
	kernel_stop(m->kernel, deadline);
	/* The last process may have ended meanwhile. */
	m->out_of_time = kernel_stop_ns(m->kernel) >= deadline;
	return true;
}

static int look_timeout_ms(const struct measurement *m)
{
	uint64_t deadline = next_deadline(m), now = measure_now_ns() + AHEAD_NS;

	if (deadline == UINT64_MAX)
		return LOOK_MS;
	if (deadline <= now)
		return 0;
	return (deadline - now) / 1000000 < LOOK_MS ? (int)((deadline - now) / 1000000) + 1 : LOOK_MS;
}

/* Until the kernel side has seen the last switch-out of the root process, or under wait_all of everything. */
static int wait_for_last_switch(struct measurement *m)
{
	uint64_t deadline = measure_now_ns() + LAST_SWITCH_MS * 1000000ULL;
	struct pollfd fds[] = {{.fd = m->signals.fd, .events = POLLIN}, {.fd = m->hangup_fd, .events = POLLIN}};
	bool all = m->options->wait_all;
	int err = 0;

	while (!err && !kernel_stop_ns(m->kernel)) {
		if (all ? kernel_threads_alive(m->kernel) == 0 || m->asked_to_end : measure_now_ns() > deadline)
			break;
		if (poll(fds, 2, all ? LOOK_MS / 4 : 1) > 0) {
			if (fds[1].revents || signals_pass_on(&m->signals, 0))
				m->asked_to_end = true;
		}
		if (act_on_time(m))
			break;
		err = measure_look(m);
	}
	return err;
}

int measure_wait(struct measurement *m, int pidfd, int pid)
{
	struct pollfd fds[] = {
	    {.fd = pidfd, .events = POLLIN},
	    {.fd = m->signals.fd, .events = POLLIN},
	    {.fd = kernel_ring_fd(m->kernel), .events = POLLIN},
	    {.fd = m->hangup_fd, .events = POLLIN},
	    {.fd = m->mappings ? mappings_fd(m->mappings) : -1, .events = POLLIN},
	};
	int err;

	/* Until here the CPUs had other work: ours. */
	m->machine = machine_times();
	for (;;) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), look_timeout_ms(m)) < 0 && errno != EINTR)
			return -errno;
		err = measure_look(m);
		if (err)
			return err;
		if (fds[1].revents && signals_pass_on(&m->signals, pid))
			m->asked_to_end = true;
		if (fds[3].revents)
			m->asked_to_end = true;
		if (fds[0].revents)
			return wait_for_last_switch(m);
		if (act_on_time(m) || (kernel_stop_ns(m->kernel) && pidfd < 0))
			return 0;
		if (m->asked_to_end && (pidfd < 0 || fds[3].revents))
			return 0;
		if (m->options->wait_all && pidfd < 0 && kernel_threads_alive(m->kernel) == 0)
			return 0;
	}
}

static bool is_held_up(const struct measurement *m)
{
	return m->taken_until < kernel_stop_ns(m->kernel) || !kernel_timeline_is_taken(m->kernel);
}

/* After the end: once more, or as often as it takes until a record that is only being written has come. */
static int look_at_all(struct measurement *m)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int err = measure_look(m);

	for (int i = 0; i < LAST_LOOKS && !err && is_held_up(m); i++) {
		nanosleep(&pause, NULL);
		err = measure_look(m);
	}
	return err;
}

/* What the machine's CPUs did between `from` and `to` beside the run. */
static void fill_machine(const struct machine_times *from, const struct machine_times *to, struct run *run)
{
	const struct machine_times machine = machine_between(from, to);
	uint64_t busy_ns = machine.busy_ns, cpu_ns = 0;

	for (uint32_t class = 0; class <= CLASS_CPU; class ++) {
		for (size_t i = 0; i < run->n_threads; i++)
			cpu_ns += run->threads[i].ns[class];
		for (size_t i = 0; i < run->n_processes; i++)
			cpu_ns += run->processes[i].undelivered_ns[class];
	}
	run->stolen_ns = machine.stolen_ns;
	run->others_ns = busy_ns > cpu_ns ? busy_ns - cpu_ns : 0;
}

int measure_finish(struct measurement *m, struct run *run, char *error)
{
	struct machine_times machine = machine_times();
	int err;

	kernel_stop(m->kernel, 0);
	/* The begin is told ahead: it may be known and not have come. */
	if (!kernel_begin_ns(m->kernel) || kernel_stop_ns(m->kernel) <= kernel_begin_ns(m->kernel)) {
		snprintf(error, TRACE_ERROR_BYTES, "it ended before the measurement began: nothing was measured");
		return -ENODATA;
	}
	err = look_at_all(m);
	unwinding_settle(&m->unwinding);
	if (!err)
		err = collect_finish(&m->collected, m->kernel);
	kernel_close_rings(m->kernel);
	if (!err) {
		err = select_threads(&m->collected, m->options->include_comm, error);
		if (err)
			return err;
		err = build_run(&m->collected, m->mappings, run);
	}
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "the measurement failed: %s", strerror(-err));
	else
		select_processes(run, m->options->include_comm);
	fill_machine(&m->machine, &machine, run);
	run->no_syscalls = m->options->no_syscalls;
	run->sample_hz = m->unwinding.sampler ? m->options->sample_hz : 0;
	run->tax_cpu_ns = own_cpu_ns() - m->cpu_ns;
	return err;
}

int trace_describe(const char *name, char *const *argv, struct run *run)
{
	size_t count = 0;

	free(run->name);
	for (char **old = run->command; old && *old; old++)
		free(*old);
	free(run->command);
	while (argv[count])
		count++;
	run->name = strdup(name);
	run->command = calloc(count + 1, sizeof(*run->command));
	if (!run->name || !run->command)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		run->command[i] = strdup(argv[i]);
		if (!run->command[i])
			return -ENOMEM;
	}
	return 0;
}

void measure_close(struct measurement *m)
{
	/* Not if it failed before it began. */
	if (m->options) {
		setpriority(PRIO_PROCESS, 0, m->priority);
		if (m->open_files.rlim_max)
			setrlimit(RLIMIT_NOFILE, &m->open_files);
	}
	signals_give_back(&m->signals);
	unwinding_close(&m->unwinding);
	mappings_close(m->mappings);
	kernel_close(m->kernel);
	collect_free(&m->collected);
}
