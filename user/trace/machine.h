/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine's CPUs did as a whole, by the kernel's own sums: in ticks, so that only differences over some time mean something. */
#ifndef CONCPROF_MACHINE_H
#define CONCPROF_MACHINE_H

#include <stdint.h>

/* Since the machine started, over all CPUs. */
struct machine_times {
	uint64_t busy_ns; /* not idle; what the hypervisor took included */
	uint64_t
	    stolen_ns; /* what the hypervisor took. The kernel leaves it out of its account of threads' CPU time; we cannot */
};

/* From /proc/stat (proc(5)); all zero where it does not say. */
struct machine_times machine_times(void);

/*
 * What came about from one to the other; all zero if either is. The kernel's sums can go backwards: steal does when a guest moves to another
 * host, all do when a CPU is taken out. Such a difference is 0.
 */
struct machine_times machine_between(const struct machine_times *from, const struct machine_times *to);

#endif
