/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures of a difference: every nanosecond of both runs is in them, the same things meet, and names stay text. With `--record FOLDER` it writes
 * recordings instead, from which tests/cli/compare.bats draws pictures.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "explain/repeats.h"
#include "export/flame_diff.h"
#include "export/svg.h"
#include "flame_fixture.h"
#include "lib/text.h"

static const enum export_by all_by[] = {EXPORT_BY_DEFAULT, EXPORT_BY_THREAD, EXPORT_BY_PROCESS,
					EXPORT_BY_NAME,    EXPORT_BY_CAUSE,  EXPORT_BY_NONE};
#define N(list) (sizeof(list) / sizeof((list)[0]))

/* The server after work on it: a lock is held for shorter, a tree has become a hash table, and gzip is gone. */
static struct run *run_orders_after(void)
{
	struct run *run = run_orders();
	struct run_thread *gzip = &run->threads[5];

	for (size_t i = 0; i < run->n_frames; i++)
		if (!strncmp(run->frames[i].function, "std::_Rb_tree", 13))
			set_text(&run->frames[i].function, "order_hash");
	for (size_t i = 0; i < run->n_waits; i++) {
		struct run_wait *wait = &run->waits[i];
		struct run_thread *thread = &run->threads[wait->thread - 1];
		uint64_t less_ns = !strcmp(wait->symbol, "orders_lock") ? wait->total_ns / 3 + 1 : 0;

		if (wait->thread == gzip->id)
			less_ns = wait->total_ns;
		wait->total_ns -= less_ns;
		thread->ns[wait->class] -= less_ns;
		thread->life_ns -= less_ns;
	}
	for (size_t i = 0; i < run->n_samples; i++)
		if (run->samples[i].thread == gzip->id)
			run->samples[i].thread = 1;
	for (int i = 0; i < CLASS_SLOTS; i++) {
		gzip->life_ns -= gzip->ns[i];
		gzip->ns[i] = 0;
	}
	/* Another run: nobody has the number he had. */
	for (size_t i = 0; i < run->n_threads; i++)
		run->threads[i].tid += 1000;
	for (size_t i = 0; i < run->n_processes; i++)
		run->processes[i].pid += 1000;
	return run;
}

/* Two runs as an exporter gets them; freed together. */
struct pair {
	struct run *run[2];
	struct explanation *explanation[2];
	struct comparison *comparison;
	struct export_options options;
	struct export_input input;
};

static struct pair *pair_of(struct run *before, struct run *after)
{
	static char kernel[] = "6.1", version[] = "v1";
	static const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	pair->run[0] = before;
	pair->run[1] = after;
	for (int i = 0; i < 2; i++)
		assert_int_equal(explain_run(pair->run[i], NULL, &pair->explanation[i]), 0);
	assert_int_equal(explain_difference(pair->explanation[0], pair->explanation[1], &pair->comparison), 0);
	pair->input = (struct export_input){
	    .host = &host,
	    .runs = (const struct explanation *const *)pair->explanation,
	    .n_runs = 2,
	    .comparisons = (const struct comparison *const *)&pair->comparison,
	    .n_comparisons = 1,
	    .options = &pair->options,
	};
	return pair;
}

static void put_away(struct pair *pair)
{
	comparison_free(pair->comparison);
	for (int i = 0; i < 2; i++) {
		explanation_free(pair->explanation[i]);
		run_free(pair->run[i]);
	}
	free(pair);
}

static struct flame_diff *diff_of(const struct pair *pair)
{
	struct flame_diff *diff = NULL;

	assert_int_equal(flame_diff_build(&pair->input, &diff), 0);
	return diff;
}

static char *written(const struct exporter *exporter, const struct pair *pair)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(exporter->write(out, &pair->input), 0);
	fclose(out);
	return text;
}

static uint64_t lives(const struct run *run)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < run->n_threads; i++)
		sum += run->threads[i].life_ns;
	return sum;
}

