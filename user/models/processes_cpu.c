/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As ProcessPoolExecutor does it: one queue of calls that the workers share, one queue of results; here a pipe each. Messages are
 * smaller than PIPE_BUF and of one size, hence never torn. The parent keeps one more call in flight than there are workers,
 * so neither pipe can fill up, and it waits in a plain read.
 */
#include "models/models.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <openssl/evp.h>

#include "lib/cleanup.h"
#include "models/clock.h"
#include "models/hashing.h"

struct result {
	uint32_t task;
	int32_t rc;
	uint64_t digest;
};

struct queues {
	int calls[2], results[2]; /* read end, write end; -1: closed */
};

static void queues_close(struct queues *queues)
{
	cleanup_close(&queues->calls[0]);
	cleanup_close(&queues->calls[1]);
	cleanup_close(&queues->results[0]);
	cleanup_close(&queues->results[1]);
}

static void close_end(int *fd)
{
	close(steal_fd(fd));
}

/* 0: a message; 1: end of file; or a negative errno. */
static int receive(int fd, void *message, size_t bytes)
{
	ssize_t got;

	do {
		got = read(fd, message, bytes);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == 0 ? 1 : got == (ssize_t)bytes ? 0 : -EPROTO;
}

static int post(int fd, const void *message, size_t bytes)
{
	ssize_t put;

	do {
		put = write(fd, message, bytes);
	} while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : put == (ssize_t)bytes ? 0 : -EPROTO;
}

static int work(const struct queues *queues, unsigned int iterations)
{
	EVP_MD *md = hashing_open();
	struct hasher hasher = {0};
	int rc = md ? hasher_open(&hasher, md) : -EIO;
	uint32_t task;

	while (!rc && !receive(queues->calls[0], &task, sizeof(task))) {
		struct result result = {.task = task};

		result.rc = hasher_chain(&hasher, task, iterations, &result.digest);
		rc = post(queues->results[1], &result, sizeof(result));
	}
	hasher_close(&hasher);
	hashing_close(md);
	return rc;
}

static _Noreturn void worker_main(struct queues *queues, unsigned int worker, pid_t parent, unsigned int iterations)
{
	char name[16];

	/* Nobody else would end a worker whose parent was killed in the middle of a task. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	snprintf(name, sizeof(name), "worker-%u", (worker + 1) % 100000);
	prctl(PR_SET_NAME, name);
	/* A write end that stays open here would keep the queue of calls from ending. */
	close_end(&queues->calls[1]);
	close_end(&queues->results[0]);
	_exit(work(queues, iterations) ? 1 : 0);
}

static int feed(const struct queues *queues, uint32_t *next, unsigned int tasks)
{
	int rc = 0;

	if (*next < tasks) {
		rc = post(queues->calls[1], next, sizeof(*next));
		++*next;
	}
	return rc;
}

/*
 * Hands out all tasks and collects their results. A worker that dies takes at most one of the workers + 1 calls in flight with
 * it: the others go on, and in the end results are missing.
 */
static int collect(struct queues *queues, const struct model_params *params, unsigned int workers, struct ledger *ledger)
{
	unsigned int done = 0;
	uint32_t next = 0;
	int rc = 0;

	close_end(&queues->calls[0]);
	close_end(&queues->results[1]);
	for (unsigned int i = 0; !rc && i < workers + 1; i++)
		rc = feed(queues, &next, params->tasks);
	while (!rc && done < params->tasks) {
		struct result result;

		if (next == params->tasks && queues->calls[1] >= 0)
			close_end(&queues->calls[1]);
		rc = receive(queues->results[0], &result, sizeof(result));
		if (rc > 0)
			return -EPIPE;
		rc = rc ? rc : result.rc;
		if (rc)
			break;
		done++;
		ledger->digest += result.digest;
		ledger->hashes += params->iterations;
		rc = feed(queues, &next, params->tasks);
	}
	return rc;
}

/* Waits for all workers; the first that did not end well is the cause of whatever went wrong. */
static int reap(const pid_t *pids, unsigned int workers, int rc, char *error, size_t error_bytes)
{
	for (unsigned int i = 0; i < workers; i++) {
		int status = 0;

		while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
			;
		if (!status || error[0])
			continue;
		if (WIFSIGNALED(status))
			snprintf(error, error_bytes, "worker process %d was killed by signal %d (%s)", pids[i], WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
		else
			snprintf(error, error_bytes, "worker process %d failed with status %d", pids[i], WEXITSTATUS(status));
		rc = rc ? rc : -EPIPE;
	}
	if (rc && !error[0])
		snprintf(error, error_bytes, "a task of the process pool failed: %s", strerror(-rc));
	return rc;
}

static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	_cleanup_(queues_close) struct queues queues = {{-1, -1}, {-1, -1}};
	unsigned int workers = params->workers < params->tasks ? params->workers : params->tasks, created;
	_cleanup_free_ pid_t *pids = calloc(workers, sizeof(*pids));
	void (*pipe_handler)(int);
	uint64_t begin = now_ns();
	pid_t self = getpid();
	int rc = 0;

	error[0] = '\0';
	if (!pids || pipe2(queues.calls, O_CLOEXEC) || pipe2(queues.results, O_CLOEXEC)) {
		rc = -errno;
		snprintf(error, error_bytes, "cannot make the queues of the process pool: %s", strerror(errno));
		return rc;
	}
	for (created = 0; !rc && created < workers; created++) {
		pids[created] = fork();
		if (pids[created] == 0)
			worker_main(&queues, created, self, params->iterations);
		if (pids[created] < 0) {
			rc = -errno;
			snprintf(error, error_bytes, "cannot fork worker %u of %u: %s", created + 1, workers, strerror(errno));
			break;
		}
	}
	/* When the last worker dies, feeding it must fail, not kill. */
	pipe_handler = signal(SIGPIPE, SIG_IGN);
	if (!rc)
		rc = collect(&queues, params, workers, ledger);
	queues_close(&queues);
	queues = (struct queues){{-1, -1}, {-1, -1}};
	rc = reap(pids, created, rc, error, error_bytes);
	signal(SIGPIPE, pipe_handler);
	ledger->work_ns = now_ns() - begin;
	return rc;
}

const struct model model_processes_cpu = {
    .name = "processes-cpu",
    .baseline = "serial-cpu",
    .stands_for = "ProcessPoolExecutor(5)",
    .does = "the same hashes in worker processes, fed through pipes",
    .talk_seconds = 1.9086538000265136,
    .uses = USES_WORKERS | USES_TASKS | USES_ITERATIONS,
    .run = run,
};
