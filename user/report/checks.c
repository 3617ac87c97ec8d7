/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "report/internal.h"

#define JIT_ADVICE                                                                                                               \
	" Most of these end in code made at run time: -XX:+PreserveFramePointer (Java), --perf-basic-prof (node) let them be "   \
	"followed and named."

#define UNFINISHED "unfinished_" /* how figures of unfinished stacks begin: see enum unwind_stop */

void report_troubles(struct page *page, const struct explanation *explanation)
{
	const struct run *run = explanation->run;

	if (run->whole_ns)
		page_say(page, INK_BOLD, 2, "Of %s this is the part from %s to %s of %s.", run->name, FIGURE_NS(run->cut_ns),
			 FIGURE_NS(run->cut_ns + explanation->wall_ns), FIGURE_NS(run->whole_ns));
	if (run->failure)
		page_say(page, INK_BAD, 2, "%s FAILED: %s. Its figures are of what it did until then.", run->name, run->failure);
	else if (run->attached) /* what was watched goes on: it has no end, and no status */
		;
	else if (run->exit_status > 128)
		page_say(page, INK_BAD, 2, "%s was ended by signal %d.", run->name, run->exit_status - 128);
	else if (run->exit_status)
		page_say(page, INK_BAD, 2, "%s ended with status %d.", run->name, run->exit_status);
	if (run->attached || run->whole_ns)
		;
	else if (run->interrupted)
		page_say(page, INK_BOLD, 2, "%s was ended before it was done: this is the account of its first %s.", run->name,
			 FIGURE_NS(explanation->wall_ns));
	else if (explanation->checks.running_processes)
		page_say(page, INK_BOLD, 2, "%s process%s still running when %s ended; --wait-all waits for %s.",
			 FIGURE_COUNT(explanation->checks.running_processes),
			 explanation->checks.running_processes == 1 ? " was" : "es were", run->name,
			 explanation->checks.running_processes == 1 ? "it" : "them");
	for (size_t i = 0; i < run->n_losses; i++)
		if (!loss_is_repaired(run->losses[i].name))
			page_say(page, INK_BAD, 2, "LOST in %s: %s %.0f: %s.", run->name, run->losses[i].name,
				 run->losses[i].value, loss_gloss(run->losses[i].name));
	if (explanation->checks.undelivered_threads)
		page_say(page, INK_BAD, 2, "In %s, %s threads have no line of their own: their time is in the sums.", run->name,
			 FIGURE_COUNT(explanation->checks.undelivered_threads));
	if (explanation->checks.surplus_ns)
		page_say(page, INK_BAD, 2, "WRONG in %s: waits were measured %s longer than the states they belong to.",
			 run->name, FIGURE_NS(explanation->checks.surplus_ns));
}

static void say_switches(struct text *text, const struct checks *checks)
{
	text_add(text, "%s switches", FIGURE_COUNT(checks->switches));
	if (checks->ended < checks->threads)
		text_add(text, " (of the %s of %s threads that ended)", FIGURE_COUNT(checks->ended),
			 FIGURE_COUNT(checks->threads));
	if (!checks->switches_differ)
		text_add(text, ", the kernel counts the same");
	else
		text_add(text, ", but the kernel counts %s: %s of %s threads DIFFER", FIGURE_COUNT(checks->kernel_switches),
			 FIGURE_COUNT(checks->switches_differ), FIGURE_COUNT(checks->ended));
}

/* The error of a run with few, long turns is told by the percentage, that of one with many short ones by the time of a switch. */
static void say_on_cpu(struct text *text, const struct checks *checks)
{
	if (checks->on_cpu_differs)
		text_add(text, "; but on-CPU DIFFERS from the kernel's by %.2f%%", 100 * fabs(checks->on_cpu_error));
	else if (checks->on_cpu_from_wake)
		text_add(text,
			 "; on-CPU %.2f%% below the kernel's, which counts a thread's time from its wake-up where the CPU "
			 "was idle",
			 100 * fabs(checks->on_cpu_error));
	else
		text_add(text, "; on-CPU within %.2f%% of the kernel's", 100 * fabs(checks->on_cpu_error));
	if (checks->switches)
		text_add(text, " (%s a switch)", FIGURE_NS(fabs(checks->on_cpu_ns_a_switch)));
}

