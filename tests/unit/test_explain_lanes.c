/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes in parts for pictures: cells and pieces sum to lives, threads that take turns share rows, wake-ups are found. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "explain/cells.h"
#include "explain/rows.h"
#include "explain/wakes.h"
#include "explained.h"
#include "lanes_fixture.h"
#include "lib/ticks.h"

static struct run *(*const pictures[])(void) = {picture_serial_io, picture_threads_io, picture_threads_cpu};
#define N_PICTURES (sizeof(pictures) / sizeof(pictures[0]))

static void test_cells_sum_to_the_interval_lengths(void **state)
{
	static const size_t columns[] = {1, 7, 64, 1000};

	(void)state;
	for (size_t p = 0; p < N_PICTURES * 4; p++) {
		struct run *run = pictures[p / 4]();
		struct explanation *explanation = explained_on(run, 2);
		struct grid grid = grid_for(explanation->wall_ns, explanation->wall_ns, columns[p % 4]);

		assert_in_range(grid.n, 1, columns[p % 4]);
		assert_true(grid.n * grid.width_ns >= explanation->wall_ns);
		for (size_t i = 0; i < run->n_threads; i++) {
			const struct lane *lane = &explanation->timeline->lanes[i];
			struct cell *cells = calloc(grid.n, sizeof(*cells)), sum = {0}, exact = {0};
			struct interval_cursor cursor = {0};
			struct interval interval;

			cells_add(explanation->timeline, lane, grid, cells);
			while (timeline_next(explanation->timeline, lane, &cursor, &interval))
				exact.ns[interval.state] += interval.end_ns - interval.begin_ns;
			for (size_t j = 0; j < grid.n; j++) {
				assert_true(cell_sum(&cells[j]) <= grid.width_ns);
				for (int k = 0; k < STATE_COUNT; k++)
					sum.ns[k] += cells[j].ns[k];
			}
			assert_memory_equal(&sum, &exact, sizeof(sum));
			assert_int_equal(cell_sum(&sum), lane->end_ns - lane->begin_ns);
			free(cells);
		}
		explanation_free(explanation);
		run_free(run);
	}
}

static void test_what_a_cell_has(void **state)
{
	struct run *run = picture_serial_io();
	struct explanation *explanation = explained_on(run, 2);
	struct cell cells[20] = {0}, none = {0};

	(void)state;
	/* 5 ms each: 2 ms on a CPU and 3 ms of waiting; then all waiting. */
	cells_add(explanation->timeline, explanation->timeline->lanes, (struct grid){5 * MS, 20}, cells);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(cells[i].ns[STATE_CPU], i % 2 ? 0 : 2 * MS);
		assert_int_equal(cells[i].ns[STATE_SOCKET], i % 2 ? 5 * MS : 3 * MS);
		assert_int_equal(cell_largest(&cells[i]), STATE_SOCKET);
		assert_int_equal(cell_is_pure(&cells[i], 5 * MS), i % 2);
	}
	assert_int_equal(cell_largest(&none), STATE_COUNT);
	assert_false(cell_is_pure(&none, 0));
	/* Half a cell of one state is not a cell of it. */
	assert_false(cell_is_pure(&cells[1], 10 * MS));
	explanation_free(explanation);
	run_free(run);
}

static void test_pieces_follow_each_other_and_sum(void **state)
{
	static const uint64_t least[] = {1, 3 * MS, 9 * MS, 1000 * MS};

	(void)state;
	for (size_t p = 0; p < N_PICTURES * 4; p++) {
		struct run *run = pictures[p / 4]();
		struct explanation *explanation = explained_on(run, 2);

		for (size_t i = 0; i < run->n_threads; i++) {
			const struct lane *lane = &explanation->timeline->lanes[i];
			struct piece_cursor cursor = {.has_ahead = false};
			uint64_t at = lane->begin_ns;
			struct piece piece;

			while (piece_next(explanation->timeline, lane, least[p % 4], &cursor, &piece)) {
				uint64_t length = piece.end_ns - piece.begin_ns;

				assert_int_equal(piece.begin_ns, at);
				assert_int_equal(cell_sum(&piece.cell), length);
				if (piece.intervals == 1)
					assert_int_equal(piece.cell.ns[piece.interval.state], length);
				else
					assert_true(piece.interval.end_ns - piece.interval.begin_ns < least[p % 4]);
				at = piece.end_ns;
			}
			assert_int_equal(at, lane->end_ns);
		}
		explanation_free(explanation);
		run_free(run);
	}
}

