/* SPDX-License-Identifier: Apache-2.0 */
/* list: the models and what each stands for. */
#include <stdio.h>

#include "cmd/options.h"
#include "cmd/verbs.h"
#include "models/models.h"

static int list(int argc, char **argv)
{
	static const struct argp argp = {.doc = "Lists the built-in models and what each stands for."};

	options_parse(&argp, argc, argv, 0, NULL, NULL);
	printf("%-14s  %-13s  %-36s  %s\n", "MODEL", "COMPARED WITH", "THE TALK'S SYSTEM", "WHAT IT DOES");
	for (const struct model *const *model = models; *model; model++)
		printf("%-14s  %-13s  %-36s  %s\n", (*model)->name, (*model)->baseline ? (*model)->baseline : "-",
		       (*model)->stands_for, (*model)->does);
	return STATUS_OK;
}

const struct verb verb_list = {.name = "list", .arguments = "", .gloss = "the models, and what each stands for", .run = list};