void report_checks(struct page *page, const struct explanation *explanation)
{
	const struct checks *checks = &explanation->checks;
	bool bad =
	    explanation->residual_ns || checks->switches_differ || checks->losses || checks->surplus_ns || checks->on_cpu_differs;
	struct text text = {0};
	_cleanup_free_ char *line = NULL;

	text_add(&text, "Checked %s: states sum to every thread's life (residual %s); ", explanation->run->name,
		 FIGURE_NS(explanation->residual_ns));
	if (checks->ended)
		say_switches(&text, checks);
	else
		text_add(&text, "no thread ended%s, so the kernel's counts are not final",
			 explanation->run->whole_ns ? " that began here" : "");
	if (checks->kernel_on_cpu_ns)
		say_on_cpu(&text, checks);
	if (checks->kernel_on_cpu_ns && explanation->run->stolen_ns)
		text_add(&text, " (the hypervisor stole %s of CPU time)", FIGURE_NS(explanation->run->stolen_ns));
	if (checks->ledger_wall_ns)
		text_add(&text, "; wall time within %.2f%% of the workload's own clock", 100 * fabs(checks->wall_error));
	text_add(&text, "; %s.", checks->losses ? "something was LOST, see above" : "nothing lost");
	if (checks->repaired)
		text_add(&text, " %s event%s hidden from us and taken from the kernel's account.", FIGURE_COUNT(checks->repaired),
			 checks->repaired == 1 ? " was" : "s were");
	if (checks->unattributed_ns)
		text_add(&text, " Waits without a known cause: %s.", FIGURE_NS(checks->unattributed_ns));
	line = text_take(&text);
	if (line)
		page_say(page, bad ? INK_BAD : INK_GOOD, 9, "%s", line);
	else
		page->failed = true;
}

static bool is_unfinished(const char *name)
{
	return !strncmp(name, UNFINISHED, sizeof(UNFINISHED) - 1);
}

/* "unfinished_no_rule" -> "no rule" */
static void add_reason(struct text *text, const struct run_figure *figure, bool first)
{
	text_add(text, "%s", first ? " (" : ", ");
	for (const char *c = figure->name + sizeof(UNFINISHED) - 1; *c; c++)
		text_add(text, "%c", *c == '_' ? ' ' : *c);
	text_add(text, " %.0f", figure->value);
}

void report_stacks(struct page *page, const struct explanation *explanation)
{
	const struct run *run = explanation->run;
	double whole = 0, unfinished = 0;
	_cleanup_text_ struct text reasons = {0};

	for (size_t i = 0; i < run->n_stack_figures; i++) {
		const struct run_figure *figure = &run->stack_figures[i];

		/* Recordings may say anything. */
		if (!(figure->value > 0 && figure->value < 0x1p62))
			continue;
		if (!strcmp(figure->name, "whole"))
			whole += figure->value;
		if (!is_unfinished(figure->name))
			continue;
		unfinished += figure->value;
		add_reason(&reasons, figure, !reasons.length);
	}
	if (reasons.failed)
		page->failed = true;
	if (whole + unfinished > 0 && whole + unfinished < 0x1p63)
		page_say(page, INK_FAINT, 9, "stacks: %s whole, %s unfinished%s%s.%s", FIGURE_COUNT(whole),
			 FIGURE_COUNT(unfinished), reasons.length ? reasons.bytes : "", reasons.length ? ")" : "",
			 explanation->jit_unfinished && 100 * unfinished > whole ? JIT_ADVICE : "");
}

void report_tax(struct page *page, const struct explanation *explanation)
{
	const struct run *run = explanation->run;

	page_say(page, INK_FAINT, 9, "concprof itself: %s of CPU beside %s%s, about %s inside it, for %s events.",
		 FIGURE_NS(run->tax_cpu_ns), run->whole_ns ? "all of " : "", run->name, FIGURE_NS(run->tax_probe_ns),
		 FIGURE_COUNT(run->tax_events));
}
