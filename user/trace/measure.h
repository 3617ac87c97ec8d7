/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of measurement has in common: the kernel side, the records, the signals, and the wait for the end. */
#ifndef CONCPROF_MEASURE_H
#define CONCPROF_MEASURE_H

#include <sys/resource.h>

#include "trace/collect.h"
#include "trace/kernel.h"
#include "trace/machine.h"
#include "trace/mappings.h"
#include "trace/signals.h"
#include "trace/trace.h"
#include "trace/unwinding.h"

struct measurement {
	const struct trace_options *options;
	struct kernel *kernel;
	struct mappings *mappings; /* NULL: names will be missing, times will not */
	struct unwinding unwinding;
	struct collected collected;
	struct signals signals;
	/* RLIMIT_NOFILE to go back to; all zero: as it was */
	struct rlimit open_files;
	int hangup_fd;                /* when somebody else has started the program: readable when they have gone; -1: none */
	bool asked_to_end;            /* by a signal, or by a hang-up */
	bool out_of_time;             /* the duration is over */
	int priority;                 /* to go back to */
	uint64_t taken_until;         /* CLOCK_MONOTONIC, ns: all that happened before has been taken */
	uint64_t delay_end;           /* CLOCK_MONOTONIC, ns: when to begin; 0: no delay, or it is over */
	uint64_t cpu_ns;              /* our own, before the begin */
	struct machine_times machine; /* before the begin */
};

#define MEASUREMENT_NONE                                                                                                         \
	{                                                                                                                        \
		.signals.fd = -1, .hangup_fd = -1                                                                                \
	}

uint64_t measure_now_ns(void);

/* Loads the kernel side and begins to listen. 0 or a negative errno with `error`. `attach`: to processes that live already. */
int measure_open(struct measurement *m, const struct trace_options *options, bool attach, char *error);
/* The delay counts from here. */
void measure_begin_delay(struct measurement *m);
/* Takes what has arrived. -ENOMEM when it cannot be kept. */
int measure_look(struct measurement *m);
/*
 * Until the process behind pidfd has exited, if it is not -1; until all followed processes have; until a signal asks for the end, if there is
 * no pid to pass it to (0); or until the duration is over. 0 or a negative errno.
 */
int measure_wait(struct measurement *m, int pidfd, int pid);
/* Ends the measurement and fills *run from it (but not name, command, exit status). 0 or a negative errno with `error`. */
int measure_finish(struct measurement *m, struct run *run, char *error);
/* Detaches everything; signals are as before. */
void measure_close(struct measurement *m);

#endif
