/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /tmp/perf-PID.map, in which JITs tell the names of the code that they made: lines "START SIZE NAME", hexadecimal, appended
 * while the process runs. The program writes what it likes, while we read: whatever makes no sense is left out, and what is too
 * much is cut. The format: tools/perf/Documentation/jit-interface.txt of Linux.
 */
#ifndef CONCPROF_PERF_MAP_H
#define CONCPROF_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is read of one map; what comes later is lost, and perf_map_cut() says so. Node and Java write some 10 MB. */
#define PERF_MAP_ENTRIES_MAX (1u << 20)
#define PERF_MAP_NAMES_MAX   (64u << 20)    /* bytes in memory */
#define PERF_MAP_READ_MAX    (512ull << 20) /* bytes, over all readings */
#define PERF_MAP_NAME_MAX    1024           /* of a longer name so much is kept */

struct perf_map;

/* Remembers whose map it is and where that process sees /tmp; reads nothing yet. 0, -ENOMEM. */
int perf_map_open(uint32_t pid, struct perf_map **ret);
/* A map that `fd` (taken over, also when it fails) is open for; perf_map_read() reads what was added to that file. */
int perf_map_open_fd(int fd, struct perf_map **ret);
/*
 * Reads what was added; everything again if the file was cut or replaced. 0; -ENOENT when there is no map (yet), -EPERM when it
 * belongs to somebody else or is no regular file, -ENOMEM, -EIO. What was read before stays good then.
 */
int perf_map_read(struct perf_map *map);
/* NULL if nothing is known; of several that hold `address` the last one in the file. Valid until the next call. */
const char *perf_map_find(struct perf_map *map, uint64_t address, uint64_t *offset);
bool perf_map_cut(const struct perf_map *map);
void perf_map_close(struct perf_map *map); /* NULL is fine */

#endif
