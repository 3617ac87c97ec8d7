/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that live already. Nothing is stopped, no signal is sent: they are chosen, with all that they have created, their threads are marked
 * while they run, and when that is done the measurement begins for all of them at one moment.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "trace/epolls.h"
#include "trace/launch.h"
#include "trace/measure.h"
#include "trace/proc.h"

/* An exec may move another thread into the leader's place while the threads are marked; not again and again. */
#define EXEC_TRIES 5

struct target {
	int pid;
	int pidfd;
	uint64_t serial;
};

struct targets {
	struct kernel *kernel;
	struct spaces *spaces;
	struct mappings *mappings;
	struct target *all;
	size_t count, room;
	int added; /* in this round */
};

static void targets_free(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		close(targets->all[i].pidfd);
	free(targets->all);
}

static struct target *target_find(struct targets *targets, int pid)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (targets->all[i].pid == pid)
			return &targets->all[i];
	}
	return NULL;
}

/* Chooses a process. 0, also if it is chosen already; -ESRCH: it has ended; another negative errno. */
static int target_add(struct targets *targets, int pid, uint64_t parent)
{
	struct target target = {.pid = pid};
	int err;

	if (target_find(targets, pid))
		return 0;
	if (targets->count == targets->room) {
		size_t room = targets->room ? 2 * targets->room : 16;
		struct target *grown = reallocarray(targets->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		targets->all = grown;
		targets->room = room;
	}
	target.pidfd = launch_pidfd(pid);
	if (target.pidfd < 0)
		return target.pidfd;
	err = kernel_choose(targets->kernel, target.pidfd, parent, &target.serial);
	if (err) {
		close(target.pidfd);
		return err;
	}
	targets->all[targets->count++] = target;
	targets->added++;
	/* After the choice: what it maps from now on is heard of, what it has mapped is read. */
	return spaces_attach(targets->spaces, targets->mappings, pid, target.serial);
}

static int add_if_child(void *context, int pid)
{
	struct targets *targets = context;
	struct target *parent;
	struct proc_stat stat;
	int err;

	if (proc_stat(pid, &stat) || stat.state == 'Z' || pid == getpid())
		return 0;
	parent = target_find(targets, stat.parent);
	err = parent ? target_add(targets, pid, parent->serial) : 0;
	return err == -ESRCH ? 0 : err;
}

/*
 * What the chosen processes have created. A round that finds nobody is the last one: whoever is created after its parent was chosen is
 * followed by the kernel side.
 */
static int add_descendants(struct targets *targets)
{
	int err;

	do {
		targets->added = 0;
		err = proc_each(add_if_child, targets);
	} while (!err && targets->added);
	return err;
}

static int seed_epolls(struct targets *targets)
{
	int err = 0;

	for (size_t i = 0; i < targets->count && !err; i++)
		err = epolls_seed(targets->kernel, targets->all[i].pid, targets->all[i].serial);
	return err;
}

static bool has_ended(const struct target *target)
{
	struct proc_stat stat;

	return proc_stat(target->pid, &stat) || stat.state == 'Z';
}

/* Marks the threads, until a mark has reached every process that still lives. */
static int mark(struct targets *targets)
{
	bool again = true;
	int err = 0;

	for (int tries = 0; again && !err && tries < EXEC_TRIES; tries++) {
		again = false;
		err = kernel_mark(targets->kernel);
		for (size_t i = 0; i < targets->count && !err; i++) {
			struct target *target = &targets->all[i];

			if (kernel_is_marked(targets->kernel, target->pidfd) || has_ended(target))
				continue;
			err = kernel_choose(targets->kernel, target->pidfd, 0, &target->serial);
			again = true;
			if (err == -ESRCH)
				err = 0;
		}
	}
	return err;
}

static int follow(struct targets *targets, const int *pids, size_t count, const struct trace_options *options, char *error)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		err = target_add(targets, pids[i], 0);
		if (err == -ESRCH) {
			snprintf(error, TRACE_ERROR_BYTES, "process %d ended before it could be followed", pids[i]);
			return err;
		}
	}
	if (!err && !options->pid_only)
		err = add_descendants(targets);
	/* Twice: who waits for a set already shall be understood, and what changed before the threads were followed as well. */
	if (!err && !options->no_syscalls)
		err = seed_epolls(targets);
	if (!err)
		err = mark(targets);
	if (!err && !options->no_syscalls)
		err = seed_epolls(targets);
	for (size_t i = 0; i < targets->count && !err; i++)
		err = kernel_release(targets->kernel, targets->all[i].serial);
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "cannot follow process %d: %s", pids[0], strerror(-err));
	return err;
}

