/* SPDX-License-Identifier: Apache-2.0 */
/* What `compare` makes of two runs: the report, JSON, and pictures of the difference. Prints its own failures. */
#ifndef CONCPROF_COMPARE_SHOW_H
#define CONCPROF_COMPARE_SHOW_H

#include "cmd/session.h"
#include "cmd/stack_options.h"

struct compare_output {
	struct output_options output;
	struct stack_options stacks;
	const char *flame;  /* --flame; "-" is standard output; NULL: none */
	const char *folded; /* --folded, the same */
	const char *html;   /* --html, the same */
};

/* A run of the pair, and the wall times of all its repeats: at least its own. */
struct compare_side {
	const struct explanation *explanation;
	const struct host *host;
	const uint64_t *wall_ns;
	size_t n;
};

/* How many of the outputs go to standard output; then there is no report. */
unsigned int compare_to_stdout(const struct compare_output *output);
/* Whether all files could be written, as far as can be told before: 0 or STATUS_FAILED. */
int compare_check_files(const struct compare_output *output);
/* The report to standard output, and the files. 0 or STATUS_FAILED. */
int compare_show(const struct compare_side sides[2], const struct compare_output *output);

#endif
