/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `run` without privileges. The command is started here, by the user who called, in their environment, on their terminal, and held back
 * before its exec; only the tracer runs as root: concprof calls itself through sudo (verb_tracer.c) and hands it a pidfd. The tracer hands back a
 * recording, in memory; whatever is printed or written is printed and written here, with nobody's privileges but the user's.
 *
 *   user                                root
 *   HELD, pidfd, path of the program -> marks the process
 *                                    <- READY, or FAILED and why
 *   lets the program go              -> measures until it ends
 *                                    <- RECORDING, file, or FAILED and why
 *
 * Either end sees the other's death by the end of the connection. The user's end asks for the end by closing its direction of it.
 */
#ifndef CONCPROF_ELEVATE_H
#define CONCPROF_ELEVATE_H

#include "trace/trace.h"

enum elevate_message {
	ELEVATE_HELD = 'H',
	ELEVATE_READY = 'R',
	ELEVATE_RECORDING = 'P',
	ELEVATE_FAILED = 'E',
};

/* As trace_run(). The command has not run if this fails before it was let go; that is said. */
int elevated_run(const struct trace_command *command, const struct trace_options *options, struct run **ret,
		 struct trace_outcome *outcome, char *error);

#endif
