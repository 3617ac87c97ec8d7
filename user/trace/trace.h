/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program under measurement and delivers a struct run. The way of the data:
 *
 *   follow.c    a program from its start;  launch.c  starts it, held back until it is marked, as the user who called sudo
 *   attach.c    processes that are alive;  epolls.c  what their epoll sets hold
 *   measure.c   what both have in common: the loop until the end;  signals.c  who gets signals meanwhile
 *   kernel.c    loads and attaches bpf/, marks, begins and ends the measurement, reads maps and snapshots
 *   collect.c   takes records out of the ring buffer
 *   mappings.c  hears which files are mapped where (the kernel's mmap records)
 *   select.c    which of the processes the user asked for
 *   episodes.c  keeps the timeline until then
 *   build.c     records -> struct run;  causes.c  keys -> names
 */
#ifndef CONCPROF_TRACE_H
#define CONCPROF_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/run.h"

#define TRACE_ERROR_BYTES 512

/* Whether every time off a CPU is kept, or only their sums. */
enum trace_timeline {
	TIMELINE_BUDGET, /* as long as there are not too many (EPISODES_BUDGET) */
	TIMELINE_ALL,
	TIMELINE_NONE,
};

struct trace_options {
	enum trace_timeline timeline;
	bool no_syscalls;         /* without syscall hooks: on-CPU time has no sides */
	bool wait_all;            /* measure until every followed process has ended, not just the root */
	bool no_stacks;           /* neither where threads block nor where they compute */
	bool lines;               /* source lines and inlined functions, where there is debug information */
	bool pid_only;            /* do not follow what the processes create */
	unsigned int sample_hz;   /* on-CPU stacks; 0: none */
	uint64_t delay_ns;        /* let so much time pass first */
	uint64_t duration_ns;     /* end the measurement after so much time; 0: when the program ends */
	const char *include_comm; /* measure only processes whose name contains this; NULL: all */
	int verbose;
};

/* What to start. Nothing of it is taken over. */
struct trace_command {
	const char *name;  /* of the run */
	const char *path;  /* to execute; NULL: argv[0], looked up in PATH */
	char *const *argv; /* NULL-terminated */
	char *start_ns;    /* if not NULL: a buffer within argv that gets CLOCK_MONOTONIC just before exec, in decimal */
	size_t start_ns_bytes;
	int keep_fd;          /* a descriptor the program inherits besides 0, 1, 2; -1: none */
	bool without_streams; /* 0, 1 and 2 are /dev/null; else they are ours */
};

/* What became of a program that was started, beside the run. */
struct trace_outcome {
	bool exec_failed; /* it could not be executed */
	bool asked;       /* a signal wanted the end, whether the program heeded it or not */
	int left;         /* its pid, when the measurement ended before it (options.duration_ns); else -1 */
};

/*
 * Runs and measures. Returns 0 and a run (free with run_free); or a negative errno with one line in `error` for the user, which
 * may have more lines of advice. If the program could not be executed: -ENOENT or another errno of exec, with outcome->exec_failed set.
 * -ENODATA: it had ended before the delay was over.
 */
int trace_run(const struct trace_command *command, const struct trace_options *options, struct run **ret,
	      struct trace_outcome *outcome, char *error);
/*
 * Measures a program that somebody else has started and holds back before its exec. ready(context) is called when it may go on; hangup_fd is readable
 * when nobody waits for the run any more. Exit status and `interrupted` are not known here. Signals are left to the program. Returns as trace_run.
 */
struct trace_held {
	int pidfd;
	int pid;             /* the same, in our pid namespace */
	const char *program; /* path of what it will execute */
	const char *name;    /* of the run */
	char *const *argv;
	int hangup_fd;
	int (*ready)(void *context); /* 0 or a negative errno */
	void *context;
};
int trace_held(const struct trace_held *held, const struct trace_options *options, struct run **ret, char *error);

/* Sets the run's name and command; argv is NULL-terminated, nothing of it is taken over. 0 or -ENOMEM. */
int trace_describe(const char *name, char *const *argv, struct run *run);

/* Waits for outcome.left, passing signals on. Its exit status as in struct run. */
int trace_wait(int pid);

/*
 * Measures processes that are alive, with what they have created (unless options.pid_only), until all have ended, the duration is over, or
 * SIGINT or SIGTERM comes. They go on as if nothing had been. Returns as trace_run does.
 */
int trace_attach(const int *pids, size_t count, const struct trace_options *options, struct run **ret, char *error);

/* Runs the same way without measuring anything. *wall_ns: from just before the exec to the end. *exit_status as in struct run. */
int trace_untraced(const struct trace_command *command, uint64_t *wall_ns, int *exit_status, bool *exec_failed, char *error);

/* --- what the kernel and the user allow (probe.c), for doctor and for clear refusals --- */

enum probe_result { PROBE_OK, PROBE_MISSING, PROBE_DENIED };

struct probe {
	const char *name;
	enum probe_result result;
	bool needed;      /* nothing works without it */
	char detail[256]; /* what was found, and what to do if it is not OK */
};

/* Fills `probes` (at least PROBE_COUNT) and returns how many. Needs no privileges. */
#define PROBE_COUNT 12
size_t trace_probe(struct probe *probes);
/* 0 if tracing is possible; else a negative errno and in `error` what is missing and what to do. Cheap. */
int trace_allowed(char *error);

#endif
