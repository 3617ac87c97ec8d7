/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/unwinding.h"

int unwinding_open(struct unwinding *unwinding, const struct trace_options *options, struct kernel *kernel,
		   const struct mappings *mappings)
{
	const struct symbolizer_options names = {.lines = options->lines, .debuginfod = true};
	int err = 0;

	if (!options->no_stacks && mappings) {
		err = symbolizer_open(&names, &unwinding->symbolizer);
		if (!err)
			err = tables_open(kernel, unwinding->symbolizer, &unwinding->tables);
		if (!err && options->sample_hz)
			err = sampler_open(kernel, options->sample_hz, &unwinding->sampler);
	}
	if (!err)
		err = spaces_open(kernel, unwinding->tables, &unwinding->spaces);
	if (!err && unwinding->tables)
		err = stacks_open(unwinding->spaces, unwinding->symbolizer, &unwinding->stacks);
	return err;
}

void unwinding_close(struct unwinding *unwinding)
{
	sampler_close(unwinding->sampler);
	stacks_close(unwinding->stacks);
	spaces_close(unwinding->spaces);
	tables_close(unwinding->tables);
	symbolizer_close(unwinding->symbolizer);
}
