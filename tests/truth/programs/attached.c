/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program to be attached to in mid-life. Some threads wait for what never comes; some go on waiting for short times and measure each wait.
 * SIGTERM ends it; then it writes what happened, with times by CLOCK_MONOTONIC, to $LEDGER:
 *
 *   parked TID STATE CAUSE [...]  the thread waited all the time, in this state
 *   span TID STATE BEGIN END      one wait
 *   busy TID                      the thread only computed
 *
 * usage: attached READY_FILE; the file appears when all threads are where they shall be.
 */
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "ledger.h"

#define SPANS_MAX 20000

pthread_mutex_t never_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t turns_lock = PTHREAD_MUTEX_INITIALIZER;

static int peers[2], pipes[2], event;
static volatile int ready, ending;
static volatile pid_t waited_for;

struct diary {
	pid_t tid;
	const char *state;
	int count;
	struct {
		uint64_t begin, end;
	} span[SPANS_MAX];
};

static void park(const char *state, const char *cause)
{
	ledger("parked %d %s %s", gettid(), state, cause);
	__sync_fetch_and_add(&ready, 1);
}

static void *in_lock(void *arg)
{
	park("lock", "never_lock");
	pthread_mutex_lock(&never_lock);
	return arg;
}

static void *in_sleep(void *arg)
{
	park("sleep", "-");
	nap(1000000);
	return arg;
}

static void *in_socket(void *arg)
{
	char byte;

	park("socket", "127.0.0.1");
	MUST(recv(peers[0], &byte, 1, 0) >= 0);
	return arg;
}

static void *in_pipe(void *arg)
{
	char byte;

	park("pipe", "pipe");
	MUST(read(pipes[0], &byte, 1) >= 0);
	return arg;
}

static void *in_event(void *arg)
{
	uint64_t value;

	park("sync", "eventfd");
	MUST(read(event, &value, sizeof(value)) > 0);
	return arg;
}

static void *in_child(void *arg)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	waited_for = pid;
	park("child", "-");
	waitpid(pid, NULL, 0);
	return arg;
}

static void *in_poll(void *arg)
{
	struct pollfd set[] = {{.fd = event, .events = POLLIN}, {.fd = peers[0], .events = POLLIN}};

	park("socket", "127.0.0.1");
	poll(set, 2, -1);
	return arg;
}

static void *in_poll_of_nothing(void *arg)
{
	struct pollfd set = {.fd = event, .events = POLLIN};

	park("sleep", "-");
	poll(&set, 1, 1000000000);
	return arg;
}

/* Both ends are in this process: nobody else can write to it. */
static void *in_select(void *arg)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	park("sync", "own wake-up");
	select(pipes[0] + 1, &set, NULL, NULL, NULL);
	return arg;
}

/* A set that was made, and filled, before anybody looked. */
static void *in_epoll(void *arg)
{
	struct epoll_event member = {.events = EPOLLIN}, got;
	int set = epoll_create1(0);

	MUST(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, peers[0], &member) == 0);
	park("socket", "127.0.0.1 epoll");
	epoll_wait(set, &got, 1, -1);
	return arg;
}

static void note(struct diary *diary, uint64_t begin)
{
	if (diary->count < SPANS_MAX) {
		diary->span[diary->count].begin = begin;
		diary->span[diary->count].end = now_ns();
		diary->count++;
	}
}

static struct diary *diary_open(const char *state)
{
	struct diary *diary = calloc(1, sizeof(*diary));

	MUST(diary);
	diary->tid = gettid();
	diary->state = state;
	__sync_fetch_and_add(&ready, 1);
	return diary;
}

static void *takes_turns(void *arg)
{
	struct diary *diary = diary_open("lock");
	uint64_t begin;

	(void)arg;
	while (!ending) {
		begin = now_ns();
		pthread_mutex_lock(&turns_lock);
		note(diary, begin);
		usleep(20000);
		pthread_mutex_unlock(&turns_lock);
		usleep(200); /* so that the other gets it */
	}
	return diary;
}

static void *naps(void *arg)
{
	struct diary *diary = diary_open("sleep");
	uint64_t begin;

	(void)arg;
	while (!ending) {
		begin = now_ns();
		usleep(30000);
		note(diary, begin);
	}
	return diary;
}

static void *computes(void *arg)
{
	ledger("busy %d", gettid());
	__sync_fetch_and_add(&ready, 1);
	while (!ending)
		;
	return arg;
}

static void on_term(int sig)
{
	(void)sig;
	ending = 1;
}

static void peers_open(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	MUST(bind(listening, (struct sockaddr *)&address, bytes) == 0 && listen(listening, 1) == 0);
	MUST(getsockname(listening, (struct sockaddr *)&address, &bytes) == 0);
	peers[0] = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(peers[0], (struct sockaddr *)&address, bytes) == 0);
	MUST((peers[1] = accept(listening, NULL, NULL)) >= 0);
}

int main(int argc, char **argv)
{
	static void *(*const parked[])(void *) = {in_lock,  in_sleep, in_socket,          in_pipe,   in_event,
						  in_child, in_poll,  in_poll_of_nothing, in_select, in_epoll};
	static void *(*const working[])(void *) = {takes_turns, takes_turns, naps, computes};
	const int n_parked = sizeof(parked) / sizeof(*parked), n_working = sizeof(working) / sizeof(*working);
	struct diary *diaries[4];
	pthread_t threads[4];
	FILE *file;

	MUST(argc == 2);
	signal(SIGTERM, on_term);
	peers_open();
	MUST(pipe(pipes) == 0 && (event = eventfd(0, 0)) >= 0);
	pthread_mutex_lock(&never_lock);
	for (int i = 0; i < n_parked; i++)
		must_thread(parked[i], NULL);
	for (int i = 0; i < n_working; i++)
		threads[i] = must_thread(working[i], NULL);
	while (ready < n_parked + n_working)
		nap(5);
	nap(100);
	MUST(file = fopen(argv[1], "we"));
	fclose(file);
	while (!ending)
		pause();
	for (int i = 0; i < n_working; i++)
		pthread_join(threads[i], (void **)&diaries[i]);
	for (int i = 0; i < n_working; i++)
		for (int k = 0; diaries[i] && k < diaries[i]->count; k++)
			ledger("span %d %s %llu %llu", diaries[i]->tid, diaries[i]->state,
			       (unsigned long long)diaries[i]->span[k].begin, (unsigned long long)diaries[i]->span[k].end);
	kill(waited_for, SIGKILL);
	return 0;
}
