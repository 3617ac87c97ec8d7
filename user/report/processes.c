/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of short processes have a story together, not each: by name, and by cgroup. */
#include "lib/cleanup.h"
#include "lib/text.h"
#include "report/internal.h"

#define PROCESSES_SHOWN 12 /* more are grouped by name */
#define GROUPS_SHOWN    6

struct group {
	char name[256]; /* the pattern; in the end the name, when all have the same */
	const struct run_process *first;
	bool differ;
	size_t n;
	uint64_t life_ns, longest_ns, cpu_ns, queue_ns;
};

static struct group describe(const struct process_view *view, const char *name, uint64_t end_ns)
{
	const struct run_process *process = view->process;
	uint64_t until = process->ended ? process->end_ns : end_ns;
	struct group group = {.first = process, .n = 1};

	group.life_ns = until > process->begin_ns ? until - process->begin_ns : 0;
	group.longest_ns = group.life_ns;
	group.queue_ns = view->ns[STATE_RUN_QUEUE];
	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_CPU)
			group.cpu_ns += view->ns[state];
	snprintf(group.name, sizeof(group.name), "%s", name);
	return group;
}

static int by_name(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->first->id < y->first->id ? -1 : x->first->id > y->first->id;
}

static int by_cpu(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->cpu_ns != y->cpu_ns)
		return x->cpu_ns > y->cpu_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void add(struct group *into, const struct group *from)
{
	into->differ |= strcmp(into->first->comm, from->first->comm) != 0;
	into->n += from->n;
	into->life_ns += from->life_ns;
	into->longest_ns = from->longest_ns > into->longest_ns ? from->longest_ns : into->longest_ns;
	into->cpu_ns += from->cpu_ns;
	into->queue_ns += from->queue_ns;
}

/* Those of the same name become one; the busiest first; what does not fit a screen is taken together. */
static size_t merge(struct group *groups, size_t n, size_t most)
{
	size_t merged = 0;

	qsort(groups, n, sizeof(*groups), by_name);
	for (size_t i = 0; i < n; i++) {
		if (merged && !strcmp(groups[merged - 1].name, groups[i].name))
			add(&groups[merged - 1], &groups[i]);
		else
			groups[merged++] = groups[i];
	}
	qsort(groups, merged, sizeof(*groups), by_cpu);
	if (merged <= most)
		return merged;
	for (size_t i = most; i < merged; i++)
		add(&groups[most - 1], &groups[i]);
	groups[most - 1].differ = true;
	snprintf(groups[most - 1].name, sizeof(groups[most - 1].name), "(others)");
	return most;
}

static void print(struct page *page, const struct explanation *explanation, const char *what, const struct group *groups,
		  size_t n)
{
	static const char *const heads[] = {"processes",       "on CPU",    "share",  "run queue",
					    "alive at a time", "mean life", "longest"};
	struct table table;

	page_gap(page);
	table_init(&table, page, 8);
	table.left[0] = true;
	table.elastic = 0;
	table_row(&table);
	table_cell(&table, 0, "%s: %s", explanation->run->name, what);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&table, i + 1, "%s", heads[i]);
	for (size_t i = 0; i < n; i++) {
		const struct group *group = &groups[i];

		table_row(&table);
		table_cell(&table, 0, "%s", group->name);
		table_cell(&table, 1, "%s", FIGURE_COUNT(group->n));
		report_duration_cell(&table, 2, group->cpu_ns);
		table_cell(&table, 3, "%.0f%%", explanation->cpu_ns ? 100.0 * group->cpu_ns / explanation->cpu_ns : 0);
		report_duration_cell(&table, 4, group->queue_ns);
		table_cell(&table, 5, "%.2f", (double)group->life_ns / explanation->wall_ns);
		report_duration_cell(&table, 6, group->life_ns / group->n);
		report_duration_cell(&table, 7, group->longest_ns);
	}
	table_print(&table, 0);
	table_free(&table);
}

bool report_groups_processes(const struct explanation *explanation)
{
	return explanation->run->n_processes > PROCESSES_SHOWN;
}

void report_processes(struct page *page, const struct explanation *explanation)
{
	const struct run *run = explanation->run;
	size_t n = run->n_processes;
	_cleanup_free_ struct group *groups = calloc(n + 1, sizeof(*groups));

	if (!report_groups_processes(explanation))
		return;
	if (!groups) {
		page->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char pattern[PATTERN_BYTES];

		report_pattern(pattern, run->processes[i].comm);
		groups[i] = describe(&explanation->processes[i], pattern, run->end_ns);
	}
	n = merge(groups, n, page->all ? n : GROUPS_SHOWN);
	for (size_t i = 0; i < n; i++)
		if (!groups[i].differ)
			snprintf(groups[i].name, sizeof(groups[i].name), "%s", groups[i].first->comm);
	print(page, explanation, "by name", groups, n);
}

void report_cgroups(struct page *page, const struct explanation *explanation)
{
	static const char unknown[] = "(not known)";
	const struct run *run = explanation->run;
	size_t n = run->n_processes, known = 0;
	_cleanup_free_ struct group *groups = calloc(n + 1, sizeof(*groups));

	if (!groups) {
		page->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *cgroup = run->processes[i].cgroup;

		groups[i] = describe(&explanation->processes[i], cgroup ? cgroup : unknown, run->end_ns);
	}
	n = merge(groups, n, page->all ? n : GROUPS_SHOWN);
	for (size_t i = 0; i < n; i++)
		known += strcmp(groups[i].name, unknown) != 0;
	if (known > 1)
		print(page, explanation, "by cgroup", groups, n);
}
