/* SPDX-License-Identifier: Apache-2.0 */
/* _model: the process that a model's run measures. Called by model_run.c only, so its arguments are taken as they are. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/verbs.h"
#include "models/models.h"

static int worker(int argc, char **argv)
{
	const struct model *model = argc >= 4 ? model_find(argv[1]) : NULL;
	struct model_params params;
	uint64_t start_ns;
	int ledger_fd;
	char error[256];

	if (!model || sscanf(argv[2], "--ledger-fd=%d", &ledger_fd) != 1)
		return STATUS_USAGE;
	start_ns = strtoull(argv[3], NULL, 10);
	model_params_default(&params);
	for (int i = 4; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (strcmp(argv[i], "--no-gil") == 0) {
			params.no_gil = true;
		} else if (strncmp(argv[i], "--url=", 6) == 0) {
			params.url = argv[i] + 6;
		} else {
			if (!value || argv[i][0] != '-' || argv[i][1] != '-')
				return STATUS_USAGE;
			*value = '\0';
			if (model_option_set(&params, argv[i] + 2, value + 1, error, sizeof(error)))
				return STATUS_USAGE;
		}
	}
	/* Without exit handlers: the model's clock has stopped, the measured time has not. */
	_exit(model_main(model, &params, start_ns, ledger_fd));
}

const struct verb verb_worker = {.name = "_model", .arguments = "", .gloss = "", .hidden = true, .run = worker};
