/* SPDX-License-Identifier: Apache-2.0 */
/* waits.h: the table of syscalls against the kernel's own headers, and what it makes of futex operations and poll sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <asm/unistd_64.h>
#include <linux/futex.h>

#include "symbols/syscalls.h"
#include "waits.h"

/* Where the two conventions name one thing differently. */
static const struct {
	const char *x86_64, *i386;
} synonyms[] = {
    {"select", "_newselect"},   {"pselect6", "pselect6"},     {"mmap", "mmap2"},      {"newfstatat", "fstatat64"},
    {"pread64", "pread64"},     {"pwrite64", "pwrite64"},     {"umount2", "umount2"}, {"sync_file_range", "sync_file_range"},
    {"fadvise64", "fadvise64"}, {"getdents64", "getdents64"},
};

static int same_call(const char *name, const char *other)
{
	char longer[64];

	if (strcmp(name, other) == 0)
		return 1;
	/* The wide form of a call that was narrow once: stat64, lchown32. */
	for (int bits = 32; bits <= 64; bits += 32) {
		snprintf(longer, sizeof(longer), "%s%d", name, bits);
		if (strcmp(longer, other) == 0)
			return 1;
	}
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(*synonyms); i++)
		if (strcmp(synonyms[i].x86_64, name) == 0 && strcmp(synonyms[i].i386, other) == 0)
			return 1;
	return 0;
}

/* Numbers that the headers do not know yet are not compared. */
static void test_both_numbers_mean_one_call(void **state)
{
	static const struct {
		int nr64, nr32;
	} rows[] = {
#define X(nr64, nr32, how) {nr64, nr32},
	    WAIT_SYSCALLS(X)
#undef X
	};
	int compared = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *name = syscall_name(rows[i].nr64, false), *other;

		if (rows[i].nr32 < 0 || !name)
			continue;
		other = syscall_name(rows[i].nr32, true);
		if (!other)
			continue;
		if (!same_call(name, other))
			fail_msg("x86-64 %d is %s, i386 %d is %s", rows[i].nr64, name, rows[i].nr32, other);
		compared++;
	}
	assert_true(compared > 120);
}

static void test_each_number_stands_once(void **state)
{
	int seen[WAIT_TABLE_SLOTS] = {0}, seen32[WAIT_TABLE_SLOTS] = {0};

	(void)state;
#define X(nr64, nr32, how)                                                                                                       \
	assert_int_equal(seen[nr64]++, 0);                                                                                       \
	if ((nr32) >= 0)                                                                                                         \
		assert_int_equal(seen32[(nr32) < 0 ? 0 : (nr32)]++, 0);
	WAIT_SYSCALLS(X)
#undef X
#define X(nr32, how) assert_int_equal(seen32[nr32]++, 0);
	WAIT_SYSCALLS_I386(X)
#undef X
}

static void test_well_known_calls(void **state)
{
	(void)state;
	assert_int_equal(wait_how(__NR_futex, 0), HOW_FUTEX);
	assert_int_equal(wait_how(__NR_read, 0), HOW_FD);
	assert_int_equal(wait_how(__NR_epoll_wait, 0), HOW_EPOLL);
	assert_int_equal(wait_how(__NR_epoll_pwait2, 0), HOW_EPOLL2);
	assert_int_equal(wait_how(__NR_ppoll, 0), HOW_PPOLL);
	assert_int_equal(wait_how(__NR_clone3, 0), HOW_CLONE3);
	assert_int_equal(wait_how(__NR_wait4, 0), HOW_CHILD);
	assert_int_equal(wait_how(__NR_fsync, 0), HOW_FILE_FD);
	assert_int_equal(wait_how(__NR_openat, 0), HOW_PATH_AT);
	assert_int_equal(wait_how(__NR_unlink, 0), HOW_PATH);
	assert_int_equal(wait_how(__NR_restart_syscall, 0), HOW_RESTART);
	assert_int_equal(wait_how(0, 1), HOW_RESTART);
	assert_int_equal(wait_how(240, 1), HOW_FUTEX);
	/* Numbers from nowhere must not leave the table. */
	assert_int_equal(wait_how(WAIT_TABLE_SLOTS, 0), HOW_OTHER);
	assert_int_equal(wait_how(~0ull, 1), HOW_OTHER);
}

static void test_futex_operations(void **state)
{
	(void)state;
	assert_int_equal(wait_futex_op(FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0), FUTEX_WAIT | WAIT_OP_EXPECTS_2);
	assert_int_equal(wait_futex_op(FUTEX_WAIT, 2, 0), FUTEX_WAIT | WAIT_OP_EXPECTS_2);
	assert_int_equal(wait_futex_op(FUTEX_WAIT, 1, 0), FUTEX_WAIT);
	/* Only the lower half of the register is the value. */
	assert_int_equal(wait_futex_op(FUTEX_WAIT, 0x100000002, 0), FUTEX_WAIT | WAIT_OP_EXPECTS_2);
	assert_int_equal(wait_futex_op(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, ~0u), FUTEX_WAIT_BITSET);
	assert_int_equal(wait_futex_op(FUTEX_WAIT_BITSET, 2, ~0u), FUTEX_WAIT_BITSET | WAIT_OP_EXPECTS_2);
	assert_int_equal(wait_futex_op(FUTEX_WAIT_BITSET, 2, 1), FUTEX_WAIT_BITSET);
	assert_int_equal(wait_futex_op(FUTEX_LOCK_PI2, 2, 0), FUTEX_LOCK_PI2);
}

