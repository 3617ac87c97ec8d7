/* SPDX-License-Identifier: Apache-2.0 */
/* What came out of the kernel, as it came: records in arrays, nothing computed. Filling never waits for anything. */
#ifndef CONCPROF_COLLECT_H
#define CONCPROF_COLLECT_H

#include <stdbool.h>

#include "trace/kernel.h"

struct kept_wait {
	struct wait_map_key key;
	struct wait_stats stats;
};

struct kept_process {
	uint64_t serial;
	struct process process;
};

struct collected {
	struct thread *threads; /* each once; after collect_finish sorted by serial */
	size_t n_threads, room_threads;
	struct record_exec *execs; /* in the order of time */
	size_t n_execs, room_execs;
	struct kept_wait *waits;
	size_t n_waits, room_waits;
	struct kept_process *processes; /* after collect_finish sorted by serial */
	size_t n_processes, room_processes;
	uint64_t losses[LOSS_COUNT];
	uint64_t begin_ns, stop_ns;
};

/* A kernel_take_fn for the ring buffer and for snapshots; context is the struct collected. */
int collect_record(void *context, void *record, size_t bytes);
/* After the end of the measurement: the snapshot, the rest of the ring, the maps. 0 or a negative errno. */
int collect_finish(struct collected *collected, struct kernel *kernel);
/* By serial; NULL if it is not known. */
const struct kept_process *collected_process(const struct collected *collected, uint64_t serial);
void collect_free(struct collected *collected); /* its arrays */

#endif
