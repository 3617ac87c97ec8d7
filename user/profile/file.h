/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file under a profile. SQLite gets descriptors instead of paths (a small VFS), so that a file under construction needs no name:
 * a kill at any moment leaves nothing behind, and nobody can slip another file under ours in a folder that they may write to.
 */
#ifndef CONCPROF_PROFILE_FILE_H
#define CONCPROF_PROFILE_FILE_H

#include <sys/types.h>

#include <sqlite3.h>

struct profile_file;

/* A new file for the final name `path`, owned by uid and gid ((uid_t)-1: leave). 0 or a negative errno. */
int profile_file_create(const char *path, uid_t uid, gid_t gid, struct profile_file **ret);
/* A file that has its name, or needs none: an empty one, open for writing, whose descriptor stays the caller's. */
int profile_file_adopt(int fd, struct profile_file **ret);
/* Gives the file its name, replacing a regular file of that name; -EEXIST when something else has it. */
int profile_file_publish(struct profile_file *file);

/* An existing regular file, for reading; -EINVAL when it is none. */
int profile_file_open(const char *path, struct profile_file **ret);
/* The size it had then. */
off_t profile_file_bytes(const struct profile_file *file);

/* Opens the database in `file`, which must outlive the connection. An SQLite result code. */
int profile_file_connect(struct profile_file *file, sqlite3 **ret);
/* The errno of the last read or write that failed; 0: none did. */
int profile_file_errno(const struct profile_file *file);
void profile_file_close(struct profile_file *file); /* NULL is fine. Removes what was not published */

#endif
