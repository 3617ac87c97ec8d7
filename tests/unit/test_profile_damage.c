/* SPDX-License-Identifier: Apache-2.0 */
/* The recording as a stranger gives it: no file is believed. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "profile_fixture.h"

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
	assert_non_null(strstr(error, "version 3"));
	run_free(run);
}

static void refuse_each(const char *const *nonsense, size_t n)
{
	struct run *run = rich_run();

	for (size_t i = 0; i < n; i++) {
		record(run, NULL);
		assert_int_equal(load_all(), 0);
		change(nonsense[i]);
		if (load_all() != -EIO)
			fail_msg("taken for good: %s (%s)", nonsense[i], error);
	}
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
	    "UPDATE frame SET kind = 3",
	    "UPDATE frame SET kind = -1",
	    "UPDATE frame SET id = 99 WHERE id = 1",
	    "UPDATE frame SET line = 4294967296 WHERE id = 1",
	    "UPDATE frame SET inlined = 2 WHERE id = 1",
	    "UPDATE frame SET function = x'00' WHERE id = 1",
	    "DELETE FROM frame WHERE id = 1",
	    "DELETE FROM frame",
	    "UPDATE stack SET parent = id WHERE id = 1",
	    "UPDATE stack SET parent = 3 WHERE id = 2",
	    "UPDATE stack SET parent = -1 WHERE id = 2",
	    "UPDATE stack SET frame = 0 WHERE id = 1",
	    "UPDATE stack SET frame = 99 WHERE id = 1",
	    "UPDATE stack SET id = 7 WHERE id = 1",
	    "DELETE FROM stack WHERE id = 2",
	    "DELETE FROM stack",
	    "UPDATE wait SET stack = 99 WHERE stack > 0",
	    "UPDATE wait SET stack = -1 WHERE stack > 0",
	    "UPDATE sample SET stack = 0",
	    "UPDATE sample SET stack = 99",
	    "UPDATE sample SET thread = 99",
	    "UPDATE sample SET count = 4611686018427387904",
	    "UPDATE run SET sample_hz = -1",
	    "DROP TABLE sample",
	    "DROP TABLE wait",
	    "DROP TABLE argument; CREATE VIEW argument AS SELECT 1 AS seq, 1 AS run, 'x' AS value",
	    "ALTER TABLE wait ADD COLUMN more TEXT",
	    "DROP TABLE figure; CREATE TABLE figure (seq, run, kind, name, value)",
	};
	(void)state;
	refuse_each(nonsense, sizeof(nonsense) / sizeof(nonsense[0]));
}

static void test_nonsense_in_time_is_refused(void **state)
{
	static const char *const nonsense[] = {
	    "UPDATE run SET timeline = 2",
	    "UPDATE episode SET thread = 99",
	    "UPDATE episode SET out_ns = -1",
	    "UPDATE episode SET blocked_ns = 9223372036854775807",
	    "UPDATE episode SET out_ns = 1 WHERE thread = 2",
	    "UPDATE episode SET wait = 99 WHERE wait > 0",
	    "UPDATE episode SET class = 0",
	    "UPDATE moment SET stack = 0",
	    "UPDATE moment SET at_ns = 9223372036854775807",
	    "DROP TABLE episode",
	    "UPDATE wait SET id = 50 WHERE id = 2",
	};

	(void)state;
	refuse_each(nonsense, sizeof(nonsense) / sizeof(nonsense[0]));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_foreign_files),       cmocka_unit_test(test_other_versions),
	    cmocka_unit_test(test_nonsense_is_refused), cmocka_unit_test(test_nonsense_in_time_is_refused),
	    cmocka_unit_test(test_damage_anywhere),
	};

	return cmocka_run_group_tests_name("profile: damaged files", tests, make_folder, remove_folder);
}
