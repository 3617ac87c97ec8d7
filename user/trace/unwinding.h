/* SPDX-License-Identifier: Apache-2.0 */
/* What turns addresses into stacks, in one hand: objects and their tables, address spaces, the sampler, names. */
#ifndef CONCPROF_UNWINDING_H
#define CONCPROF_UNWINDING_H

#include "trace/sampler.h"
#include "trace/spaces.h"
#include "trace/stacks.h"
#include "trace/trace.h"

struct unwinding {
	struct symbolizer *symbolizer;
	struct tables *tables; /* NULL: no stacks are taken */
	struct spaces *spaces;
	struct stacks *stacks; /* the same */
	struct sampler *sampler;
};

/* Without `mappings` there are no stacks. 0 or a negative errno; unwinding_close() is needed after both. */
int unwinding_open(struct unwinding *unwinding, const struct trace_options *options, struct kernel *kernel,
		   const struct mappings *mappings);
void unwinding_close(struct unwinding *unwinding);

#endif
