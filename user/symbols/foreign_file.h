/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files whose paths strangers chose, as root: nothing but a regular file is ever opened (opening a FIFO may hang, opening
 * a device may do things), and links are followed as the process that they belong to would.
 */
#ifndef CONCPROF_FOREIGN_FILE_H
#define CONCPROF_FOREIGN_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * For reading: a descriptor, or -errno; -EPERM when it is no regular file. In a path that begins with /proc/PID/root absolute
 * links and ".." stay inside that root.
 */
int foreign_file_open(const char *path);
/* The same below the directory `root`; the last component of `path` must not be a symbolic link. */
int foreign_file_open_below(int root, const char *path);
/* The length of the "/proc/PID/root" that `path` begins with (a "/" follows it), or 0. */
size_t foreign_file_root(const char *path);

#endif
