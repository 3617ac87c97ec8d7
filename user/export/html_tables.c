/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that can be read without scripting: the first rows of what there is; the waits' is filled anew by html_waits.js. */
#include "export/html.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define WAITS_LISTED     25
#define THREADS_LISTED   50
#define FUNCTIONS_LISTED 15
#define BAR_NAMED        24.0 /* percent of a column's width */

static void head(struct html_page *page, const char *const heads[], size_t n)
{
	fputs("<thead><tr>", page->out);
	for (size_t i = 0; i < n; i++) {
		fprintf(page->out, "<th scope=\"col\"%s>", i ? " class=\"n\"" : "");
		html_say(page, "%s", heads[i]);
		fputs("</th>", page->out);
	}
	fputs("</tr></thead>\n", page->out);
}

static void rest(struct html_page *page, size_t shown, size_t all, const char *of)
{
	if (shown >= all)
		return;
	fputs("<p class=\"faint\">", page->out);
	html_say(page, "The first %zu of %s %s.", shown, FIGURE_COUNT(all), of);
	fputs("</p>\n", page->out);
}

/* --- waits --- */

static void percentile_cell(struct html_page *page, const struct cause_view *cause, double quantile)
{
	html_time_cell(page, explain_percentile(cause->log2_ns, cause->max_ns, quantile));
}

static void put_wait(struct html_page *page, const struct cause_view *cause)
{
	_cleanup_free_ char *note = html_note(cause);

	if (!note) {
		page->failed = true;
		return;
	}
	fputs("<tr><th scope=\"row\">", page->out);
	html_swatch(page->out, cause->state);
	html_say(page, "%s%s",
		 cause->joining ? "joining: "
		 : cause->idle  ? "idle: "
				: "",
		 HTML_LABEL(cause->state, cause->cause));
	if (note[0]) {
		fputs("<span class=\"note\">", page->out);
		html_say(page, "%s", note);
		fputs("</span>", page->out);
	}
	fputs("</th>", page->out);
	html_time_cell(page, cause->total_ns);
	html_cell(page, "n", "%.2f", cause->mean);
	html_cell(page, "n", "%s", FIGURE_COUNT(cause->count));
	percentile_cell(page, cause, 0.5);
	percentile_cell(page, cause, 0.95);
	percentile_cell(page, cause, 0.99);
	html_time_cell(page, cause->max_ns);
	html_cell(page, "n", "%s", FIGURE_COUNT(cause->threads));
	fputs("</tr>\n", page->out);
}

void html_put_waits(struct html_page *page)
{
	static const char *const heads[] = {"waited for", "total", "at a time", "count",  "p50",
					    "p95",        "p99",   "longest",   "threads"};
	const struct explanation *run = page->shown;
	size_t shown = run->n_causes < WAITS_LISTED ? run->n_causes : WAITS_LISTED;

	fputs("<section id=\"waits\" aria-labelledby=\"waits-head\">\n<h2 id=\"waits-head\">What threads waited for</h2>\n"
	      "<div class=\"tools\" id=\"waits-tools\"></div>\n<div class=\"scroll\"><table id=\"waits-table\">",
	      page->out);
	head(page, heads, sizeof(heads) / sizeof(heads[0]));
	fputs("<tbody>\n", page->out);
	for (size_t i = 0; i < shown; i++)
		put_wait(page, &run->causes[i]);
	fputs("</tbody></table></div>\n<div id=\"waits-rest\">", page->out);
	rest(page, shown, run->n_causes, "causes, by their total");
	fputs("</div>\n</section>\n", page->out);
}

/* --- threads --- */

static uint64_t cpu_of(const struct thread_view *view)
{
	uint64_t cpu_ns = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == STATE_GROUP_CPU)
			cpu_ns += view->ns[state];
	return cpu_ns;
}

