/* SPDX-License-Identifier: Apache-2.0 */
/* Names of control groups (version 2) by the ids that the kernel side sees: an id is the inode number of the group's folder. */
#ifndef CONCPROF_CGROUPS_H
#define CONCPROF_CGROUPS_H

#include <stdint.h>

struct cgroups;

/* Looks for the hierarchy at the first question. 0 or -ENOMEM. */
int cgroups_open(struct cgroups **ret);
/* The group's path from the root of the hierarchy, "/" for the root; NULL: not known. Owned by `cgroups`. */
const char *cgroups_name(struct cgroups *cgroups, uint64_t id);
/* The same of a process that is alive; to be freed. NULL: not known. */
char *cgroup_of_process(uint32_t pid);
void cgroups_close(struct cgroups *cgroups); /* NULL is fine */

#endif
