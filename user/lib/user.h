/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_USER_H
#define CONCPROF_USER_H

#include <sys/types.h>

/*
 * The user that called sudo, as sudo says it (SUDO_UID, SUDO_GID). 1: found. 0: not under sudo; both are then (uid_t)-1, which
 * chown(2) takes for "leave". -EINVAL: the two contradict themselves; nobody should then be taken for somebody.
 */
int invoking_user(uid_t *uid, gid_t *gid);

#endif
