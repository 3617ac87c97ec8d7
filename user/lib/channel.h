/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local connection between two processes of different users, who make sure of each other: the kernel says who is at the other end.
 * Descriptors can be handed over. The address is a random name in the abstract namespace, which leaves nothing in the file system.
 */
#ifndef CONCPROF_CHANNEL_H
#define CONCPROF_CHANNEL_H

#include <stddef.h>
#include <sys/types.h>

#define CHANNEL_NAME_BYTES 48
#define CHANNEL_TEXT_BYTES 1024

/* All descriptors are closed on exec. Functions return 0 or a descriptor, or a negative errno. */
int channel_listen(char name[CHANNEL_NAME_BYTES]);
/* Takes one connection of `uid`; those of others are closed. -EAGAIN: it was none of `uid`. */
int channel_accept(int listening, uid_t uid);
/* -EPERM: who listens is not `uid`. */
int channel_connect(const char *name, uid_t uid);

/* One message: a kind, a text, and a descriptor (-1: none), which stays the caller's. */
int channel_send(int channel, char kind, const char *text, int fd);
/* The next message; text may be NULL. *fd is the caller's to close; -1 if there was none. -EPIPE when the other end is gone. */
int channel_receive(int channel, char *kind, char text[CHANNEL_TEXT_BYTES], int *fd);

#endif
