/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks that are left to user space: from the memory that came along, from the thread's own while it stands, and never under mappings of
 * another time or process. The address spaces are stood in for: process 7 had one from 100 to 200, and has another one since 300.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/parked.h"

#define PROCESS 7

/* Code: its frames have 16 bytes, the return address in the upper half. CODE_OUTER is the outermost, CODE_YOUNG was mapped at 400. */
enum { CODE = 0x10000, CODE_OUTER = 0x20000, CODE_YOUNG = 0x30000, CODE_END = 0x40000 };

uint64_t spaces_at(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns, bool *is_there_still)
{
	(void)spaces, (void)pid;
	*is_there_still = process == PROCESS && time_ns >= 300;
	if (process != PROCESS || time_ns < 100 || (time_ns >= 200 && time_ns < 300))
		return 0;
	return *is_there_still ? 2 : 1;
}

const struct span *spaces_find(const struct spaces *spaces, uint64_t generation, uint64_t address, uint64_t time_ns)
{
	static struct table_object object;
	static const struct span old = {.start = CODE, .end = CODE_YOUNG, .object = &object};
	static const struct span young = {.start = CODE_YOUNG, .end = CODE_END, .object = &object};

	(void)spaces;
	assert_in_range(generation, 1, 2);
	if (address >= old.start && address < old.end)
		return &old;
	return address >= young.start && address < young.end && time_ns >= 400 ? &young : NULL;
}

const struct tables *spaces_tables(const struct spaces *spaces)
{
	(void)spaces;
	return NULL;
}

enum unwind_stop tables_rule(const struct tables *tables, const struct table_object *object, uint64_t address,
			     struct unwind_rule *ret)
{
	(void)tables, (void)object;
	*ret = (struct unwind_rule){.cfa = UNWIND_RSP, .cfa_offset = 16};
	if (address >= CODE_OUTER && address < CODE_YOUNG)
		ret->cfa = UNWIND_END;
	return UNWIND_WHOLE;
}

/* What was taken last, and how often. */
struct taken {
	struct record_stack stack;
	int count;
};

static int take(void *context, const struct record_stack *record)
{
	struct taken *taken = context;

	taken->stack = *record;
	taken->count++;
	return 0;
}

/* Of a process that is not there: pids end below (include/linux/threads.h). */
#define NO_PID 0x7fffffff

static struct record_parked wait_at(uint64_t time_ns, uint64_t sp, uint32_t bytes)
{
	return (struct record_parked){.kind = RECORD_PARKED,
				      .id = 11,
				      .kernel = 12,
				      .process = PROCESS,
				      .switches = 1,
				      .time_ns = time_ns,
				      .ip = CODE,
				      .sp = sp,
				      .tgid = NO_PID,
				      .tid = NO_PID,
				      .bytes = bytes};
}

/* One round over one record; `counted` is how it must have ended, as well. */
static struct record_stack unwound(const struct record_parked *record, const uint64_t *stack, enum unwind_stop counted)
{
	uint64_t stops[UNWIND_STOP_COUNT] = {0};
	struct parked *parked = NULL;
	struct taken taken = {0};

	assert_int_equal(parked_open(NULL, &parked), 0);
	assert_int_equal(parked_add(parked, record, (const uint8_t *)stack), 0);
	assert_int_equal(parked_round(parked, record->time_ns, take, &taken), 0);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.stack.id, 11);
	assert_int_equal(taken.stack.kernel, 12);
	assert_int_equal(taken.stack.stop, counted);
	parked_count(parked, stops);
	for (int i = 0; i < UNWIND_STOP_COUNT; i++)
		assert_int_equal(stops[i], i == (int)counted);
	parked_close(parked);
	return taken.stack;
}

#define SP 0x7f0000000000

static void test_the_memory_that_came_along_needs_nobody_alive(void **state)
{
	const uint64_t stack[] = {0, CODE + 1, 0, CODE + 2, 0, CODE_OUTER + 3};
	const uint64_t times[] = {100, 199, 300};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct record_parked record = wait_at(times[i], SP, sizeof(stack));
		struct record_stack found = unwound(&record, stack, UNWIND_WHOLE);

		assert_int_equal(found.generation, times[i] < 200 ? 1 : 2);
		assert_int_equal(found.frames, 4);
		assert_int_equal(found.frame[0], CODE);
		assert_int_equal(found.frame[1], CODE + 1);
		assert_int_equal(found.frame[2], CODE + 2);
		assert_int_equal(found.frame[3], CODE_OUTER + 3);
	}
}

