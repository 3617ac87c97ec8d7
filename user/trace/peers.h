/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process is at the other end of the pipe or socket that a wait was for. By what was measured first: who ended such waits, and who
 * waited at the other end itself; else by who had it open when it was looked for (objects.h).
 */
#ifndef CONCPROF_PEERS_H
#define CONCPROF_PEERS_H

#include "trace/collect.h"

struct peers;

/* Refers to `collected`, which must outlive it. 0 or -ENOMEM. */
int peers_open(const struct collected *collected, struct peers **ret);

/*
 * The process at the other end, "gzip[123]", of what `key` was about in the process with serial `process`, owned by the caller; "" if it is
 * not known; NULL without memory. *inside: it is a followed process.
 */
char *peers_name(const struct peers *peers, uint64_t process, const struct wait_key *key, bool *inside);

/* A process by its serial, "gzip[123]"; of several processes with that name, without the pid if `brief`. As above. */
char *peers_process_name(const struct peers *peers, uint64_t process, bool brief);
/* A process that is not followed, or "". */
char *peers_other_name(const struct peers *peers, uint32_t pid);

/* Whether a wait for a pipe was to write into it. */
bool peers_writes(const struct wait_key *key);

void peers_close(struct peers *peers); /* NULL is fine */

#endif
