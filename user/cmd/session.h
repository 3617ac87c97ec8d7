/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of one call of concprof, from measurement to output: profile, explanations, report, JSON. Prints its own failures. */
#ifndef CONCPROF_SESSION_H
#define CONCPROF_SESSION_H

#include <stdio.h>

#include "cmd/options.h"
#include "explain/explain.h"
#include "profile/profile.h"

#define SESSION_RUNS_MAX 16

struct session {
	const struct output_options *output;
	const char *cgroup; /* only its processes; NULL: all */
	struct profile *profile;
	struct run *runs[SESSION_RUNS_MAX]; /* as loaded back from the profile */
	struct explanation *explanations[SESSION_RUNS_MAX];
	struct comparison *comparisons[SESSION_RUNS_MAX];
	int number[SESSION_RUNS_MAX]; /* in the recording, from 1: runs may have been left out */
	size_t n_runs, n_comparisons;
};

/* All return 0, or an exit status after they said what failed. */
int session_begin(struct session *session, const struct output_options *output);
/* Takes the run over, also when it fails. */
int session_add(struct session *session, struct run *run);
/* Commits the profile and explains all runs. */
int session_explain(struct session *session);
/* Instead of begin, add and explain: all runs of an existing recording. */
int session_load(struct session *session, const struct output_options *output, const char *path);
/* The same of the processes of one cgroup alone, `cgroup` as run_keep_cgroup() takes it, or NULL for all. */
int session_load_cgroup(struct session *session, const struct output_options *output, const char *path, const char *cgroup);
/* The comparison of two runs by index; kept for the JSON output, owned by the session. NULL when they cannot be compared. */
const struct comparison *session_compare(struct session *session, size_t before, size_t after);
/* --json FILE. */
int session_write_json(struct session *session);
/* The report of the last run beside the first one, if there are two, unless standard output is for JSON. */
int session_report(struct session *session, FILE *out);
void session_end(struct session *session);

struct report_options;
struct report_options session_report_options(const struct session *session, FILE *out);

#endif
