/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"
#include "report/internal.h"

#define CAUSES_SHOWN      5
#define RESTS_SHOWN       2
#define CAUSES_LISTED     200 /* with --all; the JSON output has every one */
#define MEAN_WORTH_SAYING 0.005

static bool is_worth_a_row(const struct page *page, const struct cause_view *cause)
{
	return page->all || (!cause->joining && cause->mean >= MEAN_WORTH_SAYING);
}

static void add_part(struct text *text, const char *what, const char *name, uint64_t ns, const struct cause_view *cause)
{
	if (name[0] && explain_part_counts(ns, cause->total_ns))
		text_add(text, "%s%s %s %.0f%%", text->length ? ", " : "", what, name, 100.0 * ns / cause->total_ns);
}

/* "held by worker/123 71%, ended by worker/124 60%, in orders_add <- handle_request 82%" */
static void add_note(struct table *table, const struct cause_view *cause)
{
	_cleanup_text_ struct text text = {0};

	add_part(&text, "held by", PARTY_LABEL(&cause->holder), cause->holder.ns, cause);
	/* Only a thread releases: a timer ends a wait, and not the holding. */
	add_part(&text, cause->state == STATE_LOCK && cause->waker.thread ? "released by" : "ended by",
		 PARTY_LABEL(&cause->waker), cause->waker.ns, cause);
	add_part(&text, "in", cause->place ? cause->place : "", cause->place_ns, cause);
	if (text.length)
		table_note(table, "%s", text.bytes);
	if (text.failed)
		table->page->failed = true;
}

static void percentile_cell(struct table *table, size_t column, const struct cause_view *cause, double quantile)
{
	if (cause->count)
		report_duration_cell(table, column, explain_percentile(cause->log2_ns, cause->max_ns, quantile));
	else
		table_cell(table, column, "-");
}

static void name_rest(char label[CAUSE_LABEL_BYTES], const struct cause_view *rest)
{
	const char *noun = causes_noun(rest->state);

	if (rest->state == STATE_RUN_QUEUE)
		snprintf(label, CAUSE_LABEL_BYTES, "for a CPU");
	else if (rest->state == STATE_PIPE || rest->state == STATE_LOCK)
		snprintf(label, CAUSE_LABEL_BYTES, "%s other %s", FIGURE_COUNT(rest->kinds), noun);
	else
		snprintf(label, CAUSE_LABEL_BYTES, "%s, %s other %s", state_info[rest->state].name, FIGURE_COUNT(rest->kinds),
			 noun);
}

static void add_cause(struct table *table, const struct cause_view *cause)
{
	char label[CAUSE_LABEL_BYTES];

	if (cause->kinds > 1)
		name_rest(label, cause);
	else if (cause->state == STATE_RUN_QUEUE)
		snprintf(label, sizeof(label), "for a CPU, %s", cause->cause);
	else
		cause_label(label, cause->state, cause->cause);
	table_row(table);
	table_cell(table, 0, "%s%s", cause->joining ? "joining: " : cause->idle ? "idle: " : "", label);
	table_cell(table, 1, "%s", FIGURE_NS(cause->total_ns));
	table_cell(table, 2, "%.2f", cause->mean);
	table_cell(table, 3, "%s", FIGURE_COUNT(cause->count));
	percentile_cell(table, 4, cause, 0.5);
	percentile_cell(table, 5, cause, 0.95);
	percentile_cell(table, 6, cause, 0.99);
	report_duration_cell(table, 7, cause->max_ns);
	add_note(table, cause);
}

/* Waits beside which there was work; then those of idle threads, for what comes from outside before what they wait for of each other. */
static int rank_of(const struct cause_view *cause)
{
	return !cause->idle ? 0 : cause->outside ? 1 : 2;
}

/* What got no row of its own, by state: many files that were read once each are much of a run, and none of them is. */
static void add_to_rest(struct cause_view *rest, const struct cause_view *cause)
{
	rest->state = cause->state;
	rest->kinds++;
	rest->count += cause->count;
	rest->total_ns += cause->total_ns;
	rest->mean += cause->mean;
	if (cause->max_ns > rest->max_ns)
		rest->max_ns = cause->max_ns;
	for (int slot = 0; slot < WAIT_LOG2_SLOTS; slot++)
		rest->log2_ns[slot] += cause->log2_ns[slot];
}

/* The largest first; what is less than any row that was shown is not missed. */
static void add_rests(struct table *table, struct cause_view rests[STATE_COUNT], uint64_t least_ns)
{
	for (int rows = 0; rows < RESTS_SHOWN; rows++) {
		struct cause_view *most = NULL;

		for (int state = 0; state < STATE_COUNT; state++)
			if (rests[state].kinds > 1 && rests[state].mean >= MEAN_WORTH_SAYING &&
			    rests[state].total_ns > least_ns && (!most || rests[state].total_ns > most->total_ns))
				most = &rests[state];
		if (!most)
			return;
		add_cause(table, most);
		most->kinds = 0;
	}
}

static size_t add_causes(struct table *table, const struct explanation *explanation)
{
	const struct page *page = table->page;
	size_t most = page->all ? CAUSES_LISTED : CAUSES_SHOWN, shown = 0;
	struct cause_view rests[STATE_COUNT] = {0};
	uint64_t least_ns = 0;

	for (int rank = 0; rank < 3; rank++) {
		for (size_t i = 0; i < explanation->n_causes; i++) {
			const struct cause_view *cause = &explanation->causes[i];

			if (rank_of(cause) != rank)
				continue;
			if (shown < most && is_worth_a_row(page, cause)) {
				add_cause(table, cause);
				least_ns = !rank ? cause->total_ns : least_ns;
				shown++;
			} else if (!rank && !cause->joining) {
				add_to_rest(&rests[cause->state], cause);
			}
		}
		if (!rank)
			add_rests(table, rests, shown < most ? 0 : least_ns);
	}
	return shown;
}

void report_causes(struct page *page, const struct explanation *explanation)
{
	static const char *const heads[] = {"total", "at a time", "count", "p50", "p95", "p99", "longest"};
	struct table table;

	table_init(&table, page, 8);
	table.left[0] = true;
	table.elastic = 0;
	table_row(&table);
	table_cell(&table, 0, "waited for");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&table, i + 1, "%s", heads[i]);
	if (add_causes(&table, explanation)) {
		page_gap(page);
		table_print(&table, 0);
	}
	table_free(&table);
}
