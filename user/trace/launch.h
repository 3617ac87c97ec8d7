/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the program to measure. It is forked at once and held back before its exec, so that it can be marked; it runs as the user
 * who called sudo, with that user's groups, and with concprof's own standard streams and nothing else open.
 */
#ifndef CONCPROF_LAUNCH_H
#define CONCPROF_LAUNCH_H

#include "trace/trace.h"

struct launch {
	int pid;
	int pidfd;
	int gate_fd; /* a byte written there lets it exec; closing it ends it */
	int exec_fd; /* becomes readable with an errno if exec fails, and reads 0 bytes once exec has succeeded */
};

/* pidfd_open(2); a descriptor that is not inherited, or a negative errno. */
int launch_pidfd(int pid);
/* 0 or a negative errno. */
int launch_start(const struct trace_command *command, struct launch *ret);
/* Waits until the child stands at the gate, blocked. */
int launch_settle(const struct launch *launch);
/* Opens the gate. 0 once exec has succeeded; else the negative errno of exec. The child is then reaped. */
int launch_release(struct launch *launch);
/* Wait status -> 0..255, or 128 + signal. */
int launch_exit_status(int wait_status);
/* Ends a child that was not released, and closes everything. A released child is left alone. */
void launch_close(struct launch *launch);

#endif
