/* SPDX-License-Identifier: Apache-2.0 */
/* predict: what a recorded run would take with one thing changed. */
#include <errno.h>
#include <string.h>

#include "cmd/choose_run.h"
#include "cmd/output_file.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "explain/predict.h"
#include "export/prediction.h"
#include "report/prediction.h"

enum { KEY_WITHOUT_LOCK = 0x700, KEY_NO_WAIT, KEY_SCALE_WAIT, KEY_CPUS, KEY_THREADS, KEY_RUN };

struct arguments {
	struct output_options output;
	struct predict_change change;
	bool changed;
	char *scaled; /* CAUSE of --scale-wait */
	const char *run;
	const char *file;
};

static unsigned int parse_number(struct argp_state *state, const char *option, const char *argument)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(argument, &end, 10);
	if (errno || end == argument || *end || *argument == '-' || value < 1 || value > PREDICT_NUMBER_MAX)
		argp_error(state, "%s: '%s' is not in 1..%d", option, argument, PREDICT_NUMBER_MAX);
	return value;
}

/* CAUSE=FACTOR; causes may have an equals sign in them, factors none. */
static void parse_scale(struct argp_state *state, struct arguments *arguments, const char *argument)
{
	const char *equals = strrchr(argument, '=');
	double factor = -1;
	char *end;

	if (equals && equals > argument && equals[1] && strspn(equals + 1, "0123456789.") == strlen(equals + 1)) {
		factor = strtod(equals + 1, &end);
		factor = *end ? -1 : factor;
	}
	if (factor < 0 || factor > PREDICT_FACTOR_MAX)
		argp_error(state, "--scale-wait: '%s' is not CAUSE=FACTOR with a factor in 0..%.0f", argument,
			   PREDICT_FACTOR_MAX);
	free(arguments->scaled);
	arguments->scaled = strndup(argument, equals - argument);
	arguments->change.cause = arguments->scaled;
	arguments->change.factor = factor;
}

static void parse_change(int key, char *argument, struct argp_state *state, struct arguments *arguments)
{
	if (arguments->changed)
		argp_error(state, "one change at a time");
	arguments->changed = true;
	arguments->change.cause = argument;
	switch (key) {
	case KEY_WITHOUT_LOCK:
		arguments->change.kind = PREDICT_WITHOUT_LOCK;
		break;
	case KEY_NO_WAIT:
		arguments->change.kind = PREDICT_SCALE_WAIT;
		break;
	case KEY_SCALE_WAIT:
		arguments->change.kind = PREDICT_SCALE_WAIT;
		parse_scale(state, arguments, argument);
		break;
	case KEY_CPUS:
		arguments->change.kind = PREDICT_CPUS;
		arguments->change.number = parse_number(state, "--cpus", argument);
		break;
	default:
		arguments->change.kind = PREDICT_THREADS;
		arguments->change.number = parse_number(state, "--threads", argument);
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->output;
		return 0;
	case KEY_WITHOUT_LOCK:
	case KEY_NO_WAIT:
	case KEY_SCALE_WAIT:
	case KEY_CPUS:
	case KEY_THREADS:
		parse_change(key, argument, state, arguments);
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
		if (!arguments->file)
			argp_error(state, "which recording? (concprof MODEL -o FILE makes one)");
		if (!arguments->changed)
			argp_error(state, "what is changed? (--without-lock, --no-wait, --scale-wait, --cpus or --threads)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int write_json(FILE *out, const void *context)
{
	return export_prediction(out, context);
}

static int print(const struct session *session, size_t run, const struct prediction *prediction)
{
	struct prediction_output output = {
	    .host = profile_host(session->profile), .run = session->runs[run]->name, .prediction = prediction};
	struct report_options options = session_report_options(session, stdout);
	const char *json = session->output->json;
	int err = 0;

	if (json)
		err = output_file_write(json, write_json, &output);
	if (err) {
		fprintf(stderr, "concprof: %s: %s\n", json, strerror(-err));
		return STATUS_FAILED;
	}
	if (prediction->refused) {
		fprintf(stderr, "concprof: %s: %s\n", session->runs[run]->name, prediction->refused);
		return STATUS_FAILED;
	}
	if (!json || strcmp(json, "-") != 0)
		err = report_prediction(stdout, prediction, &options);
	if (!err && fflush(stdout))
		err = -errno;
	if (err)
		fprintf(stderr, "concprof: cannot print the prediction: %s\n", strerror(-err));
	return err ? STATUS_FAILED : STATUS_OK;
}

static int predict_loaded(const struct session *session, const struct arguments *arguments)
{
	struct prediction *prediction = NULL;
	size_t run = session->n_runs - 1;
	int status = STATUS_OK, err;

	if (!session->n_runs) {
		fprintf(stderr, "concprof: %s holds no run\n", arguments->file);
		return STATUS_FAILED;
	}
	if (arguments->run)
		status = choose_run(session, arguments->run, "--run", &run);
	else if (session->n_runs > 1)
		fprintf(stderr, "concprof: the recording holds %zu runs; this is the last, %s (--run takes another)\n",
			session->n_runs, session->runs[run]->name);
	if (status)
		return status;
	err = predict(session->explanations[run], &arguments->change, &prediction);
	if (err == -ENODATA) {
		fprintf(stderr, "concprof: %s: %s was recorded without a timeline, and there is nothing to replay\n",
			arguments->file, session->runs[run]->name);
		return STATUS_FAILED;
	}
	if (err) {
		fprintf(stderr, "concprof: cannot predict: %s\n", strerror(-err));
		return STATUS_FAILED;
	}
	status = print(session, run, prediction);
	prediction_free(prediction);
	return status;
}

static int run_predict(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {NULL, 0, NULL, 0, "What is changed (one of these):", 1},
	    {"without-lock", KEY_WITHOUT_LOCK, "NAME", 0, "nobody waits for this lock", 1},
	    {"no-wait", KEY_NO_WAIT, "CAUSE", 0,
	     "waits for this take no time: as the report calls it, a state (disk, sleep), or a part that one cause has", 1},
	    {"scale-wait", KEY_SCALE_WAIT, "CAUSE=FACTOR", 0, "waits for this take FACTOR of their time (0.5: half)", 1},
	    {"cpus", KEY_CPUS, "N", 0, "so many CPUs", 1},
	    {"threads", KEY_THREADS, "N", 0, "so many workers in the run's pool", 1},
	    {NULL, 0, NULL, 0, "Which run:", 2},
	    {"run", KEY_RUN, "RUN", 0, "this of several, by number or name (default: the last)", 2},
	    {0},
	};
	static const struct argp_child children[] = {{&view_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .parser = parse,
	    .options = options,
	    .args_doc = "FILE",
	    .children = children,
	    .doc = "Replays a recorded run with one thing changed, and says how long it would take. Needs no privileges."};
	struct arguments arguments = {};
	struct session session;
	int status, err;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	err = output_file_check(arguments.output.json);
	if (err) {
		fprintf(stderr, "concprof: cannot write %s: %s\n", arguments.output.json, strerror(-err));
		return STATUS_FAILED;
	}
	status = session_load(&session, &arguments.output, arguments.file);
	if (!status)
		status = predict_loaded(&session, &arguments);
	session_end(&session);
	free(arguments.scaled);
	return status;
}

const struct verb verb_predict = {.name = "predict",
				  .arguments = "CHANGE FILE",
				  .gloss = "what a recorded run would take without a lock, with N CPUs, ...",
				  .run = run_predict};
