/* SPDX-License-Identifier: Apache-2.0 */
/* What the page ends with: how far its figures can be trusted, and what was lost. */
#include <inttypes.h>
#include <math.h>

#include "export/html.h"
#include "lib/text.h"

#define UNFINISHED "unfinished_" /* how figures of unfinished stacks begin: see enum unwind_stop */

/* A line of the list; `good` is said in words too. */
#define LINE(page, good, name, ...)                                                                                              \
	do {                                                                                                                     \
		fprintf((page)->out, "<div class=\"%s\"><dt>%s</dt><dd>", (good) ? "good" : "bad", name);                        \
		html_say(page, __VA_ARGS__);                                                                                     \
		fputs("</dd></div>\n", (page)->out);                                                                             \
	} while (0)

static void put_account(struct html_page *page, const struct explanation *run)
{
	const struct checks *checks = &run->checks;

	LINE(page, !run->residual_ns, "States", "sum to every thread's life: residual %s%s", FIGURE_NS(run->residual_ns),
	     run->residual_ns ? ", which is WRONG" : "");
	if (!checks->ended)
		LINE(page, true, "Switches", "no thread ended, so the kernel's counts are not final");
	else if (checks->switches_differ)
		LINE(page, false, "Switches", "%s counted, but the kernel counts %s: %s of %s threads DIFFER",
		     FIGURE_COUNT(checks->switches), FIGURE_COUNT(checks->kernel_switches), FIGURE_COUNT(checks->switches_differ),
		     FIGURE_COUNT(checks->ended));
	else
		LINE(page, true, "Switches", "%s of the %s threads that ended; the kernel counts the same",
		     FIGURE_COUNT(checks->switches), FIGURE_COUNT(checks->ended));
	if (checks->kernel_on_cpu_ns)
		LINE(page, !checks->on_cpu_differs, "On CPUs", "%s %.2f%% of the kernel's account",
		     checks->on_cpu_differs ? "DIFFERS by" : "within", 100 * fabs(checks->on_cpu_error));
	if (checks->ledger_wall_ns)
		LINE(page, true, "Wall", "within %.2f%% of the workload's own clock", 100 * fabs(checks->wall_error));
	if (checks->surplus_ns)
		LINE(page, false, "Waits", "measured %s longer than the states they belong to, which is WRONG",
		     FIGURE_NS(checks->surplus_ns));
	if (checks->unattributed_ns)
		LINE(page, true, "Waits", "without a known cause: %s", FIGURE_NS(checks->unattributed_ns));
	if (checks->undelivered_threads)
		LINE(page, false, "Threads", "%s have no line of their own: their time is in the sums",
		     FIGURE_COUNT(checks->undelivered_threads));
	if (run->timeline)
		LINE(page, !run->timeline->missing_ns, "Timeline", "episodes sum to every thread's time off CPUs: residual %s%s",
		     FIGURE_NS(run->timeline->missing_ns),
		     run->timeline->missing_ns ? ", so that lanes show it as on a CPU" : "");
}

static void put_losses(struct html_page *page, const struct run *run)
{
	size_t lost = 0;

	for (size_t i = 0; i < run->n_losses; i++) {
		bool repaired = loss_is_repaired(run->losses[i].name);

		lost += !repaired;
		LINE(page, repaired, repaired ? "Repaired" : "Lost", "%s %.0f: %s", run->losses[i].name, run->losses[i].value,
		     loss_gloss(run->losses[i].name));
	}
	if (!lost)
		LINE(page, true, "Lost", "nothing");
}

static void put_stacks(struct html_page *page, const struct run *run)
{
	double whole = 0, unfinished = 0;

	for (size_t i = 0; i < run->n_stack_figures; i++) {
		const struct run_figure *figure = &run->stack_figures[i];

		if (!(figure->value > 0 && figure->value < 0x1p62)) /* recordings may say anything */
			continue;
		if (!strcmp(figure->name, "whole"))
			whole += figure->value;
		if (!strncmp(figure->name, UNFINISHED, sizeof(UNFINISHED) - 1))
			unfinished += figure->value;
	}
	if (whole + unfinished > 0 && whole + unfinished < 0x1p63)
		LINE(page, true, "Stacks", "%s whole, %s unfinished", FIGURE_COUNT(whole), FIGURE_COUNT(unfinished));
	if (run->sample_hz)
		LINE(page, true, "Samples", "on CPUs at %" PRIu64 " Hz; they divide exact time, and are no times themselves",
		     run->sample_hz);
}

static void put_run(struct html_page *page, size_t number)
{
	const struct explanation *explanation = page->input->runs[number];
	const struct run *run = explanation->run;

	fputs("<div class=\"checked\"><h3>", page->out);
	html_say(page, "%s", HTML_RUN_NAME(page, number));
	fputs("</h3><dl>\n", page->out);
	put_account(page, explanation);
	put_losses(page, run);
	put_stacks(page, run);
	LINE(page, true, "Measured", "%s%s; concprof itself took %s of CPU beside it, about %s inside it, for %s events",
	     run->whole_ns   ? "a part of the run"
	     : run->attached ? "attached to living processes"
			     : "from its exec to its end",
	     run->no_syscalls ? ", without syscalls" : "", FIGURE_NS(run->tax_cpu_ns), FIGURE_NS(run->tax_probe_ns),
	     FIGURE_COUNT(run->tax_events));
	fputs("</dl></div>\n", page->out);
}

void html_put_checks(struct html_page *page)
{
	const struct host *host = page->input->host;

	fputs("<section id=\"checks\" aria-labelledby=\"checks-head\">\n<h2 id=\"checks-head\">Checks</h2>\n<div "
	      "class=\"checks\">\n",
	      page->out);
	for (size_t i = 0; i < page->input->n_runs; i++)
		put_run(page, i);
	fputs("</div>\n<p class=\"faint\">", page->out);
	if (host)
		html_say(page, "concprof %s, Linux %s, %u CPU%s. ", host->version, host->kernel, host->cpus,
			 host->cpus == 1 ? "" : "s");
	fputs("Time is never sampled: each interval between two switches is charged to one state.</p>\n</section>\n", page->out);
}
