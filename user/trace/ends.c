/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/ends.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define LOOKS_MAX 50000  /* descriptors looked at: 1-2 us each */
#define LINES_MAX 100000 /* of a table of sockets */

#define TCP_LISTEN 10 /* include/net/tcp_states.h */

static int by_inode(const void *a, const void *b)
{
	const struct end_query *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->socket - y->socket;
}

/* What a descriptor's link says: "pipe:[123]", "socket:[123]". */
static bool parse_link(const char *link, struct end_query *key)
{
	char *end;

	if (strncmp(link, "pipe:[", 6) == 0)
		*key = (struct end_query){.inode = strtoull(link + 6, &end, 10)};
	else if (strncmp(link, "socket:[", 8) == 0)
		*key = (struct end_query){.inode = strtoull(link + 8, &end, 10), .socket = true};
	else
		return false;
	return *end == ']';
}

void ends_comm(uint32_t pid, char comm[COMM_BYTES])
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64];
	size_t got = 0;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", pid);
	file = fopen(path, "re");
	if (file)
		got = fread(comm, 1, COMM_BYTES - 1, file);
	comm[got] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

static void add_end(struct end_query *query, uint32_t pid, mode_t mode)
{
	struct end end = {.pid = pid, .reads = mode & S_IRUSR, .writes = mode & S_IWUSR};

	for (size_t i = 0; i < query->n; i++)
		if (query->ends[i].pid == pid && query->ends[i].reads == end.reads && query->ends[i].writes == end.writes)
			return;
	if (query->n == ENDS_MAX)
		return;
	ends_comm(pid, end.comm);
	query->ends[query->n++] = end;
}

/* The descriptors of one process. Returns how many were looked at. */
static size_t look_at(uint32_t pid, struct end_query *queries, size_t n, size_t most)
{
	_cleanup_closedir_ DIR *folder = NULL;
	struct end_query key, *query;
	const struct dirent *entry;
	size_t looks = 0;
	struct stat about;
	char text[64];
	ssize_t bytes;

	snprintf(text, sizeof(text), "/proc/%" PRIu32 "/fd", pid);
	folder = opendir(text);
	while (folder && looks < most && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		looks++;
		bytes = readlinkat(dirfd(folder), entry->d_name, text, sizeof(text) - 1);
		if (bytes <= 0)
			continue;
		text[bytes] = '\0';
		if (!parse_link(text, &key))
			continue;
		query = bsearch(&key, queries, n, sizeof(key), by_inode);
		/* The link's own mode says how the descriptor was opened (proc(5)). */
		if (query && query->inode && fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0)
			add_end(query, pid, about.st_mode);
	}
	return looks;
}

void ends_find(struct end_query *queries, size_t n)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t looks = 0;

	if (!n)
		return;
	qsort(queries, n, sizeof(*queries), by_inode);
	while (proc && looks < LOOKS_MAX && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			looks += look_at(strtoul(entry->d_name, NULL, 10), queries, n, LOOKS_MAX - looks);
}

const struct end_query *ends_of(const struct end_query *queries, size_t n, const struct end_query *key)
{
	return bsearch(key, queries, n, sizeof(*key), by_inode);
}

/* One table, as proc_pid_net(5) describes it: local address:port in the second column, the state in the fourth, the inode in the tenth. */
static uint64_t inode_in(const char *path, uint16_t port)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	unsigned int local, state;
	unsigned long long inode;
	uint64_t found = 0;
	char line[512];

	for (int i = 0; file && i < LINES_MAX && fgets(line, sizeof(line), file); i++) {
		if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %llu", &local, &state, &inode) != 3 ||
		    local != port || !inode)
			continue;
		found = inode;
		if (state == TCP_LISTEN)
			break;
	}
	return found;
}

uint64_t ends_inode_of_port(uint32_t pid, uint16_t port)
{
	static const char *const tables[] = {"tcp", "tcp6"};
	uint64_t inode = 0;
	char path[64];

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !inode; i++) {
		snprintf(path, sizeof(path), "/proc/%" PRIu32 "/net/%s", pid, tables[i]);
		inode = inode_in(path, port);
	}
	return inode;
}
