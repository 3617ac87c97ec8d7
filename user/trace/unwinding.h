/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What turns addresses into stacks, in one hand: objects and their tables, address spaces, the sampler, names. What takes long and needs
 * nothing of the rest is done in threads of its own, while the programs are loaded into the kernel.
 */
#ifndef CONCPROF_UNWINDING_H
#define CONCPROF_UNWINDING_H

#include <pthread.h>

#include "trace/sampler.h"
#include "trace/spaces.h"
#include "trace/stacks.h"
#include "trace/trace.h"

struct unwinding {
	struct symbolizer *symbolizer;
	pthread_t loading; /* the kernel's names */
	bool is_loading;
	struct tables *tables; /* NULL: no stacks are taken */
	struct spaces *spaces;
	struct stacks *stacks; /* the same */
	struct sampler *sampler;
};

/* Before the kernel side is loaded. 0 or a negative errno; unwinding_close() is needed after both. */
int unwinding_begin(struct unwinding *unwinding, const struct trace_options *options);
/* When it is. Without `mappings` there are no stacks. */
int unwinding_open(struct unwinding *unwinding, const struct trace_options *options, struct kernel *kernel,
		   const struct mappings *mappings);
/* Before stacks are named. */
void unwinding_settle(struct unwinding *unwinding);
void unwinding_close(struct unwinding *unwinding);

#endif
