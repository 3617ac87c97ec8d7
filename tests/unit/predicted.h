/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of predictions share. Includes come from the test: cmocka, explain/predict.h, explained.h, run_builder.h. */
#ifndef CONCPROF_TESTS_PREDICTED_H
#define CONCPROF_TESTS_PREDICTED_H

#include <math.h>

/* A wait of its own kind of row, and its episode; the account has both. Returns the row. */
HELPER struct run_wait *off(struct run *run, struct run_thread *thread, struct run_wait *wait, const struct run_thread *waker,
			    uint64_t out_ms, uint64_t blocked_ms, uint64_t queued_ms)
{
	if (wait)
		wait->waker = waker ? waker->id : 0;
	build_episode(run, thread, wait, out_ms * MS, blocked_ms * MS, queued_ms * MS);
	if (queued_ms)
		build_wait(run, thread, CLASS_WOKEN, "", 1, queued_ms * MS);
	return wait;
}

HELPER struct run_wait *lock_wait(struct run *run, struct run_thread *thread, const char *symbol, uint64_t ms)
{
	return build_futex(run, thread, symbol, 0, true, 1, ms * MS);
}

HELPER struct run_wait *sleep_wait(struct run *run, struct run_thread *thread, uint64_t ms)
{
	return build_wait(run, thread, CLASS_SLEEP, "clock_nanosleep", 1, ms * MS);
}

HELPER struct run_wait *pipe_wait(struct run *run, struct run_thread *thread, const char *pipe, uint64_t ms)
{
	struct run_wait *wait = build_wait(run, thread, CLASS_PIPE, "read", 1, ms * MS);

	set_text(&wait->object, pipe);
	return wait;
}

HELPER struct prediction *predicted(const struct run *run, unsigned int cpus, struct predict_change change)
{
	struct explanation *explanation = explained_on(run, cpus);
	struct prediction *prediction = NULL;

	assert_non_null(explanation->timeline);
	assert_int_equal(predict(explanation, &change, &prediction), 0);
	explanation_free(explanation);
	return prediction;
}

#define WITHOUT(name)      ((struct predict_change){.kind = PREDICT_WITHOUT_LOCK, .cause = (name)})
#define SCALED(name, part) ((struct predict_change){.kind = PREDICT_SCALE_WAIT, .cause = (name), .factor = (part)})
#define ON_CPUS(n)         ((struct predict_change){.kind = PREDICT_CPUS, .number = (n)})
#define WORKERS(n)         ((struct predict_change){.kind = PREDICT_THREADS, .number = (n)})

/* The prediction is what was computed by hand, and the replay without a change is exact. */
HELPER void takes(const struct run *run, unsigned int cpus, struct predict_change change, uint64_t ms)
{
	struct prediction *prediction = predicted(run, cpus, change);

	if (prediction->refused)
		fail_msg("refused: %s", prediction->refused);
	assert_int_equal(prediction->replayed_ns, run->end_ns - run->begin_ns);
	if (prediction->predicted_ns != ms * MS)
		fail_msg("%s: %.3f ms, should be %llu", prediction->change, prediction->predicted_ns / 1e6,
			 (unsigned long long)ms);
	assert_false(prediction->doubtful);
	assert_int_equal(prediction->forced, 0);
	assert_true(fabs(prediction->speedup - (double)prediction->measured_ns / prediction->predicted_ns) < 1e-9);
	prediction_free(prediction);
}

HELPER void is_refused(const struct run *run, struct predict_change change, const char *why)
{
	struct prediction *prediction = predicted(run, 2, change);

	assert_non_null(prediction->refused);
	says(prediction->refused, why);
	prediction_free(prediction);
}

/* main joins two workers; the first has the lock for 50 ms, the second then. */
HELPER struct run *run_turns(const char *symbol)
{
	struct run *run = build_run("turns", 100 * MS);
	struct run_thread *first, *a, *b;

	build_process(run, 0, "turns");
	first = build_thread(run, 1, 0, "turns", 0, 100 * MS);
	a = build_thread(run, 1, 1, "worker-1", 0, 50 * MS);
	b = build_thread(run, 1, 1, "worker-2", 0, 100 * MS);
	build_cpu(a, 50 * MS, 0);
	build_cpu(b, 50 * MS, 0);
	off(run, first, build_join(run, first, 100 * MS), b, 0, 100, 0);
	off(run, b, lock_wait(run, b, symbol, 50), a, 0, 50, 0);
	return run;
}

#endif
