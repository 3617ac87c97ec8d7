/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's records of what is mapped and who execs (perf_event_open(2)): PERF_RECORD_MMAP2, _COMM and _LOST, each with what follows
 * it under sample_id_all with PERF_SAMPLE_TID | PERF_SAMPLE_TIME.
 */
#ifndef CONCPROF_PERF_RECORDS_H
#define CONCPROF_PERF_RECORDS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/mappings.h"

/*
 * One record, aligned to 8 bytes; `bytes`, at least a header, says how long it is, the header itself is not asked. True: `mapping` is what it
 * says; a file's path is the caller's to free. Records that the kernel dropped, and what there is no memory for, are added to `lost`.
 */
bool perf_record_read(const struct perf_event_header *record, size_t bytes, struct mapping *mapping, uint64_t *lost);

#endif
