/* SPDX-License-Identifier: Apache-2.0 */
/* What JITs write about their code: read as it grows, believed only if it is theirs, and harmless whatever it says. */
#include "symbols_fixture.h"

#include <errno.h>

#include "symbols/perf_map.h"
#include "symbols/perf_map_index.h"

/* Room for file names longer than the map's. */
static char map_path[64];

static void append(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void expect(struct perf_map *map, uint64_t address, const char *name, uint64_t offset)
{
	uint64_t got_offset = 0;
	const char *got = perf_map_find(map, address, &got_offset);

	if (!name) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, name);
	assert_int_equal(got_offset, offset);
}

static struct perf_map *map_of(const char *text, size_t length)
{
	struct perf_map *map;

	assert_int_equal(perf_map_open_fd(memory_file(text, length), &map), 0);
	assert_int_equal(perf_map_read(map), 0);
	return map;
}

#define MAP_OF(text) map_of(text, sizeof(text) - 1)

static void test_entries(void **state)
{
	struct perf_map *map = MAP_OF("7f0000001000 40 LazyCompile:~run /srv/app.js:12:3\n"
				      "0x7f0000000000 0x100 py::loop:/srv/app.py\r\n"
				      "7F0000002000 A name with \xc3\xa9\n"
				      "fffffffffffffff0 f at_the_end\n");

	(void)state;
	expect(map, 0x7f0000001010, "LazyCompile:~run /srv/app.js:12:3", 0x10);
	expect(map, 0x7f0000001040, NULL, 0);
	expect(map, 0x7f00000000ff, "py::loop:/srv/app.py", 0xff);
	expect(map, 0x7f0000000100, NULL, 0);
	expect(map, 0x7f0000002009, "name with \xc3\xa9", 9);
	expect(map, 0xfffffffffffffffe, "at_the_end", 14);
	expect(map, 0, NULL, 0);
	assert_false(perf_map_cut(map));
	perf_map_close(map);
}

static void test_lines_that_make_no_sense(void **state)
{
	struct perf_map *map =
	    MAP_OF("\n \n1000\n1000 \n1000 10\n1000 10 \n 1000 10 space\nxyz 10 x\n2000 0 empty\n"
		   "11112222333344445 10 long\nfffffffffffffff0 11 over\n3000 100000000 large\n-1 10 minus\n"
		   "4000\t10\ttabs\n0x 10 nothing\n5000 10 good\n6000 10 \0hidden\n7000 10 cut\0off\n8000 10 open");

	(void)state;
	for (uint64_t address = 0; address < 0x9000; address += 0x8) {
		uint64_t offset;
		const char *name = perf_map_find(map, address, &offset);
		bool good = address >= 0x5000 && address < 0x5010, cut = address >= 0x7000 && address < 0x7010;

		assert_int_equal(name != NULL, good || cut);
		if (name)
			assert_string_equal(name, good ? "good" : "cut");
	}
	perf_map_close(map);
}

static void test_later_entries_win(void **state)
{
	struct perf_map *map =
	    MAP_OF("1000 100 old\n1040 20 newer\n1050 20 newest\n1000 10 head\n2000 10 other\n2000 10 again\n");

	(void)state;
	expect(map, 0x1008, "head", 8);
	expect(map, 0x1010, "old", 0x10);
	expect(map, 0x104f, "newer", 0xf);
	expect(map, 0x1050, "newest", 0);
	expect(map, 0x106f, "newest", 0x1f);
	expect(map, 0x1070, "old", 0x70);
	expect(map, 0x2001, "again", 1);
	perf_map_close(map);
}

/* The index against the definition: the last entry that holds the address. */
static void test_random_overlaps(void **state)
{
	enum { ENTRIES = 60, SPACE = 256 };
	unsigned int random = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct perf_map_entry entries[ENTRIES];
		struct perf_map_index index = {0};
		size_t count = round % ENTRIES;

		for (size_t i = 0; i < count; i++) {
			random = random * 1103515245 + 12345;
			entries[i].start = (random >> 8) % SPACE;
			entries[i].bytes = 1 + (random >> 20) % (round % 3 ? 16 : SPACE);
		}
		assert_int_equal(perf_map_index_make(&index, entries, count), 0);
		for (uint64_t address = 0; address < 2 * SPACE + 2; address++) {
			const struct perf_map_entry *last = NULL;

			for (size_t i = 0; i < count; i++) {
				if (address >= entries[i].start && address - entries[i].start < entries[i].bytes)
					last = &entries[i];
			}
			assert_ptr_equal(perf_map_index_find(&index, entries, address), last);
		}
		perf_map_index_free(&index);
	}
}

static void test_what_is_too_long(void **state)
{
	enum { LENGTH = 300000 };
	_cleanup_free_ char *text = malloc(LENGTH + 64);
	struct perf_map *map;
	uint64_t offset;
	size_t head;

	(void)state;
	/* A name of 300,000 bytes, and an entry behind it. */
	head = snprintf(text, 64, "1000 10 ");
	memset(text + head, 'a', LENGTH);
	snprintf(text + head + LENGTH, 32, "\n2000 10 next\n");
	map = map_of(text, strlen(text));
	assert_int_equal(strlen(perf_map_find(map, 0x1000, &offset)), PERF_MAP_NAME_MAX);
	expect(map, 0x2000, "next", 0);
	assert_false(perf_map_cut(map));
	perf_map_close(map);
}

