/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the verb and calls it. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cmd/verbs.h"
#include "lib/version.h"
#include "models/models.h"

static void print_help(FILE *out)
{
	fprintf(out, "concprof: where the time of a program's threads goes, and why one run is faster than another\n\n"
		     "usage: concprof VERB [options], concprof MODEL [options]; each has --help\n\nverbs:\n");
	for (const struct verb *const *verb = verbs; *verb; verb++) {
		if (!(*verb)->hidden)
			fprintf(out, "  %-8s%-24s %s\n", (*verb)->name, (*verb)->arguments, (*verb)->gloss);
	}
	fprintf(out, "\nmodels (built-in workloads, each run with its baseline and explained):\n");
	for (const struct model *const *model = models; *model; model++)
		fprintf(out, "  %-32s %s\n", (*model)->name, (*model)->does);
	fprintf(out, "\nMost verbs need privileges: sudo concprof threads-cpu\n");
}

int main(int argc, char **argv)
{
	argp_err_exit_status = STATUS_USAGE;
	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return STATUS_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("concprof %s\n", concprof_version);
		return STATUS_OK;
	}
	for (const struct verb *const *verb = verbs; *verb; verb++) {
		if (strcmp((*verb)->name, argv[1]) == 0)
			return (*verb)->run(argc - 1, argv + 1);
	}
	if (model_find(argv[1]))
		return run_model_verb(argc - 1, argv + 1);
	fprintf(stderr, "concprof: '%s' is neither a verb nor a model; `concprof --help` lists both\n", argv[1]);
	return STATUS_USAGE;
}
