/* SPDX-License-Identifier: Apache-2.0 */
/* The recording: what is written comes back, and nothing is left behind. */
#include <errno.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "profile_fixture.h"

static unsigned int files_in_folder(void)
{
	DIR *dir = opendir(folder);
	unsigned int n = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(dir);
	return n;
}

#define same_text(member)   assert_string_equal(a->member, b->member)
#define same_number(member) assert_int_equal(a->member, b->member)
#define same_bytes(member)  assert_memory_equal(&a->member, &b->member, sizeof(a->member))

static void same_thread(const struct run_thread *a, const struct run_thread *b)
{
	same_text(comm);
	same_number(id);
	same_number(process);
	same_number(parent);
	same_number(pid);
	same_number(tid);
	same_number(begin_ns);
	same_number(life_ns);
	same_bytes(ns);
	same_number(voluntary);
	same_number(involuntary);
	same_number(syscalls);
	same_number(connects);
	same_number(faults);
	same_number(ended);
	same_number(audit_on_cpu_ns);
	same_number(audit_run_delay_ns);
	same_number(audit_switches);
}

static void same_process(const struct run_process *a, const struct run_process *b)
{
	same_text(comm);
	if (a->cgroup)
		same_text(cgroup);
	else
		assert_null(b->cgroup);
	same_number(id);
	same_number(parent);
	same_number(pid);
	same_number(begin_ns);
	same_number(end_ns);
	same_number(exit_status);
	same_number(ended);
	same_number(undelivered_threads);
	same_number(undelivered_life_ns);
	same_bytes(undelivered_ns);
}

static void same_wait(const struct run_wait *a, const struct run_wait *b)
{
	same_text(syscall);
	same_text(object);
	same_text(symbol);
	same_text(file);
	same_number(thread);
	same_number(class);
	same_number(op);
	same_number(expects_2);
	same_number(join);
	same_number(offset);
	same_number(address);
	same_number(unattributed);
	same_number(inside);
	same_number(stack);
	same_number(holder);
	same_number(waker);
	if (a->waker_name)
		same_text(waker_name);
	else
		assert_null(b->waker_name);
	same_number(count);
	same_number(timed_out);
	same_number(total_ns);
	same_number(max_ns);
	same_bytes(log2_ns);
}

static void same_stacks(const struct run *run, const struct run *other)
{
	assert_int_equal(run->n_frames, other->n_frames);
	assert_int_equal(run->n_stacks, other->n_stacks);
	assert_int_equal(run->n_samples, other->n_samples);
	for (size_t i = 0; i < run->n_frames; i++) {
		const struct run_frame *a = &run->frames[i], *b = &other->frames[i];

		same_number(id);
		same_number(kind);
		same_text(function);
		same_text(object);
		same_number(address);
		same_text(source);
		same_number(line);
		same_number(inlined);
	}
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_stack *a = &run->stacks[i], *b = &other->stacks[i];

		same_number(id);
		same_number(parent);
		same_number(frame);
	}
	for (size_t i = 0; i < run->n_samples; i++) {
		const struct run_sample *a = &run->samples[i], *b = &other->samples[i];

		same_number(thread);
		same_number(stack);
		same_number(count);
	}
}

static void same_timeline(const struct run *run, const struct run *other)
{
	assert_int_equal(run->timeline, other->timeline);
	assert_int_equal(run->n_episodes, other->n_episodes);
	assert_int_equal(run->n_moments, other->n_moments);
	for (size_t i = 0; i < run->n_episodes; i++) {
		const struct run_episode *a = &run->episodes[i], *b = &other->episodes[i];

		same_number(thread);
		same_number(out_ns);
		same_number(blocked_ns);
		same_number(queued_ns);
		same_number(class);
		same_number(wait);
	}
	for (size_t i = 0; i < run->n_moments; i++) {
		const struct run_moment *a = &run->moments[i], *b = &other->moments[i];

		same_number(thread);
		same_number(at_ns);
		same_number(stack);
	}
}

static void same_figures(const struct run_figure *x, const struct run_figure *y, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(x[i].name, y[i].name);
		assert_true(x[i].value == y[i].value);
	}
}

