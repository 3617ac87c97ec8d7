/* SPDX-License-Identifier: Apache-2.0 */
/* Two runs as one tree: every nanosecond of both is in it, and the same things meet whatever numbers they have. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "diff_fixture.h"

static const struct flame_diff_node *node_named(const struct flame_diff *diff, const char *name)
{
	for (size_t i = 1; i < diff->n_nodes; i++)
		if (!strcmp(diff->names.names[diff->nodes[i].name].text, name))
			return &diff->nodes[i];
	return NULL;
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
		/* Threads of one name are one, as there is no telling which of them was which. */
		for (size_t j = 1, workers = 0; j < diff->n_nodes; j++) {
			workers += !strcmp(diff->names.names[diff->nodes[j].name].text, "worker");
			assert_true(workers <= 1);
		}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_runs_are_whole),
	    cmocka_unit_test(test_the_same_things_meet),
	    cmocka_unit_test(test_a_child_is_the_same_whatever_its_pid),
	    cmocka_unit_test(test_what_changed_and_by_how_much),
	    cmocka_unit_test(test_programs_of_two_names),
	    cmocka_unit_test(test_folded_columns_are_the_runs),
	};

	return cmocka_run_group_tests_name("two runs as one tree", tests, NULL, NULL);
}
