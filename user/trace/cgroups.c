/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/cgroups.h"

#include <errno.h>
#include <dirent.h>
#include <mntent.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/text.h"

/* Groups that are looked at: beyond, names stay unknown. */
#define GROUPS_MAX 20000
#define DEPTH_MAX  32

struct group {
	uint64_t id;
	char *path;
};

struct cgroups {
	bool read;
	char *root; /* where the hierarchy is mounted */
	struct group *all;
	size_t n, room;
};

int cgroups_open(struct cgroups **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static char *find_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	char *root = NULL;

	while (mounts && !root && (mount = getmntent(mounts)))
		if (strcmp(mount->mnt_type, "cgroup2") == 0)
			root = strdup(mount->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return root;
}

static void add(struct cgroups *cgroups, uint64_t id, const char *path)
{
	struct group *group;

	if (cgroups->n == cgroups->room) {
		size_t room = cgroups->room ? 2 * cgroups->room : 64;
		struct group *grown = reallocarray(cgroups->all, room, sizeof(*grown));

		if (!grown)
			return;
		cgroups->all = grown;
		cgroups->room = room;
	}
	group = &cgroups->all[cgroups->n];
	group->id = id;
	group->path = strdup(*path ? path : "/");
	if (group->path)
		cgroups->n++;
}

static void read_folder(struct cgroups *cgroups, char *path, size_t room, int depth)
{
	size_t length = strlen(path);
	struct dirent *entry;
	struct stat st;
	DIR *folder;

	if (depth == DEPTH_MAX || cgroups->n == GROUPS_MAX || lstat(path, &st) || !S_ISDIR(st.st_mode))
		return;
	add(cgroups, st.st_ino, path + strlen(cgroups->root));
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    (size_t)snprintf(path + length, room - length, "/%s", entry->d_name) >= room - length)
			continue;
		read_folder(cgroups, path, room, depth + 1);
	}
	path[length] = '\0';
	if (folder)
		closedir(folder);
}

const char *cgroups_name(struct cgroups *cgroups, uint64_t id)
{
	char path[4096];

	if (!id)
		return NULL;
	if (!cgroups->read) {
		cgroups->read = true;
		cgroups->root = find_root();
		if (cgroups->root && (size_t)snprintf(path, sizeof(path), "%s", cgroups->root) < sizeof(path))
			read_folder(cgroups, path, sizeof(path), 0);
	}
	for (size_t i = 0; i < cgroups->n; i++)
		if (cgroups->all[i].id == id)
			return cgroups->all[i].path;
	return NULL;
}

char *cgroup_of_process(uint32_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	char path[64];
	size_t room = 0;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	file = fopen(path, "re");
	while (file && getline(&line, &room, file) > 0) {
		/* Version 2 is "0::/path" (cgroups(7)). */
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			return strdup(line + 3);
	}
	return NULL;
}

void cgroups_close(struct cgroups *cgroups)
{
	if (!cgroups)
		return;
	for (size_t i = 0; i < cgroups->n; i++)
		free(cgroups->all[i].path);
	free(cgroups->all);
	free(cgroups->root);
	free(cgroups);
}
