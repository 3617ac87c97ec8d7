/* SPDX-License-Identifier: Apache-2.0 */
/* What came out of the kernel, as it came: records in arrays, nothing computed. Filling never waits for anything. */
#ifndef CONCPROF_COLLECT_H
#define CONCPROF_COLLECT_H

#include <stdbool.h>

#include "trace/episodes.h"
#include "trace/kernel.h"
#include "trace/objects.h"
#include "trace/spaces.h"
#include "trace/stacks.h"

struct kept_wait {
	struct wait_map_key key;
	struct wait_stats stats;
};

struct kept_process {
	uint64_t serial;
	struct process process;
};

struct kept_sample {
	struct sample_key key;
	uint64_t count;
};

struct collected {
	struct spaces *spaces;  /* hears of forks and ends. Not owned */
	struct stacks *stacks;  /* gets the stacks; NULL: none are taken. Not owned */
	struct thread *threads; /* each once; after collect_finish sorted by serial */
	size_t n_threads, room_threads;
	struct record_exec *execs; /* in the order of time */
	size_t n_execs, room_execs;
	struct kept_wait *waits;
	size_t n_waits, room_waits;
	struct kept_process *processes; /* after collect_finish sorted by serial */
	size_t n_processes, room_processes;
	struct kept_sample *samples;
	size_t n_samples, room_samples;
	struct episodes *episodes; /* the timeline; NULL: there is none */
	struct objects *objects;   /* what waits are about; NULL: nothing was delivered */
	uint64_t losses[LOSS_COUNT];
	uint64_t unwound[UNWIND_STOP_COUNT]; /* stacks by how their unwinding ended */
	uint64_t begin_ns, stop_ns;
};

/* A kernel_take_fn for the ring buffer and for snapshots; context is the struct collected. */
int collect_record(void *context, void *record, size_t bytes);
/* After the end of the measurement: the snapshot, the rest of the ring, the maps. 0 or a negative errno. */
int collect_finish(struct collected *collected, struct kernel *kernel);
/* By serial; NULL if it is not known. */
const struct kept_process *collected_process(const struct collected *collected, uint64_t serial);
const struct thread *collected_thread(const struct collected *collected, uint64_t serial);
void collect_free_waits(struct collected *collected); /* the waits, which stand in the run by then */
void collect_free(struct collected *collected);       /* its arrays */

#endif
