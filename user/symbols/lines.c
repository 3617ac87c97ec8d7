/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/lines.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "symbols/lines_process.h"

/* The first question about an object with a gigabyte of DWARF takes some seconds. */
#define ANSWER_MS 10000
/* So many damaged objects are believed to be accidents; the report is held up by a minute at most. */
#define DEATHS_MAX 6

struct lines {
	pid_t pid; /* 0: it does not run */
	int socket;
	unsigned int deaths;
	uint32_t *given; /* by object: which run of the process (1 ...) has its files */
	size_t n_given;
	uint32_t run;
	_Alignas(8) char reply[LINES_REPLY_MAX];
};

struct lines *lines_new(void)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	if (lines)
		lines->socket = -1;
	return lines;
}

static void stop(struct lines *lines)
{
	if (!lines->pid)
		return;
	close(lines->socket);
	kill(lines->pid, SIGKILL);
	while (waitpid(lines->pid, NULL, 0) < 0 && errno == EINTR)
		;
	lines->pid = 0;
	lines->socket = -1;
}

static int start(struct lines *lines)
{
	int sockets[2];
	pid_t pid;

	if (lines->deaths >= DEATHS_MAX)
		return -ECHILD;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -ECHILD;
	pid = fork();
	if (pid == 0)
		lines_process(sockets[1]);
	close(sockets[1]);
	if (pid < 0) {
		close(sockets[0]);
		return -ECHILD;
	}
	lines->pid = pid;
	lines->socket = sockets[0];
	lines->run++;
	return 0;
}

static int remember(struct lines *lines, uint32_t object)
{
	if (object >= lines->n_given) {
		size_t count = 2 * (size_t)object + 16;
		uint32_t *given = reallocarray(lines->given, count, sizeof(*given));

		if (!given)
			return -ENOMEM;
		memset(given + lines->n_given, 0, (count - lines->n_given) * sizeof(*given));
		lines->given = given;
		lines->n_given = count;
	}
	return 0;
}

static int ask(struct lines *lines, uint32_t object, const struct elf_file *dwarf, const struct elf_file *shared, uint64_t vaddr)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct lines_request request = {.object = object, .vaddr = vaddr};
	struct iovec body = {.iov_base = &request, .iov_len = sizeof(request)};
	struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
	int files[2] = {dwarf->fd, shared ? shared->fd : -1};
	ssize_t n;

	if (lines->given[object] != lines->run) {
		request.n_files = shared ? 2 : 1;
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(request.n_files * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(request.n_files * sizeof(int));
		memcpy(CMSG_DATA(&control.header), files, request.n_files * sizeof(int));
	}
	do {
		n = sendmsg(lines->socket, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lines->given[object] = lines->run;
	return 0;
}

/* Bytes of the answer; -ETIMEDOUT, -EPIPE. */
static int wait_for_answer(struct lines *lines)
{
	struct pollfd wanted = {.fd = lines->socket, .events = POLLIN};
	ssize_t n;

	for (;;) {
		int ready = poll(&wanted, 1, ANSWER_MS);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return -ETIMEDOUT;
		n = recv(lines->socket, lines->reply, sizeof(lines->reply), 0);
		if (n < 0 && errno == EINTR)
			continue;
		return n > 0 ? (int)n : -EPIPE;
	}
}

/* The process has read hostile files, and may be theirs by now: its answer is checked like one of a stranger. */
static int unpack(const char *reply, size_t bytes, struct line_frame *frames, size_t max)
{
	struct lines_reply head;
	size_t at = sizeof(head), count = 0;

	if (bytes < sizeof(head))
		return -ENOEXEC;
	memcpy(&head, reply, sizeof(head));
	if (head.unreadable)
		return -ENOEXEC;
	for (; count < head.count && count < max; count++) {
		struct lines_reply_frame frame;
		const char *names;

		if (at > bytes || bytes - at < sizeof(frame))
			return -ENOEXEC;
		memcpy(&frame, reply + at, sizeof(frame));
		names = reply + at + sizeof(frame);
		if (bytes - at - sizeof(frame) < (size_t)frame.function_bytes + frame.source_bytes)
			return -ENOEXEC;
		frames[count] = (struct line_frame){.function = frame.function_bytes ? names : NULL,
						    .function_bytes = frame.function_bytes,
						    .source = frame.source_bytes ? names + frame.function_bytes : NULL,
						    .source_bytes = frame.source_bytes,
						    .line = frame.line,
						    .inlined = frame.inlined};
		at = (at + sizeof(frame) + frame.function_bytes + frame.source_bytes + 3) & ~(size_t)3;
	}
	return count;
}

int lines_frames(struct lines *lines, uint32_t object, const struct elf_file *dwarf, const struct elf_file *shared,
		 uint64_t vaddr, struct line_frame *frames, size_t max)
{
	int got = lines->pid ? 0 : start(lines);

	if (got || remember(lines, object))
		return got ? got : -ECHILD;
	got = ask(lines, object, dwarf, shared, vaddr);
	if (!got)
		got = wait_for_answer(lines);
	if (got < 0) {
		lines->deaths++;
		stop(lines);
		return -ENOEXEC;
	}
	return unpack(lines->reply, got, frames, max);
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	stop(lines);
	free(lines->given);
	free(lines);
}
