/* SPDX-License-Identifier: Apache-2.0 */
#include "models/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/cleanup.h"

struct pool {
	const struct pool_job *job;
	atomic_uint next; /* the queue: tasks below it have been handed out */
	atomic_bool stop;
	pthread_mutex_t mutex; /* guards the rest */
	int rc;
	char *error;
	size_t error_bytes;
};

struct pool_thread {
	struct pool *pool;
	unsigned int worker;
	pthread_t thread;
};

/* Keeps the first failure. */
static void fail(struct pool *pool, int rc, const char *error)
{
	pthread_mutex_lock(&pool->mutex);
	if (!pool->rc) {
		pool->rc = rc;
		snprintf(pool->error, pool->error_bytes, "%s", error);
	}
	pthread_mutex_unlock(&pool->mutex);
	atomic_store(&pool->stop, true);
}

static int work(struct pool *pool, unsigned int worker, char *error, size_t error_bytes)
{
	const struct pool_job *job = pool->job;

	while (!atomic_load(&pool->stop)) {
		unsigned int task = atomic_fetch_add(&pool->next, 1);
		int rc;

		if (task >= job->tasks)
			break;
		rc = job->task(job->arg, worker, task, error, error_bytes);
		if (rc)
			return rc;
	}
	return 0;
}

static void *pool_worker(void *arg)
{
	struct pool_thread *self = arg;
	const struct pool_job *job = self->pool->job;
	char error[512] = "";
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "worker-%u", self->worker + 1);
	pthread_setname_np(pthread_self(), name);
	rc = job->enter ? job->enter(job->arg, self->worker, error, sizeof(error)) : 0;
	if (!rc) {
		rc = work(self->pool, self->worker, error, sizeof(error));
		if (job->leave)
			job->leave(job->arg, self->worker);
	}
	if (rc)
		fail(self->pool, rc, error);
	return NULL;
}

unsigned int pool_threads(const struct pool_job *job)
{
	return job->workers < job->tasks ? job->workers : job->tasks;
}

int pool_run(const struct pool_job *job, char *error, size_t error_bytes)
{
	struct pool pool = {.job = job, .mutex = PTHREAD_MUTEX_INITIALIZER, .error = error, .error_bytes = error_bytes};
	unsigned int threads = pool_threads(job), created;
	_cleanup_free_ struct pool_thread *thread = calloc(threads, sizeof(*thread));

	if (!thread) {
		snprintf(error, error_bytes, "out of memory for %u workers", threads);
		return -ENOMEM;
	}
	for (created = 0; created < threads; created++) {
		int rc;

		thread[created] = (struct pool_thread){.pool = &pool, .worker = created};
		rc = pthread_create(&thread[created].thread, NULL, pool_worker, &thread[created]);
		if (rc) {
			char line[128];

			snprintf(line, sizeof(line), "cannot create thread %u of %u: %s", created + 1, threads, strerror(rc));
			fail(&pool, -rc, line);
			break;
		}
	}
	for (unsigned int i = 0; i < created; i++)
		pthread_join(thread[i].thread, NULL);
	return pool.rc;
}
