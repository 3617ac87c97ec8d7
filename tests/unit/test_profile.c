/* SPDX-License-Identifier: Apache-2.0 */
/* The recording: what is written comes back, nothing is left behind, and no file is believed. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "profile/profile.h"
#include "run_builder.h"

static char folder[] = "/tmp/concprof-test-XXXXXX";
static char path[64];
static char error[PROFILE_ERROR_BYTES];

static char kernel[] = "6.1.0-test", version[] = "v1-test";
static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run.concprof", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

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

/* Something in every field. */
static struct run *rich_run(void)
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
	return run;
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
	same_number(count);
	same_number(timed_out);
	same_number(total_ns);
	same_number(max_ns);
	same_bytes(log2_ns);
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
	same_figures(a->losses, b->losses, a->n_losses);
	same_figures(a->ledger, b->ledger, a->n_ledger);
}

static void record(const struct run *first, const struct run *second)
{
	struct profile *profile = NULL;

	assert_int_equal(profile_create(path, -1, -1, &host, &profile, error), 0);
	assert_int_equal(profile_store_run(profile, first, error), 0);
	if (second)
		assert_int_equal(profile_store_run(profile, second, error), 0);
	assert_int_equal(profile_commit(profile, error), 0);
	profile_close(profile);
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

/* Loads all runs; the first error, or 0. The message is one line that names the file. */
static int load_all(void)
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

static void change(const char *sql)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void write_file(const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void test_foreign_files(void **state)
{
	(void)state;
	write_file("", 0);
	assert_int_equal(load_all(), -EINVAL);
	assert_non_null(strstr(error, "not a concprof recording"));
	write_file("#!/bin/sh\necho this is a longer text that is no database at all, of more than a hundred bytes, to be sure "
		   "of that\n",
		   112);
	assert_int_equal(load_all(), -EINVAL);
	assert_non_null(strstr(error, "not a concprof recording"));
	unlink(path);
	assert_int_equal(load_all(), -ENOENT);
	change("CREATE TABLE run (id INTEGER)");
	assert_int_equal(load_all(), -EINVAL);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(load_all(), -EINVAL); /* and does not hang */
	unlink(path);
}

static void test_other_versions(void **state)
{
	struct run *run = run_serial_cpu(0);

	(void)state;
	record(run, NULL);
	change("PRAGMA user_version = 2");
	assert_int_equal(load_all(), -EINVAL);
	assert_non_null(strstr(error, "version 2"));
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

static void test_nonsense_is_refused(void **state)
{
	static const char *const nonsense[] = {
	    "UPDATE thread SET life_ns = -1 WHERE id = 2",
	    "UPDATE thread SET life_ns = 9223372036854775807",
	    "UPDATE thread SET life_ns = 'long' WHERE id = 2",
	    "UPDATE thread SET life_ns = 1.5 WHERE id = 2",
	    "UPDATE thread SET process = 77 WHERE id = 2",
	    "UPDATE thread SET tid = 4194305 WHERE id = 2",
	    "UPDATE thread SET comm = x'6100' WHERE id = 2",
	    "UPDATE thread SET comm = CAST(x'610062' AS TEXT) WHERE id = 2",
	    "UPDATE thread SET ended = 2 WHERE id = 2",
	    "DROP INDEX thread_by_id; UPDATE thread SET id = 3 WHERE id = 2",
	    "DROP INDEX thread_by_id; UPDATE thread SET id = 0 WHERE id = 2",
	    "DELETE FROM thread WHERE id = 2",
	    "DELETE FROM process WHERE id = 1",
	    "UPDATE thread_time SET class = 99",
	    "UPDATE thread_time SET thread = 99",
	    "INSERT INTO thread_time (run, thread, class, ns) SELECT run, thread, class, ns FROM thread_time",
	    "UPDATE process_time SET process = 99",
	    "UPDATE class SET name = 'nonsense' WHERE name = 'futex'",
	    "UPDATE class SET id = 40 WHERE name = 'futex'",
	    "UPDATE wait SET class = 0",
	    "UPDATE wait SET thread = 99",
	    "UPDATE wait SET log2_ns = '[1,2'",
	    "UPDATE wait SET log2_ns = '[1,-2]'",
	    "UPDATE wait SET log2_ns = '[1,99999999999999999999999]'",
	    "UPDATE wait SET log2_ns = '[1,]'",
	    "UPDATE wait SET log2_ns = '[,]'",
	    "UPDATE wait SET log2_ns = ''",
	    "UPDATE wait SET log2_ns = 7",
	    "UPDATE wait SET log2_ns = '[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]'",
	    "UPDATE wait SET count = 4611686018427387904",
	    "UPDATE wait SET inside = 5",
	    "UPDATE run SET end_ns = begin_ns - 1",
	    "UPDATE run SET end_ns = 9223372036854775807",
	    "UPDATE run SET exit_status = 256",
	    "UPDATE run SET id = 7",
	    "UPDATE meta SET value = 'many' WHERE key = 'cpus'",
	    "UPDATE meta SET value = '-1' WHERE key = 'cpus'",
	    "DELETE FROM meta",
	    "UPDATE figure SET value = 9e999",
	    "UPDATE figure SET kind = 'other'",
	    "DROP TABLE wait",
	    "DROP TABLE argument; CREATE VIEW argument AS SELECT 1 AS seq, 1 AS run, 'x' AS value",
	    "ALTER TABLE wait ADD COLUMN more TEXT",
	    "DROP TABLE figure; CREATE TABLE figure (seq, run, kind, name, value)",
	};
	struct run *run = rich_run();

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		record(run, NULL);
		assert_int_equal(load_all(), 0);
		change(nonsense[i]);
		if (load_all() != -EIO)
			fail_msg("taken for good: %s (%s)", nonsense[i], error);
	}
	run_free(run);
}

/* Any byte of the file, and any length of it: an error, or a run that satisfies the invariants. Never a crash. */
static void test_damage_anywhere(void **state)
{
	struct run *run = rich_run();
	unsigned int refused = 0;
	char *bytes;
	struct stat st;
	int fd;

	(void)state;
	record(run, NULL);
	fd = open(path, O_RDONLY);
	fstat(fd, &st);
	bytes = malloc(st.st_size);
	assert_int_equal(read(fd, bytes, st.st_size), st.st_size);
	close(fd);
	for (off_t length = 1; length < st.st_size; length += st.st_size / 37) {
		write_file(bytes, length);
		assert_int_not_equal(load_all(), 0);
	}
	for (off_t at = 0; at < st.st_size; at += 1 + at / 64) {
		char was = bytes[at];

		bytes[at] ^= 1 << (at % 8);
		write_file(bytes, st.st_size);
		refused += load_all() != 0;
		bytes[at] = was;
	}
	assert_true(refused > 10);
	free(bytes);
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
	    cmocka_unit_test(test_foreign_files),
	    cmocka_unit_test(test_other_versions),
	    cmocka_unit_test(test_additions_do_no_harm),
	    cmocka_unit_test(test_the_order_of_classes_is_the_recordings_own),
	    cmocka_unit_test(test_nonsense_is_refused),
	    cmocka_unit_test(test_damage_anywhere),
	    cmocka_unit_test(test_views_answer),
	};

	return cmocka_run_group_tests_name("profile", tests, make_folder, remove_folder);
}
