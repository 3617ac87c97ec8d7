/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes as SVG: areas are exact, what is drawn each and what together, arrows, and what strangers' names may not do. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explained.h"
#include "export/export.h"
#include "export/lanes_svg.h"
#include "lanes_fixture.h"

static char *svg_of(const struct run *run, const struct export_options *options, int expected)
{
	struct explanation *explanation = explained_on(run, 2);
	static char kernel[] = "6.1.0", version[] = "v1";
	const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	const struct export_input input = {
	    .host = &host, .runs = (const struct explanation *const *)&explanation, .n_runs = 1, .options = options};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(exporter_lanes.write(out, &input), expected);
	fclose(out);
	explanation_free(explanation);
	return text;
}

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* Pixels times pixels that a state has in the bars: rectangles, and the parts of mixed cells ("Mx yhWv-HhW..."). */
static double area_of(const char *text, enum state state)
{
	const char *at = strstr(text, "<g class=\"bars\">"), *end = at ? strstr(at, "</g>") : NULL;
	char rect[40], path[40];
	double area = 0;

	assert_non_null(end);
	snprintf(rect, sizeof(rect), "<rect class=\"s%d\"", (int)state);
	snprintf(path, sizeof(path), "<path class=\"s%d\" d=\"", (int)state);
	for (const char *found = at; (found = strstr(found, rect)) && found < end; found++) {
		double width, height;

		assert_int_equal(sscanf(strstr(found, " width="), " width=\"%lf\" height=\"%lf\"", &width, &height), 2);
		area += width * height;
	}
	for (const char *found = at; (found = strstr(found, path)) && found < end; found++)
		for (const char *part = found + strlen(path); *part == 'M'; part = strchr(part, 'z') + 1) {
			double x, y, width, height;

			assert_int_equal(sscanf(part, "M%lf %lfh%lfv%lf", &x, &y, &width, &height), 4);
			area += width * -height;
		}
	return area;
}

/* Whatever the width is, and whether intervals are drawn each or together. */
static void test_areas_are_the_states_times(void **state)
{
	static const unsigned int widths[] = {EXPORT_WIDTH_MIN, 460, 1200, 5000};
	struct run *(*const pictures[])(void) = {picture_serial_io, picture_threads_io, picture_threads_cpu};

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		const struct export_options options = {.width = widths[i % 4]};
		struct run *run = pictures[i / 4]();
		char *text = svg_of(run, &options, 0);
		struct explanation *explanation = explained_on(run, 2);
		double pixels = options.width - (options.width < 600 ? 162 : 340);

		for (int s = 0; s < STATE_COUNT; s++) {
			uint64_t ns = s == STATE_CPU ? explanation->cpu_ns : explanation->ns[s];
			double expected = pixels * LANES_BAR * ns / explanation->wall_ns;

			if (state_info[s].group == STATE_GROUP_CPU && s != STATE_CPU)
				continue;
			if (fabs(area_of(text, s) - expected) > 0.002 * expected + 5)
				fail_msg("%s at %u pixels: %g, should be %g", state_info[s].name, options.width, area_of(text, s),
					 expected);
		}
		explanation_free(explanation);
		free(text);
		run_free(run);
	}
}

/* A thread that alternates too fast for a pixel is drawn in cells, not in rectangles; a long wait in it stays one. */
static void test_what_is_too_short_is_drawn_together(void **state)
{
	struct run *run = build_run("fast", 100 * MS);
	struct run_thread *thread;
	struct run_wait *pipe;
	char *text;

	(void)state;
	build_process(run, 0, "fast");
	thread = build_thread(run, 1, 0, "fast", 0, 100 * MS);
	build_cpu(thread, 2000 * 10000ull, 0);
	pipe = build_wait(run, thread, CLASS_PIPE, "read", 2000, 2000 * 10000ull + 60 * MS);
	for (uint64_t i = 0; i < 2000; i++)
		build_episode(run, thread, pipe, i * 20000 + 10000, i == 1999 ? 10000 + 60 * MS : 10000, 0);
	text = svg_of(run, NULL, 0);
	assert_int_equal(occurrences(text, "<rect class=\"s7\" x="), 2); /* in the legend, and the long one */
	assert_int_equal(occurrences(text, "<path class=\"s7\""), 1);
	assert_true(strlen(text) < 60000);
	if (fabs(area_of(text, STATE_PIPE) / area_of(text, STATE_CPU) - 4) > 0.02)
		fail_msg("areas are not as 80 to 20");
	free(text);
	run_free(run);
}

