/* SPDX-License-Identifier: Apache-2.0 */
/* A client asks a server, another process on loopback, that answers each question after a known delay. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include "ledger.h"

#define QUESTIONS 12

static void serve(int listener)
{
	struct tally receive = {0}, think = {0};
	int fd = BLOCKED(&receive, accept(listener, NULL, NULL));
	char c;

	MUST(fd >= 0);
	while (BLOCKED(&receive, recv(fd, &c, 1, 0)) == 1) {
		BLOCKED(&think, usleep(20000));
		MUST(send(fd, &c, 1, 0) == 1);
	}
	ledger_wait("socket", &receive, "-");
	ledger_wait("sleep", &think, "-");
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct tally t = {0};
	char cause[32], c = 'x';
	pid_t server;

	MUST(listener >= 0 && fd >= 0);
	MUST(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	server = must_fork();
	if (server == 0) {
		close(fd);
		serve(listener);
		return 0;
	}
	MUST(connect(fd, (struct sockaddr *)&address, size) == 0);
	for (int i = 0; i < QUESTIONS; i++) {
		MUST(send(fd, &c, 1, 0) == 1);
		MUST(BLOCKED(&t, recv(fd, &c, 1, 0)) == 1);
	}
	close(fd);
	must_reap(server);
	snprintf(cause, sizeof(cause), "127.0.0.1:%d", ntohs(address.sin_port));
	ledger_wait("socket", &t, cause);
	ledger("processes 2");
	return 0;
}
