/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that are measured several times, taking turns (A B A B ...): what changes on the machine meanwhile meets all of them. Each is a line for the
 * shell, or a model with its options. Prints its own failures.
 */
#ifndef CONCPROF_REPEAT_RUN_H
#define CONCPROF_REPEAT_RUN_H

#include "cmd/model_run.h"

#define REPEATS_MAX       1000
#define REPEAT_NAME_BYTES 48

struct repeat_command {
	const char *text;             /* as it was given */
	char name[REPEAT_NAME_BYTES]; /* of its runs: the text in one line, longer ones cut */
	const struct model *model;    /* NULL: for the shell */
	struct model_run_options model_options;
	struct cats cats;
	uint64_t *wall_ns; /* of all of its runs so far */
	struct run **runs; /* those of them that may yet be the middle one; others are NULL */
	size_t n;
};

struct repeat_options {
	size_t repeats;      /* 1..REPEATS_MAX */
	bool ignore_failure; /* of the shell's commands: an exit status is no reason to stop */
	bool show_output;    /* else standard output and error of the shell's commands are discarded */
	const struct trace_options *trace;
};

/* Wrong options of a model end the program with STATUS_USAGE, as those of a verb. */
void repeat_command_parse(const char *text, struct repeat_command *ret);
/* Names of two that are cut show where their lines differ, as far as there is room. */
void repeat_commands_tell_apart(struct repeat_command commands[2]);
/*
 * Fills wall_ns and runs of the commands; at the end each has one run, the middle one by wall time (spread_middle). 0, or the exit status after it said what
 * failed: 128+n when signal n asked for the end.
 */
int repeat_run(struct repeat_command *commands, size_t count, const struct repeat_options *options);
/* That one run, which is the caller's from now on. */
struct run *repeat_take_middle(struct repeat_command *command);
void repeat_command_free(struct repeat_command *command);

#endif
