/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces from what is heard of them by several rings, each late in its own way: whatever the order of arrival, what counts is the
 * order of time. Kernel side, objects and the ring of mappings are stood in for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/spaces.h"

/* Processes of the tests: serial and pid. */
enum { ROOT = 1, CHILD = 2, OTHER = 3 };
enum { ROOT_PID = 100, CHILD_PID = 200 };

/* What is mapped in the tests: the file's number is its inode, and where it lies. */
#define PLACE(file) ((file)*0x1000ull)

int kernel_map_fd(const struct kernel *kernel, enum kernel_map map)
{
	(void)kernel, (void)map;
	int fd = memfd_create("space_mappings", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SPACE_MAPPINGS_MAX * sizeof(struct unwind_mapping)), 0);
	return fd;
}

int kernel_add_space(struct kernel *kernel, uint32_t pid)
{
	(void)kernel, (void)pid;
	return 0;
}

static int publications;

int kernel_set_space(struct kernel *kernel, uint32_t pid, const struct unwind_space *space)
{
	(void)kernel, (void)pid, (void)space;
	publications++;
	return 0;
}

static struct table_object objects[32];

struct table_object *tables_object(struct tables *tables, const struct mapping *mapping)
{
	(void)tables;
	return &objects[mapping->inode];
}

void tables_settle(struct tables *tables)
{
	(void)tables;
}

bool unwind_object_bias(const struct unwind_object *object, uint64_t start, uint64_t offset, uint64_t *bias)
{
	(void)object, (void)offset;
	*bias = start;
	return true;
}

/* The ring of mappings: in the order of time. */
struct mappings {
	struct mapping all[32];
	size_t n, heard;
	size_t ours; /* of those heard */
};

void mappings_deliver(struct mappings *mappings, uint64_t until_ns, mapping_heard_fn heard, void *context)
{
	while (mappings->heard < mappings->n && mappings->all[mappings->heard].time_ns <= until_ns)
		mappings->ours += heard(context, &mappings->all[mappings->heard++]);
}

int mappings_keep(struct mappings *mappings, const struct mapping *mapping)
{
	(void)mappings, (void)mapping;
	return 0;
}

static void map(struct mappings *mappings, uint64_t time_ns, uint32_t pid, uint64_t file)
{
	mappings->all[mappings->n++] =
	    (struct mapping){.time_ns = time_ns, .pid = pid, .start = PLACE(file), .length = 0x1000, .inode = file};
}

static void exec(struct mappings *mappings, uint64_t time_ns, uint32_t pid)
{
	mappings->all[mappings->n++] = (struct mapping){.kind = MAPPING_EXEC, .time_ns = time_ns, .pid = pid};
}

static void fork_at(struct spaces *spaces, uint64_t time_ns, uint64_t process, uint32_t pid)
{
	spaces_fork(spaces, &(struct record_fork){
				.time_ns = time_ns, .process = process, .parent = ROOT, .tgid = pid, .parent_tgid = ROOT_PID});
}

static struct spaces *begin(void)
{
	struct spaces *spaces = NULL;
	static char tables;
	static struct unwind_object object;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		objects[i] = (struct table_object){.object = &object};
	assert_int_equal(spaces_open(NULL, (struct tables *)&tables, &spaces), 0);
	assert_int_equal(spaces_root(spaces, ROOT_PID), 0);
	return spaces;
}

/* Whether the process had the file mapped then. */
static bool has(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns, uint64_t file)
{
	bool is_there_still;
	uint64_t generation = spaces_at(spaces, process, pid, time_ns, &is_there_still);
	const struct span *span = spaces_find(spaces, generation, PLACE(file) + 5, time_ns);

	if (span)
		assert_ptr_equal(span->object, &objects[file]);
	return span != NULL;
}

static bool is_there(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns)
{
	bool is_there_still;

	spaces_at(spaces, process, pid, time_ns, &is_there_still);
	return is_there_still;
}

/* A child that lives and dies between two looks: by its own exec it has two address spaces, and both are known afterwards. */
static void test_what_lived_between_two_looks_is_known(void **state)
{
	struct spaces *spaces = begin();
	struct mappings mappings = {};

	(void)state;
	map(&mappings, 10, ROOT_PID, 1);
	exec(&mappings, 30, CHILD_PID);
	map(&mappings, 31, CHILD_PID, 2);
	fork_at(spaces, 20, CHILD, CHILD_PID);
	spaces_ended(spaces, CHILD, CHILD_PID, 40);
	spaces_round(spaces, &mappings, 100);
	assert_int_equal(mappings.ours, 3);
	assert_true(has(spaces, CHILD, CHILD_PID, 25, 1));
	assert_false(has(spaces, CHILD, CHILD_PID, 25, 2));
	assert_false(has(spaces, CHILD, CHILD_PID, 35, 1));
	assert_true(has(spaces, CHILD, CHILD_PID, 35, 2));
	assert_false(has(spaces, CHILD, CHILD_PID, 45, 2));
	assert_true(is_there(spaces, ROOT, ROOT_PID, 45));
	assert_false(is_there(spaces, CHILD, CHILD_PID, 35));
	spaces_close(spaces);
}

