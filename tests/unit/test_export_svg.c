/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flame graphs as SVG: geometry, colours, size, and what strangers' names may not do. With `--record FILE` and `--record-hostile FILE` it
 * writes recordings instead, from which tests/cli/flame.bats draws pictures that a parser of XML and a browser judge.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "export/flame_tree.h"
#include "export/svg.h"
#include "export/xml.h"
#include "flame_fixture.h"

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

/* --- what is drawn, and where --- */

struct drawing {
	struct run *run;
	struct explanation *explanation;
	struct flame_tree *tree;
	struct svg_boxes boxes;
};

static struct drawing draw(struct run *run, enum export_by by, double pixels)
{
	struct drawing drawing = {.run = run};
	const struct export_options options = {.by = by};
	struct export_input input = {
	    .runs = (const struct explanation *const *)&drawing.explanation, .n_runs = 1, .options = &options};

	assert_int_equal(explain_run(run, NULL, &drawing.explanation), 0);
	assert_int_equal(flame_tree_build(&input, &drawing.tree), 0);
	assert_int_equal(svg_boxes_make(drawing.tree, pixels, &drawing.boxes), 0);
	return drawing;
}

static void put_away(struct drawing *drawing)
{
	svg_boxes_free(&drawing->boxes);
	flame_tree_free(drawing->tree);
	explanation_free(drawing->explanation);
	run_free(drawing->run);
}

static const struct svg_box *box_named(const struct drawing *drawing, const char *name)
{
	for (size_t i = 1; i < drawing->boxes.n; i++)
		if (!strcmp(drawing->tree->names.names[drawing->tree->nodes[drawing->boxes.boxes[i].node].name].text, name))
			return &drawing->boxes.boxes[i];
	return NULL;
}

/* Every nanosecond of a box is in a drawn child, in what was too narrow, or its own; and in one state. */
static void check_boxes(const struct drawing *drawing)
{
	const struct svg_boxes *boxes = &drawing->boxes;
	uint64_t *filled = calloc(boxes->n, sizeof(*filled));

	for (size_t i = 0; i < boxes->n; i++) {
		const struct svg_box *box = &boxes->boxes[i];
		uint64_t states = 0;

		for (int state = 0; state < STATE_COUNT; state++)
			states += box->state_ns[state];
		assert_int_equal(states, box->ns);
		assert_true(box->drawn_ns + box->more_ns <= box->ns);
		assert_true(!i || box->ns >= boxes->least_ns);
		if (!i)
			continue;
		assert_true(box->parent < i);
		/* Siblings stand side by side, without gaps. */
		assert_int_equal(box->begin_ns, boxes->boxes[box->parent].begin_ns + filled[box->parent]);
		filled[box->parent] += box->ns;
		assert_int_not_equal(box->shade, boxes->boxes[box->parent].shade);
	}
	for (size_t i = 0; i < boxes->n; i++)
		assert_int_equal(filled[i], boxes->boxes[i].drawn_ns);
	free(filled);
}

static void test_widths_are_exact(void **state)
{
	static const enum export_by by[] = {EXPORT_BY_THREAD, EXPORT_BY_PROCESS, EXPORT_BY_NAME, EXPORT_BY_CAUSE, EXPORT_BY_NONE};

	(void)state;
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		struct drawing drawing = draw(run_orders(), by[i], 1180);
		uint64_t lives = 0;

		for (size_t j = 0; j < drawing.run->n_threads; j++)
			lives += drawing.run->threads[j].life_ns;
		assert_int_equal(drawing.boxes.boxes[0].ns, lives);
		check_boxes(&drawing);
		put_away(&drawing);
	}
}

static void test_colours_say_the_state(void **state)
{
	struct drawing drawing = draw(run_orders(), EXPORT_BY_NONE, 1180);

	(void)state;
	assert_int_equal(svg_box_state(box_named(&drawing, "[lock] orders_lock")), STATE_LOCK);
	assert_int_equal(svg_box_state(box_named(&drawing, "__lll_lock_wait")), STATE_LOCK);
	assert_int_equal(svg_box_state(box_named(&drawing, "longest_match")), STATE_USER);
	assert_int_equal(svg_box_state(box_named(&drawing, "tcp_sendmsg")), STATE_KERNEL);
	assert_int_equal(svg_box_state(box_named(&drawing, "serve_request")), STATE_COUNT);
	/* User and kernel side are both on a CPU. */
	assert_true(box_named(&drawing, "reply")->state_ns[STATE_KERNEL] > 0);
	assert_int_equal(svg_box_state(box_named(&drawing, "reply")), STATE_USER);
	put_away(&drawing);
}

