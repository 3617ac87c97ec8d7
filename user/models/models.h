/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs: the built-in workloads. A model is one file, one `struct model`, and one line in the table in models.c.
 * Models know nothing of tracing: they do their work, keep their own ledger, and say how they fared.
 *
 * To add one: write user/models/NAME.c with a `const struct model model_NAME`, and list it in models.c.
 */
#ifndef CONCPROF_MODELS_H
#define CONCPROF_MODELS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Parameters; each model reads those it `uses`. Defaults are the talk's. */
struct model_params {
	unsigned int workers;            /* threads or processes; 5 */
	unsigned int tasks;              /* CPU models: 20 */
	unsigned int iterations;         /* CPU models: chained hashes a task; 500,000 */
	unsigned int cats;               /* I/O models: pictures; 20 */
	unsigned int downloads;          /* I/O models: of each picture, a round; 5 */
	unsigned int rounds;             /* I/O models: 10 */
	unsigned int switch_interval_us; /* interpreter lock: 5,000 */
	bool no_gil;
	unsigned int plant_sleep_us; /* serial-cpu: sleep after each task, to test explanations; 0 */
	unsigned int timeout_us;     /* I/O models: for one download, its connect included; 30 s */
	const char *url;             /* I/O models: base, e.g. "http://127.0.0.1:8000"; the pictures are URL/1.jpg ... */
};

/* What a model says of itself; written as "name value" lines to the ledger file. */
struct ledger {
	uint64_t start_ns; /* CLOCK_MONOTONIC, taken by the launcher just before exec */
	uint64_t wall_ns;  /* from start_ns to the model's last statement */
	uint64_t work_ns;  /* the work alone, without start-up */
	uint64_t hashes, bytes, downloads, connections;
	uint64_t handoffs; /* of the interpreter lock: acquisitions by another thread than the last holder */
	uint64_t forced;   /* of those: forced by a drop request */
	/* Sum over threads: from wanting the lock, or being made to drop it, to having it; queueing for a CPU on the way included. */
	uint64_t lock_wait_ns;
	uint64_t digest; /* folded result, so that two models can be compared */
};

/* Which parameters a model reads: bits. */
enum model_uses {
	USES_WORKERS = 1,
	USES_TASKS = 2,
	USES_ITERATIONS = 4,
	USES_CATS = 8,
	USES_DOWNLOADS = 16,
	USES_ROUNDS = 32,
	USES_SWITCH_INTERVAL = 64,
	USES_NO_GIL = 128,
	USES_URL = 256,
	USES_PLANT_SLEEP = 512,
	USES_TIMEOUT = 1024,
};

struct model {
	const char *name;
	const char *baseline;   /* name of the model to compare with; NULL for a baseline itself */
	const char *stands_for; /* the talk's system, one line */
	const char *does;       /* one line */
	double talk_seconds;    /* the talk's own figure; 0 if it gives none */
	unsigned int uses;      /* enum model_uses */
	/* Runs the whole model. 0, or a negative errno with one line in `error` that names the cause (the URL ...). */
	int (*run)(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes);
};

extern const struct model *const models[]; /* NULL-terminated, in the order of the talk */

const struct model *model_find(const char *name); /* NULL if there is none */
void model_params_default(struct model_params *params);

/* A numeric parameter's option: the one list that help, parsing and range checks use. */
struct model_option {
	const char *name; /* "workers" */
	unsigned int uses;
	size_t offset; /* in struct model_params, an unsigned int */
	unsigned int min, max;
	const char *gloss;
	bool time_us; /* a time in microseconds; values with a unit are understood: "5ms", "500us", "30s" */
};
extern const struct model_option model_options[]; /* terminated by name == NULL */

/*
 * Parses `value` for the option `name` into params. 0; -ENOENT: no such option; -ERANGE / -EINVAL: bad value, with one line in
 * `error` that names the option and its range.
 */
int model_option_set(struct model_params *params, const char *name, const char *value, char *error, size_t error_bytes);

/*
 * Runs `model` in this process, writes its ledger to `ledger_fd` (name value lines; "error TEXT" if it failed) and returns the
 * exit status for the process (0, or 1). start_ns as in struct ledger.
 */
int model_main(const struct model *model, const struct model_params *params, uint64_t start_ns, int ledger_fd);

/* --- the cat server (cat_server.c, cat_process.c): libmicrohttpd, one thread, epoll, delayed responses --- */

/*
 * Stands for what a response of the talk's nginx took behind docker's proxy: with it serial-io needs about the talk's 1.34 s for
 * its 1000 downloads (measured: 1.28-1.35 s; without a delay, or with a local nginx, 0.2 s).
 */
#define CAT_SERVER_DELAY_US_DEFAULT 1000

struct cat_server;

/* Serves DIR/1.jpg..20.jpg on 127.0.0.1:port (0: a free one) in this process. Needs cat_server_loop() to make progress. */
int cat_server_open(const char *dir, unsigned int port, unsigned int delay_us, struct cat_server **ret, char *error,
		    size_t error_bytes);
unsigned int cat_server_port(const struct cat_server *server);
/* Serves until `stop_fd` becomes readable (or hangs up). */
int cat_server_loop(struct cat_server *server, int stop_fd);
void cat_server_close(struct cat_server *server);

/*
 * Serves from a child process until cat_server_stop(), or until the caller dies. url (e.g. "http://127.0.0.1:40123") is the
 * base for model_params.url.
 */
struct cat_server_process {
	int pid;
	int stop_fd; /* closing it ends the child */
	char url[64];
};
int cat_server_start(const char *dir, unsigned int delay_us, struct cat_server_process *ret, char *error, size_t error_bytes);
void cat_server_stop(struct cat_server_process *process);

/* Folder with the pictures: $CONCPROF_CATS, else beside the executable (cats/), else the installed one. NULL if none is found. */
const char *cats_dir(char *buffer, size_t bytes);

#endif
