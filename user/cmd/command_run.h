/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring a command, for the verbs that do (run, flame): privileges, exit statuses and the wait for its end are the same. */
#ifndef CONCPROF_COMMAND_RUN_H
#define CONCPROF_COMMAND_RUN_H

#include "cmd/session.h"

/*
 * Runs and measures `argv`; without privileges only the tracer is elevated. show() gets the session with the run explained, and returns 0
 * or an exit status after it said what failed. Returns the exit status: the command's own, or STATUS_*.
 */
int command_run(char **argv, const struct trace_options *trace, const struct output_options *output,
		int (*show)(struct session *session, void *context), void *context);

#endif
