/* SPDX-License-Identifier: Apache-2.0 */
/* One measurement from start to end. */
#include "trace/trace.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "trace/build.h"
#include "trace/collect.h"
#include "trace/kernel.h"
#include "trace/launch.h"
#include "trace/mappings.h"

/* How often the rings are looked at while the program runs. They hold much more than this fills. */
#define LOOK_MS 100

/* From the root's exit to its last switch-out: up to 246 ms were seen when a thread loses its CPU in between. */
#define LAST_SWITCH_MS 5000

static uint64_t now_ns(void)
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
 * What the hypervisor has taken from the machine's CPUs so far, from /proc/stat (proc(5)), in ticks: 0 where it does not say. The
 * kernel leaves it out of its own account of a thread's CPU time; we cannot.
 */
static uint64_t stolen_ns(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/stat", "re");
	unsigned long long ticks;

	if (!file || fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		return 0;
	return ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

/* Signals that would end us reach the program instead; it decides. Terminals send them to both already. */
struct signals {
	int fd;
	sigset_t before;
};

static int signals_take(struct signals *signals)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &signals->before);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals->fd < 0 ? -errno : 0;
}

static void signals_give_back(struct signals *signals)
{
	struct signalfd_siginfo info;

	if (signals->fd >= 0) {
		/* What came in the meantime has been passed on. */
		while (read(signals->fd, &info, sizeof(info)) == sizeof(info))
			;
		close(signals->fd);
	}
	sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

/* Returns whether a signal asked for the end. */
static bool signals_pass_on(struct signals *signals, int pid)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		asked = true;
		if (info.ssi_code != SI_KERNEL && pid > 0)
			kill(pid, info.ssi_signo);
	}
	return asked;
}

struct measurement {
	struct launch launch;
	struct kernel *kernel;
	struct mappings *mappings;
	struct collected collected;
	struct signals signals;
	bool asked_to_end;
	uint64_t stolen_ns; /* at the begin */
};

/* Takes what has arrived. -ENOMEM when it cannot be kept. */
static int look(struct measurement *m)
{
	int taken = kernel_take(m->kernel);

	if (m->mappings)
		mappings_take(m->mappings);
	return taken < 0 ? taken : 0;
}

/* Until the root process has exited (its last threads may still be on their way out). */
static int wait_for_root(struct measurement *m)
{
	struct pollfd fds[] = {
	    {.fd = m->launch.pidfd, .events = POLLIN},
	    {.fd = m->signals.fd, .events = POLLIN},
	    {.fd = kernel_ring_fd(m->kernel), .events = POLLIN},
	};
	int err;

	for (;;) {
		if (poll(fds, 3, LOOK_MS) < 0 && errno != EINTR)
			return -errno;
		err = look(m);
		if (err)
			return err;
		if (fds[1].revents && signals_pass_on(&m->signals, m->launch.pid))
			m->asked_to_end = true;
		if (fds[0].revents)
			return 0;
	}
}

/* Until the kernel side has seen the last switch-out of the root process, or under wait_all of everything. */
static int wait_for_end(struct measurement *m, bool wait_all)
{
	uint64_t deadline = now_ns() + LAST_SWITCH_MS * 1000000ULL;
	struct pollfd fd = {.fd = m->signals.fd, .events = POLLIN};
	int err = 0;

	while (!err && !kernel_stop_ns(m->kernel)) {
		if (wait_all ? kernel_threads_alive(m->kernel) == 0 || m->asked_to_end : now_ns() > deadline)
			break;
		if (poll(&fd, 1, wait_all ? LOOK_MS / 4 : 1) > 0 && signals_pass_on(&m->signals, 0))
			m->asked_to_end = true;
		err = look(m);
	}
	return err;
}

