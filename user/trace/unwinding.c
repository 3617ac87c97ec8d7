/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/unwinding.h"

static void *load_kernel_names(void *symbolizer)
{
	/* If it fails, kernel frames have no names: that shows. */
	symbolizer_load_kernel(symbolizer);
	return NULL;
}

int unwinding_begin(struct unwinding *unwinding, const struct trace_options *options)
{
	const struct symbolizer_options names = {.lines = options->lines, .debuginfod = true};
	int err = options->no_stacks ? 0 : symbolizer_open(&names, &unwinding->symbolizer);

	if (err || !unwinding->symbolizer)
		return err;
	unwinding->is_loading = !pthread_create(&unwinding->loading, NULL, load_kernel_names, unwinding->symbolizer);
	return 0;
}

int unwinding_open(struct unwinding *unwinding, const struct trace_options *options, struct kernel *kernel,
		   const struct mappings *mappings)
{
	int err = 0;

	if (unwinding->symbolizer && mappings) {
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

void unwinding_settle(struct unwinding *unwinding)
{
	if (unwinding->is_loading)
		pthread_join(unwinding->loading, NULL);
	unwinding->is_loading = false;
}

void unwinding_close(struct unwinding *unwinding)
{
	unwinding_settle(unwinding);
	sampler_close(unwinding->sampler);
	stacks_close(unwinding->stacks);
	spaces_close(unwinding->spaces);
	tables_close(unwinding->tables);
	symbolizer_close(unwinding->symbolizer);
}
