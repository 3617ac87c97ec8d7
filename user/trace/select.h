/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of what was collected belongs to the run: the user may want only processes of a certain name (that of the main thread, as it was
 * last), and what ended before the measurement began is not part of it. The processes that are left out are needed while the run is
 * built, for their children's address spaces; so there are two steps.
 */
#ifndef CONCPROF_SELECT_H
#define CONCPROF_SELECT_H

#include "trace/collect.h"

/*
 * Before build_run(): drops threads whose process's name does not contain include_comm (NULL: none), and references to threads that are
 * not there. 0; -ENOENT with `error` (TRACE_ERROR_BYTES) when no thread is left.
 */
int select_threads(struct collected *collected, const char *include_comm, char *error);
/* After it: the same for processes. Theirs are sorted by id, as build_run() leaves them. */
void select_processes(struct run *run, const char *include_comm);

#endif