static void test_poll_sets(void **state)
{
	(void)state;
	assert_int_equal(wait_poll_class(HOLDS_SOCKET | HOLDS_PIPE, 1), CLASS_POLL);
	assert_int_equal(wait_poll_class(HOLDS_PIPE | HOLDS_TIMER, 0), CLASS_PIPE);
	assert_int_equal(wait_poll_class(HOLDS_TTY, 0), CLASS_TTY);
	assert_int_equal(wait_poll_class(HOLDS_CHILD, 0), CLASS_CHILD);
	assert_int_equal(wait_poll_class(HOLDS_TIMER, 0), CLASS_SLEEP);
	assert_int_equal(wait_poll_class(0, 1), CLASS_SLEEP);
	assert_int_equal(wait_poll_class(0, 0), CLASS_SELFWAKE);
	/* What was not seen is not guessed. */
	assert_int_equal(wait_poll_class(HOLDS_UNKNOWN | HOLDS_SOCKET, 0), CLASS_OTHER);
	assert_int_equal(wait_holds(FD_EVENTFD), 0);
	assert_int_equal(wait_holds(FD_SOCKET), HOLDS_SOCKET);
}

static void test_how_many_a_set_holds(void **state)
{
	uint64_t set = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		set = wait_set_add(set, HOLDS_SOCKET);
	set = wait_set_add(set, HOLDS_OTHER);
	set = wait_set_add(set, 0);
	assert_int_equal(WAIT_SET_COUNT(set, HOLDS_SOCKET), 3);
	assert_int_equal(WAIT_SET_COUNT(set, HOLDS_PIPE), 0);
	assert_int_equal(WAIT_SET_COUNT(set, HOLDS_OTHER), 1);
	/* Beyond a few they are many, and do not run into their neighbours. */
	for (int i = 0; i < 1000; i++)
		set = wait_set_add(set, HOLDS_SOCKET);
	assert_int_equal(WAIT_SET_COUNT(set, HOLDS_SOCKET), WAIT_SET_MANY);
	assert_int_equal(WAIT_SET_COUNT(set, HOLDS_PIPE), 0);
}

static void test_lengths_are_rounded(void **state)
{
	static const uint64_t cases[][3] = {
	    {0, 100, 0},
	    {7, 100, 7},
	    {99, 100, 99},
	    {100, 100, 100},
	    {104, 100, 100},
	    {105, 100, 110},
	    {999, 100, 1000},
	    {19999123, 100, 20000000},
	    {14900000, 10, 10000000},
	    {15000000, 10, 20000000},
	    {999999999999999999, 100, 1000000000000000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(wait_round_ns(cases[i][0], cases[i][1]), cases[i][2]);
	assert_true(wait_round_ns(~0ull, 100) > 0);
}

static void test_only_what_looks_like_a_held_mutex_has_a_holder(void **state)
{
	const struct wait_mutex held = {.lock = 2, .owner = 4711, .nusers = 1};
	struct wait_mutex mutex = held;
	const int kinds[] = {0, 1, 2, 3, 16, 32 + 2, 64, 128 + 1, 256, 512};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		mutex.kind = kinds[i];
		assert_int_equal(wait_mutex_holder(&mutex), 4711);
	}
	mutex.kind = 4;
	assert_int_equal(wait_mutex_holder(&mutex), 0);
	mutex.kind = 1024;
	assert_int_equal(wait_mutex_holder(&mutex), 0);
	mutex = held;
	mutex.lock = 1;
	assert_int_equal(wait_mutex_holder(&mutex), 0);
	mutex = held;
	mutex.nusers = 0;
	assert_int_equal(wait_mutex_holder(&mutex), 0);
	for (int i = 0; i < 3; i++) {
		mutex = held;
		mutex.owner = (const int[]){0, -1, 0x40000000}[i];
		assert_int_equal(wait_mutex_holder(&mutex), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_numbers_mean_one_call),
	    cmocka_unit_test(test_each_number_stands_once),
	    cmocka_unit_test(test_well_known_calls),
	    cmocka_unit_test(test_futex_operations),
	    cmocka_unit_test(test_poll_sets),
	    cmocka_unit_test(test_how_many_a_set_holds),
	    cmocka_unit_test(test_lengths_are_rounded),
	    cmocka_unit_test(test_only_what_looks_like_a_held_mutex_has_a_holder),
	};

	return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