/* Of a long interval between short ones nothing is taken into their piece. */
static void test_short_intervals_make_a_piece_and_long_ones_stay_alone(void **state)
{
	struct run *run = picture_serial_io();
	struct explanation *explanation = explained_on(run, 2);
	struct piece_cursor cursor = {.has_ahead = false};
	struct piece piece;
	size_t n = 0;

	(void)state;
	while (piece_next(explanation->timeline, explanation->timeline->lanes, 5 * MS, &cursor, &piece)) {
		assert_int_equal(piece.intervals, 1);
		assert_int_equal(piece.end_ns - piece.begin_ns, n++ % 2 ? 8 * MS : 2 * MS);
	}
	assert_int_equal(n, 20);
	cursor = (struct piece_cursor){.has_ahead = false};
	assert_true(piece_next(explanation->timeline, explanation->timeline->lanes, 20 * MS, &cursor, &piece));
	assert_int_equal(piece.intervals, 4);
	assert_int_equal(piece.cell.ns[STATE_CPU], 4 * MS);
	assert_int_equal(piece.cell.ns[STATE_SOCKET], 16 * MS);
	explanation_free(explanation);
	run_free(run);
}

/* The part that is proposed is inside the run, on round numbers, and not for pictures that show single states already. */
static void test_a_closer_look(void **state)
{
	static const size_t lanes[] = {0};
	struct run *run = picture_serial_io();
	struct explanation *explanation = explained_on(run, 2);
	struct closer closer;

	(void)state;
	assert_false(lanes_closer(explanation->timeline, lanes, 1, 100, &closer)); /* 1 ms a column, 5 ms a state */
	assert_true(lanes_closer(explanation->timeline, lanes, 1, 10, &closer));
	assert_int_equal(closer.mean_ns, 5 * MS);
	assert_in_range(closer.from_ns, 30 * MS, 50 * MS);
	assert_in_range(closer.to_ns, 55 * MS, 70 * MS);
	assert_int_equal(closer.from_ns % closer.ticks.step_ns, 0);
	assert_int_equal(closer.to_ns % closer.ticks.step_ns, 0);
	explanation_free(explanation);
	run_free(run);
}

static void test_what_a_lane_computed(void **state)
{
	struct run *run = picture_serial_io();
	struct explanation *explanation;
	const struct run_frame *frame;
	size_t samples;

	(void)state;
	build_moment(run, &run->threads[0], "main;parse", 1 * MS);
	build_moment(run, &run->threads[0], "main;render", 10 * MS);
	build_moment(run, &run->threads[0], "main;other;parse", 11 * MS);
	build_moment(run, &run->threads[0], "main;render", 20 * MS);
	build_moment(run, &run->threads[0], "main;render", 21 * MS);
	explanation = explained_on(run, 2);
#define COMPUTED(from, to) lane_computed(explanation->timeline, explanation->timeline->lanes, (from)*MS, (to)*MS, &samples)
	assert_null(COMPUTED(2, 10));
	assert_int_equal(samples, 0);
	frame = COMPUTED(0, 12);
	assert_string_equal(frame->function, "parse"); /* wherever it was called from */
	assert_int_equal(samples, 3);
	frame = COMPUTED(0, 100);
	assert_string_equal(frame->function, "render");
	assert_int_equal(samples, 5);
	explanation_free(explanation);
	run_free(run);
}

/* --- rows --- */

/* Ten rounds of three: "worker-0" to "worker-2", each round's after the other's; beside a main thread, and "other", which lives throughout. */
static struct run *run_rounds(void)
{
	struct run *run = build_run("rounds", 100 * MS);

	build_process(run, 0, "rounds");
	build_cpu(build_thread(run, 1, 0, "rounds", 0, 100 * MS), 100 * MS, 0);
	build_cpu(build_thread(run, 1, 1, "other", 0, 100 * MS), 100 * MS, 0);
	for (int i = 0; i < 30; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "worker", i / 3 * 10 * MS, 10 * MS);
		char name[16];

		snprintf(name, sizeof(name), "worker-%d", i % 3);
		set_text(&thread->comm, name);
		build_cpu(thread, 10 * MS, 0);
	}
	run->timeline = true;
	return run;
}

static struct lane_rows rows_of(const struct explanation *explanation, size_t most, const char *thread)
{
	struct lane_rows rows;

	assert_int_equal(rows_make(explanation, &(struct rows_options){.most = most, .thread = thread}, &rows), 0);
	return rows;
}

static void test_few_threads_have_a_row_each_by_birth(void **state)
{
	struct run *run = run_rounds();
	struct explanation *explanation = explained_on(run, 2);
	struct lane_rows rows = rows_of(explanation, 0, NULL);
	char label[ROW_LABEL_BYTES];

	(void)state;
	assert_int_equal(rows.n, 32);
	for (size_t i = 0; i < rows.n; i++) {
		assert_int_equal(rows.rows[i].n, 1);
		assert_int_equal(rows.rows[i].threads[0], i);
	}
	assert_string_equal(row_label(label, explanation, &rows.rows[0]), "rounds/5001");
	rows_free(&rows);
	explanation_free(explanation);
	run_free(run);
}

