/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/resolve.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/user.h"

/* confstr(_CS_PATH): what execvp(3) takes when there is no PATH */
#define PATH_DEFAULT "/bin:/usr/bin"

/* An environment beyond that has no PATH that anybody wrote. */
#define ENVIRONMENT_BYTES_MAX (1 << 20)

static bool is_executable(const char *file)
{
	struct stat status;

	return stat(file, &status) == 0 && S_ISREG(status.st_mode) && access(file, X_OK) == 0;
}

bool resolve_command(const char *name, const char *path, char found[PATH_MAX])
{
	if (!*name)
		return false;
	if (strchr(name, '/'))
		return snprintf(found, PATH_MAX, "%s", name) < PATH_MAX && is_executable(found);
	if (!path)
		path = getenv("PATH");
	if (!path)
		path = PATH_DEFAULT;
	for (;;) {
		int length = (int)strcspn(path, ":");
		/* An empty part is the current folder. */
		int bytes =
		    length ? snprintf(found, PATH_MAX, "%.*s/%s", length, path, name) : snprintf(found, PATH_MAX, "./%s", name);

		if (bytes < PATH_MAX && is_executable(found))
			return true;
		if (!path[length])
			return false;
		path += length + 1;
	}
}

/* The environment that sudo itself was called with is that of the user's shell. Its PATH, or NULL; to be freed. */
static char *callers_path(void)
{
	_cleanup_fclose_ FILE *environment = NULL, *comm = NULL;
	_cleanup_free_ char *text = NULL;
	char name[64], file[64];
	size_t bytes;

	snprintf(file, sizeof(file), "/proc/%d/comm", getppid());
	comm = fopen(file, "re");
	if (!comm || !fgets(name, sizeof(name), comm) || strcmp(name, "sudo\n") != 0)
		return NULL;
	snprintf(file, sizeof(file), "/proc/%d/environ", getppid());
	environment = fopen(file, "re");
	text = malloc(ENVIRONMENT_BYTES_MAX + 1);
	if (!environment || !text)
		return NULL;
	bytes = fread(text, 1, ENVIRONMENT_BYTES_MAX, environment);
	text[bytes] = '\0';
	for (const char *at = text; at < text + bytes; at += strlen(at) + 1) {
		if (strncmp(at, "PATH=", 5) == 0)
			return strdup(at + 5);
	}
	return NULL;
}

bool resolve_differently(const char *name, char found[PATH_MAX])
{
	_cleanup_free_ char *path = NULL;
	struct stat here, there;
	char ours[PATH_MAX];
	uid_t uid;
	gid_t gid;

	if (strchr(name, '/') || invoking_user(&uid, &gid) <= 0)
		return false;
	path = callers_path();
	if (!path || !resolve_command(name, path, found))
		return false;
	if (!resolve_command(name, NULL, ours))
		return true;
	return stat(ours, &here) || stat(found, &there) || here.st_ino != there.st_ino || here.st_dev != there.st_dev;
}