static void test_wakes_are_arrows_and_hand_offs_stand_out(void **state)
{
	struct run *run = picture_threads_cpu();
	char *text = svg_of(run, NULL, 0);

	(void)state;
	assert_int_equal(occurrences(text, "<path class=\"handoff\""), 8);
	assert_int_equal(occurrences(text, "<path class=\"wake\""), 0);
	says(text, "worker/7002 released it to worker/7003\nlock &quot;GIL&quot;");
	says(text, "held by worker/7004\nended by worker/7004");
	says(text, "marker id=\"release\"");
	free(text);
	run_free(run);
	run = picture_threads_io();
	text = svg_of(run, NULL, 0);
	assert_int_equal(occurrences(text, "<path class=\"wake\""), 1);
	free(text);
	run_free(run);
}

static void test_names_of_strangers_are_text(void **state)
{
	struct run *run = picture_hostile();
	char *text = svg_of(run, NULL, 0);

	(void)state;
	says_not(text, "<script");
	says_not(text, "<b>");
	says_not(text, "\033");
	says_not(text, "<svg onload");
	says_not(text, "\xe2\x80\xae");
	assert_int_equal(occurrences(text, "]]>"), 1); /* the end of the style */
	says(text, "&lt;/text&gt;&lt;script");
	free(text);
	run_free(run);
}

static void test_an_emphasis_makes_the_others_pale(void **state)
{
	const struct export_options options = {.states = 1u << STATE_LOCK};
	struct run *run = picture_threads_cpu();
	char *text = svg_of(run, &options, 0);

	(void)state;
	assert_int_equal(occurrences(text, "<rect class=\"s4 pale\""), 0);
	assert_true(occurrences(text, "<rect class=\"s2 pale\"") > 8);
	free(text);
	run_free(run);
}

static void test_without_a_timeline_or_threads_it_says_so(void **state)
{
	const struct export_options nobody = {.thread = "nobody"};
	struct run *run = picture_threads_cpu();
	char *text = svg_of(run, &nobody, -ENOENT);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	run->timeline = false;
	text = svg_of(run, NULL, -ENOTSUP);
	assert_string_equal(text, "");
	free(text);
	run_free(run);
}

static void test_thousands_of_threads(void **state)
{
	struct run *run = build_run("many", 100 * MS);
	char *text;

	(void)state;
	build_process(run, 0, "many");
	for (uint64_t i = 0; i < 3000; i++) {
		struct run_thread *thread = build_thread(run, 1, 1, "w", 0, 100 * MS);

		build_cpu(thread, 10 * MS, 0);
		build_episode(run, thread, build_wait(run, thread, CLASS_SLEEP, "nanosleep", 1, 90 * MS), 10 * MS, 90 * MS, 0);
	}
	text = svg_of(run, NULL, 0);
	says(text, "2,960 more threads");
	assert_true(strlen(text) < 200000);
	free(text);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_areas_are_the_states_times),
	    cmocka_unit_test(test_what_is_too_short_is_drawn_together),
	    cmocka_unit_test(test_wakes_are_arrows_and_hand_offs_stand_out),
	    cmocka_unit_test(test_names_of_strangers_are_text),
	    cmocka_unit_test(test_an_emphasis_makes_the_others_pale),
	    cmocka_unit_test(test_without_a_timeline_or_threads_it_says_so),
	    cmocka_unit_test(test_thousands_of_threads),
	};

	return cmocka_run_group_tests_name("lanes as SVG", tests, NULL, NULL);
}
