/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compare_show.h"

#include <errno.h>

#include "cmd/output_file.h"
#include "cmd/verbs.h"
#include "explain/repeats.h"
#include "export/export.h"
#include "report/report.h"

unsigned int compare_to_stdout(const struct compare_output *output)
{
	const char *paths[] = {output->output.json, output->flame, output->folded, output->html};
	unsigned int count = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		count += paths[i] && !strcmp(paths[i], "-");
	return count;
}

int compare_check_files(const struct compare_output *output)
{
	const char *paths[] = {output->output.json, output->flame, output->folded, output->html};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int err = output_file_check(paths[i]);

		if (!err)
			continue;
		fprintf(stderr, "concprof: cannot write %s: %s\n", paths[i], strerror(-err));
		return STATUS_FAILED;
	}
	return 0;
}

static int write_json(FILE *out, const void *context)
{
	return exporter_json.write(out, context);
}

static int write_files(struct export_input *input, const struct compare_output *output)
{
	int status = 0, err = 0;

	if (output->output.json)
		err = output_file_write(output->output.json, write_json, input);
	if (err) {
		fprintf(stderr, "concprof: cannot write %s: %s\n", output->output.json, strerror(-err));
		return STATUS_FAILED;
	}
	if (output->flame)
		status = stack_export(&exporter_svg_diff, input, &output->stacks, output->flame);
	if (!status && output->folded)
		status = stack_export(&exporter_folded_diff, input, &output->stacks, output->folded);
	if (!status && output->html)
		status = stack_export(&exporter_html, input, &output->stacks, output->html);
	return status;
}

/* What is different about the measurements themselves; it is for the user to judge. */
static void warn(const struct compare_side sides[2])
{
	const struct host *before = sides[0].host, *after = sides[1].host;

	if (before->cpus != after->cpus || strcmp(before->kernel, after->kernel))
		fprintf(stderr,
			"concprof: not the same machine: the first was measured on %u CPU%s and Linux %s, the second on %u and "
			"Linux %s\n",
			before->cpus, before->cpus == 1 ? "" : "s", before->kernel, after->cpus, after->kernel);
	if (sides[0].explanation->run->no_syscalls != sides[1].explanation->run->no_syscalls)
		fprintf(stderr,
			"concprof: only one of the two was measured with --no-syscalls: their CPU time differs in how it is "
			"divided\n");
}

static int print(const struct comparison *comparison, const struct compare_output *output)
{
	const struct session shown = {.output = &output->output};
	struct report_options options = session_report_options(&shown, stdout);
	int err = report_runs(stdout, comparison->before, comparison->after, comparison, &options);

	return !err && fflush(stdout) ? -errno : err;
}

static int show(const struct compare_side sides[2], struct comparison *comparison, const struct compare_output *output)
{
	const struct explanation *runs[2] = {sides[0].explanation, sides[1].explanation};
	const struct comparison *const comparisons[] = {comparison};
	struct export_input input = {
	    .host = sides[1].host, .runs = runs, .n_runs = 2, .comparisons = comparisons, .n_comparisons = 1};
	int err;

	if (comparison->refused) {
		fprintf(stderr, "concprof: %s\n", comparison->refused);
		return STATUS_FAILED;
	}
	err = explain_repeats(comparison, sides[0].wall_ns, sides[0].n, sides[1].wall_ns, sides[1].n);
	if (!err && !compare_to_stdout(output))
		err = print(comparison, output);
	if (err) {
		fprintf(stderr, "concprof: cannot compare: %s\n", strerror(-err));
		return STATUS_FAILED;
	}
	return write_files(&input, output);
}

int compare_show(const struct compare_side sides[2], const struct compare_output *output)
{
	struct comparison *comparison = NULL;
	int status, err = explain_difference(sides[0].explanation, sides[1].explanation, &comparison);

	if (err) {
		fprintf(stderr, "concprof: cannot compare: %s\n", strerror(-err));
		return STATUS_FAILED;
	}
	warn(sides);
	status = show(sides, comparison, output);
	comparison_free(comparison);
	return status;
}