/* Whether there is a process of this number that we may look into. 0, or a negative errno with `error`. */
static int check(int pid, char *error)
{
	_cleanup_fclose_ FILE *maps = NULL;
	struct proc_stat stat;
	char path[64];
	int err = proc_stat(pid, &stat), process;

	if (pid == getpid()) {
		snprintf(error, TRACE_ERROR_BYTES, "%d is concprof itself, which is never measured", pid);
		return -EINVAL;
	}
	if (err) {
		snprintf(error, TRACE_ERROR_BYTES, "there is no process %d%s%s", pid, err == -ESRCH ? "" : ": ",
			 err == -ESRCH ? "" : strerror(-err));
		return err;
	}
	text_clean(stat.comm);
	process = proc_of_thread(pid);
	if (process > 0 && process != pid) {
		snprintf(error, TRACE_ERROR_BYTES, "%d is a thread of process %d (%s); processes are followed whole: -p %d", pid,
			 process, stat.comm, process);
		return -EINVAL;
	}
	if (stat.is_kernel_thread) {
		snprintf(error, TRACE_ERROR_BYTES, "%d (%s) is a kernel thread: it runs no program", pid, stat.comm);
		return -EINVAL;
	}
	if (stat.state == 'Z') {
		snprintf(error, TRACE_ERROR_BYTES, "process %d (%s) has ended; only its parent has not taken note of it", pid,
			 stat.comm);
		return -ESRCH;
	}
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps && errno != ENOENT) {
		err = -errno;
		snprintf(error, TRACE_ERROR_BYTES, "process %d (%s) may not be looked into: %s. Call it with sudo", pid,
			 stat.comm, strerror(-err));
		return err;
	}
	return 0;
}

static int describe(int pid, struct run *run)
{
	_cleanup_free_ char **command = proc_command(pid);
	struct proc_stat stat;
	int err;

	if (!command)
		return -ENOMEM;
	err = proc_stat(pid, &stat);
	if (err)
		return err;
	text_clean(stat.comm);
	for (size_t i = 0; command[i]; i++)
		text_clean(command[i]);
	return trace_describe(stat.comm, command, run);
}

static int attach(struct measurement *m, const int *pids, size_t count, struct run *run, char *error)
{
	struct targets targets = {.kernel = m->kernel, .spaces = m->unwinding.spaces, .mappings = m->mappings};
	int err = describe(pids[0], run);

	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "process %d ended before it could be followed", pids[0]);
	else
		err = follow(&targets, pids, count, m->options, error);
	targets_free(&targets);
	if (err)
		return err;
	measure_begin_delay(m);
	err = measure_look(m);
	if (err)
		return err;
	if (!m->delay_end && !kernel_stop_ns(m->kernel))
		kernel_start(m->kernel, 0);
	err = measure_wait(m, -1, 0);
	if (err)
		snprintf(error, TRACE_ERROR_BYTES, "the measurement of process %d failed: %s", pids[0], strerror(-err));
	else
		err = measure_finish(m, run, error);
	return err;
}

int trace_attach(const int *pids, size_t count, const struct trace_options *options, struct run **ret, char *error)
{
	struct measurement m = MEASUREMENT_NONE;
	struct run *run = calloc(1, sizeof(*run));
	int err = run ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++)
		err = check(pids[i], error);
	if (!err)
		err = measure_open(&m, options, true, error);
	if (!err)
		err = attach(&m, pids, count, run, error);
	measure_close(&m);
	if (err) {
		run_free(run);
		return err;
	}
	run->attached = true;
	run->interrupted = m.asked_to_end || m.out_of_time;
	*ret = run;
	return 0;
}
