/* SPDX-License-Identifier: Apache-2.0 */
/* Which object lies where: what is put last wins, against an account byte by byte. And the texts and records that say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "trace/perf_records.h"
#include "trace/proc_maps.h"
#include "trace/spans.h"

#define BYTES 64

/* Who lies at each byte by the list, 0: nobody; and that the list is in order. */
static void take_down(const struct spans *spans, uint64_t *owners)
{
	memset(owners, 0, BYTES * sizeof(*owners));
	for (size_t i = 0; i < spans->n; i++) {
		const struct span *span = &spans->all[i];

		assert_true(span->start < span->end);
		assert_true(i == 0 || spans->all[i - 1].end <= span->start);
		for (uint64_t at = span->start; at < span->end; at++)
			owners[at] = span->bias;
	}
}

static void test_what_is_mapped_last_wins(void **state)
{
	uint64_t expected[BYTES], found[BYTES];

	(void)state;
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		struct spans spans = {}, copy = {};

		memset(expected, 0, sizeof(expected));
		for (uint64_t i = 1; i <= 24; i++) {
			uint64_t start = random() % (BYTES - 1), end = start + 1 + random() % (BYTES - start - 1);
			struct span span = {.start = start, .end = end, .bias = i};

			assert_int_equal(spans_put(&spans, &span), 0);
			for (uint64_t at = start; at < end; at++)
				expected[at] = i;
			take_down(&spans, found);
			assert_memory_equal(found, expected, sizeof(found));
		}
		assert_int_equal(spans_copy(&copy, &spans), 0);
		spans_free(&spans);
		take_down(&copy, found);
		assert_memory_equal(found, expected, sizeof(found));
		spans_free(&copy);
	}
}

static void test_lines_of_proc_maps(void **state)
{
	char file[] = "7f00000000-7f00002000 r-xp 00001000 fe:01 4711                   /usr/lib/a b.so (deleted)\n";
	char vdso[] = "7ffc1000-7ffc2000 r-xp 00000000 00:00 0                          [vdso]\n";
	char none[] = "10000-20000 rwxp 00000000 00:00 0 \n";
	struct mapping mapping = {.pid = 5};

	(void)state;
	assert_true(proc_maps_line(file, &mapping));
	assert_int_equal(mapping.kind, MAPPING_FILE);
	assert_int_equal(mapping.pid, 5);
	assert_int_equal(mapping.start, 0x7f00000000);
	assert_int_equal(mapping.length, 0x2000);
	assert_int_equal(mapping.file_offset, 0x1000);
	assert_int_equal(mapping.major, 0xfe);
	assert_int_equal(mapping.minor, 1);
	assert_int_equal(mapping.inode, 4711);
	assert_string_equal(mapping.path, "/usr/lib/a b.so (deleted)");
	assert_true(proc_maps_line(vdso, &mapping));
	assert_int_equal(mapping.kind, MAPPING_VDSO);
	assert_true(proc_maps_line(none, &mapping));
	assert_int_equal(mapping.kind, MAPPING_ANONYMOUS);
}

static void test_lines_that_say_nothing(void **state)
{
	static const char *const lines[] = {
	    "",
	    "\n",
	    "10000-20000",
	    "10000-20000 r-xp 0 0:0",
	    "10000-20000 x 0 0:0 0 /a",
	    "10000-20000 r--p 0 0:0 0 /a",
	    "20000-10000 r-xp 0 0:0 0 /a",
	    "20000-20000 r-xp 0 0:0 0 /a",
	    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct mapping mapping = {};
		char line[128];

		snprintf(line, sizeof(line), "%s", lines[i]);
		assert_false(proc_maps_line(line, &mapping));
	}
}

/* An mmap2 record (perf_event_open(2)) with this name, unpadded, and what follows it. */
struct made_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t start, length, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char rest[64];
};

static size_t make_record(struct made_record *record, const char *name, size_t name_bytes)
{
	const struct {
		uint32_t pid, tid;
		uint64_t time;
	} id = {7, 8, 12345};

	*record = (struct made_record){.header = {.type = PERF_RECORD_MMAP2}, .pid = 7, .start = 0x1000, .length = 0x2000};
	memcpy(record->rest, name, name_bytes);
	memcpy(record->rest + name_bytes, &id, sizeof(id));
	return offsetof(struct made_record, rest) + name_bytes + sizeof(id);
}

static void test_records_of_mappings(void **state)
{
	static const struct {
		char name[16];
		bool heard;
		enum mapping_kind kind;
	} cases[] = {
	    {"/lib/libc.so.6", true, MAPPING_FILE},  {"[vdso]", true, MAPPING_VDSO},      {"[vsyscall]", false, 0},
	    {"//anon", true, MAPPING_ANONYMOUS},     {"[heap]", true, MAPPING_ANONYMOUS}, {"[uprobes]", false, 0},
	    {"/0123456789abcd", true, MAPPING_FILE},
	};
	_Alignas(8) struct made_record record;
	struct mapping mapping;
	uint64_t lost = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t bytes = make_record(&record, cases[i].name, sizeof(cases[i].name));

		assert_int_equal(perf_record_read(&record.header, bytes, &mapping, &lost), cases[i].heard);
		if (!cases[i].heard)
			continue;
		assert_int_equal(mapping.kind, cases[i].kind);
		assert_int_equal(mapping.pid, 7);
		assert_int_equal(mapping.start, 0x1000);
		assert_int_equal(mapping.time_ns, 12345);
		if (mapping.kind == MAPPING_FILE) {
			assert_string_equal(mapping.path, cases[i].name);
			free(mapping.path);
		} else {
			assert_null(mapping.path);
		}
	}
	assert_int_equal(lost, 0);
}

/* Cut anywhere: nothing beyond its length is read, so a name that never ends becomes one that does. */
static void test_records_that_are_cut(void **state)
{
	struct made_record record;
	size_t whole = make_record(&record, "/aaaaaaa", 8);

	(void)state;
	for (size_t bytes = sizeof(record.header); bytes <= whole; bytes++) {
		void *cut = malloc(bytes); /* for the sanitizers */
		struct mapping mapping;
		uint64_t lost = 0;
		bool heard;

		assert_non_null(cut);
		memcpy(cut, &record, bytes);
		heard = perf_record_read(cut, bytes, &mapping, &lost);
		assert_int_equal(heard, bytes > whole - 8);
		if (heard) {
			assert_int_equal(strlen(mapping.path), 8 - (whole - bytes));
			free(mapping.path);
		}
		free(cut);
	}
}

static void test_what_the_kernel_dropped_is_counted(void **state)
{
	struct {
		struct perf_event_header header;
		uint64_t id, lost;
	} record = {.header = {.type = PERF_RECORD_LOST}, .lost = 41};
	struct mapping mapping;
	uint64_t lost = 1;

	(void)state;
	assert_false(perf_record_read(&record.header, sizeof(record), &mapping, &lost));
	assert_int_equal(lost, 42);
	assert_false(perf_record_read(&record.header, sizeof(record) - 1, &mapping, &lost));
	assert_int_equal(lost, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_mapped_last_wins), cmocka_unit_test(test_lines_of_proc_maps),
	    cmocka_unit_test(test_lines_that_say_nothing),   cmocka_unit_test(test_records_of_mappings),
	    cmocka_unit_test(test_records_that_are_cut),     cmocka_unit_test(test_what_the_kernel_dropped_is_counted),
	};

	return cmocka_run_group_tests_name("mappings", tests, NULL, NULL);
}
