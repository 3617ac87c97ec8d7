/* SPDX-License-Identifier: Apache-2.0 */
/* ThreadPoolExecutor: so many threads work off a queue of tasks; then they are joined. */
#ifndef CONCPROF_MODELS_POOL_H
#define CONCPROF_MODELS_POOL_H

#include <stddef.h>

/* `worker` counts from 0: state of its own lies at that index of arrays of the caller's. Errors are a negative errno and a line. */
struct pool_job {
	unsigned int workers, tasks;
	/* On the worker's thread, before its first task and after its last; NULL: nothing to do. leave() follows each entered one. */
	int (*enter)(void *arg, unsigned int worker, char *error, size_t error_bytes);
	void (*leave)(void *arg, unsigned int worker);
	int (*task)(void *arg, unsigned int worker, unsigned int task, char *error, size_t error_bytes);
	void *arg;
};

/*
 * Creates the threads (never more than there are tasks), works off the tasks, joins. After a first error no task is begun any
 * more, and that error is returned.
 */
int pool_run(const struct pool_job *job, char *error, size_t error_bytes);
/* How many threads pool_run() will create. */
unsigned int pool_threads(const struct pool_job *job);

#endif
