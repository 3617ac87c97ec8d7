/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/repeats.h"
#include "export/export.h"
#include "export/json_path.h"
#include "export/writer.h"

#define JSON_SCHEMA 1

static void put_states(struct json *json, const char *key, const uint64_t ns[STATE_COUNT])
{
	json_open(json, key, '{');
	for (int state = 0; state < STATE_COUNT; state++)
		json_number(json, state_info[state].name, ns[state]);
	json_close(json, '}');
}

static void put_process(struct json *json, const struct process_view *view, uint64_t begin_ns)
{
	const struct run_process *process = view->process;

	json_open(json, NULL, '{');
	json_number(json, "id", process->id);
	json_number(json, "parent", process->parent);
	json_number(json, "pid", process->pid);
	json_string(json, "comm", process->comm);
	json_string(json, "cgroup", process->cgroup);
	json_signed(json, "begin_ns", (int64_t)(process->begin_ns - begin_ns));
	json_signed(json, "end_ns", (int64_t)(process->end_ns - begin_ns));
	json_bool(json, "ended", process->ended);
	json_number(json, "exit_status", process->exit_status);
	put_states(json, "states", view->ns);
	json_number(json, "undelivered_ns", process->undelivered_life_ns);
	json_number(json, "undelivered_threads", process->undelivered_threads);
	json_close(json, '}');
}

/* Of a thread that lives on, the kernel's account was read later than its states: it says nothing about them. */
static void put_audit(struct json *json, const struct run_thread *thread)
{
	if (!thread->ended) {
		json_null(json, "audit");
		return;
	}
	json_open(json, "audit", '{');
	json_number(json, "on_cpu_ns", thread->audit_on_cpu_ns);
	json_number(json, "run_delay_ns", thread->audit_run_delay_ns);
	json_number(json, "switches", thread->audit_switches);
	json_close(json, '}');
}

static void put_thread(struct json *json, const struct thread_view *view, uint64_t begin_ns)
{
	const struct run_thread *thread = view->thread;

	json_open(json, NULL, '{');
	json_number(json, "id", thread->id);
	json_number(json, "process", thread->process);
	json_number(json, "parent", thread->parent);
	json_number(json, "pid", thread->pid);
	json_number(json, "tid", thread->tid);
	json_string(json, "comm", thread->comm);
	json_signed(json, "begin_ns", (int64_t)(thread->begin_ns - begin_ns));
	json_number(json, "life_ns", thread->life_ns);
	json_bool(json, "ended", thread->ended);
	put_states(json, "states", view->ns);
	json_signed(json, "residual_ns", view->residual_ns);
	json_number(json, "progress_ns", view->progress_ns);
	json_bool(json, "only_joins", view->only_joins);
	json_bool(json, "idle", view->idle);
	json_open(json, "switches", '{');
	json_number(json, "voluntary", thread->voluntary);
	json_number(json, "involuntary", thread->involuntary);
	json_close(json, '}');
	put_audit(json, thread);
	json_number(json, "syscalls", thread->syscalls);
	json_number(json, "connects", thread->connects);
	json_number(json, "faults", thread->faults);
	json_close(json, '}');
}

static void put_histogram(struct json *json, const uint64_t log2_ns[WAIT_LOG2_SLOTS])
{
	int used = WAIT_LOG2_SLOTS;

	while (used && !log2_ns[used - 1])
		used--;
	json_open(json, "log2_ns", '[');
	for (int i = 0; i < used; i++)
		json_number(json, NULL, log2_ns[i]);
	json_close(json, ']');
}

/*
 * The waits of one thread with the same state, cause, holder and waker. "holder": the thread that held the lock when the waits began, as
 * "comm/tid"; "waker": what ended them, a followed thread as "comm/tid", or "timer", "interrupt", "comm[pid]" of one that was not followed.
 * "" where it is not known.
 */
