/* SPDX-License-Identifier: Apache-2.0 */
/* Serial number -> position in one of a run's arrays. */
#ifndef CONCPROF_PROFILE_INDEX_H
#define CONCPROF_PROFILE_INDEX_H

#include "profile/run.h"

#define RUN_NOT_FOUND SIZE_MAX

struct run_index;

/* 0 or -ENOMEM; -EEXIST when a serial occurs twice. */
int run_index_threads(const struct run *run, struct run_index **ret);
int run_index_processes(const struct run *run, struct run_index **ret);
size_t run_index_find(const struct run_index *index, uint64_t id); /* or RUN_NOT_FOUND */
void run_index_free(struct run_index *index);                      /* NULL is fine */

#endif
