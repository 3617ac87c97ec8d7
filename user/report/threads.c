/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "report/internal.h"

#define THREADS_SHOWN      12    /* more are grouped */
#define GROUPS_SHOWN       9     /* so that all of a report is within one screen ... */
#define GROUPS_BESIDE      5     /* ... also where processes are in groups above them */
#define CPU_WORTH_SHOWING  0.001 /* of all threads' lives */
#define WAIT_WORTH_SHOWING 0.01

/* Threads that are shown in one line: those with the same name but for numbers, which wait for the same. */
struct group {
	const struct thread_view *first;
	char comm[PATTERN_BYTES]; /* the pattern; in the end the name, when all have the same */
	bool differ;              /* names of members */
	char waits[CAUSE_LABEL_BYTES];
	size_t n;
	uint64_t life_ns, ns[STATE_COUNT], most_ns;
};

void report_pattern(char pattern[PATTERN_BYTES], const char *comm)
{
	size_t n = 0;

	for (; *comm && n < PATTERN_BYTES - 1; comm++) {
		if (!isdigit((unsigned char)*comm))
			pattern[n++] = *comm;
		else if (!n || pattern[n - 1] != '#')
			pattern[n++] = '#';
	}
	pattern[n] = '\0';
}

/* Locks of the heap differ by address alone. A quote that it stands in is closed all the same. */
static void forget_address(char *label)
{
	char *at = strstr(label, " at 0x"), *rest = at ? at + strlen(" at 0x") : NULL;

	if (!at)
		return;
	rest += strspn(rest, "0123456789abcdef");
	memmove(at, rest, strlen(rest) + 1);
}

static void describe(struct group *group, const struct thread_view *view, bool alone)
{
	*group = (struct group){.first = view};
	if (alone)
		snprintf(group->comm, sizeof(group->comm), "%s", view->thread->comm);
	else
		report_pattern(group->comm, view->thread->comm);
	/* What is too little to be shown tells nobody from others. */
	if (!alone && 100 * view->most.total_ns < view->thread->life_ns)
		return;
	if (view->most.kinds && (alone || view->most.kinds == 1))
		topic_label(group->waits, view->most.state, view->most.cause, view->most.kinds);
	else if (view->most.kinds) /* how many differs from thread to thread */
		snprintf(group->waits, sizeof(group->waits), "%s (different %s)", state_info[view->most.state].name,
			 causes_noun(view->most.state));
	if (!alone)
		forget_address(group->waits);
}

static void add_thread(struct group *group, const struct thread_view *view)
{
	group->n++;
	group->life_ns += view->thread->life_ns;
	group->most_ns += view->most.total_ns;
	for (int state = 0; state < STATE_COUNT; state++)
		group->ns[state] += view->ns[state];
}

static int by_likeness(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int order = strcmp(x->comm, y->comm);

	if (!order)
		order = strcmp(x->waits, y->waits);
	if (!order)
		order = x->first->only_joins - y->first->only_joins;
	if (!order)
		order = x->first->idle - y->first->idle;
	return order;
}

static uint64_t cpu_of(const struct group *group)
{
	uint64_t ns = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_CPU)
			ns += group->ns[state];
	return ns;
}

/* The busiest first. */
static int by_work(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	uint64_t x_ns = cpu_of(x), y_ns = cpu_of(y);

	if (x_ns != y_ns)
		return x_ns > y_ns ? -1 : 1;
	if (x->life_ns != y->life_ns)
		return x->life_ns > y->life_ns ? -1 : 1;
	return x->first->thread->id < y->first->thread->id ? -1 : 1;
}

/* Few threads: as they came into being. */
static int by_birth(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->first->thread->id < y->first->thread->id ? -1 : x->first->thread->id > y->first->thread->id;
}

static size_t merge_groups(struct group *groups, size_t n)
{
	size_t merged = 0;

	qsort(groups, n, sizeof(*groups), by_likeness);
	for (size_t i = 0; i < n; i++) {
		struct group *into = merged ? &groups[merged - 1] : NULL;

		if (!into || by_likeness(into, &groups[i])) {
			groups[merged++] = groups[i];
			continue;
		}
		into->differ |= strcmp(into->first->thread->comm, groups[i].first->thread->comm) != 0;
		if (groups[i].first->thread->id < into->first->thread->id)
			into->first = groups[i].first;
		into->n += groups[i].n;
		into->life_ns += groups[i].life_ns;
		into->most_ns += groups[i].most_ns;
		for (int state = 0; state < STATE_COUNT; state++)
			into->ns[state] += groups[i].ns[state];
	}
	for (size_t i = 0; i < merged; i++)
		if (!groups[i].differ)
			snprintf(groups[i].comm, sizeof(groups[i].comm), "%s", groups[i].first->thread->comm);
	return merged;
}