static void same_run(const struct run *a, const struct run *b)
{
	same_text(name);
	same_number(begin_ns);
	same_number(end_ns);
	same_number(exit_status);
	same_number(interrupted);
	same_number(no_syscalls);
	if (a->failure)
		same_text(failure);
	else
		assert_null(b->failure);
	same_number(stolen_ns);
	same_number(others_ns);
	same_number(tax_probe_ns);
	same_number(tax_cpu_ns);
	same_number(tax_events);
	for (size_t i = 0; a->command[i]; i++) {
		same_text(command[i]);
		assert_true(!a->command[i + 1] == !b->command[i + 1]);
	}
	same_number(n_processes);
	same_number(n_threads);
	same_number(n_waits);
	same_number(n_losses);
	same_number(n_ledger);
	for (size_t i = 0; i < a->n_processes; i++)
		same_process(&a->processes[i], &b->processes[i]);
	for (size_t i = 0; i < a->n_threads; i++)
		same_thread(&a->threads[i], &b->threads[i]);
	for (size_t i = 0; i < a->n_waits; i++)
		same_wait(&a->waits[i], &b->waits[i]);
	same_number(sample_hz);
	same_number(attached);
	same_stacks(a, b);
	same_timeline(a, b);
	same_number(n_stack_figures);
	same_figures(a->stack_figures, b->stack_figures, a->n_stack_figures);
	same_figures(a->losses, b->losses, a->n_losses);
	same_figures(a->ledger, b->ledger, a->n_ledger);
}

static void test_what_is_written_comes_back(void **state)
{
	struct run *first = run_serial_cpu(0), *second = rich_run(), *loaded = NULL;
	struct profile *profile = NULL;

	(void)state;
	record(first, second);
	assert_int_equal(profile_open(path, &profile, error), 0);
	assert_int_equal(profile_run_count(profile), 2);
	assert_string_equal(profile_host(profile)->kernel, kernel);
	assert_string_equal(profile_host(profile)->version, version);
	assert_int_equal(profile_host(profile)->cpus, 2);
	assert_int_equal(profile_load_run(profile, 0, &loaded, error), 0);
	same_run(first, loaded);
	run_free(loaded);
	assert_int_equal(profile_load_run(profile, 1, &loaded, error), 0);
	same_run(second, loaded);
	run_free(loaded);
	assert_int_equal(profile_load_run(profile, 2, &loaded, error), -ENOENT);
	profile_close(profile);
	run_free(first);
	run_free(second);
}

static void test_in_memory(void **state)
{
	struct run *run = rich_run(), *loaded = NULL;
	struct profile *profile = NULL;

	(void)state;
	assert_int_equal(profile_create(NULL, -1, -1, &host, &profile, error), 0);
	assert_int_equal(profile_store_run(profile, run, error), 0);
	assert_int_equal(profile_commit(profile, error), 0);
	assert_int_equal(profile_load_run(profile, 0, &loaded, error), 0);
	same_run(run, loaded);
	run_free(loaded);
	profile_close(profile);
	run_free(run);
}

static void test_the_file_appears_at_the_commit_only(void **state)
{
	struct run *run = run_serial_cpu(0);
	struct profile *profile = NULL;
	struct stat st;

	(void)state;
	unlink(path);
	assert_int_equal(profile_create(path, getuid(), getgid(), &host, &profile, error), 0);
	assert_int_equal(profile_store_run(profile, run, error), 0);
	assert_int_equal(access(path, F_OK), -1);
	profile_close(profile);
	assert_int_equal(files_in_folder(), 0);

	record(run, NULL);
	record(run, NULL); /* replaces */
	assert_int_equal(files_in_folder(), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, getuid());
	run_free(run);
}

static void test_only_regular_files_are_replaced(void **state)
{
	struct profile *profile = NULL;

	(void)state;
	assert_int_equal(profile_create("/dev/null", -1, -1, &host, &profile, error), -EEXIST);
	assert_non_null(strstr(error, "/dev/null: "));
	assert_int_equal(profile_create(folder, -1, -1, &host, &profile, error), -EISDIR);
	assert_int_equal(profile_create("/nowhere/x", -1, -1, &host, &profile, error), -ENOENT);
	assert_int_equal(profile_create("", -1, -1, &host, &profile, error), -EISDIR);
	assert_null(profile);
}

/* A full disk, played by a limit on the size of files. */
static void write_beyond_the_limit(void)
{
	struct rlimit limit = {8192, 8192};
	struct run *run = run_pool_io("threads-io", 730 * MS, 400 * MS, 1050);
	struct profile *profile = NULL;
	int err;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	err = profile_create(path, -1, -1, &host, &profile, error);
	if (!err)
		err = profile_store_run(profile, run, error);
	if (!err)
		err = profile_commit(profile, error);
	if (profile)
		profile_close(profile);
	run_free(run);
	_exit(err == -EFBIG && !strncmp(error, path, strlen(path)) && !strchr(error, '\n') ? 0 : 1);
}

static void test_a_full_disk_is_an_error_and_leaves_nothing(void **state)
{
	int status;
	pid_t child;

	(void)state;
	unlink(path);
	child = fork();
	if (!child)
		write_beyond_the_limit();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(files_in_folder(), 0);
}

static void test_a_contradictory_run_is_not_stored(void **state)
{
	struct run *run = run_serial_cpu(0);
	struct profile *profile = NULL;

	(void)state;
	run->waits[0].thread = 7;
	assert_int_equal(profile_create(path, -1, -1, &host, &profile, error), 0);
	assert_int_equal(profile_store_run(profile, run, error), -EINVAL);
	assert_non_null(strstr(error, "thread 7"));
	profile_close(profile);
	run_free(run);
}

