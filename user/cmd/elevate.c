/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/elevate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/resolve.h"
#include "lib/channel.h"
#include "lib/cleanup.h"
#include "profile/profile.h"
#include "trace/launch.h"
#include "trace/signals.h"

/* From sudo's yes to the tracer's first word. */
#define CONNECT_MS 30000

#define ARGUMENTS_MAX 24

#define ADVICE                                                                                                                   \
	"The command was not run. Call it as `sudo concprof run ...`, or `sudo -v` first; `sudo concprof doctor` says what "     \
	"this machine allows"

struct arguments {
	char text[ARGUMENTS_MAX][PATH_MAX + 32];
	char *argv[ARGUMENTS_MAX + 1];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void argument(struct arguments *arguments, const char *format, ...)
{
	char *text = arguments->text[arguments->count];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(arguments->text[0]), format, args);
	va_end(args);
	arguments->argv[arguments->count++] = text;
}

/* The measuring options, in the words that options.c knows. */
static void add_options(struct arguments *arguments, const struct trace_options *options)
{
	if (options->no_syscalls)
		argument(arguments, "--no-syscalls");
	if (options->wait_all)
		argument(arguments, "--wait-all");
	if (options->no_stacks)
		argument(arguments, "--no-stacks");
	if (options->lines)
		argument(arguments, "--lines");
	if (options->timeline == TIMELINE_ALL)
		argument(arguments, "--timeline");
	if (options->timeline == TIMELINE_NONE)
		argument(arguments, "--no-timeline");
	if (options->pid_only)
		argument(arguments, "--pid-only");
	argument(arguments, "--frequency=%u", options->sample_hz);
	if (options->delay_ns)
		argument(arguments, "--delay=%.9f", options->delay_ns / 1e9);
	if (options->duration_ns)
		argument(arguments, "--duration=%.9f", options->duration_ns / 1e9);
	if (options->include_comm)
		argument(arguments, "--include-comm=%s", options->include_comm);
	for (int i = 0; i < options->verbose && i < 3; i++)
		argument(arguments, "--verbose");
}

static bool has_terminal(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

/*
 * Starts the tracer. With -b sudo asks for its password in the foreground and leaves the tracer in the background, so that the terminal and its
 * signals stay the command's. Returns sudo's pid or a negative errno.
 */
static int start_sudo(const char *name, const struct trace_options *options, bool ask)
{
	_cleanup_free_ struct arguments *arguments = calloc(1, sizeof(*arguments));
	char self[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int pid, null;

	if (!arguments || bytes < 0)
		return arguments ? -errno : -ENOMEM;
	self[bytes] = '\0';
	argument(arguments, "sudo");
	argument(arguments, "-b");
	if (!ask)
		argument(arguments, "-n");
	argument(arguments, "--");
	argument(arguments, "%s", self);
	argument(arguments, "_trace");
	argument(arguments, "--channel=%s", name);
	add_options(arguments, options);
	fflush(NULL);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	/* What the user types is for the command; what sudo says when it must not ask is said by us. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || (!ask && dup2(null, 2) < 0))
		_exit(125);
	execvp("sudo", arguments->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int reap(int pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return launch_exit_status(status);
}

/* The connection to a tracer that runs as root, or a negative errno with `error`. */
static int connect_tracer(const struct trace_options *options, char *error)
{
	char name[CHANNEL_NAME_BYTES];
	_cleanup_close_ int listening = channel_listen(name);
	bool ask = has_terminal();
	struct pollfd fd = {.fd = listening, .events = POLLIN};
	int sudo, status, channel;

	if (listening < 0 || (sudo = start_sudo(name, options, ask)) < 0) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot call sudo: %s. " ADVICE, strerror(errno));
		return -EPERM;
	}
	status = reap(sudo);
	if (status) {
		snprintf(error, TRACE_ERROR_BYTES,
			 status == 127
			     ? "tracing needs privileges (CAP_BPF and CAP_PERFMON, or root), and there is no sudo to get "
			       "them by. The command was not run. Call concprof as root; there, `concprof doctor` (with "
			       "sudo: `sudo concprof doctor`) says what this machine allows"
			 : ask ? "tracing needs privileges, and sudo did not give them. " ADVICE
			       : "tracing needs privileges, and sudo does not give them without a password, for which it "
				 "has no terminal to ask on. " ADVICE);
		return -EPERM;
	}
	for (;;) {
		if (poll(&fd, 1, CONNECT_MS) <= 0) {
			snprintf(error, TRACE_ERROR_BYTES, "the tracer that sudo started did not answer. " ADVICE);
			return -ETIMEDOUT;
		}
		channel = channel_accept(listening, 0);
		if (channel != -EAGAIN)
			return channel;
	}
}

/* Hands the program over; 0 when the tracer is ready. */
static int hand_over(int channel, const struct launch *launch, const struct trace_command *command, char *error)
{
	char program[PATH_MAX], text[CHANNEL_TEXT_BYTES], kind;
	int err, fd;

	if (!resolve_command(command->argv[0], NULL, program))
		program[0] = '\0';
	err = channel_send(channel, ELEVATE_HELD, program, launch->pidfd);
	if (!err)
		err = channel_receive(channel, &kind, text, &fd);
	if (!err && fd >= 0)
		close(fd);
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "the tracer that sudo started is gone. " ADVICE);
	} else if (kind != ELEVATE_READY) {
		snprintf(error, TRACE_ERROR_BYTES, "%.*s", TRACE_ERROR_BYTES - 1, text);
		err = -EIO;
	}
	return err;
}

