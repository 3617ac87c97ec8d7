/* SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

#include <errno.h>
#include <openssl/evp.h>

#include "lib/cleanup.h"
#include "models/clock.h"
#include "models/hashing.h"
#include "models/interpreter_lock.h"
#include "models/pool.h"

struct worker {
	struct hasher hasher;
	struct lock_user user;
	uint64_t hashes, digest;
} __attribute__((aligned(64)));

struct job {
	const struct model_params *params;
	struct interpreter_lock *lock; /* NULL: --no-gil */
	const EVP_MD *md;
	struct worker *workers;
};

static int enter(void *arg, unsigned int index, char *error, size_t error_bytes)
{
	struct job *job = arg;
	struct worker *worker = &job->workers[index];
	int rc = hasher_open(&worker->hasher, job->md);

	if (rc)
		snprintf(error, error_bytes, "out of memory for worker %u", index + 1);
	else if (job->lock)
		interpreter_lock_take(job->lock, &worker->user);
	return rc;
}

static void leave(void *arg, unsigned int index)
{
	struct job *job = arg;
	struct worker *worker = &job->workers[index];

	if (job->lock)
		interpreter_lock_drop(job->lock, &worker->user);
	hasher_close(&worker->hasher);
}

/* As under CPython every step runs with the lock held: hashlib gives it up only for more than 2,047 bytes. */
static int hash_me(void *arg, unsigned int index, unsigned int task, char *error, size_t error_bytes)
{
	struct job *job = arg;
	struct worker *worker = &job->workers[index];
	struct interpreter_lock *lock = job->lock;
	int rc = 0;

	hasher_seed(&worker->hasher, task);
	for (unsigned int i = 0; !rc && i < job->params->iterations; i++) {
		rc = hasher_step(&worker->hasher);
		if (lock)
			interpreter_lock_check(lock, &worker->user);
	}
	if (rc) {
		snprintf(error, error_bytes, "OpenSSL cannot compute SHA-256");
		return rc;
	}
	worker->hashes += job->params->iterations;
	worker->digest += hasher_result(&worker->hasher);
	return 0;
}

static int run_pool(struct job *job, struct ledger *ledger, char *error, size_t error_bytes)
{
	struct pool_job pool = {
	    .workers = job->params->workers,
	    .tasks = job->params->tasks,
	    .enter = enter,
	    .leave = leave,
	    .task = hash_me,
	    .arg = job,
	};
	unsigned int threads = pool_threads(&pool);
	_cleanup_free_ struct worker *workers = aligned_alloc(_Alignof(struct worker), threads * sizeof(*workers));
	uint64_t begin = now_ns();
	int rc;

	if (!workers) {
		snprintf(error, error_bytes, "out of memory for %u workers", threads);
		return -ENOMEM;
	}
	memset(workers, 0, threads * sizeof(*workers));
	job->workers = workers;
	rc = pool_run(&pool, error, error_bytes);
	ledger->work_ns = now_ns() - begin;
	for (unsigned int i = 0; i < threads; i++) {
		ledger->hashes += workers[i].hashes;
		ledger->digest += workers[i].digest;
		ledger->lock_wait_ns += workers[i].user.wait_ns;
	}
	return rc;
}

static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	struct interpreter_lock *lock = &INTERPRETER_LOCK_SYMBOL;
	EVP_MD *md = hashing_open();
	struct job job = {.params = params, .md = md, .lock = params->no_gil ? NULL : lock};
	int rc;

	if (!md) {
		snprintf(error, error_bytes, "OpenSSL cannot compute SHA-256");
		return -EIO;
	}
	rc = interpreter_lock_init(lock, params->switch_interval_us);
	if (rc) {
		snprintf(error, error_bytes, "cannot make the interpreter lock: %s", strerror(-rc));
	} else {
		rc = run_pool(&job, ledger, error, error_bytes);
		ledger->handoffs = lock->handoffs;
		ledger->forced = lock->forced;
		interpreter_lock_destroy(lock);
	}
	hashing_close(md);
	return rc;
}

const struct model model_threads_cpu = {
    .name = "threads-cpu",
    .baseline = "serial-cpu",
    .stands_for = "ThreadPoolExecutor(5) under the GIL",
    .does = "the same hashes on threads that each need the interpreter lock to run a step",
    .talk_seconds = 6.00608059996739,
    .uses = USES_WORKERS | USES_TASKS | USES_ITERATIONS | USES_SWITCH_INTERVAL | USES_NO_GIL,
    .run = run,
};
