/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has the other end of a pipe or socket open, by /proc: the whole machine's descriptors, so that ends outside the run are found, too. It
 * is what is there at the moment; processes that have ended are not found.
 */
#ifndef CONCPROF_ENDS_H
#define CONCPROF_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define ENDS_MAX 8 /* holders of one object that are kept */

struct end {
	uint32_t pid;
	bool reads, writes; /* how the descriptor was opened */
	char comm[COMM_BYTES];
};

struct end_query {
	uint64_t inode; /* of the pipe or socket */
	bool socket;
	struct end ends[ENDS_MAX]; /* a process twice, if it has both ends of a pipe by two descriptors */
	size_t n;
};

/* Fills the ends of n queries. Looks at no more than some ten thousand descriptors: on a larger machine some may be missed. */
void ends_find(struct end_query *queries, size_t n);
/* Of those queries, which ends_find() has sorted, the one that asked the same as `key`; it must be among them. */
const struct end_query *ends_of(const struct end_query *queries, size_t n, const struct end_query *key);

/* The name of a process that is alive; "" if it is not. */
void ends_comm(uint32_t pid, char comm[COMM_BYTES]);

/*
 * Inode of a TCP socket on a local port, in the network namespace of process `pid`: one that listens, if there is one. 0: none.
 */
uint64_t ends_inode_of_port(uint32_t pid, uint16_t port);

#endif
