/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a recording's runs is meant. Prints its own failures. */
#ifndef CONCPROF_CHOOSE_RUN_H
#define CONCPROF_CHOOSE_RUN_H

#include "cmd/session.h"

/* By name, else by number from 1; of several with one name the last, which is the one that was measured after its baseline. `what` asked for
 * it, in words for the message. 0 or STATUS_FAILED. */
int choose_run(const struct session *session, const char *wanted, const char *what, size_t *ret);

/*
 * "FILE:RUN" taken apart at a colon: the file exists under what stands before it. A file with all of the text as its name comes first. Returns where RUN
 * begins within `text`, with FILE in `file` (owned by the caller); NULL when no run is named, with all of it in `file`. *file is NULL when
 * memory is short.
 */
const char *choose_file(const char *text, char **file);

#endif
