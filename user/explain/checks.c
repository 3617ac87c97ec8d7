/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "explain/internal.h"

/* Threads that were on a CPU for less say nothing about the agreement with the kernel's account. */
#define WORTH_COMPARING_NS 1000000

/* The two accounts look at the clock at different moments of a switch. */
#define ON_CPU_PART      0.02
#define ON_CPU_SWITCH_NS 3000
/*
 * A wake-up that interrupts an idle CPU leaves the run queue's clock as it is for the switch that follows (rq_clock_skip_update() in
 * wakeup_preempt(), kernel/sched/core.c), so the kernel's account of the thread begins at the wake-up: sooner than ours by as long as
 * an idle CPU takes to wake. Up to 15 us were seen in virtual machines.
 */
#define ON_CPU_WAKE_NS 15000

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

static uint64_t wake_ups(const struct run *run)
{
	uint64_t count = 0;

	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].class == CLASS_WOKEN)
			count += run->waits[i].count;
	return count;
}

static void judge_on_cpu(struct checks *checks, const struct run *run)
{
	double difference = (double)checks->on_cpu_ns - (double)checks->kernel_on_cpu_ns;
	double allowed = ON_CPU_PART * checks->kernel_on_cpu_ns + (double)ON_CPU_SWITCH_NS * checks->switches;

	checks->on_cpu_error = error_of(checks->on_cpu_ns, checks->kernel_on_cpu_ns);
	if (!checks->kernel_on_cpu_ns)
		return;
	if (checks->switches)
		checks->on_cpu_ns_a_switch = difference / checks->switches;
	checks->on_cpu_from_wake = difference < -allowed;
	checks->on_cpu_differs =
	    difference > allowed + run->stolen_ns || difference < -(allowed + (double)ON_CPU_WAKE_NS * wake_ups(run));
}

void explain_checks(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	struct checks *checks = &explanation->checks;

	for (size_t i = 0; i < run->n_threads; i++)
		check_thread(checks, &run->threads[i]);
	for (size_t i = 0; i < run->n_processes; i++) {
		checks->undelivered_threads += run->processes[i].undelivered_threads;
		checks->running_processes += !run->processes[i].ended;
	}
	for (size_t i = 0; i < run->n_losses; i++) {
		if (loss_is_repaired(run->losses[i].name))
			checks->repaired += run->losses[i].value;
		else
			checks->losses++;
	}
	judge_on_cpu(checks, run);
	for (size_t i = 0; i < run->n_ledger; i++)
		if (!strcmp(run->ledger[i].name, "wall_ns") && run->ledger[i].value >= 1 && run->ledger[i].value < 0x1p62)
			checks->ledger_wall_ns = run->ledger[i].value;
	checks->wall_error = error_of(explanation->wall_ns, checks->ledger_wall_ns);
}
