/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of recordings share: a folder with one recording in it, a run that has something everywhere, and ways to change the file. */
#ifndef CONCPROF_TESTS_PROFILE_FIXTURE_H
#define CONCPROF_TESTS_PROFILE_FIXTURE_H

#include <sqlite3.h>
#include <unistd.h>

#include "profile/profile.h"
#include "run_builder.h"

static char folder[] = "/tmp/concprof-test-XXXXXX";
static char path[64];
static char error[PROFILE_ERROR_BYTES];

static char kernel[] = "6.1.0-test", version[] = "v1-test";
static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};

BUILDER int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run.concprof", folder);
	return 0;
}

BUILDER int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

BUILDER void rich_stacks(struct run *run)
{
	struct run_frame *frame;

	run->waits[1].stack = build_stack(run, "main;work;futex_wait_[k]");
	run->waits[2].stack = build_stack(run, "main;work;inner_[i]");
	run->waits[1].holder = 2;
	run->waits[1].waker = 3;
	run->waits[2].waker_name = copy("sshd[812]\xff");
	build_sample(run, &run->threads[1], "main;work", 3);
	build_sample(run, &run->threads[2], "[unfinished: no_tables];main", 1ull << 40);
	frame = &run->frames[1];
	frame->address = UINT64_MAX - 3;
	frame->line = UINT32_MAX;
	set_text(&frame->source, "src/\xfe.c");
	set_text(&frame->object, "lib'; DROP TABLE frame; --.so");
	set_text(&run->frames[3].function, "");
	run->sample_hz = 4999;
	build_figure(run->stack_figures, &run->n_stack_figures, "whole", 17);
	build_figure(run->stack_figures, &run->n_stack_figures, "unfinished_no_tables", 1);
}

/* Something in every field. */
BUILDER struct run *rich_run(void)
{
	struct run *run = run_threads_cpu("interpreter_lock");
	struct run_wait *wait = build_socket(run, &run->threads[1], "epoll_wait", PEER, 3, 7 * MS);

	wait->op = 1;
	wait->inside = wait->unattributed = wait->join = true;
	wait->timed_out = 2;
	wait->address = UINT64_MAX - 5;
	wait->offset = 1ull << 63;
	wait->log2_ns[0] = 11;
	wait->log2_ns[WAIT_LOG2_SLOTS - 1] = 12;
	run->exit_status = 130;
	run->interrupted = run->no_syscalls = true;
	run->failure = copy("GET x: \xfe HTTP 404\n");
	set_text(&run->processes[0].cgroup, "/system.slice/\xfe.service");
	set_text(&run->threads[2].comm, "\x1b[31m\xff'; DROP");
	run->threads[2].ended = false;
	run->threads[2].syscalls = 1;
	run->threads[2].connects = 2;
	run->threads[2].faults = 3;
	run->threads[2].audit_run_delay_ns = 4;
	build_process(run, 1, "child")->undelivered_threads = 2;
	run->processes[1].undelivered_life_ns = 30;
	run->processes[1].undelivered_ns[CLASS_FUTEX] = 10;
	run->processes[1].undelivered_ns[CLASS_OTHER] = 20;
	run->processes[1].exit_status = 0x0b;
	build_figure(run->losses, &run->n_losses, "wake_lost", 3);
	build_figure(run->ledger, &run->n_ledger, "wall_ns", 0.1 + 0.2);
	build_figure(run->ledger, &run->n_ledger, "digest", 1.8446744073709552e19);
	run->stolen_ns = 20 * MS;
	run->others_ns = 70 * MS;
	run->attached = true;
	rich_stacks(run);
	build_episode(run, &run->threads[1], NULL, 20 * MS, 0, 3 * MS);
	build_episode(run, &run->threads[1], wait, 23 * MS, 2 * MS, 1);
	build_episode(run, &run->threads[2], NULL, 2000 * MS, 0, 1 * MS);
	build_moment(run, &run->threads[1], "main;work", 25 * MS);
	return run;
}

BUILDER void record(const struct run *first, const struct run *second)
{
	struct profile *profile = NULL;

	assert_int_equal(profile_create(path, -1, -1, &host, &profile, error), 0);
	assert_int_equal(profile_store_run(profile, first, error), 0);
	if (second)
		assert_int_equal(profile_store_run(profile, second, error), 0);
	assert_int_equal(profile_commit(profile, error), 0);
	profile_close(profile);
}

/* Loads all runs; the first error, or 0. The message is one line that names the file. */
BUILDER int load_all(void)
{
	struct profile *profile = NULL;
	struct run *run;
	int err;

	error[0] = '\0';
	err = profile_open(path, &profile, error);
	for (int i = 0; !err && i < profile_run_count(profile); i++) {
		err = profile_load_run(profile, i, &run, error);
		if (!err)
			run_free(run);
	}
	if (profile)
		profile_close(profile);
	if (err) {
		assert_int_equal(strncmp(error, path, strlen(path)), 0);
		assert_null(strchr(error, '\n'));
	}
	return err;
}

BUILDER void change(const char *sql)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif
