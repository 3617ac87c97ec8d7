/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs. To add one: write user/cmd/verb_NAME.c with a `const struct verb verb_NAME`, declare it in verbs.c and give it a line in the
 * table there. Help and tests read that table. Models are verbs too; they are listed by models/.
 */
#ifndef CONCPROF_VERBS_H
#define CONCPROF_VERBS_H

#include <stdbool.h>

struct verb {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *gloss;     /* one line */
	bool hidden;           /* for concprof's own use */
	/* argv[0] is the verb's name. Returns the exit status (EXIT_*). */
	int (*run)(int argc, char **argv);
};

extern const struct verb *const verbs[]; /* NULL-terminated */

/* Exit statuses: of `run` those of env(1) and timeout(1), of other verbs 0, 1 and 2. */
enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_TRACER_FAILED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

/* verb_model.c: runs the model that argv[0] names, with its baseline. */
int run_model_verb(int argc, char **argv);

#endif
