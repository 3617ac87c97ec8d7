/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"

#define VACANT_LOOKED_AT 64

/* A thread on its way into a row. */
struct member {
	const struct run_thread *thread;
	size_t position; /* in run->threads */
	size_t row;
};

/* A member's birth or death. */
struct edge {
	uint64_t at_ns;
	struct member *member;
	bool birth;
};

/* Names in an order in which those that differ by numbers alone are equal. */
static int compare_names(const char *a, const char *b)
{
	for (;;) {
		bool x = isdigit((unsigned char)*a), y = isdigit((unsigned char)*b);

		if (x && y) {
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a != *b || !*a) {
			return (unsigned char)*a - (unsigned char)*b;
		} else {
			a++;
			b++;
		}
	}
}

static int by_process_and_birth(const void *a, const void *b)
{
	const struct run_thread *x = ((const struct member *)a)->thread, *y = ((const struct member *)b)->thread;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* By name, then by time; deaths first, so that who is born then may take the row. */
static int by_name_and_time(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	int order = compare_names(x->member->thread->comm, y->member->thread->comm);

	if (order)
		return order;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->birth != y->birth)
		return x->birth ? 1 : -1;
	return x->member->thread->id < y->member->thread->id ? -1 : x->member->thread->id > y->member->thread->id;
}

/* Takes a vacant row: one whose last member had the very same name, if that is among the last ones, else the last. */
static size_t take_vacant(struct member **vacant, size_t *n, const struct member *member)
{
	size_t take = *n - 1, row;

	for (size_t i = *n; i > 0 && *n - i < VACANT_LOOKED_AT; i--)
		if (!strcmp(vacant[i - 1]->thread->comm, member->thread->comm)) {
			take = i - 1;
			break;
		}
	row = vacant[take]->row;
	memmove(vacant + take, vacant + take + 1, (--*n - take) * sizeof(*vacant));
	return row;
}

/*
 * Gives every member a row: as few for each name as threads of it were alive at a time (a sweep over births and deaths). A thread of no
 * length would die before its birth: it gets a nanosecond.
 */
static int share_rows(struct member *members, size_t n, size_t *n_rows)
{
	_cleanup_free_ struct edge *edges = calloc(2 * n + 1, sizeof(*edges));
	_cleanup_free_ struct member **vacant = calloc(n + 1, sizeof(*vacant)); /* who had it last */
	size_t n_vacant = 0;

	if (!edges || !vacant)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct run_thread *thread = members[i].thread;
		uint64_t life_ns = thread->life_ns ? thread->life_ns : 1;

		edges[2 * i] = (struct edge){thread->begin_ns, &members[i], true};
		edges[2 * i + 1] = (struct edge){thread->begin_ns + life_ns, &members[i], false};
	}
	qsort(edges, 2 * n, sizeof(*edges), by_name_and_time);
	for (size_t i = 0; i < 2 * n; i++) {
		struct member *member = edges[i].member;

		if (i && compare_names(member->thread->comm, edges[i - 1].member->thread->comm))
			n_vacant = 0;
		if (!edges[i].birth)
			vacant[n_vacant++] = member;
		else
			member->row = n_vacant ? take_vacant(vacant, &n_vacant, member) : (*n_rows)++;
	}
	return 0;
}

/* --- rows --- */

static uint64_t cpu_of(const struct thread_view *view)
{
	uint64_t ns = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_CPU)
			ns += view->ns[state];
	return ns;
}

/* What its member that waited longest for one thing waited for, and how long all of them did. */
static void sum_up(const struct explanation *explanation, struct lane_row *row)
{
	const struct most *longest = NULL;

	for (size_t i = 0; i < row->n; i++) {
		const struct thread_view *view = &explanation->threads[row->threads[i]];

		row->cpu_ns += cpu_of(view);
		row->life_ns += view->thread->life_ns;
		if (view->most.kinds && (!longest || view->most.total_ns > longest->total_ns))
			longest = &view->most;
	}
	if (!longest)
		return;
	row->most = *longest;
	row->most.total_ns = 0;
	for (size_t i = 0; i < row->n; i++) {
		const struct most *most = &explanation->threads[row->threads[i]].most;

		if (most->kinds && most->state == longest->state && !strcmp(most->cause, longest->cause))
			row->most.total_ns += most->total_ns;
	}
}

/* Members stand by row, and within one by birth. */
static int by_row(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	if (x->thread->begin_ns != y->thread->begin_ns)
		return x->thread->begin_ns < y->thread->begin_ns ? -1 : 1;
	return x->thread->id < y->thread->id ? -1 : x->thread->id > y->thread->id;
}

static int by_work(const void *a, const void *b)
{
	const struct lane_row *x = a, *y = b;

	if (x->cpu_ns != y->cpu_ns)
		return x->cpu_ns > y->cpu_ns ? -1 : 1;
	if (x->life_ns != y->life_ns)
		return x->life_ns > y->life_ns ? -1 : 1;
	return x->threads < y->threads ? -1 : x->threads > y->threads;
}

