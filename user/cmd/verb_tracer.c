/* SPDX-License-Identifier: Apache-2.0 */
/* _trace: what runs as root when `run` is called without privileges; see elevate.h. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/elevate.h"
#include "cmd/options.h"
#include "cmd/verbs.h"
#include "lib/channel.h"
#include "lib/cleanup.h"
#include "lib/user.h"
#include "lib/version.h"
#include "profile/profile.h"

struct arguments {
	struct trace_options trace;
	const char *channel;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		state->child_inputs[1] = &arguments->trace;
		return 0;
	case 'c':
		arguments->channel = argument;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->channel)
			argp_error(state, "--channel is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A number from a "Name:\tvalue" line of a file in /proc; -1: none. */
static long field(const char *path, const char *name)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256];
	long value;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), ":%ld", &value) == 1)
			return value;
	}
	return -1;
}

/* The pid behind a pidfd, if its process is the user's own; or a negative errno. Being allowed to trace is no leave to look into others. */
static int held_pid(int pidfd, uid_t uid)
{
	char path[64];
	long pid;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	pid = field(path, "Pid");
	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	return field(path, "Uid") == (long)uid ? (int)pid : -EPERM;
}

static int say_ready(void *context)
{
	return channel_send(*(int *)context, ELEVATE_READY, NULL, -1);
}

/* The run as a recording in memory. A descriptor, or a negative errno with `error`. */
static int record(const struct run *run, char *error)
{
	_cleanup_free_ char *version = strdup(concprof_version);
	struct profile *profile = NULL;
	struct utsname machine;
	struct host host = {.cpus = sysconf(_SC_NPROCESSORS_ONLN), .kernel = machine.release, .version = version};
	int fd = memfd_create("recording", MFD_CLOEXEC), err;

	if (fd < 0 || !version) {
		snprintf(error, TRACE_ERROR_BYTES, "cannot make a file in memory: %s", strerror(errno));
		return -errno;
	}
	uname(&machine);
	err = profile_create_fd(fd, &host, &profile, error);
	if (!err)
		err = profile_store_run(profile, run, error);
	if (!err)
		err = profile_commit(profile, error);
	profile_close(profile);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int trace(int channel, uid_t uid, const struct trace_options *options, char *error)
{
	static char *const no_argv[] = {NULL};
	struct trace_held held = {
	    .name = "command", .argv = no_argv, .hangup_fd = channel, .ready = say_ready, .context = &channel};
	_cleanup_close_ int pidfd = -1, recording = -1;
	char program[CHANNEL_TEXT_BYTES], kind;
	struct run *run = NULL;
	int err = channel_receive(channel, &kind, program, &pidfd);

	if (err || kind != ELEVATE_HELD || pidfd < 0) {
		snprintf(error, TRACE_ERROR_BYTES, "the tracer was not told what to measure");
		return -EPROTO;
	}
	held.pidfd = pidfd;
	held.program = program;
	held.pid = held_pid(pidfd, uid);
	if (held.pid < 0) {
		snprintf(error, TRACE_ERROR_BYTES, "the tracer was handed a process that is not the user's own");
		return held.pid;
	}
	err = trace_allowed(error);
	if (!err)
		err = trace_held(&held, options, &run, error);
	if (err)
		return err;
	recording = record(run, error);
	run_free(run);
	return recording < 0 ? recording : channel_send(channel, ELEVATE_RECORDING, NULL, recording);
}

static int tracer(int argc, char **argv)
{
	static const struct argp_option options[] = {{"channel", 'c', "NAME", 0, "where the user's end waits", 0}, {0}};
	static const struct argp_child children[] = {{&measure_argp, 0, NULL, 0}, {&window_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {.options = options, .parser = parse, .children = children};
	struct arguments arguments = {};
	char error[TRACE_ERROR_BYTES] = "";
	_cleanup_close_ int channel = -1;
	uid_t uid;
	gid_t gid;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (invoking_user(&uid, &gid) <= 0)
		uid = getuid();
	channel = channel_connect(arguments.channel, uid);
	if (channel < 0)
		return STATUS_FAILED;
	if (trace(channel, uid, &arguments.trace, error)) {
		channel_send(channel, ELEVATE_FAILED, error, -1);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

const struct verb verb_tracer = {.name = "_trace", .arguments = "", .gloss = "", .hidden = true, .run = tracer};
