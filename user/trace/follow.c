/* SPDX-License-Identifier: Apache-2.0 */
/* A program measured from its start. */
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/launch.h"
#include "trace/measure.h"

static int start(struct measurement *m, const struct launch *launch, const char *program, char *error)
{
	int err;

	/* While it waits at the gate, what it will map is compiled. */
	if (m->unwinding.tables)
		tables_ahead(m->unwinding.tables, program);
	err = spaces_root(m->unwinding.spaces, launch->pid);
	if (!err)
		err = launch_settle(launch);
	if (!err)
		err = kernel_mark_root(m->kernel, launch->pidfd);
	/* Else the program's first waits would wait for it. */
	if (m->unwinding.tables)
		tables_settle(m->unwinding.tables);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot follow the new process: %s", strerror(-err));
		return err;
	}
	measure_begin_delay(m);
	return 0;
}

/* Opens the gate. */
static int release(struct launch *launch, const struct trace_command *command, bool *exec_failed, char *error)
{
	int err = launch_release(launch);

	if (err) {
		*exec_failed = true;
		snprintf(error, TRACE_ERROR_BYTES, "cannot execute '%s': %s", command->argv[0], strerror(-err));
	}
	return err;
}

/* Takes the program's exit status, if it has ended; else it is left to the caller. */
static void reap(struct measurement *m, struct launch *launch, struct run *run, int *left)
{
	int status = 0;

	*left = -1;
	if (m->out_of_time && waitpid(launch->pid, &status, WNOHANG) == 0) {
		*left = launch->pid;
		run->interrupted = true;
	} else {
		if (!m->out_of_time)
			waitpid(launch->pid, &status, 0);
		run->exit_status = launch_exit_status(status);
		/* A program may take the signal and still come to its own end. */
		run->interrupted = m->asked_to_end && (WIFSIGNALED(status) || m->options->wait_all);
	}
	launch->pid = -1;
}

static int run_and_measure(struct measurement *m, struct launch *launch, const struct trace_command *command, struct run *run,
			   struct trace_outcome *outcome, char *error)
{
	int err = start(m, launch, command->path ? command->path : command->argv[0], error);

	if (!err)
		err = release(launch, command, &outcome->exec_failed, error);
	if (err)
		return err;
	err = measure_wait(m, launch->pidfd, launch->pid);
	if (!err)
		err = trace_describe(command->name, command->argv, run);
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "the measurement of '%s' failed: %s", command->name, strerror(-err));
	if (err)
		return err;
	err = measure_finish(m, run, error);
	reap(m, launch, run, &outcome->left);
	outcome->asked = m->asked_to_end;
	return err;
}

int trace_run(const struct trace_command *command, const struct trace_options *options, struct run **ret,
	      struct trace_outcome *outcome, char *error)
{
	struct measurement m = MEASUREMENT_NONE;
	struct run *run = calloc(1, sizeof(*run));
	struct launch launch;
	int err;

	*outcome = (struct trace_outcome){.left = -1};
	if (!run)
		return -ENOMEM;
	/* First the child, which inherits what is open and blocked. */
	err = launch_start(command, &launch);
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "cannot start a process: %s", strerror(-err));
	else
		err = measure_open(&m, options, false, error);
	if (!err)
		err = run_and_measure(&m, &launch, command, run, outcome, error);
	launch_close(&launch);
	measure_close(&m);
	if (err)
		run_free(run);
	else
		*ret = run;
	return err;
}

int trace_held(const struct trace_held *held, const struct trace_options *options, struct run **ret, char *error)
{
	struct launch launch = {.pid = held->pid, .pidfd = held->pidfd, .gate_fd = -1, .exec_fd = -1};
	struct measurement m = MEASUREMENT_NONE;
	struct run *run = calloc(1, sizeof(*run));
	int err = run ? measure_open(&m, options, false, error) : -ENOMEM;

	m.hangup_fd = held->hangup_fd;
	if (!err)
		err = start(&m, &launch, held->program, error);
	if (!err) {
		err = held->ready(held->context);
		if (!err)
			err = measure_wait(&m, held->pidfd, 0);
		if (!err)
			err = trace_describe(held->name, held->argv, run);
		if (err)
			snprintf(error, TRACE_ERROR_BYTES, "the measurement of '%s' failed: %s", held->name, strerror(-err));
		else
			err = measure_finish(&m, run, error);
	}
	measure_close(&m);
	if (err)
		run_free(run);
	else
		*ret = run;
	return err;
}

int trace_wait(int pid)
{
	struct signals signals = {.fd = -1};
	struct pollfd fds[2];
	int status = 0;

	fds[0] = (struct pollfd){.fd = launch_pidfd(pid), .events = POLLIN};
	if (fds[0].fd < 0 || signals_take(&signals)) {
		/* Without the two, signals end us and not the program. */
		waitpid(pid, &status, 0);
	} else {
		fds[1] = (struct pollfd){.fd = signals.fd, .events = POLLIN};
		while (!fds[0].revents) {
			if (poll(fds, 2, -1) > 0 && fds[1].revents)
				signals_pass_on(&signals, pid);
		}
		waitpid(pid, &status, 0);
		signals_give_back(&signals);
	}
	if (fds[0].fd >= 0)
		close(fds[0].fd);
	return launch_exit_status(status);
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
	begin_ns = measure_now_ns();
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
	*wall_ns = measure_now_ns() - begin_ns;
	*exit_status = launch_exit_status(status);
	launch_close(&launch);
	return 0;
}
