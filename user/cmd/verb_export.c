/* SPDX-License-Identifier: Apache-2.0 */
/* export: a recording in the form of another tool. */
#include <errno.h>

#include "cmd/choose_run.h"
#include "cmd/output_file.h"
#include "cmd/session.h"
#include "cmd/stack_options.h"
#include "cmd/verbs.h"

enum { KEY_RUN = 0x600 };

struct arguments {
	struct output_options output;
	struct stack_options stacks;
	const struct exporter *exporter;
	const char *run; /* --run; NULL: not given */
	const char *to;
	const char *file;
};

static void parse_format(struct argp_state *state, const char *argument, struct arguments *arguments)
{
	arguments->exporter = exporter_find(argument);
	if (arguments->exporter)
		return;
	fprintf(stderr, "%s: -f: '%s' is not one of:", state->name, argument);
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
		fprintf(stderr, " %s", (*exporter)->name);
	fprintf(stderr, "\n");
	exit(STATUS_USAGE);
}

/* "flame.svg" says which format is meant; of ".trace.json" and ".json" the longer one counts. */
static const struct exporter *format_of(const char *path)
{
	const struct exporter *best = NULL;
	size_t length = path ? strlen(path) : 0, longest = 0;

	for (const struct exporter *const *exporter = exporters; *exporter; exporter++) {
		size_t ending = strlen((*exporter)->extension);

		if (ending >= length || ending <= longest || path[length - ending - 1] != '.' ||
		    strcmp(path + length - ending, (*exporter)->extension) != 0)
			continue;
		best = *exporter;
		longest = ending;
	}
	return best;
}

static void check(struct argp_state *state, struct arguments *arguments)
{
	if (!arguments->exporter)
		arguments->exporter = format_of(arguments->to);
	if (!arguments->exporter)
		argp_error(state, "-f FORMAT is missing");
	if (!arguments->file)
		argp_error(state, "which recording?");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		arguments->stacks.output = &arguments->output;
		state->child_inputs[0] = &arguments->stacks;
		state->child_inputs[1] = &arguments->output.part;
		return 0;
	case 'f':
		parse_format(state, argument, arguments);
		return 0;
	case 'o':
		arguments->to = argument;
		return 0;
	case KEY_RUN:
		arguments->run = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->file)
			argp_error(state, "more than one file: '%s'", argument);
		arguments->file = argument;
		return 0;
	case ARGP_KEY_END:
		check(state, arguments);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int write_loaded(struct session *session, const struct arguments *arguments)
{
	struct export_input input = {
	    .host = profile_host(session->profile),
	    .runs = (const struct explanation *const *)session->explanations,
	    .n_runs = session->n_runs,
	};
	size_t chosen;
	int status;

	if (arguments->run) {
		status = choose_run(session, arguments->run, "--run", &chosen);
		if (status)
			return status;
		input.runs += chosen;
		input.n_runs = 1;
	} else if (session->n_runs > 1 && arguments->exporter->one_run) {
		fprintf(stderr, "concprof: the recording holds %zu runs; this is the last, %s (--run takes another)\n",
			session->n_runs, session->runs[session->n_runs - 1]->name);
	} else if (session->n_runs > 1 && session_compare(session, 0, session->n_runs - 1)) {
		input.comparisons = (const struct comparison *const *)session->comparisons;
		input.n_comparisons = 1;
	}
	return stack_export(arguments->exporter, &input, &arguments->stacks, arguments->to ? arguments->to : "-");
}

/* What -f takes, from the exporters themselves. */
static char *help_filter(int key, const char *text, void *input)
{
	char *filled;
	size_t length = 0;
	FILE *out;

	(void)input;
	if (key != 'f')
		return (char *)text;
	out = open_memstream(&filled, &length);
	if (!out)
		return (char *)text;
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
		fprintf(out, "%s%s (.%s): %s", exporter == exporters ? "" : "; ", (*exporter)->name, (*exporter)->extension,
			(*exporter)->gloss);
	return fclose(out) ? (char *)text : filled;
}

static int export(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {"format", 'f', "FORMAT", 0, "what to write", 1},
	    {"output", 'o', "FILE", 0, "where to (default: standard output); its ending may stand for the format", 1},
	    {"run", KEY_RUN, "RUN", 0, "only this of several runs, by number or name", 1},
	    {0},
	};
	static const struct argp_child children[] = {{&stack_argp, 0, NULL, 0}, {&part_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {.parser = parse,
					 .options = options,
					 .args_doc = "FILE",
					 .children = children,
					 .help_filter = help_filter,
					 .doc = "Writes a recording in the form of another tool. Needs no privileges."};
	struct arguments arguments = {};
	struct session session;
	int status, err;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	err = output_file_check(arguments.to);
	if (err) {
		fprintf(stderr, "concprof: cannot write %s: %s\n", arguments.to, strerror(-err));
		return STATUS_FAILED;
	}
	status = session_load(&session, &arguments.output, arguments.file);
	if (!status)
		status = write_loaded(&session, &arguments);
	session_end(&session);
	return status;
}

const struct verb verb_export = {.name = "export",
				 .arguments = "-f FORMAT FILE",
				 .gloss = "write a recording for another viewer, or as a flame graph",
				 .run = export};
