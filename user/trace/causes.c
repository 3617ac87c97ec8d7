/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/causes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>

#include "lib/text.h"
#include "symbols/syscalls.h"

#define PEER_BYTES 96

int tid_word_compare(const void *a, const void *b)
{
	const struct tid_word *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static char *name_syscall(uint16_t nr)
{
	const char *name;

	if (nr == WAIT_NR_NONE)
		return strdup("");
	name = syscall_name(nr & ~WAIT_NR_I386, nr & WAIT_NR_I386);
	return name ? strdup(name) : text_format("syscall %d", nr & ~WAIT_NR_I386);
}

/* "127.0.0.1:80", "[::1]:80"; a listening or serving end: "connections to :80", "clients of :80". */
static void name_peer(char *text, const struct wait_key *key)
{
	char address[INET6_ADDRSTRLEN] = "";
	bool v6 = key->where.peer.family == AF_INET6;

	if (key->where.peer.family == AF_UNIX) {
		snprintf(text, PEER_BYTES, "unix socket");
	} else if (key->where.peer.family != AF_INET && !v6) {
		if (key->where.peer.family)
			snprintf(text, PEER_BYTES, "socket of family %u", key->where.peer.family);
		else
			snprintf(text, PEER_BYTES, "socket");
	} else if (key->where.peer.port) {
		static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

		/* IPv4 through an IPv6 socket is IPv4. */
		if (v6 && memcmp(key->where.peer.address, mapped, sizeof(mapped)) == 0) {
			inet_ntop(AF_INET, key->where.peer.address + 12, address, sizeof(address));
			v6 = false;
		} else {
			inet_ntop(v6 ? AF_INET6 : AF_INET, key->where.peer.address, address, sizeof(address));
		}
		snprintf(text, PEER_BYTES, v6 ? "[%s]:%u" : "%s:%u", address, key->where.peer.port);
	} else {
		static const uint8_t any[16];

		snprintf(text, PEER_BYTES,
			 memcmp(any, key->where.peer.address, sizeof(any)) ? "clients of :%u" : "connections to :%u",
			 key->where.peer.local_port);
	}
}

static char *name_object(const struct wait_key *key)
{
	char peer[PEER_BYTES];

	switch (key->class) {
	case CLASS_SOCKET:
	case CLASS_POLL:
		name_peer(peer, key);
		return strdup(peer);
	case CLASS_PIPE:
		return key->where.file.inode ? text_format("pipe:[%" PRIu64 "]", (uint64_t)key->where.file.inode)
					     : strdup("pipe");
	case CLASS_TTY:
		return strdup("terminal");
	case CLASS_OTHER:
		return strdup(key->op & WAIT_OP_UNSEEN ? "epoll set not seen" : "");
	default:
		return strdup("");
	}
}

/* A loopback peer whose port a followed socket has. */
static bool peer_is_followed(const struct cause_names *names, const struct wait_key *key)
{
	uint16_t port = key->where.peer.port;
	bool loopback = key->where.peer.family == AF_INET && key->where.peer.address[0] == 127;

	if (key->where.peer.family == AF_INET6) {
		const struct in6_addr *address = (const void *)key->where.peer.address;

		loopback = IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
	}
	return loopback && port && names->local_ports[port / 16] >> port % 16 & 1;
}

int cause_fill(const struct cause_names *names, uint64_t process, const struct wait_key *key, struct run_wait *wait)
{
	const char *symbol = NULL, *file = "";

	wait->class = key->class;
	if (key->class == CLASS_FUTEX) {
		struct tid_word word = {.process = process, .address = key->object};

		wait->op = key->op & ~WAIT_OP_EXPECTS_2;
		wait->expects_2 = key->op & WAIT_OP_EXPECTS_2;
		wait->address = key->object;
		wait->join =
		    names->n_tid_words && bsearch(&word, names->tid_words, names->n_tid_words, sizeof(word), tid_word_compare);
		if (!wait->join)
			images_symbol(names->images, process, key->image, key->object, &symbol, &wait->offset, &file);
	} else if (key->class == CLASS_SOCKET || key->class == CLASS_POLL) {
		wait->op = (key->op & WAIT_OP_MANY) != 0;
		wait->inside = peer_is_followed(names, key);
	}
	wait->syscall = name_syscall(key->nr);
	wait->object = name_object(key);
	wait->symbol = strdup(symbol ? symbol : "");
	wait->file = strdup(file);
	return wait->syscall && wait->object && wait->symbol && wait->file ? 0 : -ENOMEM;
}
