/* SPDX-License-Identifier: Apache-2.0 */
/* What the page begins with: the answer, what makes it less than whole, what stands out, and the budget. */
#include "export/html.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define COMMAND_BYTES 300 /* of the command line that are shown */

static void fact(struct html_page *page, const char *name, const char *value, const char *note)
{
	fputs("<div><dt>", page->out);
	html_say(page, "%s", name);
	fputs("</dt><dd>", page->out);
	html_say(page, "%s", value);
	if (note[0]) {
		fputs(" <small>", page->out);
		html_say(page, "%s", note);
		fputs("</small>", page->out);
	}
	fputs("</dd></div>\n", page->out);
}

static void put_facts(struct html_page *page)
{
	const struct explanation *run = page->shown;
	const struct comparison *comparison = page->comparison;
	bool compared = comparison && !comparison->refused;
	_cleanup_free_ char *running = text_format("%.2f", run->running);
	_cleanup_free_ char *queue = text_format("%.2f", run->budget[STATE_RUN_QUEUE]);
	_cleanup_free_ char *cpus = run->cpus ? text_format("of %u CPUs, mean", run->cpus) : text_format("threads, mean");
	_cleanup_free_ char *speedup = text_format("%sx", compared ? FIGURE_RATIO(comparison->speedup) : "");
	_cleanup_free_ char *before = compared ? text_format("of %s", HTML_RUN_NAME(page, 0)) : text_format("%s", "");

	if (!running || !queue || !cpus || !speedup || !before) {
		page->failed = true;
		return;
	}
	fputs("<dl class=\"facts\">\n", page->out);
	fact(page, "Wall", FIGURE_NS(run->wall_ns), "");
	if (compared)
		fact(page, "Speedup", speedup, before);
	fact(page, "On CPUs", FIGURE_NS(run->cpu_ns), "");
	fact(page, "Running", running, cpus);
	fact(page, "For a CPU", queue, "threads, mean");
	fact(page, "Threads", FIGURE_COUNT(run->run->n_threads), "");
	fact(page, "Processes", FIGURE_COUNT(run->run->n_processes), "");
	fputs("</dl>\n", page->out);
}

static void put_command(struct html_page *page)
{
	_cleanup_text_ struct text text = {0};

	for (char *const *argument = page->shown->run->command; argument && *argument && text.length < COMMAND_BYTES; argument++)
		text_add(&text, "%s%.*s", text.length ? " " : "", COMMAND_BYTES, *argument);
	page->failed |= text.failed;
	if (!text.length)
		return;
	fputs("<p class=\"command\"><code>", page->out);
	html_say(page, "%s", text.bytes);
	fputs("</code></p>\n", page->out);
}

static void put_finding(struct html_page *page, const struct finding *finding)
{
	fputs("<li>", page->out);
	html_say(page, "%s", finding->sentence);
	if (finding->try_next[0]) {
		fputs("<span class=\"try\"><b>try</b> ", page->out);
		html_say(page, "%s", finding->try_next);
		fputs("</span>", page->out);
	}
	fputs("</li>\n", page->out);
}

static void put_findings(struct html_page *page)
{
	const struct explanation *run = page->shown;

	if (!run->n_findings)
		return;
	fputs("<h2 id=\"findings\">Findings</h2>\n<ol class=\"findings\">\n", page->out);
	for (size_t i = 0; i < run->n_findings; i++)
		put_finding(page, &run->findings[i]);
	fputs("</ol>\n", page->out);
}

static void trouble(struct html_page *page, const char *text, bool bad)
{
	fprintf(page->out, "<p class=\"%s\" role=\"note\">", bad ? "trouble" : "notice");
	html_say(page, "%s", text);
	fputs("</p>\n", page->out);
}

/* What makes the figures of a run other than those of a program that did its work. What was lost stands among the findings. */
static void put_troubles(struct html_page *page, const struct explanation *explanation)
{
	const struct run *run = explanation->run;
	uint64_t running = explanation->checks.running_processes;
	_cleanup_free_ char *text = NULL;

	if (run->failure)
		text = text_format("%s FAILED: %s. Its figures are of what it did until then.", run->name, run->failure);
	else if (run->whole_ns)
		text = text_format("Only a part of %s: from %s to %s of its %s.", run->name, FIGURE_NS(run->cut_ns),
				   FIGURE_NS(run->cut_ns + explanation->wall_ns), FIGURE_NS(run->whole_ns));
	else if (run->attached)
		return;
	else if (run->interrupted)
		text = text_format("%s was ended before it was done: this is the account of its first %s.", run->name,
				   FIGURE_NS(explanation->wall_ns));
	else if (run->exit_status > 128)
		text = text_format("%s was ended by signal %d.", run->name, run->exit_status - 128);
	else if (run->exit_status)
		text = text_format("%s ended with status %d.", run->name, run->exit_status);
	else if (running)
		text = text_format("%s process%s still running when %s ended.", FIGURE_COUNT(running),
				   running == 1 ? " was" : "es were", run->name);
	else
		return;
	if (text)
		trouble(page, text, run->failure || (!run->whole_ns && run->exit_status));
	else
		page->failed = true;
}