static const struct flame_diff_node *node_named(const struct flame_diff *diff, const char *name)
{
	for (size_t i = 1; i < diff->n_nodes; i++)
		if (!strcmp(diff->names.names[diff->nodes[i].name].text, name))
			return &diff->nodes[i];
	return NULL;
}

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

static void check_sums(const struct flame_diff *diff, struct run *const run[2])
{
	uint64_t *children = calloc(diff->n_nodes, sizeof(*children)), changed = 0;

	for (int side = 0; side < 2; side++) {
		uint64_t own = 0, in_both = 0;

		memset(children, 0, diff->n_nodes * sizeof(*children));
		for (size_t i = 0; i < diff->n_nodes; i++) {
			const struct flame_diff_node *node = &diff->nodes[i];

			own += node->own_ns[side];
			in_both += node->ns[!side] ? node->own_ns[side] : 0;
			if (i)
				children[node->parent] += node->ns[side];
			if (!side)
				changed += llabs((long long)node->own_ns[0] - (long long)node->own_ns[1]);
			assert_true(node->only_ns[side] <= node->ns[side]);
			assert_true(node->ns[0] || node->ns[1]);
		}
		assert_int_equal(own, lives(run[side]));
		assert_int_equal(diff->nodes[0].ns[side], own);
		assert_int_equal(in_both + diff->nodes[0].only_ns[side], own);
		for (size_t i = 0; i < diff->n_nodes; i++)
			assert_int_equal(children[i] + diff->nodes[i].own_ns[side], diff->nodes[i].ns[side]);
	}
	assert_int_equal(changed, diff->changed_ns);
	free(children);
}

static void test_both_runs_are_whole(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());

	(void)state;
	for (size_t i = 0; i < N(all_by); i++) {
		struct flame_diff *diff;

		pair->options.by = all_by[i];
		diff = diff_of(pair);
		check_sums(diff, pair->run);
		assert_true(diff->nodes[0].only_ns[FLAME_BEFORE] > 0 && diff->nodes[0].only_ns[FLAME_AFTER] > 0);
		flame_diff_free(diff);
	}
	put_away(pair);
}

/* Numbers of processes and threads are others in each run. */
static void test_the_same_things_meet(void **state)
{
	struct run *other = run_orders();
	struct pair *pair;

	(void)state;
	for (size_t i = 0; i < other->n_threads; i++)
		other->threads[i].tid += 1000 + 7 * i;
	for (size_t i = 0; i < other->n_processes; i++)
		other->processes[i].pid += 1000;
	pair = pair_of(run_orders(), other);
	for (size_t i = 0; i < N(all_by); i++) {
		struct flame_diff *diff;
		char *text;

		pair->options.by = all_by[i];
		diff = diff_of(pair);
		check_sums(diff, pair->run);
		assert_int_equal(diff->changed_ns, 0);
		assert_int_equal(diff->nodes[0].only_ns[0] + diff->nodes[0].only_ns[1], 0);
		flame_diff_free(diff);
		text = written(&exporter_svg_diff, pair);
		assert_true(occurrences(text, "\nno difference") ==
			    occurrences(text, "<svg class=\"b ") - occurrences(text, "b o\""));
		assert_int_equal(occurrences(text, "<svg class=\"b up") + occurrences(text, "<svg class=\"b dn"), 0);
		assert_null(strstr(text, "only before:"));
		assert_null(strstr(text, "nan"));
		free(text);
	}
	put_away(pair);
}

static void test_a_child_is_the_same_whatever_its_pid(void **state)
{
	struct run *runs[] = {run_parallel_cpu("shell", true), run_parallel_cpu("shell", true)};
	struct pair *pair;
	struct flame_diff *diff;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < runs[i]->n_waits; j++)
			if (runs[i]->waits[j].class == CLASS_CHILD)
				set_text(&runs[i]->waits[j].object, i ? "sleep[2222]" : "sleep[1111]");
	pair = pair_of(runs[0], runs[1]);
	diff = diff_of(pair);
	assert_int_equal(diff->changed_ns, 0);
	assert_int_equal(diff->by, EXPORT_BY_NAME);
	flame_diff_free(diff);
	put_away(pair);
}

