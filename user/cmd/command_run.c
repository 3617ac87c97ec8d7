/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command_run.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>

#include "cmd/elevate.h"
#include "cmd/resolve.h"
#include "cmd/verbs.h"

/* Under sudo a name may stand for something else than the user means. */
static void say_other_path(const char *name)
{
	char ours[PATH_MAX], theirs[PATH_MAX];

	if (!resolve_differently(name, theirs))
		return;
	if (resolve_command(name, NULL, ours))
		fprintf(stderr, "concprof: under sudo '%s' is %s; in your own PATH it is %s\n", name, ours, theirs);
	else
		fprintf(stderr, "concprof: '%s' is in your own PATH (%s), but not in that of sudo\n", name, theirs);
}

static int explain_and_show(struct session *session, struct run *measured, int (*show)(struct session *, void *), void *context)
{
	int status = session_add(session, measured);

	if (!status)
		status = session_explain(session);
	return status ? status : show(session, context);
}

static int measure(struct session *session, char **argv, const struct trace_options *trace, bool elevate,
		   int (*show)(struct session *, void *), void *context)
{
	struct trace_command command = {.argv = argv, .name = basename(argv[0]), .keep_fd = -1};
	char error[TRACE_ERROR_BYTES] = "";
	struct trace_outcome outcome;
	int err, status, exit_status = 0;
	struct run *measured;

	err = elevate ? elevated_run(&command, trace, &measured, &outcome, error)
		      : trace_run(&command, trace, &measured, &outcome, error);
	if (err) {
		fprintf(stderr, "concprof: %s\n", error);
		status = STATUS_TRACER_FAILED;
	} else {
		exit_status = measured->exit_status;
		status = explain_and_show(session, measured, show, context);
	}
	if (outcome.left > 0)
		exit_status = trace_wait(outcome.left);
	if (outcome.exec_failed)
		return err == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	return status ? STATUS_TRACER_FAILED : exit_status;
}

int command_run(char **argv, const struct trace_options *trace, const struct output_options *output,
		int (*show)(struct session *, void *), void *context)
{
	char error[TRACE_ERROR_BYTES] = "";
	int allowed = trace_allowed(error), status;
	struct session session;

	if (allowed && allowed != -EPERM) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_TRACER_FAILED;
	}
	if (session_begin(&session, output))
		return STATUS_TRACER_FAILED;
	say_other_path(argv[0]);
	status = measure(&session, argv, trace, allowed == -EPERM, show, context);
	session_end(&session);
	return status;
}