static void put_thread(struct html_page *page, const struct thread_view *view)
{
	const struct run_thread *thread = view->thread;
	double values[STATE_COUNT];

	for (int state = 0; state < STATE_COUNT; state++)
		values[state] = view->ns[state];
	fputs("<tr><th scope=\"row\">", page->out);
	html_say(page, "%s", THREAD_LABEL(thread));
	fputs("</th>", page->out);
	html_cell(page, "n", "%u", thread->pid);
	html_time_cell(page, thread->life_ns);
	html_time_cell(page, cpu_of(view));
	html_time_cell(page, view->ns[STATE_RUN_QUEUE]);
	fputs("<td class=\"share\">", page->out);
	html_bar(page, values, thread->life_ns, BAR_NAMED, "shares of its life");
	fputs("</td>", page->out);
	if (view->most.kinds && view->most.total_ns && 100 * view->most.total_ns >= thread->life_ns)
		html_cell(page, NULL, "%s%s %.0f%%",
			  view->only_joins ? "joining: "
			  : view->idle     ? "idle: "
					   : "",
			  TOPIC_LABEL(&view->most), 100.0 * view->most.total_ns / thread->life_ns);
	else
		html_cell(page, "none", "-");
	fputs("</tr>\n", page->out);
}

/* The busiest first. */
static int by_work(const void *a, const void *b)
{
	const struct thread_view *x = *(const struct thread_view *const *)a, *y = *(const struct thread_view *const *)b;
	uint64_t x_ns = cpu_of(x), y_ns = cpu_of(y);

	if (x_ns != y_ns)
		return x_ns > y_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* As they began; where there are too many, those that worked most. */
static void put_thread_rows(struct html_page *page, size_t shown)
{
	size_t n = page->shown->run->n_threads;
	_cleanup_free_ const struct thread_view **order = calloc(n + 1, sizeof(*order));

	if (!order) {
		page->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = &page->shown->threads[i];
	if (shown < n)
		qsort(order, n, sizeof(*order), by_work);
	for (size_t i = 0; i < shown; i++)
		put_thread(page, order[i]);
}

void html_put_threads(struct html_page *page)
{
	static const char *const heads[] = {"thread", "pid", "life", "on CPUs", "run queue"};
	const struct explanation *run = page->shown;
	size_t n = run->run->n_threads, shown = n < THREADS_LISTED ? n : THREADS_LISTED;

	fputs("<section id=\"threads\" aria-labelledby=\"threads-head\">\n<h2 id=\"threads-head\">Threads</h2>\n"
	      "<div class=\"scroll\"><table>\n<thead><tr>",
	      page->out);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		fprintf(page->out, "<th scope=\"col\"%s>%s</th>", i ? " class=\"n\"" : "", heads[i]);
	fputs("<th scope=\"col\">shares of its life</th><th scope=\"col\">waits most for</th></tr></thead><tbody>\n", page->out);
	put_thread_rows(page, shown);
	fputs("</tbody></table></div>\n", page->out);
	rest(page, shown, n, "threads, by their time on CPUs");
	fputs("</section>\n", page->out);
}

/* --- functions --- */

void html_put_functions(struct html_page *page)
{
	static const char *const heads[] = {"function", "own time", "samples"};
	const struct explanation *run = page->shown;
	size_t shown = run->n_hot < FUNCTIONS_LISTED ? run->n_hot : FUNCTIONS_LISTED;

	if (!shown)
		return;
	fputs("<section id=\"functions\" aria-labelledby=\"functions-head\">\n<h2 id=\"functions-head\">What computed"
	      "<small>exact time on CPUs, divided over samples</small></h2>\n<div class=\"scroll\"><table>\n",
	      page->out);
	head(page, heads, sizeof(heads) / sizeof(heads[0]));
	fputs("<tbody>\n", page->out);
	for (size_t i = 0; i < shown; i++) {
		const struct hot_function *hot = &run->hot[i];

		fputs("<tr><th scope=\"row\"><code>", page->out);
		html_say(page, "%s", hot->function[0] ? hot->function : hot->object);
		fputs("</code> <span class=\"faint\">", page->out);
		html_say(page, "%s", hot->kernel ? "kernel" : hot->function[0] ? hot->object : "no symbols");
		fputs("</span></th>", page->out);
		html_time_cell(page, hot->self_ns);
		html_cell(page, "n", "%s", FIGURE_COUNT(hot->samples));
		fputs("</tr>\n", page->out);
	}
	fputs("</tbody></table></div>\n", page->out);
	rest(page, shown, run->n_hot, "functions");
	fputs("</section>\n", page->out);
}
