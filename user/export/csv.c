/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comma-separated values (RFC 4180), for spreadsheets: a row for each state that a thread was in, and of waits for each cause, holder and
 * waker. The seconds of a thread's rows sum to its life. Cells are UTF-8 without control characters; a name that a spreadsheet would take for
 * a formula begins with an apostrophe.
 */
#include <errno.h>
#include <inttypes.h>

#include "explain/rules.h"
#include "export/slices.h"
#include "export/utf8.h"
#include "lib/cleanup.h"

static const char header[] =
    "run,name,process,pid,thread,tid,serial,state,cause,holder,waker,count,timed_out,seconds,longest,share_of_life\r\n";

#define CELL_BYTES 1024

struct row {
	size_t run; /* from 1 */
	const struct run *facts;
	const struct run_process *process;
	const struct run_thread *thread; /* NULL: threads of the process without a record */
	enum state state;
	const char *cause;
	const struct wait *wait; /* NULL: on a CPU, or nothing more is known */
	uint64_t ns;
};

static void put_text(FILE *out, const char *text)
{
	char cell[CELL_BYTES];
	bool quoted;

	utf8_copy(cell, sizeof(cell), text);
	/* Where a semicolon separates cells, too, as in some countries. */
	quoted = strpbrk(cell, ",;\"") || cell[0] == ' ';
	if (quoted)
		fputc('"', out);
	/* Behind spaces, they are still formulas to some. */
	if (cell[strspn(cell, " ")] && strchr("=+-@", cell[strspn(cell, " ")]))
		fputc('\'', out);
	for (const char *s = cell; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputs(quoted ? "\"," : ",", out);
}

static void put_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64 ",", ns / 1000000000, ns % 1000000000);
}

static void put_row(FILE *out, const struct row *row)
{
	const struct wait *wait = row->wait;

	fprintf(out, "%zu,", row->run);
	put_text(out, row->facts->name);
	put_text(out, row->process->comm);
	fprintf(out, "%u,", row->process->pid);
	put_text(out, row->thread ? row->thread->comm : "(threads without a record)");
	if (row->thread)
		fprintf(out, "%u,%" PRIu64 ",", row->thread->tid, row->thread->id);
	else
		fputs(",,", out);
	fprintf(out, "%s,", state_info[row->state].name);
	put_text(out, row->cause);
	put_text(out, wait ? THREAD_LABEL(wait->holder) : "");
	put_text(out, !wait ? "" : wait->waker ? THREAD_LABEL(wait->waker) : wait->waker_name ? wait->waker_name : "");
	if (wait)
		fprintf(out, "%" PRIu64 ",%" PRIu64 ",", wait->count, wait->timed_out);
	else
		fputs(",,", out);
	put_seconds(out, row->ns);
	if (wait)
		put_seconds(out, wait->max_ns);
	else
		fputc(',', out);
	if (row->thread && row->thread->life_ns)
		fprintf(out, "%.9f", (double)row->ns / row->thread->life_ns);
	fputs("\r\n", out);
}

/* By thread, then state; the explanation has them by size, which stays the order within a state. */
static int by_thread(const void *a, const void *b)
{
	const struct wait *x = *(const struct wait *const *)a, *y = *(const struct wait *const *)b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return x < y ? -1 : x > y;
}

static const struct wait **sorted_waits(const struct explanation *explanation)
{
	const struct wait **waits = calloc(explanation->n_waits + 1, sizeof(*waits));

	for (size_t i = 0; waits && i < explanation->n_waits; i++)
		waits[i] = &explanation->waits[i];
	if (waits)
		qsort(waits, explanation->n_waits, sizeof(*waits), by_thread);
	return waits;
}

static int put_undelivered(FILE *out, struct row row, const struct run_process *process)
{
	row.process = process;
	row.thread = NULL;
	row.wait = NULL;
	for (uint32_t class = 0; class < CLASS_COUNT; class ++) {
		struct verdict verdict = {.state = class_state[class]};
		_cleanup_free_ char *cause = NULL;
		bool on_cpu = state_info[class_state[class]].group == STATE_GROUP_CPU;

		row.ns = process->undelivered_ns[class];
		if (!row.ns)
			continue;
		if (!on_cpu && rules_unattributed(class, &verdict))
			return -ENOMEM;
		cause = verdict.cause;
		row.state = verdict.state;
		row.cause = cause ? cause : "";
		put_row(out, &row);
	}
	return 0;
}

static int put_run(FILE *out, const struct explanation *explanation, size_t number)
{
	const struct run *run = explanation->run;
	_cleanup_free_ const struct wait **waits = sorted_waits(explanation);
	_cleanup_free_ struct slice_thread *threads = NULL;
	struct row row = {.run = number, .facts = run};
	size_t next = 0;
	int err = waits ? slices_threads(run, &threads) : -ENOMEM;

	for (size_t i = 0; !err && i < run->n_threads; i++) {
		const struct thread_view *view = &explanation->threads[i];

		row.thread = view->thread;
		row.process = threads[i].process;
		row.wait = NULL;
		row.cause = "";
		for (int state = 0; state < STATE_COUNT; state++) {
			row.state = state;
			row.ns = view->ns[state];
			if (row.ns && state_info[state].group == STATE_GROUP_CPU)
				put_row(out, &row);
		}
		for (; next < explanation->n_waits && waits[next]->thread == view->thread; next++) {
			row.wait = waits[next];
			row.state = row.wait->state;
			row.cause = row.wait->cause;
			row.ns = row.wait->total_ns;
			put_row(out, &row);
		}
	}
	for (size_t i = 0; !err && i < run->n_processes; i++)
		err = put_undelivered(out, row, &run->processes[i]);
	return err;
}

static int write_csv(FILE *out, const struct export_input *input)
{
	int err = input->n_runs ? 0 : -ENODATA;

	errno = 0;
	if (!err)
		fputs(header, out);
	for (size_t i = 0; !err && i < input->n_runs; i++) {
		err = put_run(out, input->runs[i], i + 1);
		if (!err && ferror(out))
			err = errno ? -errno : -EIO;
	}
	if (!err && fflush(out))
		err = errno ? -errno : -EIO;
	return err;
}

const struct exporter exporter_csv = {
    .name = "csv",
    .gloss = "a row for each thread, state and cause, for spreadsheets",
    .extension = "csv",
    .write = write_csv,
};
