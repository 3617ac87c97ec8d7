/* SPDX-License-Identifier: Apache-2.0 */
/* A client computes, and asks a server process so many thousand times for next to nothing: what costs is the going to and fro. */
#include <sys/socket.h>
#include "planted.h"

OWN_FUNCTION void serve_requests(int peer)
{
	char request;

	while (read(peer, &request, 1) == 1)
		MUST(write(peer, &request, 1) == 1);
}

OWN_FUNCTION void ask(int peer, unsigned int times)
{
	char reply = 'x';

	for (unsigned int i = 0; i < times; i++)
		MUST(write(peer, "x", 1) == 1 && read(peer, &reply, 1) == 1);
}

OWN_FUNCTION void compute_result(void)
{
	COMPUTE(50);
}

int main(int argc, char **argv)
{
	unsigned int thousands = dose(argc, argv);
	int ends[2];
	pid_t server;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	server = must_fork();
	if (!server) {
		close(ends[0]);
		serve_requests(ends[1]);
		return 0;
	}
	close(ends[1]);
	ask(ends[0], 1000 * thousands);
	compute_result();
	close(ends[0]);
	must_reap(server);
	return 0;
}