void html_put_answer(struct html_page *page)
{
	const struct comparison *comparison = page->comparison;

	fputs("<section id=\"answer\" aria-label=\"The answer\">\n", page->out);
	put_command(page);
	fputs("<h1>", page->out);
	html_say(page, "%s", comparison && !comparison->refused ? comparison->headline : page->shown->headline);
	fputs("</h1>\n", page->out);
	for (size_t i = 0; i < page->input->n_runs; i++)
		put_troubles(page, page->input->runs[i]);
	put_facts(page);
	put_findings(page);
	fputs("</section>\n", page->out);
}

/* --- the budget --- */

#define BAR_NAMED 6.0 /* percent of the page's width: room for "run_queue" */

static double sum_of(const double values[STATE_COUNT])
{
	double sum = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		sum += values[state];
	return sum;
}

static void put_bars(struct html_page *page, double full)
{
	for (size_t i = 0; i < page->input->n_runs; i++) {
		const struct explanation *run = page->input->runs[i];
		_cleanup_free_ char *label = text_format("%s: %.2f threads at a time, %.2f of them on a CPU",
							 HTML_RUN_NAME(page, i), sum_of(run->budget), run->running);

		if (!label) {
			page->failed = true;
			return;
		}
		fputs("<div class=\"barrow\"><span class=\"name\">", page->out);
		html_say(page, "%s", HTML_RUN_NAME(page, i));
		fputs("</span>", page->out);
		html_bar(page, run->budget, full, BAR_NAMED, label);
		fprintf(page->out, "<span class=\"n\">%.2f</span></div>\n", sum_of(run->budget));
	}
}

static void mean_cell(struct html_page *page, double mean)
{
	if (mean >= 0.005)
		html_cell(page, "n", "%.2f", mean);
	else
		html_cell(page, "n none", "-");
}

static void put_state_row(struct html_page *page, enum state state)
{
	bool occurs = false;

	for (size_t i = 0; i < page->input->n_runs; i++)
		occurs |= page->input->runs[i]->ns[state] > 0;
	if (!occurs)
		return;
	fputs("<tr><th scope=\"row\">", page->out);
	html_swatch(page->out, state);
	fprintf(page->out, "%s</th>", state_info[state].name);
	for (size_t i = 0; i < page->input->n_runs; i++) {
		mean_cell(page, page->input->runs[i]->budget[state]);
		html_time_cell(page, page->input->runs[i]->ns[state]);
	}
	html_cell(page, "gloss", "%s", state_info[state].gloss);
	fputs("</tr>\n", page->out);
}

static void put_parts(struct html_page *page)
{
	for (size_t i = 0; i < page->input->n_runs; i++) {
		const struct explanation *run = page->input->runs[i];

		if (run->joining < 0.005 && run->idle < 0.005)
			continue;
		fputs("<p class=\"faint\">", page->out);
		html_say(page, "Of the waits of %s", HTML_RUN_NAME(page, i));
		if (run->joining >= 0.005)
			html_say(page, ", %.2f are main threads that only wait for their workers", run->joining);
		if (run->idle >= 0.005)
			html_say(page, "%s %.2f are idle threads", run->joining >= 0.005 ? " and" : ",", run->idle);
		fputs(".</p>\n", page->out);
	}
}

void html_put_budget(struct html_page *page)
{
	double full = 0;

	for (size_t i = 0; i < page->input->n_runs; i++)
		if (sum_of(page->input->runs[i]->budget) > full)
			full = sum_of(page->input->runs[i]->budget);
	fputs("<section id=\"budget\" aria-labelledby=\"budget-head\">\n<h2 id=\"budget-head\">Where the threads were"
	      "<small>mean number of threads at a time in each state</small></h2>\n",
	      page->out);
	put_bars(page, full);
	fputs("<div class=\"scroll\"><table class=\"states\"><thead><tr><th scope=\"col\">state</th>", page->out);
	for (size_t i = 0; i < page->input->n_runs; i++) {
		fputs("<th scope=\"col\" class=\"n\">", page->out);
		html_say(page, "%s", page->input->n_runs > 1 ? HTML_RUN_NAME(page, i) : "at a time");
		fputs("</th><th scope=\"col\" class=\"n\">total</th>", page->out);
	}
	fputs("<th scope=\"col\">a thread is in it while it is</th></tr></thead><tbody>\n", page->out);
	for (int state = 0; state < STATE_COUNT; state++)
		put_state_row(page, state);
	fputs("</tbody></table></div>\n", page->out);
	put_parts(page);
	fputs("</section>\n", page->out);
}