/* 100,000 stacks, nearly all of them too narrow to be seen. */
static struct run *run_of_many_stacks(size_t stacks, size_t depth, unsigned int wide)
{
	struct run *run = build_run("many", 100 * S);
	struct run_thread *thread;
	uint64_t samples = 0;

	build_process(run, 0, "many");
	thread = build_thread(run, 1, 0, "many", 0, 100 * S);
	build_cpu(thread, 100 * S, 0);
	free(run->frames);
	free(run->stacks);
	free(run->samples);
	run->frames = calloc(1000, sizeof(*run->frames));
	run->stacks = calloc(stacks * depth, sizeof(*run->stacks));
	run->samples = calloc(stacks, sizeof(*run->samples));
	for (run->n_frames = 0; run->n_frames < 1000; run->n_frames++) {
		char name[32];

		snprintf(name, sizeof(name), "function_%zu", run->n_frames);
		run->frames[run->n_frames] = (struct run_frame){
		    .id = run->n_frames + 1, .function = copy(name), .object = copy("program"), .source = copy("")};
	}
	for (size_t i = 0; i < stacks; i++) {
		uint64_t stack = 0;

		for (size_t j = 0; j < depth; j++) {
			run->stacks[run->n_stacks] =
			    (struct run_stack){.id = run->n_stacks + 1,
					       .parent = stack,
					       .frame = 1 + (i * (j % 2 ? 7919 : 1) / (j / 2 + 1) + j) % 1000};
			stack = ++run->n_stacks;
		}
		run->samples[run->n_samples++] = (struct run_sample){.thread = 1, .stack = stack, .count = i % wide ? 1 : 100};
		samples += i % wide ? 1 : 100;
	}
	run->sample_hz = samples / 100;
	return run;
}

static void test_what_is_too_narrow_is_summed_up(void **state)
{
	struct drawing drawing = draw(run_of_many_stacks(50000, 8, 1000), EXPORT_BY_NONE, 1180);
	uint64_t more = 0;

	(void)state;
	check_boxes(&drawing);
	for (size_t i = 0; i < drawing.boxes.n; i++)
		more += drawing.boxes.boxes[i].more;
	assert_true(more > 0);
	assert_int_equal(drawing.boxes.n + more, drawing.tree->n_nodes);
	put_away(&drawing);
}

static void test_the_file_stays_small(void **state)
{
	struct run *run = run_of_many_stacks(10000, 64, 2);
	char *text = exported("svg", run, NULL);

	(void)state;
	assert_true(occurrences(text, "<svg class=\"b ") > 1000);
	assert_true(strlen(text) < 6000000);
	assert_non_null(strstr(text, " more frames, too narrow to be drawn"));
	free(text);
	run_free(run);
}

/* --- the document --- */

static void test_the_same_run_gives_the_same_picture(void **state)
{
	struct run *run = run_orders();
	char *first = exported("svg", run, NULL), *second;

	(void)state;
	/* Rows in another order, as another drain would give them. */
	for (size_t i = 0; i < run->n_waits / 2; i++) {
		struct run_wait wait = run->waits[i];

		run->waits[i] = run->waits[run->n_waits - 1 - i];
		run->waits[run->n_waits - 1 - i] = wait;
		run->waits[i].id = i + 1;
		run->waits[run->n_waits - 1 - i].id = run->n_waits - i;
	}
	second = exported("svg", run, NULL);
	assert_string_equal(first, second);
	free(first);
	free(second);
	run_free(run);
}

static void test_nothing_comes_from_elsewhere(void **state)
{
	static const char *const foreign[] = {
	    "href", "@import", "src=", "url(http", "https:", "<image", "<use", "eval(", "innerHTML"};
	struct run *run = run_orders();
	char *text = exported("svg", run, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strstr(text, foreign[i]))
			fail_msg("%s", foreign[i]);
	/* Names of XML's own. */
	assert_int_equal(occurrences(text, "http://"), 1 + 2);
	free(text);
	run_free(run);
}

/* In every place where a name can stand. */
static struct run *run_hostile(void)
{
	struct run *run = run_orders();

	set_text(&run->name, HOSTILE);
	set_text(&run->command[0], HOSTILE);
	set_text(&run->command[1], "]]></style><script>alert(2)</script>");
	set_text(&run->processes[1].comm, HOSTILE);
	set_text(&run->threads[0].comm, HOSTILE);
	set_text(&run->waits[0].object, HOSTILE);
	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].class == CLASS_POLL)
			set_text(&run->waits[i].object, HOSTILE);
	for (size_t i = 0; i < run->n_frames; i += 3)
		set_text(&run->frames[i].function, HOSTILE);
	set_text(&run->frames[1].function, "");
	set_text(&run->frames[1].object, HOSTILE);
	return run;
}

