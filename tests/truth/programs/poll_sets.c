/* SPDX-License-Identifier: Apache-2.0 */
/* What a poll set holds decides what its wait is. One thread a set, named after it. With an argument: no epoll sets. */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include "ledger.h"

#define TIMES 5

enum feeder { NOBODY, PROCESS, THREAD };
enum call { POLL, PPOLL, SELECT, EPOLL, EPOLL_PWAIT };

static const char *const call_names[] = {"poll", "ppoll", "select", "epoll", "epoll-pwait"};

struct set {
	const char *name, *state;
	enum call call;
	enum feeder feeder; /* who makes fds[0] readable, every 20 ms */
	int timeout_ms;     /* -1: none */
	int fds[3], n, write_fd;
};

static int wait_on(struct set *s, int epoll)
{
	struct timespec ts = {0, s->timeout_ms * (long)MS}, *tsp = s->timeout_ms < 0 ? NULL : &ts;
	struct timeval tv = {0, s->timeout_ms * 1000}, *tvp = s->timeout_ms < 0 ? NULL : &tv;
	struct epoll_event event;
	struct pollfd p[3];
	fd_set set;

	FD_ZERO(&set);
	for (int i = 0; i < s->n; i++) {
		p[i] = (struct pollfd){.fd = s->fds[i], .events = POLLIN};
		FD_SET(s->fds[i], &set);
	}
	switch (s->call) {
	case POLL:
		return poll(p, (nfds_t)s->n, s->timeout_ms);
	case PPOLL:
		return ppoll(p, (nfds_t)s->n, tsp, NULL);
	case SELECT:
		return select(64, &set, NULL, NULL, tvp);
	case EPOLL:
		return epoll_wait(epoll, &event, 1, s->timeout_ms);
	default:
		return epoll_pwait(epoll, &event, 1, s->timeout_ms, NULL);
	}
}

static void *watch(void *arg)
{
	struct set *s = arg;
	struct tally t = {0};
	uint64_t value;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	prctl(PR_SET_NAME, s->name);
	for (int i = 0; i < s->n; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, s->fds[i], &event) == 0);
	}
	if (strcmp(s->name, "closed") == 0) /* the socket leaves the epoll set with its last descriptor */
		close(s->fds[1]);
	for (int i = 0; i < TIMES; i++)
		if (BLOCKED(&t, wait_on(s, epoll)) > 0)
			MUST(read(s->fds[0], &value, sizeof(value)) > 0);
	ledger("# %d waits on %s by %s", gettid(), s->name, call_names[s->call]);
	ledger_wait(s->state, &t, "-");
	close(epoll);
	return NULL;
}

static void feed(int fd)
{
	uint64_t one = 1;

	for (int i = 0; i < TIMES; i++) {
		nap(20);
		MUST(write(fd, &one, sizeof(one)) == sizeof(one));
	}
}

static void run(struct set s)
{
	pid_t child = s.feeder == PROCESS ? must_fork() : 0;
	pthread_t thread;

	if (s.feeder == PROCESS) {
		if (child == 0) {
			feed(s.write_fd);
			_exit(0);
		}
		close(s.write_fd);
	}
	thread = must_thread(watch, &s);
	if (s.feeder == THREAD)
		feed(s.write_fd);
	pthread_join(thread, NULL);
	if (child)
		must_reap(child);
	for (int i = 0; i < s.n; i++)
		close(s.fds[i]);
}

/* Two connected ends on loopback: [0] to read, [1] to write. */
static void tcp_pair(int *fds)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	MUST(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	MUST((fds[1] = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && connect(fds[1], (struct sockaddr *)&address, size) == 0);
	MUST((fds[0] = accept(listener, NULL, NULL)) >= 0);
	close(listener);
}

static int event(void)
{
	/* One read for each write, also when a loaded machine lets two come before the first is read. */
	int fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);

	MUST(fd >= 0);
	return fd;
}

static int timer(void)
{
	struct itimerspec every = {{0, 20 * (long)MS}, {0, 20 * (long)MS}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	MUST(fd >= 0 && timerfd_settime(fd, 0, &every, NULL) == 0);
	return fd;
}

int main(int argc, char **argv)
{
	const enum call last = argc == 1 ? EPOLL_PWAIT : SELECT;
	int socket_fds[2], pipe_fds[2], e;

	(void)argv;
	for (enum call call = POLL; call <= last; call++) {
		tcp_pair(socket_fds);
		e = event();
		run((struct set){"socket", "socket", call, PROCESS, -1, {socket_fds[0], e}, 2, socket_fds[1]});
		MUST(pipe(pipe_fds) == 0);
		run((struct set){"pipe", "pipe", call, PROCESS, -1, {pipe_fds[0]}, 1, pipe_fds[1]});
		run((struct set){"eventfd-timeout", "sleep", call, NOBODY, 20, {event()}, 1, -1});
		run((struct set){"nothing-timeout", "sleep", call, NOBODY, 20, {0}, 0, -1});
		e = event();
		run((struct set){"eventfd", "sync", call, THREAD, -1, {e}, 1, e});
		MUST(pipe(pipe_fds) == 0);
		run((struct set){"self-pipe", "sync", call, THREAD, -1, {pipe_fds[0]}, 1, pipe_fds[1]});
		close(pipe_fds[1]);
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fds) == 0);
		run((struct set){"self-pair", "sync", call, THREAD, -1, {socket_fds[0]}, 1, socket_fds[1]});
		close(socket_fds[1]);
		run((struct set){"timerfd", "sleep", call, NOBODY, -1, {timer()}, 1, -1});
	}
	if (last == SELECT)
		return 0;
	tcp_pair(socket_fds);
	run((struct set){"closed", "sleep", EPOLL, NOBODY, 20, {event(), socket_fds[0]}, 2, -1});
	close(socket_fds[1]);
	return 0;
}