static void test_what_changed_and_by_how_much(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	const struct flame_diff_node *node;
	struct flame_diff *diff;
	uint64_t before = 0, after = 0;

	(void)state;
	pair->options.by = EXPORT_BY_NONE;
	diff = diff_of(pair);
	for (int i = 0; i < 2; i++)
		for (size_t j = 0; j < pair->run[i]->n_waits; j++)
			if (!strcmp(pair->run[i]->waits[j].symbol, "orders_lock"))
				*(i ? &after : &before) += pair->run[i]->waits[j].total_ns;
	node = node_named(diff, "[lock] orders_lock");
	assert_int_equal(node->ns[FLAME_BEFORE], before);
	assert_int_equal(node->ns[FLAME_AFTER], after);
	assert_int_equal(node->only_ns[FLAME_BEFORE], 0);
	node = node_named(diff, "order_hash");
	assert_int_equal(node->ns[FLAME_BEFORE], 0);
	assert_int_equal(node->only_ns[FLAME_AFTER], node->ns[FLAME_AFTER]);
	node = node_named(diff, "find_order");
	assert_true(node->only_ns[FLAME_BEFORE] && node->only_ns[FLAME_BEFORE] < node->ns[FLAME_BEFORE]);
	flame_diff_free(diff);
	put_away(pair);
}

/* Where the programs have other names, their stacks still meet. */
static void test_programs_of_two_names(void **state)
{
	struct run *after = run_orders();
	struct pair *pair;
	struct flame_diff *diff;

	(void)state;
	set_text(&after->processes[0].comm, "orders-v2");
	pair = pair_of(run_orders(), after);
	diff = diff_of(pair);
	assert_int_equal(diff->by, EXPORT_BY_NONE);
	assert_int_equal(diff->changed_ns, 0);
	flame_diff_free(diff);
	put_away(pair);
}

/* --- the picture --- */

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

/* In every place where a name can stand, on one side or both. */
static struct run *made_hostile(struct run *run, const char *text)
{
	set_text(&run->name, text);
	set_text(&run->processes[1].comm, text);
	set_text(&run->threads[0].comm, text);
	for (size_t i = 0; i < run->n_frames; i += 3)
		set_text(&run->frames[i].function, text);
	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].class == CLASS_POLL)
			set_text(&run->waits[i].object, text);
	return run;
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

static void test_folded_columns_are_the_runs(void **state)
{
	struct pair *pair = pair_of(run_orders(), run_orders_after());
	uint64_t sum[2] = {0};
	char *text = written(&exporter_folded_diff, pair), *place = NULL;

	(void)state;
	for (char *line = strtok_r(text, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		char *after = strrchr(line, ' '), *before;

		*after = '\0';
		before = strrchr(line, ' ');
		sum[0] += strtoull(before, NULL, 10);
		sum[1] += strtoull(after + 1, NULL, 10);
	}
	for (int side = 0; side < 2; side++)
		assert_int_equal(sum[side], (lives(pair->run[side]) + 500) / 1000);
	free(text);
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
	    cmocka_unit_test(test_both_runs_are_whole),
	    cmocka_unit_test(test_the_same_things_meet),
	    cmocka_unit_test(test_a_child_is_the_same_whatever_its_pid),
	    cmocka_unit_test(test_what_changed_and_by_how_much),
	    cmocka_unit_test(test_programs_of_two_names),
	    cmocka_unit_test(test_nothing_vanishes_from_the_picture),
	    cmocka_unit_test(test_red_is_more_and_blue_is_less),
	    cmocka_unit_test(test_a_side_without_time_is_drawn_too),
	    cmocka_unit_test(test_noise_is_said_in_the_picture),
	    cmocka_unit_test(test_hostile_names_stay_text),
	    cmocka_unit_test(test_folded_columns_are_the_runs),
	    cmocka_unit_test(test_errors),
	};

	if (argc == 3 && !strcmp(argv[1], "--record"))
		return record_all(argv[2]);
	return cmocka_run_group_tests_name("differential flame graphs", tests, NULL, NULL);
}
