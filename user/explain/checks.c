/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "explain/internal.h"

/* Threads that were on a CPU for less say nothing about the agreement with the kernel's account. */
#define WORTH_COMPARING_NS 1000000

static double error_of(uint64_t ours, uint64_t theirs)
{
	return theirs ? ((double)ours - (double)theirs) / (double)theirs : 0;
}

static void check_thread(struct checks *checks, const struct run_thread *thread)
{
	uint64_t on_cpu = 0, switches = thread->voluntary + thread->involuntary;

	checks->threads++;
	if (!thread->ended)
		return;
	for (uint32_t class = 0; class_on_cpu(class); class ++)
		on_cpu += thread->ns[class];
	checks->ended++;
	checks->switches += switches;
	checks->kernel_switches += thread->audit_switches;
	checks->switches_differ += switches != thread->audit_switches;
	checks->on_cpu_ns += on_cpu;
	checks->kernel_on_cpu_ns += thread->audit_on_cpu_ns;
	if (thread->audit_on_cpu_ns >= WORTH_COMPARING_NS) {
		double error = error_of(on_cpu, thread->audit_on_cpu_ns);

		if (fabs(error) > fabs(checks->worst_on_cpu_error))
			checks->worst_on_cpu_error = error;
	}
}

void explain_checks(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	struct checks *checks = &explanation->checks;

	for (size_t i = 0; i < run->n_threads; i++)
		check_thread(checks, &run->threads[i]);
	for (size_t i = 0; i < run->n_processes; i++)
		checks->undelivered_threads += run->processes[i].undelivered_threads;
	for (size_t i = 0; i < run->n_losses; i++) {
		if (loss_is_repaired(run->losses[i].name))
			checks->repaired += run->losses[i].value;
		else
			checks->losses++;
	}
	checks->on_cpu_error = error_of(checks->on_cpu_ns, checks->kernel_on_cpu_ns);
	for (size_t i = 0; i < run->n_ledger; i++)
		if (!strcmp(run->ledger[i].name, "wall_ns") && run->ledger[i].value >= 1 && run->ledger[i].value < 0x1p62)
			checks->ledger_wall_ns = run->ledger[i].value;
	checks->wall_error = error_of(explanation->wall_ns, checks->ledger_wall_ns);
}
