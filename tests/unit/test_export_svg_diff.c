/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differential flame graphs: nothing of either run vanishes, colours say what has changed, and names stay text. With `--record FOLDER` it writes
 * recordings instead, from which tests/cli/compare.bats draws pictures.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "diff_fixture.h"
#include "explain/repeats.h"
#include "export/svg.h"
#include "lib/text.h"

static void test_nothing_vanishes_from_the_picture(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	char line[200];

	(void)state;
	for (int by_before = 0; by_before < 2; by_before++) {
		struct flame_diff *diff = diff_of(pair);
		uint64_t ns[2] = {diff->nodes[0].ns[0], diff->nodes[0].ns[1]};
		uint64_t drawn = ns[!by_before] + diff->nodes[0].only_ns[by_before];
		char *text;

		pair->options.by_before = by_before;
		text = written(&exporter_svg_diff, pair);
		snprintf(line, sizeof(line), "<title>all\n%s (%s ns), 100.00%%\nbefore %s (%s ns)\nafter %s (%s ns)\n",
			 FIGURE_NS(drawn), FIGURE_COUNT(drawn), FIGURE_NS(ns[0]), FIGURE_COUNT(ns[0]), FIGURE_NS(ns[1]),
			 FIGURE_COUNT(ns[1]));
		assert_non_null(strstr(text, line));
		snprintf(line, sizeof(line), "<title>only %s: orders\n%s (%s ns)", by_before ? "after" : "before",
			 FIGURE_NS(diff->nodes[0].only_ns[by_before]), FIGURE_COUNT(diff->nodes[0].only_ns[by_before]));
		assert_non_null(strstr(text, line));
		assert_non_null(strstr(text, "<title>std::_Rb_tree"));
		assert_non_null(strstr(text, "<title>order_hash"));
		assert_non_null(strstr(text, by_before ? "only after stands at the right" : "only before stands at the right"));
		flame_diff_free(diff);
		free(text);
	}
	put_away(pair);
}

/* The class of the first box of that name. */
static void class_of(const char *text, const char *name, char class[64])
{
	char wanted[128];
	const char *at;

	snprintf(wanted, sizeof(wanted), "><title>%s\n", name);
	at = strstr(text, wanted);
	if (!at)
		fail_msg("no box %s", name);
	while (strncmp(at, "<svg class=\"b ", 14))
		at--;
	snprintf(class, 64, "%.*s", (int)strcspn(at + 14, "\""), at + 14);
}

static void says_class(const char *class, const char *begin)
{
	if (strncmp(class, begin, strlen(begin)))
		fail_msg("%s is not %s...", class, begin);
}

static void test_red_is_more_and_blue_is_less(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	char class[64], *text;

	(void)state;
	text = written(&exporter_svg_diff, pair);
	class_of(text, "[lock] orders_lock", class);
	says_class(class, "dn");
	class_of(text, "order_hash", class);
	says_class(class, "up");
	class_of(text, "std::_Rb_tree&lt;unsigned long, Order&gt;::find", class);
	says_class(class, "dn");
	class_of(text, "[lock] log_lock", class);
	assert_string_equal(class, "eq0");
	class_of(text, "futex_wait_queue", class);
	says_class(class, "eqk"); /* the first is that of the queue's */
	assert_true(occurrences(text, "<svg class=\"b dnk") > 0);
	assert_int_equal(occurrences(text, "<g class=\"up"), SVG_CHANGE_LEVELS);
	assert_int_equal(occurrences(text, "<g class=\"dn"), SVG_CHANGE_LEVELS);
	free(text);
	put_away(pair);
}

static void test_a_side_without_time_is_drawn_too(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	char *text;

	(void)state;
	assert_true(export_states_parse("disk", &pair->options.states));
	text = written(&exporter_svg_diff, pair);
	assert_non_null(strstr(text, "<title>only before: orders\n"));
	assert_non_null(strstr(text, "after 0 ns (0 ns)"));
	assert_null(strstr(text, "nan"));
	free(text);
	assert_true(export_states_parse("child", &pair->options.states));
	text = written(&exporter_svg_diff, pair);
	assert_non_null(strstr(text, "No thread spent any time so."));
	assert_int_equal(occurrences(text, "<svg class=\"b "), 0);
	free(text);
	put_away(pair);
}

static void test_noise_is_said_in_the_picture(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	uint64_t ns[] = {2650 * MS, 2660 * MS, 2640 * MS};
	char *text = written(&exporter_svg_diff, pair);

	(void)state;
	assert_null(strstr(text, "may be chance"));
	free(text);
	assert_int_equal(explain_repeats(pair->comparison, ns, 3, ns, 3), 0);
	text = written(&exporter_svg_diff, pair);
	assert_non_null(strstr(text, "No more than repeated runs differ by: may be chance."));
	free(text);
	put_away(pair);
}

static void test_hostile_names_stay_text(void **state)
{
	struct pair *pair =
	    pair_of(made_hostile(run_orders(), HOSTILE), made_hostile(run_orders_after(), HOSTILE " 0 0\r(7)[8]"));
	char *folded, *line, *place = NULL;

	(void)state;
	for (size_t i = 0; i < N(all_by); i++) {
		char *text;

		pair->options.by = all_by[i];
		text = written(&exporter_svg_diff, pair);
		assert_non_null(strstr(text, "&lt;script&gt;alert(1)"));
		assert_int_equal(occurrences(text, "<script>"), 1);
		assert_int_equal(occurrences(text, "]]>"), 2);
		assert_int_equal(occurrences(text, "<![CDATA["), 2);
		assert_int_equal(occurrences(text, "http://"), 1 + 2);
		for (const char *s = text; *s; s++)
			assert_true((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t');
		assert_null(strstr(text, "\xe2\x80\xae"));
		free(text);
	}
	folded = written(&exporter_folded_diff, pair);
	for (line = strtok_r(folded, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		const char *space = strrchr(line, ' ');

		assert_non_null(space);
		assert_true(strspn(space + 1, "0123456789") == strlen(space + 1));
		assert_null(strchr(line, '\x1b'));
	}
	free(folded);
	put_away(pair);
}

static void test_errors(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(exporter_svg_diff.write(full, &pair->input), -ENOSPC);
	clearerr(full);
	assert_int_equal(exporter_folded_diff.write(full, &pair->input), -ENOSPC);
	pair->input.n_runs = 1;
	assert_int_equal(exporter_svg_diff.write(full, &pair->input), -ENODATA);
	assert_int_equal(exporter_folded_diff.write(full, &pair->input), -ENODATA);
	fclose(full);
	put_away(pair);
}

static int record_all(const char *folder)
{
	struct {
		const char *name;
		struct run *run;
	} files[] = {
	    {"before", run_orders()},
	    {"after", run_orders_after()},
	    {"hostile", made_hostile(run_orders(), HOSTILE)},
	};
	int status = 0;

	for (size_t i = 0; i < N(files); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s.concprof", folder, files[i].name);
		status |= record(path, files[i].run);
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_vanishes_from_the_picture), cmocka_unit_test(test_red_is_more_and_blue_is_less),
	    cmocka_unit_test(test_a_side_without_time_is_drawn_too),  cmocka_unit_test(test_noise_is_said_in_the_picture),
	    cmocka_unit_test(test_hostile_names_stay_text),           cmocka_unit_test(test_errors),
	};

	if (argc == 3 && !strcmp(argv[1], "--record"))
		return record_all(argv[2]);
	return cmocka_run_group_tests_name("differential flame graphs", tests, NULL, NULL);
}