/* 100 GB of nothing, and more entries than are kept: cut, and said. */
static void test_what_is_too_much(void **state)
{
	struct perf_map *map;
	uint64_t offset;
	FILE *file;
	int fd;

	(void)state;
	fd = memory_file("1000 10 first\n", 14);
	assert_int_equal(ftruncate(fd, 100ll << 30), 0);
	assert_int_equal(perf_map_open_fd(fd, &map), 0);
	assert_int_equal(perf_map_read(map), 0);
	expect(map, 0x1000, "first", 0);
	assert_true(perf_map_cut(map));
	perf_map_close(map);

	fd = memory_file("", 0);
	file = fdopen(dup(fd), "w");
	for (uint64_t i = 0; i < PERF_MAP_ENTRIES_MAX + 10; i++)
		fprintf(file, "%llx 8 n\n", (unsigned long long)(i * 16));
	fclose(file);
	assert_int_equal(perf_map_open_fd(fd, &map), 0);
	assert_int_equal(perf_map_read(map), 0);
	assert_non_null(perf_map_find(map, (PERF_MAP_ENTRIES_MAX - 1) * 16ull, &offset));
	assert_null(perf_map_find(map, PERF_MAP_ENTRIES_MAX * 16ull, &offset));
	assert_true(perf_map_cut(map));
	perf_map_close(map);
}

static void test_a_map_that_grows(void **state)
{
	int fd = memory_file("", 0), writer = dup(fd);
	struct perf_map *map;

	(void)state;
	assert_int_equal(perf_map_open_fd(fd, &map), 0);
	append(writer, "1000 10 one\n2000 10 tw");
	assert_int_equal(perf_map_read(map), 0);
	expect(map, 0x1000, "one", 0);
	expect(map, 0x2000, NULL, 0); /* its line is not finished */
	append(writer, "o\n1000 8 better\n");
	assert_int_equal(perf_map_read(map), 0);
	expect(map, 0x2000, "two", 0);
	expect(map, 0x1000, "better", 0);
	expect(map, 0x1008, "one", 8);
	assert_int_equal(ftruncate(writer, 0), 0);
	assert_int_equal(lseek(writer, 0, SEEK_SET), 0);
	append(writer, "3000 10 three\n");
	assert_int_equal(perf_map_read(map), 0);
	expect(map, 0x3000, "three", 0);
	expect(map, 0x1000, NULL, 0);
	close(writer);
	perf_map_close(map);
}

/* The rest is about files: of this process itself, which is its own JIT. */
static void test_found_by_process(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);
	struct perf_map *map;
	uint64_t offset = 0;
	int fd;

	(void)state;
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), -ENOENT);
	fd = open(map_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0644);
	assert_true(fd >= 0);
	append(fd, "1000 10 first\n");
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), 0);
	assert_string_equal(symbolizer_perf_map_find(symbolizer, map, 0x1002, &offset), "first");
	assert_int_equal(offset, 2);
	assert_null(symbolizer_perf_map_find(symbolizer, map, 0x2000, &offset));
	append(fd, "2000 10 sec\033ond\n");
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), 0);
	assert_string_equal(symbolizer_perf_map_find(symbolizer, map, 0x2000, &offset), "sec?ond");
	/* Replaced by another file; then deleted: what was read stays. */
	close(fd);
	unlink(map_path);
	fd = open(map_path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	append(fd, "3000 10 third\n");
	close(fd);
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), 0);
	assert_null(symbolizer_perf_map_find(symbolizer, map, 0x1000, &offset));
	unlink(map_path);
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), 0);
	assert_string_equal(symbolizer_perf_map_find(symbolizer, map, 0x3000, &offset), "third");
	symbolizer_close(symbolizer);
}

static void test_what_is_no_file_of_the_process(void **state)
{
	struct symbolizer *symbolizer = symbolizer_for_test(false, false);
	struct perf_map *map;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(map_path, 0644), 0);
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), -EPERM); /* and does not hang */
	unlink(map_path);
	assert_int_equal(symlink("/etc/passwd", map_path), 0);
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), -EPERM);
	unlink(map_path);
	assert_int_equal(mkdir(map_path, 0755), 0);
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), -EPERM);
	rmdir(map_path);
	fd = open(map_path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	append(fd, "1000 10 theirs\n");
	if (geteuid() == 0) {
		assert_int_equal(fchown(fd, 12345, 12345), 0);
		assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), -EPERM);
		assert_int_equal(fchown(fd, 0, 0), 0);
	}
	assert_int_equal(symbolizer_perf_map(symbolizer, 1, getpid(), &map), 0);
	close(fd);
	unlink(map_path);
	symbolizer_close(symbolizer);
}

static int remove_map(void **state)
{
	(void)state;
	unlink(map_path);
	rmdir(map_path);
	return 0;
}

static int name_map(void **state)
{
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
	return remove_map(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_entries),
	    cmocka_unit_test(test_lines_that_make_no_sense),
	    cmocka_unit_test(test_later_entries_win),
	    cmocka_unit_test(test_random_overlaps),
	    cmocka_unit_test(test_what_is_too_long),
	    cmocka_unit_test(test_what_is_too_much),
	    cmocka_unit_test(test_a_map_that_grows),
	    cmocka_unit_test_teardown(test_found_by_process, remove_map),
	    cmocka_unit_test_teardown(test_what_is_no_file_of_the_process, remove_map),
	};

	return cmocka_run_group_tests_name("perf maps", tests, name_map, remove_map);
}
