/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that samples where threads are on a CPU: a software event on each CPU (perf_event_open(2)) that calls bpf/sample.bpf.c. */
#ifndef CONCPROF_SAMPLER_H
#define CONCPROF_SAMPLER_H

#include "trace/kernel.h"

struct sampler;

/* `hz` samples a second on each CPU. The kernel side must have been opened with options->sample_hz. 0 or a negative errno. */
int sampler_open(struct kernel *kernel, unsigned int hz, struct sampler **ret);
void sampler_close(struct sampler *sampler); /* NULL is fine */

#endif