static void test_threads_that_take_turns_share_a_row(void **state)
{
	struct run *run = run_rounds();
	struct explanation *explanation = explained_on(run, 2);
	struct lane_rows rows = rows_of(explanation, 8, NULL);
	char label[ROW_LABEL_BYTES];
	bool seen[32] = {false};

	(void)state;
	assert_int_equal(rows.n, 5);
	assert_int_equal(rows.others.n, 0);
	for (size_t i = 0; i < rows.n; i++) {
		uint64_t end_ns = 0;

		assert_int_equal(rows.rows[i].n, i < 2 ? 1 : 10);
		for (size_t j = 0; j < rows.rows[i].n; j++) {
			const struct run_thread *thread = &run->threads[rows.rows[i].threads[j]];

			assert_true(thread->begin_ns >= end_ns);
			end_ns = thread->begin_ns + thread->life_ns;
			assert_false(seen[rows.rows[i].threads[j]]);
			seen[rows.rows[i].threads[j]] = true;
		}
		assert_int_equal(rows.rows[i].life_ns, 100 * MS);
		assert_int_equal(rows.rows[i].cpu_ns, 100 * MS);
	}
	/* Under its own name, where there is one. */
	assert_string_equal(row_label(label, explanation, &rows.rows[2]), "worker-0 x10");
	assert_string_equal(row_label(label, explanation, &rows.rows[4]), "worker-2 x10");
	rows_free(&rows);
	set_text(&run->threads[31].comm, "worker-77"); /* another round's */
	rows = rows_of(explanation, 8, NULL);
	assert_int_equal(rows.n, 5);
	assert_string_equal(row_label(label, explanation, &rows.rows[4]), "worker-# x10");
	rows_free(&rows);
	explanation_free(explanation);
	run_free(run);
}

static void test_of_too_many_rows_the_most_active_are_shown(void **state)
{
	struct run *run = build_run("many", 100 * MS);
	struct explanation *explanation;
	struct lane_rows rows;
	size_t shown = 0;

	(void)state;
	build_process(run, 0, "many");
	for (uint64_t i = 0; i < 2000; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "w", 0, 100 * MS);

		build_cpu(thread, i % 100 == 7 ? 60 * MS : 1 * MS, 0);
		build_rest_in_queue(run, thread);
	}
	run->timeline = true;
	explanation = explained_on(run, 2);
	rows = rows_of(explanation, 20, NULL);
	assert_int_equal(rows.n, 20);
	assert_int_equal(rows.others.n, 1980);
	for (size_t i = 0; i < rows.n; i++) {
		assert_int_equal(rows.rows[i].threads[0] % 100, 7);
		assert_true(!i || rows.rows[i].threads[0] > rows.rows[i - 1].threads[0]); /* still by birth */
		shown += rows.rows[i].n;
	}
	for (size_t i = 0; i < rows.others.n; i++)
		assert_int_not_equal(rows.others.threads[i] % 100, 7);
	assert_int_equal(shown + rows.others.n, 2000);
	rows_free(&rows);
	explanation_free(explanation);
	run_free(run);
}

static void test_a_filter_of_threads(void **state)
{
	struct run *run = run_rounds();
	struct explanation *explanation = explained_on(run, 2);
	struct lane_rows rows = rows_of(explanation, 8, "worker-1");

	(void)state;
	assert_int_equal(rows.n_threads, 10);
	assert_int_equal(rows.n, 1);
	rows_free(&rows);
	rows = rows_of(explanation, 8, "/5001");
	assert_int_equal(rows.n_threads, 1);
	rows_free(&rows);
	assert_int_equal(rows_make(explanation, &(struct rows_options){.thread = "nobody"}, &rows), -ENOENT);
	explanation_free(explanation);
	run_free(run);
}

/* --- wake-ups --- */

