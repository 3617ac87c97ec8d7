/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of an account that another CPU takes in mid-update is refused as torn, or consistent: at every instruction, and in a race. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "account.h"
#include "account_random.h"

struct reader {
	struct account shared;
	atomic_int stop;
	unsigned long accepted, torn, inconsistent, backwards;
};

static void writer_step(struct account *a, __u64 *now)
{
	struct account_split s;

	*now += 1 + below(20);
	switch (below(5)) {
	case 0:
		account_switch_out(a, *now, 1, any_wait(), &s);
		break;
	case 1:
		account_switch_out(a, *now, 0, any_wait(), &s);
		break;
	case 2:
		account_switch_in(a, *now, &s);
		break;
	case 3:
		account_side(a, *now, any_side());
		break;
	default:
		account_wake(a, *now);
	}
}

/* Word by word, as a program on another CPU does it: memcpy could be split or reordered by the compiler. */
static void copy_words(struct account *to, const struct account *from)
{
	const volatile __u64 *source = (const volatile __u64 *)from;
	__u64 *target = (__u64 *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*target); i++)
		target[i] = source[i];
}

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	__u64 last = 0;

	while (!atomic_load(&r->stop)) {
		struct account copy;
		uint32_t seq = account_read_begin(&r->shared);

		copy_words(&copy, &r->shared);
		if (account_read_retry(&r->shared, seq)) {
			r->torn++;
			continue;
		}
		r->accepted++;
		r->inconsistent += !consistent(&copy);
		r->backwards += copy.since_ns < last;
		last = copy.since_ns;
	}
	return NULL;
}

static void test_concurrent_reader_never_accepts_a_torn_copy(void **state)
{
	struct reader r = {.shared = started(PHASE_ON_CPU)};
	__u64 now = START;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, reader_run, &r), 0);
	for (unsigned long i = 0; i < 100 * rounds(); i++)
		writer_step(&r.shared, &now);
	atomic_store(&r.stop, 1);
	pthread_join(thread, NULL);
	print_message("# %lu copies accepted, %lu refused as torn\n", r.accepted, r.torn);
	assert_int_equal(r.inconsistent, 0);
	assert_int_equal(r.backwards, 0);
	assert_true(r.accepted > 0);
}

/*
 * The same without chance: the processor traps after every single instruction of the updates, and the handler reads the account
 * as another CPU would see it there (stores become visible in program order): once all of it at one instant, and once slowly, a
 * word an instruction.
 */
#define WORDS (sizeof(struct account) / sizeof(__u64))

static struct {
	const struct account *account;
	struct account slow;
	__u32 slow_seq;
	size_t slow_next;
	unsigned long steps, accepted, slow_accepted, inconsistent;
} trap;

static void slow_reader_step(void)
{
	const volatile __u64 *source = (const volatile __u64 *)trap.account;

	if (trap.slow_next == 0)
		trap.slow_seq = account_read_begin(trap.account);
	((__u64 *)&trap.slow)[trap.slow_next] = source[trap.slow_next];
	trap.slow_next++;
	if (trap.slow_next < WORDS)
		return;
	trap.slow_next = 0;
	if (!account_read_retry(trap.account, trap.slow_seq)) {
		trap.slow_accepted++;
		trap.inconsistent += !consistent(&trap.slow);
	}
}

static void on_trap(int sig)
{
	struct account copy;
	__u32 seq = account_read_begin(trap.account);

	(void)sig;
	copy_words(&copy, trap.account);
	trap.steps++;
	if (!account_read_retry(trap.account, seq)) {
		trap.accepted++;
		trap.inconsistent += !consistent(&copy);
	}
	slow_reader_step();
}

#define TRAP_FLAG 0x100ull

static void test_copy_at_every_instruction_of_an_update(void **state)
{
	struct sigaction action = {.sa_handler = on_trap}, old;
	struct account a = started(PHASE_ON_CPU);
	__u64 now = START;

	(void)state;
	trap.account = &a;
	assert_int_equal(sigaction(SIGTRAP, &action, &old), 0);
	for (unsigned long i = 0; i < 4000 + rounds() / 30; i++) {
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
		writer_step(&a, &now);
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~TRAP_FLAG);
		assert_true(consistent(&a));
	}
	sigaction(SIGTRAP, &old, NULL);
	print_message("# %lu instructions; accepted: %lu copies at one instant, %lu slow ones\n", trap.steps, trap.accepted,
		      trap.slow_accepted);
	assert_true(trap.steps > 20000);
	assert_true(trap.accepted < trap.steps);
	assert_true(trap.slow_accepted > 100);
	assert_int_equal(trap.inconsistent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy_at_every_instruction_of_an_update),
	    cmocka_unit_test(test_concurrent_reader_never_accepts_a_torn_copy),
	};

	seed_random();
	return cmocka_run_group_tests_name("account_snapshot", tests, NULL, NULL);
}
