/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/session.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/output_file.h"
#include "cmd/verbs.h"
#include "export/export.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "lib/user.h"
#include "lib/version.h"
#include "report/report.h"

#define CGROUPS_TOLD 5

static int complain(const char *what, int err)
{
	fprintf(stderr, "concprof: %s: %s\n", what, strerror(-err));
	return STATUS_FAILED;
}

int session_begin(struct session *session, const struct output_options *output)
{
	char error[PROFILE_ERROR_BYTES] = "";
	struct utsname machine;
	struct host host = {.cpus = sysconf(_SC_NPROCESSORS_ONLN)};
	uid_t uid;
	gid_t gid;
	int err;

	*session = (struct session){.output = output};
	/* Better said before the run than after it. */
	err = output_file_check(output->json);
	if (err)
		return complain(output->json, err);
	uname(&machine);
	host.kernel = machine.release;
	host.version = strdup(concprof_version);
	if (!host.version)
		return complain("cannot begin a profile", -ENOMEM);
	invoking_user(&uid, &gid);
	if (profile_create(output->recording, uid, gid, &host, &session->profile, error))
		fprintf(stderr, "concprof: %s\n", error);
	free(host.version);
	return session->profile ? 0 : STATUS_FAILED;
}

int session_add(struct session *session, struct run *run)
{
	char error[PROFILE_ERROR_BYTES] = "";
	int err = profile_store_run(session->profile, run, error);

	run_free(run);
	if (err)
		fprintf(stderr, "concprof: %s\n", error);
	return err ? STATUS_FAILED : 0;
}

/* What --cgroup could have named: " (there is: /a, /b)", or nothing when no cgroup is known. */
static char *known_cgroups(const struct run *run)
{
	struct text text = {0};
	const char *last = NULL;

	for (size_t i = 0, told = 0; i < run->n_processes && told < CGROUPS_TOLD; i++) {
		const char *cgroup = run->processes[i].cgroup;

		if (!cgroup || (last && !strcmp(last, cgroup)))
			continue;
		text_add(&text, "%s%s", told++ ? ", " : " (there is: ", cgroup);
		last = cgroup;
	}
	text_add(&text, "%s", last ? ")" : "");
	return text_take(&text);
}

static int select_cgroup(const struct session *session, struct run *run)
{
	_cleanup_free_ char *known = NULL;
	int kept;

	if (!session->cgroup)
		return 0;
	known = known_cgroups(run);
	kept = run_keep_cgroup(run, session->cgroup);
	if (kept < 0)
		return complain("cannot select the cgroup", kept);
	if (kept)
		return 0;
	if (known)
		text_clean(known);
	fprintf(stderr, "concprof: no process of this recording is known to be in the cgroup '%s'%s\n", session->cgroup,
		known ? known : "");
	return STATUS_FAILED;
}

static int load(struct session *session, int number, const struct explain_options *options)
{
	size_t at = session->n_runs;
	char error[PROFILE_ERROR_BYTES] = "";
	bool empty;
	int err;

	if (profile_load_run(session->profile, number, &session->runs[at], error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	session->number[at] = number + 1;
	session->n_runs++;
	if (select_cgroup(session, session->runs[at]))
		return STATUS_FAILED;
	if (part_cut(&session->output->part, &session->runs[at], &empty)) {
		if (!empty)
			return STATUS_FAILED;
		run_free(session->runs[at]);
		session->n_runs--;
		return 0;
	}
	err = explain_run(session->runs[at], options, &session->explanations[at]);
	return err ? complain("cannot explain the run", err) : 0;
}

static int load_and_explain(struct session *session)
{
	struct explain_options options = {
	    .locks = session->output->locks,
	    .cpus = profile_host(session->profile)->cpus,
	};
	int count = profile_run_count(session->profile), status = 0;

	if (count > SESSION_RUNS_MAX) {
		fprintf(stderr, "concprof: the recording holds %d runs; only the first %d are shown\n", count, SESSION_RUNS_MAX);
		count = SESSION_RUNS_MAX;
	}
	for (int i = 0; i < count && !status; i++)
		status = load(session, i, &options);
	/* Of runs that have nothing in the part of the time that is asked for it was said. */
	return !status && count && !session->n_runs ? STATUS_FAILED : status;
}

int session_explain(struct session *session)
{
	char error[PROFILE_ERROR_BYTES] = "";

	if (profile_commit(session->profile, error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	return load_and_explain(session);
}

int session_load(struct session *session, const struct output_options *output, const char *path)
{
	return session_load_cgroup(session, output, path, NULL);
}

int session_load_cgroup(struct session *session, const struct output_options *output, const char *path, const char *cgroup)
{
	char error[PROFILE_ERROR_BYTES] = "";

	*session = (struct session){.output = output, .cgroup = cgroup};
	if (profile_open(path, &session->profile, error)) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	return load_and_explain(session);
}

const struct comparison *session_compare(struct session *session, size_t before, size_t after)
{
	struct comparison *comparison = NULL;

	if (session->runs[before]->failure || session->runs[after]->failure)
		return NULL;
	if (explain_difference(session->explanations[before], session->explanations[after], &comparison))
		return NULL;
	session->comparisons[session->n_comparisons++] = comparison;
	return comparison;
}

static int write_json(FILE *out, const void *context)
{
	return exporter_json.write(out, context);
}

int session_write_json(struct session *session)
{
	struct export_input input = {
	    .host = profile_host(session->profile),
	    .runs = (const struct explanation *const *)session->explanations,
	    .n_runs = session->n_runs,
	    .comparisons = (const struct comparison *const *)session->comparisons,
	    .n_comparisons = session->n_comparisons,
	};
	const char *path = session->output->json;
	int err = path ? output_file_write(path, write_json, &input) : 0;

	return err ? complain(path, err) : 0;
}

struct report_options session_report_options(const struct session *session, FILE *out)
{
	struct report_options options = {.all = session->output->all};
	bool terminal = isatty(fileno(out));
	struct winsize size;
	const char *no_colour = getenv("NO_COLOR");

	if (terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		options.width = size.ws_col;
	options.colour = terminal && !(no_colour && *no_colour);
	return options;
}

int session_report(struct session *session, FILE *out)
{
	struct report_options options = session_report_options(session, out);
	const struct comparison *comparison = NULL;
	const struct explanation *before = NULL;
	int err;

	if (session->n_runs == 0) {
		fprintf(stderr, "concprof: the recording holds no run\n");
		return STATUS_FAILED;
	}
	if (session->n_runs > 1) {
		comparison = session->n_comparisons ? session->comparisons[0] : session_compare(session, 0, session->n_runs - 1);
		before = comparison ? session->explanations[0] : NULL;
	}
	if (session->output->json && strcmp(session->output->json, "-") == 0)
		return 0;
	err = report_runs(out, before, session->explanations[session->n_runs - 1], comparison, &options);
	if (!err && fflush(out))
		err = -errno;
	return err ? complain("cannot print the report", err) : 0;
}

void session_end(struct session *session)
{
	for (size_t i = 0; i < session->n_comparisons; i++)
		comparison_free(session->comparisons[i]);
	for (size_t i = 0; i < session->n_runs; i++) {
		explanation_free(session->explanations[i]);
		run_free(session->runs[i]);
	}
	profile_close(session->profile);
}