static void test_wakes_between_lanes(void **state)
{
	struct run *run = picture_threads_cpu();
	struct explanation *explanation = explained_on(run, 2);
	bool shown[] = {true, true, true, true};
	struct wakes wakes;

	(void)state;
	/* Worker 2 waits once more after 80 ms, but to the end: nobody ended that. So does the main thread. */
	assert_int_equal(wakes_find(explanation->timeline, shown, 100, &wakes), 0);
	assert_int_equal(wakes.found, 8);
	assert_int_equal(wakes.hand_offs, 8);
	assert_int_equal(wakes.n, 8);
	for (size_t i = 0; i < wakes.n; i++) {
		assert_int_equal(wakes.wakes[i].at_ns % (10 * MS), 0);
		assert_int_equal(wakes.wakes[i].to, 1 + wakes.wakes[i].at_ns / (10 * MS) % 3);
		assert_int_equal(wakes.wakes[i].from, 1 + (wakes.wakes[i].to + 1) % 3);
	}
	wakes_free(&wakes);
	shown[1] = false;
	assert_int_equal(wakes_find(explanation->timeline, shown, 100, &wakes), 0);
	assert_int_equal(wakes.found, 3); /* from the second worker to the third */
	wakes_free(&wakes);
	assert_int_equal(wakes_find(explanation->timeline, shown, 2, &wakes), 0);
	assert_int_equal(wakes.n, 0);
	assert_int_equal(wakes.found, 3);
	wakes_free(&wakes);
	explanation_free(explanation);
	run_free(run);
}

static void test_of_too_many_wakes_the_hand_offs(void **state)
{
	struct run *run = picture_threads_cpu();
	struct explanation *explanation;
	bool shown[] = {true, true, true, true};
	struct wakes wakes;

	(void)state;
	set_text(&run->waits[1].symbol,
		 ""); /* the first worker's: a futex without a name and without the lock's value is no lock */
	run->waits[1].expects_2 = false;
	explanation = explained_on(run, 2);
	assert_int_equal(wakes_find(explanation->timeline, shown, 7, &wakes), 0);
	assert_true(wakes.only_hand_offs);
	assert_int_equal(wakes.found, 8);
	assert_int_equal(wakes.hand_offs, 6);
	assert_int_equal(wakes.n, 6);
	wakes_free(&wakes);
	explanation_free(explanation);
	run_free(run);
}

/* --- ticks --- */

static void test_ticks(void **state)
{
	static const struct {
		uint64_t from, to;
		unsigned int most;
		uint64_t first, step;
		const char *label; /* of the second one */
	} cases[] = {
	    {0, 3 * S, 6, 0, 500 * MS, "0.5 s"},
	    {0, 3 * S, 3, 0, 1 * S, "1 s"},
	    {0, 100 * MS, 10, 0, 10 * MS, "10 ms"},
	    {1300 * MS, 1400 * MS, 5, 1300 * MS, 20 * MS, "1.32 s"},
	    {7, 12, 5, 7, 1, "8 ns"},
	    {0, 1, 1, 0, 1, "1 ns"},
	    {90 * S, 3600 * S, 4, 1000 * S, 1000 * S, "2000 s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ticks ticks = ticks_for(cases[i].from, cases[i].to, cases[i].most);
		char label[FIGURE_BYTES];

		assert_int_equal(ticks.step_ns, cases[i].step);
		assert_int_equal(ticks.first_ns, cases[i].first);
		assert_string_equal(tick_label(label, &ticks, ticks.first_ns + ticks.step_ns), cases[i].label);
		assert_string_equal(tick_label(label, &ticks, 0), "0");
	}
	/* Whatever the span is, labels differ, and there are not too many. */
	for (uint64_t span = 1; span < 1ull << 50; span = span * 3 + 1) {
		struct ticks ticks = ticks_for(12345678, 12345678 + span, 7);
		char a[FIGURE_BYTES], b[FIGURE_BYTES];

		assert_true((span - 1) / ticks.step_ns < 7);
		assert_string_not_equal(tick_label(a, &ticks, ticks.first_ns),
					tick_label(b, &ticks, ticks.first_ns + ticks.step_ns));
	}
}

static void test_states_have_letters_of_their_own(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		assert_in_range(state_info[i].letter, 'A', 'Z');
		for (int j = 0; j < i; j++)
			assert_int_not_equal(state_info[i].letter, state_info[j].letter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cells_sum_to_the_interval_lengths),
	    cmocka_unit_test(test_what_a_cell_has),
	    cmocka_unit_test(test_pieces_follow_each_other_and_sum),
	    cmocka_unit_test(test_short_intervals_make_a_piece_and_long_ones_stay_alone),
	    cmocka_unit_test(test_a_closer_look),
	    cmocka_unit_test(test_what_a_lane_computed),
	    cmocka_unit_test(test_few_threads_have_a_row_each_by_birth),
	    cmocka_unit_test(test_threads_that_take_turns_share_a_row),
	    cmocka_unit_test(test_of_too_many_rows_the_most_active_are_shown),
	    cmocka_unit_test(test_a_filter_of_threads),
	    cmocka_unit_test(test_wakes_between_lanes),
	    cmocka_unit_test(test_of_too_many_wakes_the_hand_offs),
	    cmocka_unit_test(test_ticks),
	    cmocka_unit_test(test_states_have_letters_of_their_own),
	};

	return cmocka_run_group_tests_name("explain: lanes in parts", tests, NULL, NULL);
}