/* More groups than fit a screen: the last line takes the rest. */
static size_t fold_rest(struct group *groups, size_t n, size_t most)
{
	struct group *rest = &groups[most - 1];

	if (n <= most)
		return n;
	for (size_t i = most; i < n; i++) {
		rest->n += groups[i].n;
		rest->life_ns += groups[i].life_ns;
		for (int state = 0; state < STATE_COUNT; state++)
			rest->ns[state] += groups[i].ns[state];
	}
	snprintf(rest->comm, sizeof(rest->comm), "(others)");
	rest->waits[0] = '\0';
	return most;
}

void report_duration_cell(struct table *table, size_t column, uint64_t ns)
{
	if (ns)
		table_cell(table, column, "%s", FIGURE_NS(ns));
	else
		table_cell(table, column, "-");
}

static void add_group(struct table *table, const struct group *group, const bool shown[STATE_COUNT], bool processes)
{
	size_t column = 2;

	table_row(table);
	if (group->n > 1)
		table_cell(table, 0, "%zu x %s", group->n, group->comm);
	else if (processes)
		table_cell(table, 0, "%s [%u/%u]", group->comm, group->first->thread->pid, group->first->thread->tid);
	else
		table_cell(table, 0, "%s [%u]", group->comm, group->first->thread->tid);
	report_duration_cell(table, 1, group->life_ns / group->n);
	for (int state = 0; state < STATE_COUNT; state++)
		if (shown[state])
			report_duration_cell(table, column++, group->ns[state] / group->n);
	if (group->waits[0] && group->most_ns && 100 * group->most_ns >= group->life_ns)
		table_cell(table, column, "%s%s %.0f%%",
			   group->first->only_joins ? "joining: "
			   : group->first->idle     ? "idle: "
						    : "",
			   group->waits, group->life_ns ? 100.0 * group->most_ns / group->life_ns : 0);
}

static void print_groups(struct page *page, const struct explanation *explanation, const struct group *groups, size_t n,
			 bool grouped)
{
	bool shown[STATE_COUNT];
	uint64_t life_ns = 0;
	struct table table;
	size_t columns = 0;

	for (size_t i = 0; i < n; i++)
		life_ns += groups[i].life_ns;
	for (int state = 0; state < STATE_COUNT; state++) {
		double least = state_info[state].group == STATE_GROUP_WAIT ? WAIT_WORTH_SHOWING : CPU_WORTH_SHOWING;

		shown[state] = explanation->ns[state] && (page->all || explanation->ns[state] >= least * life_ns);
		columns += shown[state];
	}
	table_init(&table, page, columns + 3);
	table.left[0] = table.left[columns + 2] = true;
	table.elastic = columns + 2;
	table_row(&table);
	table_cell(&table, 0, grouped ? "%s: threads (means)" : "%s: thread", explanation->run->name);
	table_cell(&table, 1, "life");
	columns = 2;
	for (int state = 0; state < STATE_COUNT; state++)
		if (shown[state])
			table_cell(&table, columns++, "%s", state == STATE_RUN_QUEUE ? "run queue" : state_info[state].name);
	table_cell(&table, columns, "waits most for");
	for (size_t i = 0; i < n; i++)
		add_group(&table, &groups[i], shown, explanation->run->n_processes > 1);
	table_print(&table, 0);
	table_free(&table);
}

void report_threads(struct page *page, const struct explanation *explanation)
{
	size_t n = explanation->run->n_threads;
	bool grouped = n > THREADS_SHOWN && !page->all;
	_cleanup_free_ struct group *groups = calloc(n + 1, sizeof(*groups));

	if (!groups) {
		page->failed = true;
		return;
	}
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		describe(&groups[i], &explanation->threads[i], !grouped);
		add_thread(&groups[i], &explanation->threads[i]);
	}
	if (grouped) {
		n = merge_groups(groups, n);
		qsort(groups, n, sizeof(*groups), by_work);
		n = fold_rest(groups, n, report_groups_processes(explanation) ? GROUPS_BESIDE : GROUPS_SHOWN);
	} else {
		qsort(groups, n, sizeof(*groups), by_birth);
	}
	page_gap(page);
	print_groups(page, explanation, groups, n, grouped);
}