static void put_wait(struct json *json, const struct wait *wait)
{
	json_open(json, NULL, '{');
	json_number(json, "thread", wait->thread->id);
	json_number(json, "pid", wait->thread->pid);
	json_number(json, "tid", wait->thread->tid);
	json_string(json, "state", state_info[wait->state].name);
	json_string(json, "cause", wait->cause);
	json_string(json, "holder", THREAD_LABEL(wait->holder));
	json_string(json, "waker", wait->waker ? THREAD_LABEL(wait->waker) : wait->waker_name ? wait->waker_name : "");
	json_bool(json, "progress", wait->outside);
	json_bool(json, "joining", wait->joining);
	json_bool(json, "idle", wait->idle);
	json_number(json, "count", wait->count);
	json_number(json, "timed_out", wait->timed_out);
	json_number(json, "total_ns", wait->total_ns);
	json_number(json, "max_ns", wait->max_ns);
	put_histogram(json, wait->log2_ns);
	json_close(json, '}');
}

/* Who held or ended most of a cause's waits: "" when it is not known of any. */
static void put_party(struct json *json, const char *key, const struct party *party)
{
	json_open(json, key, '{');
	json_string(json, "name", PARTY_LABEL(party));
	json_number(json, "ns", party->ns);
	json_number(json, "kinds", party->count);
	json_close(json, '}');
}

/* All threads' waits with the same state and cause. Percentiles are from the histogram: the k-th of n waits lies k/n up its bucket, never beyond max_ns. */
static void put_cause(struct json *json, const struct cause_view *cause)
{
	json_open(json, NULL, '{');
	json_string(json, "state", state_info[cause->state].name);
	json_string(json, "cause", cause->cause);
	json_bool(json, "progress", cause->outside);
	json_bool(json, "joining", cause->joining);
	json_bool(json, "idle", cause->idle);
	json_number(json, "threads", cause->threads);
	json_number(json, "count", cause->count);
	json_number(json, "timed_out", cause->timed_out);
	json_number(json, "total_ns", cause->total_ns);
	json_number(json, "p50_ns", explain_percentile(cause->log2_ns, cause->max_ns, 0.5));
	json_number(json, "p95_ns", explain_percentile(cause->log2_ns, cause->max_ns, 0.95));
	json_number(json, "p99_ns", explain_percentile(cause->log2_ns, cause->max_ns, 0.99));
	json_number(json, "max_ns", cause->max_ns);
	put_histogram(json, cause->log2_ns);
	put_party(json, "holder", &cause->holder);
	put_party(json, "waker", &cause->waker);
	json_string(json, "place", cause->place ? cause->place : "");
	json_number(json, "place_ns", cause->place_ns);
	json_close(json, '}');
}

