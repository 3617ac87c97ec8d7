/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_BUILD_H
#define CONCPROF_BUILD_H

#include "profile/run.h"
#include "trace/collect.h"
#include "trace/mappings.h"

/*
 * Fills *run (begin, end, processes, threads, waits, losses, tax_probe_ns, tax_events) from what was collected. Open intervals of live
 * threads are closed at the end of the measurement. mappings may be NULL. 0 or a negative errno; what was filled is freed by run_free().
 */
int build_run(struct collected *collected, struct mappings *mappings, struct run *run);

#endif