static void test_memory_that_ends_too_early_leaves_the_stack_unfinished(void **state)
{
	const uint64_t stack[] = {0, CODE + 1, 0, CODE + 2, 0, CODE_OUTER + 3};

	(void)state;
	for (uint32_t bytes = 1; bytes < sizeof(stack); bytes++) {
		struct record_parked record = wait_at(300, SP, bytes);
		struct record_stack found = unwound(&record, stack, UNWIND_STOP_MEMORY);

		assert_int_equal(found.frames, 1 + bytes / 16);
		for (uint32_t i = 1; i < found.frames; i++)
			assert_int_equal(found.frame[i], CODE + i);
	}
}

static void test_mappings_of_another_time_or_process_do_not_count(void **state)
{
	const uint64_t stack[] = {0, CODE_OUTER + 3}, times[] = {0, 99, 200, 299};
	struct record_parked record;
	struct record_stack found;

	(void)state;
	for (int i = 0; i < 4; i++) {
		record = wait_at(times[i], SP, sizeof(stack));
		found = unwound(&record, stack, UNWIND_STOP_NO_TABLES);
		assert_int_equal(found.generation, 0);
		assert_int_equal(found.frames, 1);
		assert_int_equal(found.frame[0], CODE);
	}
	record = wait_at(300, SP, sizeof(stack));
	record.process = PROCESS + 1; /* whose pid it had before, or has now */
	found = unwound(&record, stack, UNWIND_STOP_NO_TABLES);
	assert_int_equal(found.frames, 1);
}

static void test_code_that_was_mapped_later_does_not_count(void **state)
{
	const uint64_t stack[] = {0, CODE_YOUNG + 1, 0, CODE_OUTER + 3};
	struct record_parked record = wait_at(399, SP, sizeof(stack));
	struct record_stack found = unwound(&record, stack, UNWIND_STOP_NO_MAPPING);

	(void)state;
	assert_int_equal(found.frames, 2);
	record = wait_at(400, SP, sizeof(stack));
	assert_int_equal(unwound(&record, stack, UNWIND_WHOLE).frames, 3);
}

static void test_addresses_at_the_end_of_the_numbers(void **state)
{
	const uint64_t stack[] = {0, CODE_OUTER + 3};
	struct record_parked record = wait_at(300, UINT64_MAX - 7, sizeof(stack));

	(void)state;
	unwound(&record, stack, UNWIND_STOP_NO_PROGRESS);
	record = wait_at(300, UINT64_MAX - 20, sizeof(stack));
	assert_int_equal(unwound(&record, stack, UNWIND_WHOLE).frames, 2);
}

/* --- a thread that is there --- */

struct sleeper {
	pthread_t thread;
	int fds[2];
	pid_t tid;
};

static void *sleep_until_told(void *context)
{
	struct sleeper *sleeper = context;
	char byte;

	__atomic_store_n(&sleeper->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (read(sleeper->fds[0], &byte, 1) > 0)
		;
	return NULL;
}

/* State and count of switches of a thread of ours. */
static char status_of(pid_t tid, __u64 *switches)
{
	unsigned long long voluntary = 0, involuntary = 0;
	char path[64], line[256], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %llu", &voluntary);
		sscanf(line, "nonvoluntary_ctxt_switches: %llu", &involuntary);
	}
	fclose(file);
	*switches = voluntary + involuntary;
	return state;
}

static void begin_sleep(struct sleeper *sleeper, struct record_parked *record)
{
	__u64 switches;

	assert_int_equal(pipe(sleeper->fds), 0);
	sleeper->tid = 0;
	assert_int_equal(pthread_create(&sleeper->thread, NULL, sleep_until_told, sleeper), 0);
	while (!__atomic_load_n(&sleeper->tid, __ATOMIC_ACQUIRE) || status_of(sleeper->tid, &switches) != 'S')
		usleep(1000);
	record->tgid = getpid();
	record->tid = sleeper->tid;
	record->switches = switches;
}

