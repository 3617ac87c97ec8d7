/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/collect.h"

#include <errno.h>

#include "account.h"

/* A new last element of *array, zeroed; NULL without memory. */
static void *append(void **array, size_t *count, size_t *room, size_t element_bytes)
{
	void *grown;

	if (*count == *room) {
		size_t more = *room ? 2 * *room : 64;

		grown = reallocarray(*array, more, element_bytes);
		if (!grown)
			return NULL;
		*array = grown;
		*room = more;
	}
	return memset((char *)*array + element_bytes * (*count)++, 0, element_bytes);
}

#define APPEND(collected, what)                                                                                                  \
	append((void **)&(collected)->what, &(collected)->n_##what, &(collected)->room_##what, sizeof(*(collected)->what))

static int collect_process(void *context, uint64_t serial, const struct process *process)
{
	struct collected *collected = context;
	struct kept_process *kept = APPEND(collected, processes);

	if (!kept)
		return -ENOMEM;
	kept->serial = serial;
	kept->process = *process;
	return 0;
}

static int collect_object(struct collected *collected, const struct record_object *record, size_t bytes)
{
	int err = collected->objects ? 0 : objects_open(&collected->objects);

	return err ? err : objects_take(collected->objects, record, bytes);
}

int collect_record(void *context, void *record, size_t bytes)
{
	struct collected *collected = context;
	const __u64 *kind = record;

	if (bytes < sizeof(*kind))
		return 0;
	if (bytes >= sizeof(struct record_thread) && *kind == RECORD_THREAD) {
		struct thread *thread = APPEND(collected, threads);

		if (!thread)
			return -ENOMEM;
		*thread = ((const struct record_thread *)record)->thread;
	} else if (bytes >= sizeof(struct record_exec) && *kind == RECORD_EXEC) {
		struct record_exec *exec = APPEND(collected, execs);

		if (!exec)
			return -ENOMEM;
		*exec = *(const struct record_exec *)record;
	} else if (bytes >= sizeof(struct record_process) && *kind == RECORD_PROCESS) {
		const struct record_process *process = record;

		if (collected->stacks)
			stacks_process_ends(collected->stacks, process->serial, process->process.tgid);
		if (collected->spaces)
			spaces_ended(collected->spaces, process->serial, process->process.tgid, process->time_ns);
		return collect_process(context, process->serial, &process->process);
	} else if (bytes >= sizeof(struct record_fork) && *kind == RECORD_FORK) {
		if (collected->spaces)
			spaces_fork(collected->spaces, record);
	} else if (*kind == RECORD_EPISODES || *kind == RECORD_MOMENT) {
		if (collected->episodes)
			episodes_take(collected->episodes, record, bytes);
	} else if (*kind == RECORD_STACK) {
		return collected->stacks ? stacks_take(collected->stacks, record, bytes) : 0;
	} else if (*kind == RECORD_OBJECT) {
		return collect_object(collected, record, bytes);
	} else if (*kind == RECORD_PARKED) {
		return collected->stacks ? stacks_take_parked(collected->stacks, record, bytes) : 0;
	}
	return 0;
}

static int collect_wait(void *context, const struct wait_map_key *key, const struct wait_stats *stats)
{
	struct collected *collected = context;
	struct kept_wait *wait = APPEND(collected, waits);

	if (!wait)
		return -ENOMEM;
	wait->key = *key;
	wait->stats = *stats;
	return 0;
}

static int collect_sample(void *context, const struct sample_key *key, uint64_t count)
{
	struct collected *collected = context;
	struct kept_sample *sample = APPEND(collected, samples);

	if (!sample)
		return -ENOMEM;
	*sample = (struct kept_sample){*key, count};
	return 0;
}

static int by_thread_serial(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	if (x->serial != y->serial)
		return x->serial < y->serial ? -1 : 1;
	/* Met in a snapshot and again at its end: the end knows more. */
	return x->live - y->live;
}

static int by_process_serial(const void *a, const void *b)
{
	const struct kept_process *x = a, *y = b;

	return (x->serial > y->serial) - (x->serial < y->serial);
}

const struct kept_process *collected_process(const struct collected *collected, uint64_t serial)
{
	struct kept_process key = {.serial = serial};

	if (!collected->n_processes)
		return NULL;
	return bsearch(&key, collected->processes, collected->n_processes, sizeof(key), by_process_serial);
}

/*
 * Threads without an event since the measurement began: their accounts still hold what was before. The kernel's own count of switches
 * has not moved either; its CPU time is only known of those that had none.
 */
static void begin_late(struct thread *thread, uint64_t begin_ns)
{
	if (thread->begun == BEGUN)
		return;
	if (thread->begun == BEGUN_NOT) {
		account_rebase(&thread->account, begin_ns);
		thread->voluntary = 0;
		thread->involuntary = 0;
		thread->syscalls = 0;
		thread->connects = 0;
		thread->faults = 0;
		thread->self_ns = 0;
		thread->wakes = 0;
	}
	thread->base = thread->audit;
	thread->begun = BEGUN;
}

static void begin_all(struct collected *collected)
{
	for (size_t i = 0; i < collected->n_threads; i++)
		begin_late(&collected->threads[i], collected->begin_ns);
}

const struct thread *collected_thread(const struct collected *collected, uint64_t serial)
{
	size_t low = 0, high = collected->n_threads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (collected->threads[middle].serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low < collected->n_threads && collected->threads[low].serial == serial ? &collected->threads[low] : NULL;
}

/* A thread may have been met alive by the snapshot and then have ended; both say the same of the time measured. */
static void drop_doubles(struct collected *collected)
{
	size_t kept = 0;

	if (!collected->n_threads)
		return;
	qsort(collected->threads, collected->n_threads, sizeof(*collected->threads), by_thread_serial);
	for (size_t i = 1; i < collected->n_threads; i++) {
		if (collected->threads[i].serial != collected->threads[kept].serial)
			collected->threads[++kept] = collected->threads[i];
	}
	collected->n_threads = kept + 1;
}

/* Processes that found no room in the kernel's table: what their threads know of them (each thread adds one; sorting drops doubles). */
static int add_missing_processes(struct collected *collected)
{
	size_t known = collected->n_processes;

	for (size_t i = 0; i < collected->n_threads; i++) {
		const struct thread *thread = &collected->threads[i];
		struct process process = {
		    .tgid = thread->tgid,
		    .parent = thread->parent_process,
		    .begin_ns = thread->account.begin_ns,
		};
		struct collected before = {.processes = collected->processes, .n_processes = known};

		if (collected_process(&before, thread->process))
			continue;
		memcpy(process.comm, thread->comm, sizeof(process.comm));
		if (collect_process(collected, thread->process, &process))
			return -ENOMEM;
	}
	return 0;
}

static void sort_processes(struct collected *collected)
{
	size_t kept = 0;

	if (!collected->n_processes)
		return;
	qsort(collected->processes, collected->n_processes, sizeof(*collected->processes), by_process_serial);
	for (size_t i = 1; i < collected->n_processes; i++) {
		if (collected->processes[i].serial != collected->processes[kept].serial)
			collected->processes[++kept] = collected->processes[i];
	}
	collected->n_processes = kept + 1;
}

int collect_finish(struct collected *collected, struct kernel *kernel)
{
	int err;

	objects_look(collected->objects, true);
	collected->begin_ns = kernel_begin_ns(kernel);
	collected->stop_ns = kernel_stop_ns(kernel);
	err = kernel_snapshot(kernel, collect_record, collected);
	if (err)
		return err;
	err = kernel_take(kernel, NULL);
	if (err < 0)
		return err;
	err = collected->stacks ? stacks_round(collected->stacks, UINT64_MAX) : 0;
	if (!err)
		err = kernel_last_episodes(kernel, collect_record, collected);
	if (!err)
		err = kernel_each_wait(kernel, collect_wait, collected);
	if (!err)
		err = kernel_each_process(kernel, collect_process, collected);
	if (!err)
		err = kernel_each_sample(kernel, collect_sample, collected);
	kernel_losses(kernel, collected->losses);
	collected->losses[LOSS_EPISODE_UNDELIVERED] += collected->episodes && !kernel_timeline_is_taken(kernel);
	kernel_unwound(kernel, collected->unwound);
	if (collected->stacks)
		stacks_count_parked(collected->stacks, collected->unwound);
	drop_doubles(collected);
	begin_all(collected);
	sort_processes(collected);
	if (!err)
		err = add_missing_processes(collected);
	sort_processes(collected);
	return err;
}

void collect_free_waits(struct collected *collected)
{
	free(collected->waits);
	collected->waits = NULL;
	collected->n_waits = collected->room_waits = 0;
}

void collect_free(struct collected *collected)
{
	free(collected->threads);
	free(collected->execs);
	collect_free_waits(collected);
	free(collected->processes);
	free(collected->samples);
	episodes_close(collected->episodes);
	objects_close(collected->objects);
}
