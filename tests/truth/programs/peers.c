/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes, "asker" and "answerer", talk over a connection of each kind: each answer comes a known time after its question. What the
 * asker waits for bears the answerer's name, and the other way round.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "ledger.h"

#define TIMES    4
#define DELAY_MS 25

/* Ends of one connection: what the asker and the answerer read from and write to. */
struct line {
	int ask_in, ask_out, answer_in, answer_out;
	char ask_cause[128], answer_cause[128]; /* without the process, which is added */
};

static void answer(const struct line *line, int asker)
{
	struct tally wait = {0};
	char c;

	prctl(PR_SET_NAME, "answerer");
	for (int i = 0; i < TIMES; i++) {
		MUST(BLOCKED(&wait, read(line->answer_in, &c, 1)) == 1);
		nap(DELAY_MS);
		MUST(write(line->answer_out, &c, 1) == 1);
	}
	MUST(BLOCKED(&wait, read(line->answer_in, &c, 1)) == 1);
	ledger_wait("socket+pipe", &wait, "-");
	ledger("waker %d %s asker/%d", gettid(), line->answer_cause, asker);
	ledger("# %d answers %s", gettid(), line->answer_cause);
}

static void talk(struct line *line, int named)
{
	struct tally wait = {0};
	pid_t asker = getpid(), child = must_fork();
	char cause[192], c = 'x';

	if (child == 0) {
		answer(line, asker);
		_exit(0);
	}
	for (int i = 0; i < TIMES; i++) {
		MUST(write(line->ask_out, &c, 1) == 1);
		MUST(BLOCKED(&wait, read(line->ask_in, &c, 1)) == 1);
		nap(DELAY_MS);
	}
	MUST(write(line->ask_out, &c, 1) == 1);
	must_reap(child);
	snprintf(cause, sizeof(cause), named ? "%s_(answerer[%d])" : "%s_answerer[%d]", line->ask_cause, child);
	ledger_wait("socket+pipe", &wait, cause);
	ledger("waker %d %s answerer/%d", gettid(), cause, child);
}

static void talk_over_pipes(void)
{
	int there[2], back[2];

	MUST(pipe(there) == 0 && pipe(back) == 0);
	talk(&(struct line){back[0], there[1], there[0], back[1], "pipe_from", "pipe_from_asker"}, 0);
}

static void talk_over_pair(void)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	talk(&(struct line){ends[0], ends[0], ends[1], ends[1], "recv_from_socketpair_with", "recv_from_socketpair_with_asker"},
	     0);
}

/* Listens, connects and accepts, each in this process: the answerer inherits its end. */
static void connect_ends(const struct sockaddr *address, socklen_t size, struct line *line)
{
	int listener = socket(address->sa_family, SOCK_STREAM, 0), fd = socket(address->sa_family, SOCK_STREAM, 0);

	MUST(listener >= 0 && fd >= 0 && bind(listener, address, size) == 0 && listen(listener, 1) == 0);
	if (address->sa_family == AF_INET) {
		struct sockaddr_in bound;

		size = sizeof(bound);
		MUST(getsockname(listener, (struct sockaddr *)&bound, &size) == 0);
		MUST(connect(fd, (struct sockaddr *)&bound, size) == 0);
		snprintf(line->ask_cause, sizeof(line->ask_cause), "recv_from_127.0.0.1:%d", ntohs(bound.sin_port));
	} else {
		MUST(connect(fd, address, size) == 0);
	}
	line->ask_in = line->ask_out = fd;
	MUST((line->answer_in = line->answer_out = accept(listener, NULL, NULL)) >= 0);
	close(listener);
}

static void talk_over_unix(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t bytes = strlen(name);
	struct line line = {0};

	memcpy(address.sun_path, name, bytes);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	else
		unlink(name);
	connect_ends((struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + bytes + (name[0] != '@'), &line);
	snprintf(line.ask_cause, sizeof(line.ask_cause), "recv_from_%s", name);
	snprintf(line.answer_cause, sizeof(line.answer_cause), "recv_from_clients_of_%s_(asker[%d])", name, getpid());
	talk(&line, 1);
	if (name[0] != '@')
		unlink(name);
}

static void talk_over_tcp(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct line line = {0};

	connect_ends((struct sockaddr *)&address, sizeof(address), &line);
	snprintf(line.answer_cause, sizeof(line.answer_cause), "recv_from_127.0.0.1");
	talk(&line, 1);
}

/* One accepts what the other connects only later. */
static void take_connections(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, fd;
	struct tally wait = {0};
	socklen_t size = sizeof(address);
	pid_t child;

	MUST(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	MUST(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	child = must_fork();
	if (child == 0) {
		prctl(PR_SET_NAME, "caller");
		for (int i = 0; i < TIMES; i++) {
			nap(DELAY_MS);
			MUST((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
			MUST(connect(fd, (struct sockaddr *)&address, size) == 0);
		}
		_exit(0);
	}
	for (int i = 0; i < TIMES; i++)
		MUST(BLOCKED(&wait, accept(listener, NULL, NULL)) >= 0);
	must_reap(child);
	ledger("wait %d socket %llu %llu accept_on_127.0.0.1:%d_(caller[%d])", gettid(), (unsigned long long)wait.ns,
	       (unsigned long long)wait.count, ntohs(address.sin_port), child);
	ledger("waker %d accept_on_127.0.0.1:%d caller/%d", gettid(), ntohs(address.sin_port), child);
}

int main(void)
{
	char path[64], abstract[64];

	prctl(PR_SET_NAME, "asker");
	snprintf(path, sizeof(path), "/tmp/concprof-peers-%d.sock", getpid());
	snprintf(abstract, sizeof(abstract), "@concprof-peers-%d", getpid());
	nap(50);
	talk_over_pipes();
	talk_over_pair();
	talk_over_unix(path);
	talk_over_unix(abstract);
	talk_over_tcp();
	take_connections();
	return 0;
}