static int start(struct measurement *m, const struct trace_command *command, const struct trace_options *options,
		 bool *exec_failed, char *error)
{
	int err = launch_start(command, &m->launch);

	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot start a process: %s", strerror(-err));
		return err;
	}
	err = kernel_open(options, &m->kernel, error);
	if (err)
		return err;
	err = mappings_open(&m->mappings);
	if (err) /* names will be missing, times will not */
		m->mappings = NULL;
	err = kernel_set_taker(m->kernel, collect_record, &m->collected);
	if (!err)
		err = launch_settle(&m->launch);
	if (!err)
		err = kernel_mark_root(m->kernel, m->launch.pidfd);
	if (!err)
		err = signals_take(&m->signals);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot follow the new process: %s", strerror(-err));
		return err;
	}
	m->stolen_ns = stolen_ns();
	err = launch_release(&m->launch);
	if (err) {
		*exec_failed = true;
		snprintf(error, TRACE_ERROR_BYTES, "cannot execute '%s': %s", command->argv[0], strerror(-err));
	}
	return err;
}

static int describe(const struct trace_command *command, struct run *run)
{
	size_t count = 0;

	while (command->argv[count])
		count++;
	run->name = strdup(command->name);
	run->command = calloc(count + 1, sizeof(*run->command));
	if (!run->name || !run->command)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		run->command[i] = strdup(command->argv[i]);
		if (!run->command[i])
			return -ENOMEM;
	}
	return 0;
}

/* Waits for the end and makes the run of what was collected. */
static int finish(struct measurement *m, const struct trace_options *options, struct run *run)
{
	int status = 0, err = wait_for_root(m);

	if (!err)
		err = wait_for_end(m, options->wait_all);
	if (err)
		return err;
	kernel_stop(m->kernel);
	if (m->mappings)
		mappings_take(m->mappings);
	err = collect_finish(&m->collected, m->kernel);
	waitpid(m->launch.pid, &status, 0);
	m->launch.pid = -1;
	run->exit_status = launch_exit_status(status);
	run->stolen_ns = stolen_ns() - m->stolen_ns;
	/* A program may take the signal and still come to its own end. */
	run->interrupted = m->asked_to_end && (WIFSIGNALED(status) || options->wait_all);
	return err ? err : build_run(&m->collected, m->mappings, run);
}

int trace_run(const struct trace_command *command, const struct trace_options *options, struct run **ret, bool *exec_failed,
	      char *error)
{
	struct measurement m = {.launch = {.pid = -1, .pidfd = -1, .gate_fd = -1, .exec_fd = -1}, .signals.fd = -1};
	uint64_t cpu_ns = own_cpu_ns();
	struct run *run;
	int err;

	*exec_failed = false;
	sigprocmask(SIG_SETMASK, NULL, &m.signals.before);
	err = start(&m, command, options, exec_failed, error);
	run = err ? NULL : calloc(1, sizeof(*run));
	if (!err) {
		err = run ? describe(command, run) : -ENOMEM;
		if (!err)
			err = finish(&m, options, run);
		if (err)
			snprintf(error, TRACE_ERROR_BYTES, "the measurement of '%s' failed: %s", command->name, strerror(-err));
	}
	signals_give_back(&m.signals);
	launch_close(&m.launch);
	mappings_close(m.mappings);
	kernel_close(m.kernel);
	collect_free(&m.collected);
	if (err) {
		run_free(run);
		return err;
	}
	run->no_syscalls = options->no_syscalls;
	run->tax_cpu_ns = own_cpu_ns() - cpu_ns;
	*ret = run;
	return 0;
}

int trace_untraced(const struct trace_command *command, uint64_t *wall_ns, int *exit_status, bool *exec_failed, char *error)
{
	struct launch launch;
	uint64_t begin_ns;
	int err, status;

	*exec_failed = false;
	err = launch_start(command, &launch);
	if (!err)
		err = launch_settle(&launch);
	begin_ns = now_ns();
	if (!err) {
		err = launch_release(&launch);
		*exec_failed = err != 0;
	}
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot execute '%s': %s", command->argv[0], strerror(-err));
		launch_close(&launch);
		return err;
	}
	while (waitpid(launch.pid, &status, 0) < 0 && errno == EINTR)
		;
	*wall_ns = now_ns() - begin_ns;
	*exit_status = launch_exit_status(status);
	launch_close(&launch);
	return 0;
}