/* What the tracer has to say at the end: a recording's descriptor, or a negative errno with `error`. */
static int receive_recording(int channel, char *error)
{
	char text[CHANNEL_TEXT_BYTES] = "", kind;
	int fd, err = channel_receive(channel, &kind, text, &fd);

	if (!err && kind == ELEVATE_RECORDING && fd >= 0)
		return fd;
	if (!err && fd >= 0)
		close(fd);
	if (err || kind != ELEVATE_FAILED)
		snprintf(error, TRACE_ERROR_BYTES, "the tracer ended before the measurement did: nothing was measured");
	else
		snprintf(error, TRACE_ERROR_BYTES, "%.*s", TRACE_ERROR_BYTES - 1, text);
	return err == -EPIPE || !err ? -EIO : err;
}

/* When we return, nothing of the tracer shall be left. It has nothing to do any more. */
static void wait_for_end(int channel)
{
	struct pollfd fd = {.fd = channel, .events = POLLRDHUP};

	poll(&fd, 1, CONNECT_MS);
}

/* The program while it runs, and how it ended. */
struct watch {
	int pid;
	bool ended, asked;
	int status; /* as wait(2) gives it */
};

/* Until the tracer speaks. Signals are the program's; once it has ended (--wait-all), they ask the tracer for the end. */
static void watch_program(struct watch *watch, int pidfd, int channel, struct signals *signals)
{
	struct pollfd fds[] = {
	    {.fd = channel, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}, {.fd = signals->fd, .events = POLLIN}};

	while (!fds[0].revents) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			break;
		if (fds[2].revents && signals_pass_on(signals, watch->ended ? 0 : watch->pid)) {
			watch->asked = true;
			if (watch->ended)
				shutdown(channel, SHUT_WR);
		}
		if (fds[1].revents) {
			waitpid(watch->pid, &watch->status, 0);
			watch->ended = true;
			fds[1].fd = -1;
			fds[1].revents = 0;
		}
	}
	if (!watch->ended && waitpid(watch->pid, &watch->status, WNOHANG) > 0)
		watch->ended = true;
}

static int load(int fd, const struct trace_command *command, struct run **ret, char *error)
{
	struct profile *profile = NULL;
	struct run *run = NULL;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = profile_open(path, &profile, error);
	if (!err)
		err = profile_load_run(profile, 0, &run, error);
	profile_close(profile);
	if (!err) {
		err = trace_describe(command->name, command->argv, run);
		if (err)
			snprintf(error, TRACE_ERROR_BYTES, "out of memory");
	}
	if (err)
		run_free(run);
	else
		*ret = run;
	return err;
}

static int measure(int channel, struct launch *launch, const struct trace_command *command, const struct trace_options *options,
		   struct run **ret, struct trace_outcome *outcome, char *error)
{
	struct watch watch = {.pid = launch->pid};
	struct signals signals = {.fd = -1};
	int err = hand_over(channel, launch, command, error), recording;

	if (err)
		return err;
	err = signals_take(&signals);
	if (!err) {
		err = launch_release(launch);
		outcome->exec_failed = err != 0;
	}
	if (err) {
		signals_give_back(&signals);
		snprintf(error, TRACE_ERROR_BYTES, "cannot execute '%s': %s", command->argv[0], strerror(-err));
		return err;
	}
	watch_program(&watch, launch->pidfd, channel, &signals);
	recording = receive_recording(channel, error);
	wait_for_end(channel);
	signals_give_back(&signals);
	launch->pid = -1;
	err = recording < 0 ? recording : load(recording, command, ret, error);
	if (recording >= 0)
		close(recording);
	if (!watch.ended)
		outcome->left = watch.pid;
	if (err)
		return err;
	(*ret)->exit_status = watch.ended ? launch_exit_status(watch.status) : 0;
	outcome->asked = watch.asked;
	(*ret)->interrupted = !watch.ended || (watch.asked && (WIFSIGNALED(watch.status) || options->wait_all));
	return 0;
}

int elevated_run(const struct trace_command *command, const struct trace_options *options, struct run **ret,
		 struct trace_outcome *outcome, char *error)
{
	_cleanup_close_ int channel = connect_tracer(options, error);
	struct launch launch;
	int err;

	*outcome = (struct trace_outcome){.left = -1};
	if (channel < 0)
		return channel;
	err = launch_start(command, &launch);
	if (!err)
		err = launch_settle(&launch);
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "cannot start a process: %s", strerror(-err));
	else
		err = measure(channel, &launch, command, options, ret, outcome, error);
	launch_close(&launch);
	return err;
}