/* The kernel side's ring is read last: it tells of births and ends whose mappings come in the next round only. */
static void test_births_and_ends_wait_for_what_was_mapped_before(void **state)
{
	struct spaces *spaces = begin();
	struct mappings mappings = {};

	(void)state;
	map(&mappings, 10, ROOT_PID, 1);
	fork_at(spaces, 60, CHILD, CHILD_PID);
	spaces_ended(spaces, CHILD, CHILD_PID, 80);
	spaces_round(spaces, &mappings, 50);
	assert_false(is_there(spaces, CHILD, CHILD_PID, 65));
	/* Now comes what the root had mapped before the birth, and what the child did. */
	map(&mappings, 55, ROOT_PID, 2);
	map(&mappings, 70, CHILD_PID, 3);
	map(&mappings, 90, CHILD_PID, 4); /* of another process, which is not followed */
	spaces_round(spaces, &mappings, 100);
	assert_int_equal(mappings.ours, 3);
	for (uint64_t file = 1; file <= 2; file++)
		assert_true(has(spaces, CHILD, CHILD_PID, 65, file));
	assert_true(has(spaces, CHILD, CHILD_PID, 75, 3));
	assert_false(has(spaces, ROOT, ROOT_PID, 75, 3));
	spaces_close(spaces);
}

static void test_a_pid_that_is_used_again_in_the_same_round(void **state)
{
	struct spaces *spaces = begin();
	struct mappings mappings = {};

	(void)state;
	fork_at(spaces, 10, CHILD, CHILD_PID);
	exec(&mappings, 11, CHILD_PID);
	map(&mappings, 12, CHILD_PID, 1);
	fork_at(spaces, 30, OTHER, CHILD_PID);
	/* The last switch of the first one may come after the birth of the second: it ends nobody else. */
	spaces_ended(spaces, CHILD, CHILD_PID, 31);
	exec(&mappings, 32, CHILD_PID);
	map(&mappings, 33, CHILD_PID, 2);
	spaces_round(spaces, &mappings, 100);
	assert_int_equal(mappings.ours, 4);
	assert_true(has(spaces, CHILD, CHILD_PID, 20, 1));
	assert_true(has(spaces, OTHER, CHILD_PID, 40, 2));
	assert_false(has(spaces, CHILD, CHILD_PID, 40, 2));
	assert_false(has(spaces, OTHER, CHILD_PID, 20, 1));
	assert_true(is_there(spaces, OTHER, CHILD_PID, 40));
	assert_false(is_there(spaces, CHILD, CHILD_PID, 20));
	spaces_close(spaces);
}

/* Several CPUs write to one ring: the order is nearly that of time. */
static void test_records_out_of_order(void **state)
{
	struct spaces *spaces = begin();
	struct mappings mappings = {};

	(void)state;
	map(&mappings, 5, ROOT_PID, 1);
	map(&mappings, 15, CHILD_PID, 2);
	spaces_ended(spaces, CHILD, CHILD_PID, 20);
	fork_at(spaces, 30, OTHER, CHILD_PID);
	fork_at(spaces, 10, CHILD, CHILD_PID);
	spaces_round(spaces, &mappings, 100);
	assert_true(has(spaces, CHILD, CHILD_PID, 17, 2));
	assert_true(has(spaces, OTHER, CHILD_PID, 35, 1));
	assert_false(has(spaces, OTHER, CHILD_PID, 35, 2));
	spaces_close(spaces);
}

static void test_mappings_count_from_their_time_on(void **state)
{
	struct spaces *spaces = begin();
	struct mappings mappings = {};
	int before;

	(void)state;
	map(&mappings, 10, ROOT_PID, 1);
	map(&mappings, 20, ROOT_PID, 2);
	spaces_round(spaces, &mappings, 50);
	assert_false(has(spaces, ROOT, ROOT_PID, 15, 2));
	assert_true(has(spaces, ROOT, ROOT_PID, 20, 2));
	/* Made writable, and code again: nothing has changed. */
	before = publications;
	map(&mappings, 60, ROOT_PID, 1);
	spaces_round(spaces, &mappings, 100);
	assert_int_equal(publications, before);
	assert_true(has(spaces, ROOT, ROOT_PID, 15, 1));
	/* Another file in its place: what lay there before is not known any more, and is not said to be the other one. */
	map(&mappings, 110, ROOT_PID, 3);
	mappings.all[mappings.n - 1].start = PLACE(1);
	spaces_round(spaces, &mappings, 150);
	assert_false(has(spaces, ROOT, ROOT_PID, 15, 1));
	spaces_close(spaces);
}

/* What has gone is forgotten after a while, and its lists with it. */
static void test_what_has_gone_is_forgotten(void **state)
{
	struct spaces *spaces = begin();
	struct mappings mappings = {};

	(void)state;
	map(&mappings, 10, ROOT_PID, 1);
	fork_at(spaces, 20, CHILD, CHILD_PID);
	spaces_ended(spaces, CHILD, CHILD_PID, 30);
	spaces_round(spaces, &mappings, 100);
	assert_true(has(spaces, CHILD, CHILD_PID, 25, 1));
	spaces_round(spaces, &mappings, 100);
	assert_true(has(spaces, CHILD, CHILD_PID, 25, 1));
	/* Not while nothing new is heard. */
	for (int i = 0; i < 200; i++)
		spaces_round(spaces, &mappings, 100);
	assert_true(has(spaces, CHILD, CHILD_PID, 25, 1));
	for (int i = 1; i <= 200; i++)
		spaces_round(spaces, &mappings, 100 + i);
	assert_false(has(spaces, CHILD, CHILD_PID, 25, 1));
	assert_true(has(spaces, ROOT, ROOT_PID, 25, 1));
	assert_int_equal(spaces_full(spaces), 0);
	spaces_close(spaces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_lived_between_two_looks_is_known),
	    cmocka_unit_test(test_births_and_ends_wait_for_what_was_mapped_before),
	    cmocka_unit_test(test_a_pid_that_is_used_again_in_the_same_round),
	    cmocka_unit_test(test_records_out_of_order),
	    cmocka_unit_test(test_mappings_count_from_their_time_on),
	    cmocka_unit_test(test_what_has_gone_is_forgotten),
	};

	return cmocka_run_group_tests_name("address spaces", tests, NULL, NULL);
}