static void test_hostile_names_stay_text(void **state)
{
	struct run *run = run_hostile();
	const struct export_options options = {.title = HOSTILE};
	char *texts[] = {exported("svg", run, NULL), exported("svg", run, &options)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_non_null(strstr(texts[i], "&lt;script&gt;alert(1)"));
		assert_int_equal(occurrences(texts[i], "<script>"), 1);
		assert_int_equal(occurrences(texts[i], "alert(1)</"), 0);
		assert_int_equal(occurrences(texts[i], "]]>"), 2);
		assert_int_equal(occurrences(texts[i], "<![CDATA["), 2);
		for (const char *s = texts[i]; *s; s++)
			assert_true((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t');
		assert_null(strchr(texts[i], '\x1b'));
		assert_null(strstr(texts[i], "\xe2\x80\xae"));
		assert_null(strstr(texts[i], "\xef\xbf\xbf"));
		free(texts[i]);
	}
	run_free(run);
}

static void test_header(void **state)
{
	struct run *run = run_orders();
	struct export_options options = {.title = "Mine", .width = 700};
	char *text = exported("svg", run, NULL);

	(void)state;
	assert_non_null(strstr(text, "./orders --workers=4: wall-clock flame graph"));
	assert_non_null(strstr(text, "sampled at 997 Hz"));
	assert_non_null(strstr(text, "6 threads in 2.65 s of wall time, by thread"));
	assert_non_null(strstr(text, ">lock 3.62 s (25.4%)<"));
	assert_null(strstr(text, ">child ")); /* a state that does not occur */
	free(text);
	assert_true(export_states_parse("lock", &options.states));
	text = exported("svg", run, &options);
	assert_non_null(strstr(text, ">Mine<"));
	assert_non_null(strstr(text, "width=\"700\""));
	assert_null(strstr(text, "sampled"));
	free(text);
	run_free(run);
}

static void test_an_empty_picture_says_so(void **state)
{
	struct run *run = run_serial_cpu(0);
	struct export_options options = {};
	char *text;

	(void)state;
	assert_true(export_states_parse("disk", &options.states));
	text = exported("svg", run, &options);
	assert_non_null(strstr(text, "No thread spent any time so."));
	assert_null(strstr(text, "nan"));
	assert_int_equal(occurrences(text, "<svg class=\"b "), 0);
	free(text);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_orders();
	struct explanation *explanation = NULL;
	struct export_input input = {.runs = (const struct explanation *const *)&explanation, .n_runs = 1};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	assert_int_equal(exporter_svg.write(full, &input), -ENOSPC);
	input.n_runs = 0;
	assert_int_equal(exporter_svg.write(full, &input), -ENODATA);
	fclose(full);
	explanation_free(explanation);
	run_free(run);
}

static void test_xml_text(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *out;
	} cases[] = {
	    {"a<b>&\"'", XML_WHOLE, "a&lt;b&gt;&amp;&quot;&#39;"},
	    {"\xc3\xa4\xf0\x9f\x94\xa5", XML_WHOLE, "\xc3\xa4\xf0\x9f\x94\xa5"},
	    {"\x01\t\n\x7f\xc2\x85", XML_WHOLE, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xff\xc0\x80\xed\xa0\x80", XML_WHOLE, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xef\xbf\xbe\xef\xbf\xbf", XML_WHOLE, "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"abcdef", 6, "abcdef"},
	    {"abcdef", 4, "abc\xe2\x80\xa6"},
	    {"<<<<<<", 3, "&lt;&lt;\xe2\x80\xa6"},
	    {"\xc3", 1, "\xef\xbf\xbd"},
	    {"", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		xml_put(out, cases[i].in, cases[i].max);
		fclose(out);
		assert_string_equal(text, cases[i].out);
		free(text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_widths_are_exact),
	    cmocka_unit_test(test_colours_say_the_state),
	    cmocka_unit_test(test_what_is_too_narrow_is_summed_up),
	    cmocka_unit_test(test_the_file_stays_small),
	    cmocka_unit_test(test_the_same_run_gives_the_same_picture),
	    cmocka_unit_test(test_nothing_comes_from_elsewhere),
	    cmocka_unit_test(test_hostile_names_stay_text),
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_an_empty_picture_says_so),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	    cmocka_unit_test(test_xml_text),
	};

	if (argc == 3 && !strcmp(argv[1], "--record"))
		return record(argv[2], run_orders());
	if (argc == 3 && !strcmp(argv[1], "--record-hostile"))
		return record(argv[2], run_hostile());
	return cmocka_run_group_tests_name("flame graphs", tests, NULL, NULL);
}
