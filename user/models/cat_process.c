/* SPDX-License-Identifier: Apache-2.0 */
/* The cat server in a process of its own, outside of what is measured; and where the cats are. */
#include "models/models.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/cleanup.h"

/* What the child says when it serves, or why it does not. */
struct hello {
	int rc;
	unsigned int port;
	char error[512];
};

/* Keeps nothing of the parent's: neither its files nor its ways with signals. Only the two descriptors stay. */
static void leave_parent(int *stop_fd, int *hello_fd)
{
	int null = open("/dev/null", O_RDWR);
	int low = *stop_fd < *hello_fd ? *stop_fd : *hello_fd, high = *stop_fd + *hello_fd - low;
	sigset_t none;

	for (int i = 0; i < 3; i++)
		if (null >= 0 && i != low && i != high)
			dup2(null, i);
	if (low > 3)
		close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1 > 3 ? low + 1 : 3, high - 1, 0);
	close_range(high + 1 > 3 ? high + 1 : 3, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	/* Ctrl-C goes to the whole foreground group, but what it ends must not see its server vanish first. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void server_main(const char *dir, unsigned int delay_us, pid_t parent, int stop_fd, int hello_fd)
{
	struct cat_server *server = NULL;
	struct hello hello = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_NAME, "cat-server");
	leave_parent(&stop_fd, &hello_fd);
	hello.rc = cat_server_open(dir, 0, delay_us, &server, hello.error, sizeof(hello.error));
	if (!hello.rc)
		hello.port = cat_server_port(server);
	if (write(hello_fd, &hello, sizeof(hello)) != sizeof(hello) || hello.rc)
		_exit(1);
	close(hello_fd);
	hello.rc = cat_server_loop(server, stop_fd);
	cat_server_close(server);
	_exit(hello.rc ? 1 : 0);
}

static void wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int cat_server_start(const char *dir, unsigned int delay_us, struct cat_server_process *ret, char *error, size_t error_bytes)
{
	_cleanup_close_ int stop_read = -1, stop_write = -1, hello_read = -1, hello_write = -1;
	pid_t self = getpid(), pid;
	struct hello hello;
	int fds[2];
	ssize_t got;

	pid = -1;
	if (!pipe2(fds, O_CLOEXEC)) {
		stop_read = fds[0];
		stop_write = fds[1];
		if (!pipe2(fds, O_CLOEXEC)) {
			hello_read = fds[0];
			hello_write = fds[1];
			pid = fork();
		}
	}
	if (pid < 0) {
		snprintf(error, error_bytes, "cat server: cannot start a process: %s", strerror(errno));
		return -errno;
	}
	if (pid == 0)
		server_main(dir, delay_us, self, stop_read, hello_write);
	close(steal_fd(&hello_write));
	do {
		got = read(hello_read, &hello, sizeof(hello));
	} while (got < 0 && errno == EINTR);
	if (got != sizeof(hello))
		hello = (struct hello){.rc = -EIO, .error = "cat server: its process died"};
	if (hello.rc) {
		wait_for(pid);
		snprintf(error, error_bytes, "%s", hello.error);
		return hello.rc;
	}
	*ret = (struct cat_server_process){.pid = pid, .stop_fd = steal_fd(&stop_write)};
	snprintf(ret->url, sizeof(ret->url), "http://127.0.0.1:%u", hello.port);
	return 0;
}

void cat_server_stop(struct cat_server_process *process)
{
	if (process->pid <= 0)
		return;
	close(process->stop_fd);
	wait_for(process->pid);
	*process = (struct cat_server_process){.pid = 0, .stop_fd = -1};
}

static bool holds_cats(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/1.jpg", dir) < (int)sizeof(path) && access(path, R_OK) == 0;
}

const char *cats_dir(char *buffer, size_t bytes)
{
	const char *named = getenv("CONCPROF_CATS");
	char exe[PATH_MAX];
	ssize_t length;
	char *slash;

	/* Named, it is meant, whether it is any good or not: the server will say what it lacks. */
	if (named && named[0])
		return snprintf(buffer, bytes, "%s", named) < (int)bytes ? buffer : NULL;
	length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (length > 0) {
		exe[length] = '\0';
		slash = strrchr(exe, '/');
		*slash = '\0';
		if (snprintf(buffer, bytes, "%s/cats", exe) < (int)bytes && holds_cats(buffer))
			return buffer;
		/* Installed under another prefix than the one that it was built for. */
		if (snprintf(buffer, bytes, "%s/../share/concprof/cats", exe) < (int)bytes && holds_cats(buffer))
			return buffer;
	}
	if (snprintf(buffer, bytes, "%s/share/concprof/cats", CONCPROF_PREFIX) < (int)bytes && holds_cats(buffer))
		return buffer;
	return NULL;
}
