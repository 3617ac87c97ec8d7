/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>

#include "lib/cleanup.h"

/* include/linux/sched.h; field 9 of /proc/PID/stat, proc(5) */
#define PF_KTHREAD 0x00200000

/* Of a command line, which may be as long as the stack allows: more says nothing more. */
#define COMMAND_BYTES_MAX 65536

static FILE *proc_open(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

int proc_stat(int pid, struct proc_stat *ret)
{
	_cleanup_fclose_ FILE *file = proc_open(pid, "stat");
	const char *begin, *end;
	char line[1024];
	unsigned int flags;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	if (!fgets(line, sizeof(line), file))
		return -ESRCH;
	/* The name may hold anything, blanks and parentheses too. */
	begin = strchr(line, '(');
	end = strrchr(line, ')');
	if (!begin || !end || end < begin || sscanf(end + 1, " %c %d %*d %*d %*d %*d %u", &ret->state, &ret->parent, &flags) != 3)
		return -EINVAL;
	snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(end - begin - 1), begin + 1);
	ret->is_kernel_thread = flags & PF_KTHREAD;
	return 0;
}

int proc_of_thread(int tid)
{
	_cleanup_fclose_ FILE *file = proc_open(tid, "status");
	char line[256];
	int tgid;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			return tgid;
	}
	return -ESRCH;
}

char **proc_command(int pid)
{
	_cleanup_fclose_ FILE *file = proc_open(pid, "cmdline");
	_cleanup_free_ char *text = malloc(COMMAND_BYTES_MAX + 1);
	size_t bytes = 0, count = 0, begin;
	char **command;

	if (!text)
		return NULL;
	if (file)
		bytes = fread(text, 1, COMMAND_BYTES_MAX, file);
	text[bytes] = '\0';
	for (size_t i = 0; i < bytes; i++)
		count += text[i] == '\0' || i + 1 == bytes;
	begin = (count + 1) * sizeof(*command);
	command = malloc(begin + bytes + 1);
	if (!command)
		return NULL;
	memcpy((char *)command + begin, text, bytes + 1);
	for (size_t i = 0, at = begin; i < count; i++) {
		command[i] = (char *)command + at;
		at += strlen(command[i]) + 1;
	}
	command[count] = NULL;
	return command;
}

int proc_each(int (*each)(void *context, int pid), void *context)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (isdigit((unsigned char)entry->d_name[0]) && !*end && pid > 0 && pid <= INT_MAX)
			err = each(context, (int)pid);
	}
	closedir(dir);
	return err;
}
