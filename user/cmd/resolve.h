/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a command's name stands for. */
#ifndef CONCPROF_RESOLVE_H
#define CONCPROF_RESOLVE_H

#include <limits.h>
#include <stdbool.h>

/* As execvp(3) finds it in `path` (NULL: PATH); a name with a slash is itself. False: nowhere. */
bool resolve_command(const char *name, const char *path, char found[PATH_MAX]);
/*
 * Under sudo, PATH is sudo's. Fills `found` with what `name` is in the PATH of who called sudo, if that is another file; false if it is not, if it is
 * nowhere there, or if that cannot be known.
 */
bool resolve_differently(const char *name, char found[PATH_MAX]);

#endif
