/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/user.h"

/* A pipe or /dev/null has no name to be moved to. */
static bool is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

int output_file_check(const char *path)
{
	_cleanup_free_ char *copy = NULL;
	struct stat status;

	if (!path || strcmp(path, "-") == 0 || is_special(path))
		return 0;
	if (!*path)
		return -ENOENT;
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return -EISDIR;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	return access(dirname(copy), W_OK | X_OK) ? -errno : 0;
}

static int write_stream(FILE *out, int (*write)(FILE *out, const void *context), const void *context)
{
	int err = write(out, context);

	if (!err && fflush(out))
		err = -errno;
	return !err && ferror(out) ? -EIO : err;
}

/* For everybody to read, as files are that programs make under the usual umask. */
static int give_away(int fd)
{
	uid_t uid;
	gid_t gid;

	invoking_user(&uid, &gid);
	return fchmod(fd, 0644) || (uid != (uid_t)-1 && fchown(fd, uid, gid)) ? -errno : 0;
}

static int write_beside(const char *path, int (*write)(FILE *out, const void *context), const void *context)
{
	_cleanup_free_ char *temporary = NULL;
	FILE *out;
	int fd, err;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = give_away(fd);
	out = fdopen(fd, "w");
	if (!out) {
		err = -errno;
		close(fd);
	} else {
		if (!err)
			err = write_stream(out, write, context);
		if (fclose(out) && !err)
			err = -errno;
	}
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

int output_file_write(const char *path, int (*write)(FILE *out, const void *context), const void *context)
{
	if (strcmp(path, "-") == 0)
		return write_stream(stdout, write, context);
	if (is_special(path)) {
		FILE *out = fopen(path, "we");
		int err = out ? write_stream(out, write, context) : -errno;

		if (out && fclose(out) && !err)
			err = -errno;
		return err;
	}
	return write_beside(path, write, context);
}
