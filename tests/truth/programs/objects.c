/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for things that have names: a file's lock, a FIFO, queues, children, sets of descriptors, timers, a lock inside the kernel. Each in
 * a thread of its own, so that its time is its own.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include "ledger.h"

#define TIMES    4
#define DELAY_MS 25

static char path[64];

/* A child that does something a known time later, as often as asked. */
static pid_t later(const char *name, void (*act)(int), int object)
{
	pid_t child = must_fork();

	if (child)
		return child;
	prctl(PR_SET_NAME, name);
	for (int i = 0; i < TIMES; i++) {
		nap(DELAY_MS);
		act(object);
	}
	_exit(0);
}

static void post(int set)
{
	MUST(semop(set, &(struct sembuf){0, 1, 0}, 1) == 0);
}

static void *on_semaphores(void *arg)
{
	int set = semget(IPC_PRIVATE, 1, 0600);
	struct tally wait = {0};
	char cause[64];
	pid_t child;

	(void)arg;
	MUST(set >= 0);
	child = later("poster", post, set);
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&wait, semop(set, &(struct sembuf){0, -1, 0}, 1)) == 0);
	must_reap(child);
	semctl(set, 0, IPC_RMID);
	snprintf(cause, sizeof(cause), "semaphore_set_%d", set);
	ledger_wait("sync", &wait, cause);
	return NULL;
}

static void send_message(int queue)
{
	MUST(mq_send(queue, "x", 1, 0) == 0);
}

static void *on_message_queue(void *arg)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 8};
	mqd_t queue = mq_open("/concprof-objects", O_RDWR | O_CREAT, 0600, &attr);
	struct tally wait = {0};
	char buffer[8];
	pid_t child;

	(void)arg;
	MUST(queue >= 0);
	child = later("poster", send_message, queue);
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&wait, mq_receive(queue, buffer, sizeof(buffer), NULL)) == 1);
	must_reap(child);
	mq_unlink("/concprof-objects");
	ledger_wait("sync", &wait, "message_queue_/concprof-objects");
	return NULL;
}

/* The child holds the lock when it starts, and lets go of it for a moment each time. */
static void *on_file_lock(void *arg)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), started[2];
	struct tally wait = {0};
	char cause[96], c;
	pid_t child;

	(void)arg;
	MUST(fd >= 0 && pipe(started) == 0);
	child = must_fork();
	if (child == 0) {
		int own = open(path, O_RDWR);

		prctl(PR_SET_NAME, "locker");
		MUST(flock(own, LOCK_EX) == 0 && write(started[1], "x", 1) == 1);
		nap(TIMES * DELAY_MS);
		_exit(0);
	}
	MUST(read(started[0], &c, 1) == 1);
	MUST(BLOCKED(&wait, flock(fd, LOCK_EX)) == 0);
	must_reap(child);
	snprintf(cause, sizeof(cause), "file_lock_%s", path);
	ledger_wait("lock", &wait, cause);
	ledger("waker %d %s locker/%d", gettid(), cause, child);
	return NULL;
}

static void *on_child(void *arg)
{
	struct tally wait = {0};
	pid_t child;

	(void)arg;
	child = must_fork();
	if (child == 0) {
		prctl(PR_SET_NAME, "only-child");
		nap(TIMES * DELAY_MS);
		_exit(0);
	}
	MUST(BLOCKED(&wait, waitpid(child, NULL, 0)) == child);
	ledger("wait %d child %llu 1 child_only-child[%d]", gettid(), (unsigned long long)wait.ns, child);
	return NULL;
}

/* Three sockets and a pipe, to which nobody ever writes. */
static void *on_set(void *arg)
{
	struct pollfd set[4] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct tally wait = {0}, by_epoll = {0};
	int epoll = epoll_create1(0), ends[2];

	(void)arg;
	for (int i = 0; i < 3; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		MUST((set[i].fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
		MUST(bind(set[i].fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(set[i].fd, 1) == 0);
		if (i < 2)
			MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, set[i].fd, &event) == 0);
	}
	MUST(pipe(ends) == 0);
	set[3].fd = ends[0];
	if (fork() == 0) { /* the pipe is not only this process's own */
		nap(3 * TIMES * DELAY_MS);
		_exit(0);
	}
	close(ends[1]);
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&wait, poll(set, 4, DELAY_MS)) == 0);
	ledger_wait("socket", &wait, "poll_set_of_3_sockets,_1_pipe");
	ledger("waker %d poll_set_of_3_sockets,_1_pipe timer", gettid());
	for (int i = 0; i < TIMES; i++) {
		struct epoll_event event;

		MUST(BLOCKED(&by_epoll, epoll_wait(epoll, &event, 1, DELAY_MS)) == 0);
	}
	ledger_wait("socket", &by_epoll, "poll_set_of_2_sockets");
	return NULL;
}

static void *on_timers(void *arg)
{
	struct timespec length = {.tv_nsec = DELAY_MS * (long)MS}, end;
	struct itimerspec every = {length, length};
	struct tally relative = {0}, absolute = {0}, descriptor = {0}, set = {0};
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t count;

	(void)arg;
	for (int i = 0; i < TIMES; i++)
		BLOCKED(&relative, clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL));
	for (int i = 0; i < TIMES; i++) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += (end.tv_nsec + 2 * length.tv_nsec) / 1000000000;
		end.tv_nsec = (end.tv_nsec + 2 * length.tv_nsec) % 1000000000;
		BLOCKED(&absolute, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL));
	}
	MUST(timer >= 0 && timerfd_settime(timer, 0, &every, NULL) == 0);
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&descriptor, read(timer, &count, sizeof(count))) == sizeof(count));
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&set, poll(NULL, 0, 35)) == 0);
	ledger_wait("sleep", &relative, "sleep_25_ms");
	ledger_wait("sleep", &absolute, "sleep_about_50_ms");
	ledger_wait("sleep", &descriptor, "timerfd");
	ledger_wait("sleep", &set, "sleep_35_ms");
	ledger("waker %d sleep_ timer", gettid());
	ledger("waker %d timerfd timer", gettid());
	return NULL;
}

int main(void)
{
	void *(*const all[])(void *) = {on_semaphores, on_message_queue, on_file_lock, on_child, on_set, on_timers};
	int fd;

	snprintf(path, sizeof(path), "/tmp/concprof-objects-%d", getpid());
	MUST((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) >= 0);
	nap(50);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		pthread_join(must_thread(all[i], NULL), NULL);
	unlink(path);
	while (wait(NULL) > 0)
		;
	return 0;
}
