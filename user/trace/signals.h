/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that would end concprof while it measures: they reach the program instead, and it decides; or, when the program is not
 * ours, they end the measurement. Terminals send them to both already.
 */
#ifndef CONCPROF_SIGNALS_H
#define CONCPROF_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct signals {
	int fd; /* readable when there are some; -1: not taken */
	sigset_t before;
};

/* Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT. 0 or a negative errno; what was blocked is given back in either case. */
int signals_take(struct signals *signals);
/* Passes those that a process sent on to `pid` (0: to nobody). Returns whether there were any. */
bool signals_pass_on(struct signals *signals, int pid);
/* As before. What came in the meantime and was not passed on is dropped. May be called without signals_take if fd is -1. */
void signals_give_back(struct signals *signals);

#endif
