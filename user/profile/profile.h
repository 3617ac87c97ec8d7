/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile: runs in an SQLite database, in memory or in a file. schema.sql is the contract for those who query it.
 *
 * Writing: profile_create, profile_store_run for each run, profile_commit. A file appears under its final name only at the commit
 * (it is written beside it under a temporary name); without the commit nothing is left.
 * Reading: profile_open, profile_load_run. Neither needs root, nor the machine the recording was made on.
 *
 * All functions return 0 or a negative errno; `error`, where given, is a buffer that receives one line for the user that names the
 * file and the reason.
 */
#ifndef CONCPROF_PROFILE_H
#define CONCPROF_PROFILE_H

#include <sys/types.h>

#include "run.h"

#define PROFILE_VERSION     3
#define PROFILE_ERROR_BYTES 512

struct profile;

/* path NULL: in memory. owner: uid and gid that the file shall belong to ((uid_t)-1: leave). */
int profile_create(const char *path, uid_t uid, gid_t gid, const struct host *host, struct profile **ret, char *error);
/* The same in the empty file behind `fd`, which has no name, or keeps it; it stays the caller's. */
int profile_create_fd(int fd, const struct host *host, struct profile **ret, char *error);
/* Appends a run; runs keep their order. The baseline comes first. */
int profile_store_run(struct profile *profile, const struct run *run, char *error);
/* Builds the indexes, closes the transaction, moves the file to its final name. The profile stays open for reading. */
int profile_commit(struct profile *profile, char *error);

/* Opens a recording for reading. -EINVAL: not a recording, or one of another version; -EIO: damaged. */
int profile_open(const char *path, struct profile **ret, char *error);
int profile_run_count(struct profile *profile);
/* The run of index 0..count-1, wholly checked (numbers in range, references valid): a damaged file gives an error, never nonsense. */
int profile_load_run(struct profile *profile, int index, struct run **ret, char *error);
/* Owned by the profile. */
const struct host *profile_host(struct profile *profile);

void profile_close(struct profile *profile); /* NULL is fine; removes an uncommitted file */

#endif
