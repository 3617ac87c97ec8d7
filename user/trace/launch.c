/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/user.h"

/* Under sudo: become the user who called it. The environment stays as sudo made it. */
static int become_invoking_user(void)
{
	struct passwd *user;
	uid_t uid;
	gid_t gid;
	int found = invoking_user(&uid, &gid);

	if (found <= 0)
		return found;
	user = getpwuid(uid);
	if (user ? initgroups(user->pw_name, gid) : setgroups(0, NULL))
		return -errno;
	if (setgid(gid) || setuid(uid))
		return -errno;
	return 0;
}

static int drop_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	return null < 0 ? -errno : 0;
}

/* The child, before exec. Async-signal-safety is no concern: the parent has one thread. */
static _Noreturn void child_run(const struct trace_command *command, int gate_fd, int exec_fd)
{
	struct timespec now;
	char byte;
	int err;

	/* Whoever holds the gate may die before opening it: then the read ends with 0 bytes. */
	if (read(gate_fd, &byte, 1) != 1)
		_exit(125);
	close(gate_fd);
	err = become_invoking_user();
	if (!err && command->without_streams)
		err = drop_streams();
	if (!err) {
		if (command->keep_fd >= 0)
			fcntl(command->keep_fd, F_SETFD, 0);
		if (command->start_ns) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			snprintf(command->start_ns, command->start_ns_bytes, "%" PRIu64,
				 (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec);
		}
		if (command->path)
			execv(command->path, command->argv);
		else
			execvp(command->argv[0], command->argv);
		err = -errno;
	}
	if (write(exec_fd, &err, sizeof(err)) != sizeof(err))
		_exit(125);
	_exit(127);
}

int launch_pidfd(int pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int launch_start(const struct trace_command *command, struct launch *ret)
{
	int gate[2] = {-1, -1}, status[2] = {-1, -1};
	int err = 0, pid;

	*ret = (struct launch){.pid = -1, .pidfd = -1, .gate_fd = -1, .exec_fd = -1};
	if (pipe2(gate, O_CLOEXEC) || pipe2(status, O_CLOEXEC)) {
		err = -errno;
		goto out;
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		err = -errno;
		goto out;
	}
	if (pid == 0) {
		close(gate[1]);
		close(status[0]);
		child_run(command, gate[0], status[1]);
	}
	ret->pid = pid;
	ret->pidfd = launch_pidfd(pid);
	if (ret->pidfd < 0)
		err = ret->pidfd;
	ret->gate_fd = steal_fd(&gate[1]);
	ret->exec_fd = steal_fd(&status[0]);
	if (err)
		launch_close(ret);
out:
	for (int i = 0; i < 2; i++) {
		if (gate[i] >= 0)
			close(gate[i]);
		if (status[i] >= 0)
			close(status[i]);
	}
	return err;
}

int launch_settle(const struct launch *launch)
{
	char path[64], line[512];
	const struct timespec pause = {.tv_nsec = 50000};

	snprintf(path, sizeof(path), "/proc/%d/stat", launch->pid);
	for (int tries = 0; tries < 10000; tries++) {
		_cleanup_fclose_ FILE *file = fopen(path, "re");
		const char *end;

		if (!file || !fgets(line, sizeof(line), file))
			return -ESRCH;
		end = strrchr(line, ')');
		if (end && end[1] == ' ' && end[2] == 'S')
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

int launch_release(struct launch *launch)
{
	int err = 0;
	ssize_t got;

	if (write(launch->gate_fd, "", 1) != 1)
		return -errno;
	close(steal_fd(&launch->gate_fd));
	do {
		got = read(launch->exec_fd, &err, sizeof(err));
	} while (got < 0 && errno == EINTR);
	close(steal_fd(&launch->exec_fd));
	if (got == 0)
		return 0;
	waitpid(launch->pid, NULL, 0);
	launch->pid = -1;
	return got == sizeof(err) && err < 0 ? err : -EIO;
}

int launch_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void launch_close(struct launch *launch)
{
	bool held = launch->gate_fd >= 0;

	if (launch->gate_fd >= 0)
		close(steal_fd(&launch->gate_fd));
	if (launch->exec_fd >= 0)
		close(steal_fd(&launch->exec_fd));
	if (held && launch->pid > 0)
		waitpid(launch->pid, NULL, 0);
	if (launch->pidfd >= 0)
		close(steal_fd(&launch->pidfd));
}
