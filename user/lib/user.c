/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/user.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static bool parse_id(const char *text, unsigned int *ret)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value >= (unsigned int)-1)
		return false;
	*ret = value;
	return true;
}

int invoking_user(uid_t *uid, gid_t *gid)
{
	const char *user = getenv("SUDO_UID"), *group = getenv("SUDO_GID");

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (geteuid() != 0 || (!user && !group))
		return 0;
	return user && group && parse_id(user, uid) && parse_id(group, gid) ? 1 : -EINVAL;
}
