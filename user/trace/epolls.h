/* SPDX-License-Identifier: Apache-2.0 */
/* What epoll sets hold that were made before their process was followed, from /proc/PID/fdinfo. */
#ifndef CONCPROF_EPOLLS_H
#define CONCPROF_EPOLLS_H

#include "trace/kernel.h"

/*
 * Makes the epoll sets of process `pid` (chosen as `serial`) known to the kernel side. Those that cannot be seen are counted when they are
 * waited for. 0 or a negative errno.
 */
int epolls_seed(struct kernel *kernel, int pid, uint64_t serial);

/* Reads the members of one set from its fdinfo; at most EPOLL_SEED_FDS. For tests. */
void epolls_parse(FILE *fdinfo, struct epoll_seed *seed);

#endif