/* Own time on CPUs by function: exact time of threads, divided over their samples. */
static void put_functions(struct json *json, const struct explanation *explanation)
{
	json_number(json, "sample_hz", explanation->run->sample_hz);
	json_number(json, "samples", explanation->samples);
	json_number(json, "not_sampled_ns", explanation->not_sampled_ns);
	json_open(json, "functions", '[');
	for (size_t i = 0; i < explanation->n_hot; i++) {
		json_open(json, NULL, '{');
		json_string(json, "function", explanation->hot[i].function);
		json_string(json, "object", explanation->hot[i].object);
		json_bool(json, "kernel", explanation->hot[i].kernel);
		json_number(json, "samples", explanation->hot[i].samples);
		json_number(json, "self_ns", explanation->hot[i].self_ns);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_finding(struct json *json, const struct finding *finding)
{
	json_open(json, NULL, '{');
	json_string(json, "rule", finding->rule);
	json_string(json, "sentence", finding->sentence);
	json_string(json, "state", state_info[finding->state].name);
	json_string(json, "cause", finding->cause);
	json_real(json, "seconds", finding->seconds);
	json_string(json, "try", finding->try_next);
	json_close(json, '}');
}

static void put_figures(struct json *json, const char *key, const struct run_figure *figures, size_t n)
{
	json_open(json, key, '{');
	for (size_t i = 0; i < n; i++)
		json_real(json, figures[i].name, figures[i].value);
	json_close(json, '}');
}

static void put_losses(struct json *json, const struct explanation *explanation)
{
	json_open(json, "losses", '{');
	for (size_t i = 0; i < explanation->run->n_losses; i++)
		json_real(json, explanation->run->losses[i].name, explanation->run->losses[i].value);
	if (explanation->checks.surplus_ns)
		json_number(json, "wait_surplus_ns", explanation->checks.surplus_ns);
	json_close(json, '}');
}

static void put_lists(struct json *json, const struct explanation *explanation)
{
	const struct run *run = explanation->run;

	json_open(json, "processes", '[');
	for (size_t i = 0; i < run->n_processes; i++)
		put_process(json, &explanation->processes[i], run->begin_ns);
	json_close(json, ']');
	json_open(json, "threads", '[');
	for (size_t i = 0; i < run->n_threads; i++)
		put_thread(json, &explanation->threads[i], run->begin_ns);
	json_close(json, ']');
	json_open(json, "waits", '[');
	for (size_t i = 0; i < explanation->n_waits; i++)
		put_wait(json, &explanation->waits[i]);
	json_close(json, ']');
	json_open(json, "causes", '[');
	for (size_t i = 0; i < explanation->n_causes; i++)
		put_cause(json, &explanation->causes[i]);
	json_close(json, ']');
}

static void put_facts(struct json *json, const struct explanation *explanation)
{
	const struct run *run = explanation->run;

	json_string(json, "name", run->name);
	json_open(json, "command", '[');
	for (char *const *argument = run->command; argument && *argument; argument++)
		json_string(json, NULL, *argument);
	json_close(json, ']');
	json_number(json, "begin_ns", run->begin_ns);
	json_number(json, "wall_ns", explanation->wall_ns);
	if (explanation->run->whole_ns) { /* only a part of it */
		json_open(json, "window", '{');
		json_number(json, "from_ns", explanation->run->cut_ns);
		json_number(json, "of_ns", explanation->run->whole_ns);
		json_close(json, '}');
	}
	json_number(json, "cpu_ns", explanation->cpu_ns);
	json_number(json, "exit_status", run->exit_status);
	json_bool(json, "interrupted", run->interrupted);
	json_bool(json, "attached", run->attached);
	json_bool(json, "no_syscalls", run->no_syscalls);
	json_string(json, "failure", run->failure);
}

static void put_run(struct json *json, const struct explanation *explanation)
{
	const struct run *run = explanation->run;

	json_open(json, NULL, '{');
	put_facts(json, explanation);
	put_lists(json, explanation);
	json_open(json, "budget", '{');
	for (int state = 0; state < STATE_COUNT; state++)
		json_real(json, state_info[state].name, explanation->budget[state]);
	json_close(json, '}');
	json_real(json, "joining", explanation->joining);
	json_real(json, "idle", explanation->idle);
	if (explanation->checks.kernel_on_cpu_ns)
		json_real(json, "on_cpu_error", explanation->checks.on_cpu_error);
	else
		json_null(json, "on_cpu_error");
	json_number(json, "workers", explanation->workers);
	json_number(json, "progress_ns", explanation->progress_ns);
	json_real(json, "overlap", explanation->overlap);
	json_string(json, "headline", explanation->headline);
	json_bool(json, "waits_for_work", explanation->waits_for_work);
	put_functions(json, explanation);
	json_path(json, explanation->path);
	json_open(json, "findings", '[');
	for (size_t i = 0; i < explanation->n_findings; i++)
		put_finding(json, &explanation->findings[i]);
	json_close(json, ']');
	put_losses(json, explanation);
	put_figures(json, "stacks", run->stack_figures, run->n_stack_figures);
	json_number(json, "stolen_ns", run->stolen_ns);
	json_number(json, "others_ns", run->others_ns);
	put_figures(json, "ledger", run->ledger, run->n_ledger);
	json_open(json, "tax", '{');
	json_number(json, "probe_ns", run->tax_probe_ns);
	json_number(json, "cpu_ns", run->tax_cpu_ns);
	json_number(json, "events", run->tax_events);
	json_close(json, '}');
	json_close(json, '}');
}

static void put_times(struct json *json, const char *key, const uint64_t *wall_ns, const struct spread *spread)
{
	json_open(json, key, '{');
	json_open(json, "wall_ns", '[');
	for (size_t i = 0; i < spread->n; i++)
		json_number(json, NULL, wall_ns[i]);
	json_close(json, ']');
	json_number(json, "median_ns", spread->median_ns);
	json_number(json, "min_ns", spread->min_ns);
	json_number(json, "max_ns", spread->max_ns);
	json_number(json, "interval_low_ns", spread->low_ns);
	json_number(json, "interval_high_ns", spread->high_ns);
	json_real(json, "interval_coverage", spread->coverage);
	json_close(json, '}');
}

/* Whether the difference is noise is null where too few runs say. */
static void put_repeats(struct json *json, const struct repeats *repeats)
{
	if (!repeats)
		return;
	if (repeats->verdict == SPREAD_UNKNOWN)
		json_null(json, "noise");
	else
		json_bool(json, "noise", repeats->verdict == SPREAD_NOISE);
	json_open(json, "repeats", '{');
	json_real(json, "speedup", repeats->speedup);
	put_times(json, "before", repeats->before_ns, &repeats->before);
	put_times(json, "after", repeats->after_ns, &repeats->after);
	json_close(json, '}');
}

/* Runs that cannot be compared have no comparison, only the reason why. */
static void put_comparison(struct json *json, const char *key, const struct comparison *comparison)
{
	if (!comparison || comparison->refused) {
		json_null(json, key);
		return;
	}
	json_open(json, key, '{');
	json_string(json, "before", comparison->before->run->name);
	json_string(json, "after", comparison->after->run->name);
	json_real(json, "speedup", comparison->speedup);
	json_real(json, "progress_ratio", comparison->progress_ratio);
	json_real(json, "overlap_ratio", comparison->overlap_ratio);
	json_string(json, "headline", comparison->headline);
	json_string(json, "reason", comparison->reason);
	put_repeats(json, comparison->repeats);
	json_open(json, "items", '[');
	for (size_t i = 0; i < comparison->n_items; i++) {
		const struct difference *item = &comparison->items[i];

		json_open(json, NULL, '{');
		json_string(json, "state", state_info[item->state].name);
		json_string(json, "cause", item->cause);
		json_number(json, "before_ns", item->before_ns);
		json_number(json, "after_ns", item->after_ns);
		json_bool(json, "progress", item->progress);
		json_bool(json, "joining", item->joining);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_path_items(json, comparison);
	json_close(json, '}');
}

static int write_json(FILE *out, const struct export_input *input)
{
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	json_number(&json, "schema", JSON_SCHEMA);
	json_string(&json, "version", input->host->version);
	json_open(&json, "host", '{');
	json_string(&json, "kernel", input->host->kernel);
	json_number(&json, "cpus", input->host->cpus);
	json_close(&json, '}');
	json_open(&json, "runs", '[');
	for (size_t i = 0; i < input->n_runs; i++)
		put_run(&json, input->runs[i]);
	json_close(&json, ']');
	put_comparison(&json, "comparison", input->n_comparisons ? input->comparisons[0] : NULL);
	if (input->n_comparisons > 1) {
		json_open(&json, "comparisons", '[');
		for (size_t i = 0; i < input->n_comparisons; i++)
			put_comparison(&json, NULL, input->comparisons[i]);
		json_close(&json, ']');
	}
	json_close(&json, '}');
	return json_end(&json);
}

const struct exporter exporter_json = {
    .name = "json",
    .gloss = "everything concprof knows of the runs, as one JSON object",
    .extension = "json",
    .write = write_json,
};
