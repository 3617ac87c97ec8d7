/* SPDX-License-Identifier: Apache-2.0 */
/* cats: the cat server in the foreground. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include "cmd/options.h"
#include "cmd/verbs.h"
#include "lib/cleanup.h"
#include "models/models.h"

struct arguments {
	struct model_run_options model;
	unsigned int port;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	unsigned long port;
	char *end;

	if (key != 'p')
		return ARGP_ERR_UNKNOWN;
	errno = 0;
	port = strtoul(argument, &end, 10);
	if (errno || *end || end == argument || port > 65535)
		argp_error(state, "--port: '%s' is not in 0..65535", argument);
	arguments->port = port;
	return 0;
}

static int cats(int argc, char **argv)
{
	static const struct argp_option options[] = {
	    {"port", 'p', "PORT", 0, "on 127.0.0.1 (default 8000; 0: a free one)", 0},
	    {0},
	};
	static const struct argp argp = {.parser = parse,
					 .options = options,
					 .doc = "Serves the twenty cats on http://127.0.0.1:PORT/1.jpg..20.jpg until Ctrl-C."};
	struct arguments arguments = {.port = 8000};
	char folder[PATH_MAX], error[512] = "";
	_cleanup_close_ int stop_fd = -1;
	struct cat_server *server;
	const char *dir;
	sigset_t set;
	int err;

	options_parse(&argp, argc, argv, 0, NULL, &arguments);
	dir = cats_dir(folder, sizeof(folder));
	if (!dir) {
		fprintf(stderr, "concprof: the cats (1.jpg .. 20.jpg) were not found; CONCPROF_CATS names their folder\n");
		return STATUS_FAILED;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stop_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (cat_server_open(dir, arguments.port, CAT_SERVER_DELAY_US_DEFAULT, &server, error, sizeof(error))) {
		fprintf(stderr, "concprof: %s\n", error);
		return STATUS_FAILED;
	}
	fprintf(stderr, "serving %s on http://127.0.0.1:%u/1.jpg .. 20.jpg, each answer after %d us; Ctrl-C ends it\n", dir,
		cat_server_port(server), CAT_SERVER_DELAY_US_DEFAULT);
	err = cat_server_loop(server, stop_fd);
	cat_server_close(server);
	if (err) {
		fprintf(stderr, "concprof: the cat server failed: %s\n", strerror(-err));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

const struct verb verb_cats = {
    .name = "cats", .arguments = "[-p PORT]", .gloss = "serve the cats in the foreground", .run = cats};