/* Rows are made in the order of their first members; where they stand in `threads` is that order. */
static int by_place(const void *a, const void *b)
{
	const struct lane_row *x = a, *y = b;

	return x->threads < y->threads ? -1 : x->threads > y->threads;
}

static int fill_rows(const struct explanation *explanation, struct member *members, size_t n, struct lane_rows *ret)
{
	ret->rows = calloc(n + 1, sizeof(*ret->rows));
	if (!ret->rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		ret->threads[i] = members[i].position;
		if (!i || members[i].row != members[i - 1].row)
			ret->rows[ret->n++].threads = &ret->threads[i];
		ret->rows[ret->n - 1].n++;
	}
	for (size_t i = 0; i < ret->n; i++)
		sum_up(explanation, &ret->rows[i]);
	return 0;
}

/* Numbers the rows in the order of members, and sorts the members so. */
static int order_rows(struct member *members, size_t n, size_t n_rows)
{
	_cleanup_free_ size_t *number = calloc(n_rows + 1, sizeof(*number));
	size_t given = 0;

	if (!number)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!number[members[i].row])
			number[members[i].row] = ++given;
		members[i].row = number[members[i].row] - 1;
	}
	qsort(members, n, sizeof(*members), by_row);
	return 0;
}

/* Leaves the most active rows, in their places; the threads of the others become one. */
static int choose_rows(const struct explanation *explanation, size_t most, struct lane_rows *ret)
{
	size_t *threads, n = 0;

	if (ret->n <= most)
		return 0;
	threads = calloc(ret->n_threads + 1, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	qsort(ret->rows, ret->n, sizeof(*ret->rows), by_work);
	qsort(ret->rows, most, sizeof(*ret->rows), by_place);
	for (size_t i = 0; i < ret->n; i++) {
		struct lane_row *row = &ret->rows[i];

		memcpy(threads + n, row->threads, row->n * sizeof(*threads));
		row->threads = threads + n;
		n += row->n;
	}
	ret->others.threads = ret->rows[most].threads;
	ret->others.n = n - (ret->others.threads - threads);
	ret->n = most;
	free(ret->threads);
	ret->threads = threads;
	sum_up(explanation, &ret->others);
	return 0;
}

static bool is_meant(const struct run_thread *thread, const char *wanted)
{
	return !wanted || strstr(THREAD_LABEL(thread), wanted);
}

static int make(const struct explanation *explanation, const struct rows_options *options, struct member *members,
		struct lane_rows *ret)
{
	const struct run *run = explanation->run;
	size_t n = 0, n_rows = 0;
	int err = 0;

	for (size_t i = 0; i < run->n_threads; i++)
		if (is_meant(&run->threads[i], options->thread))
			members[n++] = (struct member){.thread = &run->threads[i], .position = i};
	ret->n_threads = n;
	if (!n)
		return -ENOENT;
	qsort(members, n, sizeof(*members), by_process_and_birth);
	for (size_t i = 0; i < n; i++)
		members[i].row = i;
	if (options->most && n > options->most) {
		err = share_rows(members, n, &n_rows);
		if (!err)
			err = order_rows(members, n, n_rows);
	}
	if (!err)
		err = fill_rows(explanation, members, n, ret);
	if (!err && options->most)
		err = choose_rows(explanation, options->most, ret);
	return err;
}

int rows_make(const struct explanation *explanation, const struct rows_options *options, struct lane_rows *ret)
{
	_cleanup_free_ struct member *members = calloc(explanation->run->n_threads + 1, sizeof(*members));
	int err = -ENOMEM;

	*ret = (struct lane_rows){.threads = calloc(explanation->run->n_threads + 1, sizeof(*ret->threads))};
	if (members && ret->threads)
		err = make(explanation, options, members, ret);
	if (err)
		rows_free(ret);
	return err;
}

void rows_free(struct lane_rows *rows)
{
	free(rows->rows);
	free(rows->threads);
	*rows = (struct lane_rows){.n = 0};
}

const char *row_label(char label[ROW_LABEL_BYTES], const struct explanation *explanation, const struct lane_row *row)
{
	const struct run_thread *first = &explanation->run->threads[row->threads[0]];
	bool differ = false;
	size_t length = 0;

	if (row->n == 1) {
		snprintf(label, ROW_LABEL_BYTES, "%s/%u", first->comm, first->tid);
		return label;
	}
	for (size_t i = 1; i < row->n; i++)
		differ |= strcmp(first->comm, explanation->run->threads[row->threads[i]].comm) != 0;
	for (const char *c = first->comm; *c && length < ROW_LABEL_BYTES / 2; c++) {
		bool digit = differ && isdigit((unsigned char)*c);

		if (!digit || !length || label[length - 1] != '#')
			label[length++] = digit ? '#' : *c;
	}
	snprintf(label + length, ROW_LABEL_BYTES - length, " x%zu", row->n);
	return label;
}
