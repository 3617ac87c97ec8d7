/* SPDX-License-Identifier: Apache-2.0 */
/* export: a recording in the form of another tool. */
#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "export/export.h"

struct arguments {
	struct output_options output;
	const struct exporter *exporter;
	const char *file;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'f':
		arguments->exporter = exporter_find(argument);
		if (!arguments->exporter) {
			fprintf(stderr, "%s: -f: '%s' is not one of:", state->name, argument);
			for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
				fprintf(stderr, " %s", (*exporter)->name);
			fprintf(stderr, "\n");
			exit(STATUS_USAGE);
		}
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->file)
			argp_error(state, "more than one file: '%s'", argument);
		arguments->file = argument;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->exporter)
			argp_error(state, "-f FORMAT is missing");
		if (!arguments->file)
			argp_error(state, "which recording?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int export(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {"format", 'f', "FORMAT", 0, "what to write: json", 0},
	    {0},
	};
	static const struct argp argp = {.parser = parse,
					 .options = options,
					 .args_doc = "FILE",
					 .doc = "Writes a recording to standard output in the form of another tool."};
	struct arguments arguments = {};
	struct session session;
	int status, err;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	status = session_load(&session, &arguments.output, arguments.file);
	if (!status) {
		struct export_input input = {
		    .host = profile_host(session.profile),
		    .runs = (const struct explanation *const *)session.explanations,
		    .n_runs = session.n_runs,
		};

		if (session.n_runs > 1 && session_compare(&session, 0, session.n_runs - 1)) {
			input.comparisons = (const struct comparison *const *)session.comparisons;
			input.n_comparisons = 1;
		}
		err = arguments.exporter->write(stdout, &input);
		if (fflush(stdout) || err) {
			fprintf(stderr, "concprof: cannot write: %s\n", strerror(err ? -err : EIO));
			status = STATUS_FAILED;
		}
	}
	session_end(&session);
	return status;
}

const struct verb verb_export = {
    .name = "export", .arguments = "-f FORMAT FILE", .gloss = "write a recording for another tool", .run = export};