static void end_sleep(struct sleeper *sleeper)
{
	close(sleeper->fds[1]);
	pthread_join(sleeper->thread, NULL);
	close(sleeper->fds[0]);
}

static void test_beyond_what_came_along_the_thread_itself_is_read_while_it_stands(void **state)
{
	const uint64_t memory[] = {0, CODE + 1, 0, CODE + 2, 0, CODE_OUTER + 3}, then[] = {0, CODE + 9};
	struct record_parked record;
	struct record_stack found;
	struct sleeper sleeper;

	(void)state;
	record = wait_at(300, (uintptr_t)memory, sizeof(then));
	begin_sleep(&sleeper, &record);
	/* What came along counts, not what is there by now. */
	found = unwound(&record, then, UNWIND_WHOLE);
	assert_int_equal(found.frames, 4);
	assert_int_equal(found.frame[1], CODE + 9);
	assert_int_equal(found.frame[2], CODE + 2);
	record.bytes = 0;
	found = unwound(&record, NULL, UNWIND_WHOLE);
	assert_int_equal(found.frame[1], CODE + 1);
	/* It has waited again since. */
	record.switches--;
	found = unwound(&record, NULL, UNWIND_STOP_NO_TABLES);
	assert_int_equal(found.frames, 1);
	assert_int_equal(found.generation, 0);
	record.bytes = sizeof(then);
	found = unwound(&record, then, UNWIND_STOP_MEMORY);
	assert_int_equal(found.frames, 2);
	assert_int_equal(found.frame[1], CODE + 9);
	record.switches++;
	/* An address space that has gone is not looked for in the one that is there. */
	record.time_ns = 150;
	found = unwound(&record, then, UNWIND_STOP_MEMORY);
	assert_int_equal(found.frames, 2);
	end_sleep(&sleeper);
}

/* Its switches are those of the wait, until it waits again: we ourselves, for one. */
static void test_a_thread_that_runs_again_is_not_read(void **state)
{
	const uint64_t memory[] = {0, CODE + 1, 0, CODE_OUTER + 3};
	struct record_parked record = wait_at(300, (uintptr_t)memory, 0);

	(void)state;
	record.tgid = getpid();
	record.tid = syscall(SYS_gettid);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(status_of(record.tid, &record.switches), 'R');
		assert_int_equal(unwound(&record, NULL, UNWIND_STOP_NO_TABLES).frames, 1);
	}
}

static void test_a_round_takes_what_lies_before_its_time(void **state)
{
	const uint64_t stack[] = {0, CODE_OUTER + 3};
	struct parked *parked = NULL;
	struct taken taken = {0};

	(void)state;
	assert_int_equal(parked_open(NULL, &parked), 0);
	for (uint64_t time_ns = 300; time_ns < 310; time_ns++) {
		struct record_parked record = wait_at(time_ns, SP, sizeof(stack));

		assert_int_equal(parked_add(parked, &record, (const uint8_t *)stack), 0);
	}
	assert_int_equal(parked_round(parked, 299, take, &taken), 0);
	assert_int_equal(taken.count, 0);
	assert_int_equal(parked_round(parked, 304, take, &taken), 0);
	assert_int_equal(taken.count, 5);
	assert_int_equal(taken.stack.time_ns, 304);
	assert_int_equal(parked_round(parked, 304, take, &taken), 0);
	assert_int_equal(taken.count, 5);
	assert_int_equal(parked_round(parked, 308, take, &taken), 0);
	assert_int_equal(taken.count, 9);
	parked_close(parked); /* and with it the last one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_memory_that_came_along_needs_nobody_alive),
	    cmocka_unit_test(test_memory_that_ends_too_early_leaves_the_stack_unfinished),
	    cmocka_unit_test(test_mappings_of_another_time_or_process_do_not_count),
	    cmocka_unit_test(test_code_that_was_mapped_later_does_not_count),
	    cmocka_unit_test(test_addresses_at_the_end_of_the_numbers),
	    cmocka_unit_test(test_beyond_what_came_along_the_thread_itself_is_read_while_it_stands),
	    cmocka_unit_test(test_a_thread_that_runs_again_is_not_read),
	    cmocka_unit_test(test_a_round_takes_what_lies_before_its_time),
	};

	return cmocka_run_group_tests_name("parked stacks", tests, NULL, NULL);
}