/* More rows than a sorter of SQLite's keeps in its cache: what it then needs is memory, as there is no temporary file. */
static void test_a_long_recording_comes_back(void **state)
{
	struct run *run = build_run("many", 60 * S), *loaded = NULL;
	struct profile *profile = NULL;
	const size_t waits = 50000;

	(void)state;
	free(run->waits);
	run->waits = calloc(waits + 1, sizeof(*run->waits));
	build_process(run, 0, "many");
	build_thread(run, 1, 0, "many", 0, 60 * S);
	for (size_t i = 0; i < waits; i++)
		build_futex(run, &run->threads[0], "", 64 * i, true, 1, 1 * MS);
	build_rest_in_queue(run, &run->threads[0]);
	record(run, NULL);
	assert_int_equal(profile_open(path, &profile, error), 0);
	if (profile_load_run(profile, 0, &loaded, error))
		fail_msg("%s", error);
	same_run(run, loaded);
	run_free(loaded);
	profile_close(profile);
	run_free(run);
}

/* What a stranger may do: indexes and views of their own. */
static void test_additions_do_no_harm(void **state)
{
	struct run *run = run_serial_cpu(0);

	(void)state;
	record(run, NULL);
	change("CREATE INDEX mine ON wait (total_ns); CREATE VIEW v AS SELECT * FROM run; CREATE TABLE notes (t); ANALYZE");
	assert_int_equal(load_all(), 0);
	run_free(run);
}

static void test_the_order_of_classes_is_the_recordings_own(void **state)
{
	struct run *run = run_serial_cpu(1 * S), *loaded = NULL;
	struct profile *profile = NULL;

	(void)state;
	record(run, NULL);
	change("UPDATE class SET id = 31 WHERE name = 'sleep'; UPDATE thread_time SET class = 31 WHERE ns = 1000000000;"
	       "UPDATE wait SET class = 31 WHERE total_ns = 1000000000");
	assert_int_equal(profile_open(path, &profile, error), 0);
	assert_int_equal(profile_load_run(profile, 0, &loaded, error), 0);
	same_run(run, loaded);
	run_free(loaded);
	profile_close(profile);
	run_free(run);
}

/* Names of frames as flame graphs show them, from the recording alone. */
static void test_the_view_spells_stacks_out(void **state)
{
	struct run *run = rich_run();
	sqlite3_stmt *statement;
	sqlite3 *db;

	(void)state;
	record(run, NULL);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
			       "SELECT (SELECT text FROM stack_text t JOIN wait w ON w.stack = t.id AND w.run = t.run "
			       "WHERE w.holder = 2), (SELECT count(*) FROM stack_text) = (SELECT count(*) FROM stack)",
			       -1, &statement, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(statement, 0), "main;work;futex_wait");
	assert_int_equal(sqlite3_column_int(statement, 1), 1);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	run_free(run);
}

/* A stranger's questions, as README would give them. */
static void test_views_answer(void **state)
{
	struct run *run = run_threads_cpu("interpreter_lock");
	sqlite3_stmt *statement;
	sqlite3 *db;

	(void)state;
	record(run, NULL);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT (SELECT sum(ns) = (SELECT sum(life_ns) FROM thread) FROM thread_states),"
					    "(SELECT sum(ns) = (SELECT sum(life_ns) FROM thread) FROM process_states),"
					    "(SELECT round(sum(mean_threads), 2) FROM run_states),"
					    "(SELECT count(*) FROM waits WHERE what = 'interpreter_lock'),"
					    "(SELECT sum(waits) = (SELECT sum(count) FROM wait) FROM wait_histogram)",
					    -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 1);
	assert_int_equal(sqlite3_column_int(statement, 1), 1);
	assert_true(sqlite3_column_double(statement, 2) > 5.9);
	assert_int_equal(sqlite3_column_int(statement, 3), 15);
	assert_int_equal(sqlite3_column_int(statement, 4), 1);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_written_comes_back),
	    cmocka_unit_test(test_in_memory),
	    cmocka_unit_test(test_the_file_appears_at_the_commit_only),
	    cmocka_unit_test(test_only_regular_files_are_replaced),
	    cmocka_unit_test(test_a_full_disk_is_an_error_and_leaves_nothing),
	    cmocka_unit_test(test_a_contradictory_run_is_not_stored),
	    cmocka_unit_test(test_a_long_recording_comes_back),
	    cmocka_unit_test(test_additions_do_no_harm),
	    cmocka_unit_test(test_the_order_of_classes_is_the_recordings_own),
	    cmocka_unit_test(test_the_view_spells_stacks_out),
	    cmocka_unit_test(test_views_answer),
	};

	return cmocka_run_group_tests_name("profile", tests, make_folder, remove_folder);
}
