/* SPDX-License-Identifier: Apache-2.0 */
/* From records to a run: whatever the kernel side hands over, the run that is made of it does not contradict itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "account.h"
#include "trace/build.h"

#define BEGIN 1000000ULL
#define STOP  2000000ULL

static struct process process_of(uint32_t tgid)
{
	return (struct process){.tgid = tgid, .threads = 1, .begin_ns = BEGIN, .comm = "shop"};
}

/* One process with one thread, which lived from BEGIN until STOP; its episodes are given. */
static void scene(struct collected *collected, const struct episode *episodes, size_t n)
{
	struct thread *thread = calloc(1, sizeof(*thread));

	*collected = (struct collected){.begin_ns = BEGIN, .stop_ns = STOP, .threads = thread, .n_threads = 1, .n_processes = 1};
	collected->processes = calloc(1, sizeof(*collected->processes));
	assert_non_null(thread);
	assert_non_null(collected->processes);
	*thread = (struct thread){.serial = 1, .process = 1, .tgid = 7, .tid = 7, .leader = 1, .begun = BEGUN, .comm = "shop"};
	thread->account.begin_ns = BEGIN;
	thread->account.since_ns = STOP;
	thread->account.phase = PHASE_DEAD;
	thread->account.ns[CLASS_USER] = STOP - BEGIN;
	collected->processes[0] = (struct kept_process){.serial = 1, .process = process_of(7)};
	assert_int_equal(episodes_open(false, &collected->episodes), 0);
	for (size_t i = 0; i < n; i++)
		episodes_add(collected->episodes, &episodes[i]);
}

static struct run *built(struct collected *collected)
{
	char reason[RUN_REASON_BYTES] = "";
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	assert_int_equal(build_run(collected, NULL, run), 0);
	if (run_check(run, reason))
		fail_msg("the run contradicts itself: %s", reason);
	return run;
}

static void close_scene(struct collected *collected, struct run *run)
{
	run_free(run);
	collect_free(collected);
}

static struct episode episode(uint64_t out_ns, uint64_t blocked_ns, uint64_t queued_ns, uint32_t class)
{
	return (struct episode){
	    .thread = 1, .class = class, .out_ns = out_ns, .blocked_ns = blocked_ns, .queued_ns = queued_ns, .cause = 5};
}

static void test_a_timeline_that_fits_is_kept(void **state)
{
	const struct episode episodes[] = {
	    episode(BEGIN + 50, 20, 0, CLASS_SLEEP),
	    episode(BEGIN, 0, 50, CLASS_WOKEN),
	    episode(BEGIN + 50, 0, 0, CLASS_PREEMPTED),
	    episode(BEGIN + 70, 0, 0, CLASS_FUTEX),
	    episode(STOP - 1, 1, 0, CLASS_FUTEX),
	    {.thread = 9, .class = CLASS_SLEEP, .out_ns = 5}, /* of a thread that was not delivered */
	};
	struct collected collected;
	struct run *run;

	(void)state;
	scene(&collected, episodes, sizeof(episodes) / sizeof(episodes[0]));
	run = built(&collected);
	assert_true(run->timeline);
	assert_int_equal(run->n_episodes, 5);
	assert_int_equal(collected.losses[LOSS_EPISODE_UNDELIVERED], 0);
	close_scene(&collected, run);
}

static void test_an_episode_that_contradicts_its_thread_is_a_loss_and_no_reason_to_refuse_the_run(void **state)
{
	const struct episode misfits[] = {
	    episode(BEGIN - 1, 5, 0, CLASS_SLEEP),                    /* before the begin */
	    episode(STOP - 10, 11, 0, CLASS_SLEEP),                   /* beyond the end */
	    episode(STOP - 10, 10, 1, CLASS_SLEEP),                   /* the same */
	    episode(STOP + 1, 0, 0, CLASS_SLEEP),                     /* the same */
	    episode(BEGIN + 100, 50, 0, CLASS_SLEEP),                 /* met twice: blocked until the end, and woken */
	    episode(BEGIN + 140, 5, 0, CLASS_SLEEP),                  /* in the middle of another */
	    episode(BEGIN + 10, UINT64_MAX, UINT64_MAX, CLASS_SLEEP), /* wraps */
	    episode(UINT64_MAX, 1, 1, CLASS_SLEEP),                   /* the same */
	    episode(BEGIN + 10, 1, 0, CLASS_USER),                    /* of no class that is off a CPU */
	    episode(BEGIN + 10, 1, 0, CLASS_PREEMPTED),               /* blocked, and runnable */
	    episode(BEGIN + 10, 1, 0, CLASS_COUNT),                   /* of no class */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
		const struct episode episodes[] = {episode(BEGIN + 100, 60, 0, CLASS_SLEEP), misfits[i]};
		struct collected collected;
		struct run *run;

		scene(&collected, episodes, 2);
		run = built(&collected);
		assert_false(run->timeline);
		assert_int_equal(run->n_episodes, 0);
		assert_int_equal(run->n_moments, 0);
		assert_int_equal(run->n_losses, 1);
		assert_string_equal(run->losses[0].name, "episode_undelivered");
		assert_int_equal((uint64_t)run->losses[0].value, 1);
		assert_int_equal(run->threads[0].ns[CLASS_USER], STOP - BEGIN);
		close_scene(&collected, run);
	}
}

/* Of a thread that was marked on a CPU and whose next switch-out went unseen: what it waited for is not known. */
static void test_a_wait_of_no_class_is_one_for_anything_else(void **state)
{
	struct collected collected;
	struct run *run;

	(void)state;
	scene(&collected, NULL, 0);
	collected.threads[0].slot_used = 1;
	collected.threads[0].slot[0].stats = (struct wait_stats){.count = 1, .total_ns = 10, .max_ns = 10};
	run = built(&collected);
	assert_int_equal(run->n_waits, 1);
	assert_int_equal(run->waits[0].class, CLASS_OTHER);
	close_scene(&collected, run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_timeline_that_fits_is_kept),
	    cmocka_unit_test(test_an_episode_that_contradicts_its_thread_is_a_loss_and_no_reason_to_refuse_the_run),
	    cmocka_unit_test(test_a_wait_of_no_class_is_one_for_anything_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
