/* SPDX-License-Identifier: Apache-2.0 */
/* Runs for tests of the critical path, and what must hold of it whatever the run. Includes come from the test: cmocka, explain/path.h, run_builder.h. */
#ifndef CONCPROF_TESTS_PATH_RUNS_H
#define CONCPROF_TESTS_PATH_RUNS_H

/* 100 ms; `n` threads of one process that live all the time, each the first one's child. */
static inline struct run *run_of(unsigned int n)
{
	struct run *run = build_run("made", 100 * MS);

	build_process(run, 0, "made");
	for (unsigned int i = 0; i < n; i++)
		build_thread(run, 1, i ? 1 : 0, i ? "worker" : "made", 0, 100 * MS);
	run->timeline = true;
	return run;
}

static inline struct run_wait *lock(struct run *run, unsigned int thread, uint64_t waker)
{
	struct run_wait *wait = build_futex(run, &run->threads[thread - 1], "big_lock", 0, true, 1, 0);

	wait->waker = waker;
	return wait;
}

static inline struct run_wait *join(struct run *run, unsigned int thread, uint64_t waker)
{
	struct run_wait *wait = build_join(run, &run->threads[thread - 1], 0);

	wait->waker = waker;
	return wait;
}

/* The interval of the lane that holds the segment is of its state and cause. */
static inline void segment_is_of_its_thread(const struct timeline *timeline, const struct path_segment *segment)
{
	const struct lane *lane = &timeline->lanes[timeline_lane(timeline, segment->thread)];
	struct interval_cursor cursor = {0};
	struct interval interval;

	while (timeline_next(timeline, lane, &cursor, &interval)) {
		if (interval.begin_ns > segment->begin_ns || interval.end_ns < segment->end_ns)
			continue;
		assert_int_equal(interval.state, segment->state);
		if (interval.cause)
			assert_string_equal(interval.cause->cause, segment->cause);
		return;
	}
	fail_msg("thread %llu was not in one state from %llu to %llu", (unsigned long long)segment->thread->id,
		 (unsigned long long)segment->begin_ns, (unsigned long long)segment->end_ns);
}

static inline void path_is_whole(const struct timeline *timeline, const struct path *path)
{
	uint64_t at = 0, rows = 0, threads = 0, states = 0, cpu = 0, nobody = 0;

	for (size_t i = 0; i < path->n_segments; i++) {
		const struct path_segment *segment = &path->segments[i];

		assert_int_equal(segment->begin_ns, at);
		assert_true(segment->end_ns > segment->begin_ns);
		at = segment->end_ns;
		if (segment->thread)
			segment_is_of_its_thread(timeline, segment);
		else
			nobody += segment->end_ns - segment->begin_ns;
	}
	assert_int_equal(at, timeline->wall_ns);
	assert_int_equal(path->wall_ns, timeline->wall_ns);
	for (size_t i = 0; i < path->n_rows; i++) {
		assert_true(path->rows[i].ns > 0);
		assert_true(!i || path->rows[i].ns <= path->rows[i - 1].ns);
		rows += path->rows[i].ns;
		if (state_info[path->rows[i].state].group == STATE_GROUP_CPU)
			cpu += path->rows[i].ns;
	}
	assert_int_equal(rows, timeline->wall_ns);
	assert_int_equal(cpu, path->cpu_ns);
	for (size_t i = 0; i < path->n_threads; i++)
		threads += path->threads[i].ns;
	assert_int_equal(threads + nobody, timeline->wall_ns);
	for (int state = 0; state < STATE_COUNT; state++)
		states += path->ns[state];
	assert_int_equal(states, timeline->wall_ns);
	for (size_t i = 0; i < path->n_through; i++)
		assert_true(path->through[i].ns <= timeline->wall_ns);
}

#endif
