/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/cleanup.h"

/* An abstract name begins with a zero byte and ends with the length of the address (unix(7)). */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s", name);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address->sun_path + 1);
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Who was at the other end when the connection was made. */
static int check_peer(int fd, uid_t uid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes))
		return -errno;
	return peer.uid == uid ? 0 : -EPERM;
}

int channel_listen(char name[CHANNEL_NAME_BYTES])
{
	struct sockaddr_un address;
	uint64_t random[2];
	int fd = open_socket();

	if (fd < 0)
		return fd;
	if (getrandom(random, sizeof(random), 0) == sizeof(random)) {
		snprintf(name, CHANNEL_NAME_BYTES, "concprof-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
		if (!bind(fd, (struct sockaddr *)&address, address_of(name, &address)) && !listen(fd, 4))
			return fd;
	}
	close(fd);
	return -errno;
}

int channel_accept(int listening, uid_t uid)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (check_peer(fd, uid)) {
		close(fd);
		return -EAGAIN;
	}
	return fd;
}

int channel_connect(const char *name, uid_t uid)
{
	struct sockaddr_un address;
	socklen_t bytes = address_of(name, &address);
	int fd = open_socket(), err;

	if (fd < 0)
		return fd;
	err = connect(fd, (struct sockaddr *)&address, bytes) ? -errno : check_peer(fd, uid);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int channel_send(int channel, char kind, const char *text, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(__alignof__(struct cmsghdr)))) = {};
	struct iovec parts[] = {{.iov_base = &kind, .iov_len = 1},
				{.iov_base = (void *)text, .iov_len = text ? strlen(text) : 0}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	struct cmsghdr *header;

	if (parts[1].iov_len >= CHANNEL_TEXT_BYTES)
		parts[1].iov_len = CHANNEL_TEXT_BYTES - 1;
	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int channel_receive(int channel, char *kind, char text[CHANNEL_TEXT_BYTES], int *fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(__alignof__(struct cmsghdr)))) = {};
	char unused[CHANNEL_TEXT_BYTES];
	struct iovec parts[] = {{.iov_base = kind, .iov_len = 1},
				{.iov_base = text ? text : unused, .iov_len = CHANNEL_TEXT_BYTES - 1}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	ssize_t bytes;

	*fd = -1;
	do {
		bytes = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	} while (bytes < 0 && errno == EINTR);
	if (bytes <= 0)
		return bytes < 0 ? -errno : -EPIPE;
	/* The kernel cuts off what finds no room here: more than one descriptor. */
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	if (text)
		text[bytes - 1] = '\0';
	return 0;
}
