/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side in this process: load, attach, mark, end, read. One per measurement. All return 0 or a negative errno. */
#ifndef CONCPROF_KERNEL_SIDE_H
#define CONCPROF_KERNEL_SIDE_H

#include "abi.h"
#include "trace/trace.h"

struct kernel;

/* `attach`: processes that live already can be followed. The measurement begins at the root's exec, or else when kernel_start() is called. */
int kernel_open(const struct trace_options *options, bool attach, struct kernel **ret, char *error);
/* Marks the process behind the pidfd as the root: it is followed from its next exec on. */
int kernel_mark_root(struct kernel *kernel, int pidfd);

/*
 * Processes that live already: first all are chosen (from then on what they create is followed), then their threads are marked, then they
 * are released. parent: serial of the chosen process that created it; 0: a root. -ESRCH: it has ended; -EEXIST: it is chosen already.
 */
int kernel_choose(struct kernel *kernel, int pidfd, uint64_t parent, uint64_t *serial);
/* Marks the threads of all chosen processes. -EAGAIN: they never stood still long enough. */
int kernel_mark(struct kernel *kernel);
/* Whether a mark reached the process: an exec during the marking may have put another thread in the leader's place. */
bool kernel_is_marked(struct kernel *kernel, int pidfd);
int kernel_release(struct kernel *kernel, uint64_t serial);
/* Makes epoll sets known (EPOLL_SEEDS_MAX at most). */
int kernel_seed_epolls(struct kernel *kernel, const struct epoll_seed *seeds, size_t count);

/*
 * Calls take(context, record, bytes) for what is in the ring buffer. Returns how many records, or a negative errno. *all (unless NULL) says
 * whether all that had been begun before the call was taken: a CPU that has lost its time while it writes a record holds up the rest.
 */
typedef int (*kernel_take_fn)(void *context, void *record, size_t bytes);
int kernel_set_taker(struct kernel *kernel, kernel_take_fn take, void *context);
int kernel_take(struct kernel *kernel, bool *all);
/* Whether no part of the timeline is left, be it held up: to be asked once the measurement has ended. */
bool kernel_timeline_is_taken(const struct kernel *kernel);
int kernel_ring_fd(struct kernel *kernel); /* readable when the ring has filled enough to be looked at */

/* Points in time of the measurement; 0: not yet. */
uint64_t kernel_begin_ns(const struct kernel *kernel);
uint64_t kernel_stop_ns(const struct kernel *kernel);
uint64_t kernel_threads_alive(const struct kernel *kernel);
/* Begins the measurement at `when` (CLOCK_MONOTONIC), or a moment from now if that is later. */
void kernel_start(struct kernel *kernel, uint64_t when);
/* Ends the measurement, in the same way, if it has not ended by itself. No account changes after this returns. */
void kernel_stop(struct kernel *kernel, uint64_t when);

/* Delivers the accounts of live threads (records as from the ring). */
int kernel_snapshot(struct kernel *kernel, kernel_take_fn take, void *context);
/* All that threads kept in the map of causes, and all processes. */
int kernel_each_wait(struct kernel *kernel, int (*take)(void *, const struct wait_map_key *, const struct wait_stats *),
		     void *context);
int kernel_each_process(struct kernel *kernel, int (*take)(void *, uint64_t serial, const struct process *), void *context);
/* All samples: thread and stack, and how many. */
int kernel_each_sample(struct kernel *kernel, int (*take)(void *, const struct sample_key *, uint64_t count), void *context);
/* The episodes that were not delivered yet: to be taken once the measurement has ended. */
int kernel_last_episodes(struct kernel *kernel, kernel_take_fn take, void *context);
/* No timeline after all. */
void kernel_end_timeline(struct kernel *kernel);
/* How unwinding ended, by enum unwind_stop: UNWIND_STOP_COUNT entries. */
void kernel_unwound(const struct kernel *kernel, uint64_t *stops);

/* The maps that user space fills; see bpf/stacks.bpf.h. Descriptors stay the kernel side's. */
enum kernel_map { KERNEL_MAP_RULES, KERNEL_MAP_SPACE_MAPPINGS };
int kernel_map_fd(const struct kernel *kernel, enum kernel_map map);
int kernel_sampler_fd(const struct kernel *kernel); /* the program that takes samples */
/* Makes a segment: its descriptor, to be closed by the caller, or a negative errno. */
int kernel_new_segment(void);
/* Lets programs find the segment by its number. Waits for a grace period of RCU: some 10 ms. May run in a thread of its own. */
int kernel_place_segment(struct kernel *kernel, uint32_t number, int fd);
/* Begins to keep the address space of a process, without mappings; and says what it has mapped, if it is still kept. */
int kernel_add_space(struct kernel *kernel, uint32_t pid);
int kernel_set_space(struct kernel *kernel, uint32_t pid, const struct unwind_space *space);

/* Losses counted by the programs, and by the kernel for them; LOSS_COUNT entries are added to. */
void kernel_losses(struct kernel *kernel, uint64_t *losses);

/* Nothing is taken any more. All pages of the rings are ours while they are mapped, those of their data twice. */
void kernel_close_rings(struct kernel *kernel);
void kernel_close(struct kernel *kernel); /* NULL is fine; detaches everything */

#endif
