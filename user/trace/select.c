/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/select.h"

#include <errno.h>

static int by_serial(const void *key, const void *element)
{
	uint64_t serial = *(const uint64_t *)key, other = ((const struct thread *)element)->serial;

	return (serial > other) - (serial < other);
}

static bool has_thread(const struct collected *collected, uint64_t serial)
{
	return collected->n_threads &&
	       bsearch(&serial, collected->threads, collected->n_threads, sizeof(*collected->threads), by_serial);
}

/* A process is called as its main thread was last. Each thread's process stands in the list. */
static void take_names(struct collected *collected)
{
	for (size_t i = 0; i < collected->n_threads; i++) {
		const struct thread *thread = &collected->threads[i];
		struct kept_process *kept = (struct kept_process *)collected_process(collected, thread->process);

		if (thread->leader && kept)
			memcpy(kept->process.comm, thread->comm, sizeof(kept->process.comm));
	}
}

static bool is_called(const char *comm, const char *part)
{
	char whole[COMM_BYTES + 1] = "";

	memcpy(whole, comm, strnlen(comm, COMM_BYTES));
	return !part || strstr(whole, part);
}

int select_threads(struct collected *collected, const char *include_comm, char *error)
{
	size_t kept = 0;

	if (include_comm)
		take_names(collected);
	for (size_t i = 0; i < collected->n_threads; i++) {
		const struct kept_process *process = collected_process(collected, collected->threads[i].process);

		if (process && is_called(process->process.comm, include_comm))
			collected->threads[kept++] = collected->threads[i];
	}
	collected->n_threads = kept;
	if (include_comm && !kept) {
		snprintf(error, TRACE_ERROR_BYTES, "no process was met whose name contains '%s' (--include-comm)", include_comm);
		return -ENOENT;
	}
	for (size_t i = 0; i < collected->n_threads; i++) {
		if (!has_thread(collected, collected->threads[i].parent))
			collected->threads[i].parent = 0;
	}
	return 0;
}

static int by_id(const void *key, const void *element)
{
	uint64_t id = *(const uint64_t *)key, other = ((const struct run_process *)element)->id;

	return (id > other) - (id < other);
}

void select_processes(struct run *run, const char *include_comm)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->n_processes; i++) {
		struct run_process *process = &run->processes[i];

		if (is_called(process->comm, include_comm)) {
			run->processes[kept++] = *process;
		} else {
			free(process->comm);
			free(process->cgroup);
		}
	}
	run->n_processes = kept;
	for (size_t i = 0; i < kept; i++) {
		struct run_process *process = &run->processes[i];

		if (!bsearch(&process->parent, run->processes, kept, sizeof(*process), by_id))
			process->parent = 0;
		if (process->begin_ns < run->begin_ns)
			process->begin_ns = run->begin_ns;
	}
}
