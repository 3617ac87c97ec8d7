/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: stacks as the kernel side delivers them, in any order, of any length, with any ids, and such as it leaves to us, with any memory;
 * the tree that is made of them is named and must be one. Address spaces and names are stood in for: by what an address is, it lies in an
 * object, in a JIT's memory, or nowhere. No thread is there any more.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/parked.h"
#include "trace/stacks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct span *spaces_find(const struct spaces *spaces, uint64_t generation, uint64_t address, uint64_t time_ns)
{
	static char name[] = "object";
	static struct table_object object = {.name = name};
	static const struct span in_object = {.end = UINT64_MAX, .object = &object}, in_memory = {.end = UINT64_MAX};

	(void)spaces, (void)time_ns;
	return generation == 0 || address % 3 == 0 ? NULL : address % 3 == 1 ? &in_object : &in_memory;
}

uint64_t spaces_at(struct spaces *spaces, uint64_t process, uint32_t pid, uint64_t time_ns, bool *is_there_still)
{
	(void)spaces, (void)pid, (void)time_ns;
	*is_there_still = false;
	return process % 4;
}

enum unwind_stop tables_rule(const struct tables *tables, const struct table_object *object, uint64_t address,
			     struct unwind_rule *ret)
{
	static const enum unwind_cfa cfas[] = {UNWIND_RSP, UNWIND_RBP, UNWIND_RSP_DEREF, UNWIND_RBP_DEREF,
					       UNWIND_PLT, UNWIND_RDI, UNWIND_SIGNAL,    UNWIND_END};
	static const enum unwind_rbp rbps[] = {UNWIND_RBP_SAME, UNWIND_RBP_AT_CFA, UNWIND_RBP_AT_RBP, UNWIND_RBP_LOST};

	(void)tables, (void)object;
	*ret = (struct unwind_rule){.cfa = cfas[address / 4 % 8],
				    .rbp = rbps[address / 32 % 4],
				    .cfa_offset = (int8_t)(address >> 8) * 8,
				    .rbp_offset = -16};
	return address % 64 ? UNWIND_WHOLE : UNWIND_STOP_NO_RULE;
}

uint64_t spaces_full(const struct spaces *spaces)
{
	(void)spaces;
	return 0;
}

const struct tables *spaces_tables(const struct spaces *spaces)
{
	(void)spaces;
	return NULL;
}

uint64_t tables_full(const struct tables *tables)
{
	(void)tables;
	return 0;
}

uint64_t tables_unnamed(const struct tables *tables)
{
	(void)tables;
	return 0;
}

size_t symbolizer_user(struct symbolizer *symbolizer, struct symbol_object *object, uint64_t vaddr, struct symbol_frame *frames,
		       size_t max)
{
	(void)symbolizer, (void)object, (void)vaddr, (void)frames, (void)max;
	abort(); /* the object has no symbols */
}

void symbolizer_counts(const struct symbolizer *symbolizer, struct symbolizer_counts *counts)
{
	(void)symbolizer;
	*counts = (struct symbolizer_counts){};
}

int symbolizer_perf_map(struct symbolizer *symbolizer, uint64_t process, uint32_t pid, struct perf_map **ret)
{
	(void)symbolizer, (void)pid;
	*ret = NULL;
	return process % 2 ? -1 : 0;
}

const char *symbolizer_perf_map_find(struct symbolizer *symbolizer, struct perf_map *map, uint64_t address, uint64_t *offset)
{
	(void)symbolizer, (void)map;
	*offset = 0;
	return address % 2 ? "jit" : NULL;
}

const char *symbolizer_kernel(struct symbolizer *symbolizer, uint64_t address, uint64_t *offset, const char **module)
{
	static const char *const names[] = {"__traceiter_sched_switch", "bpf_prog", "schedule", NULL};

	(void)symbolizer;
	*offset = 0;
	*module = address % 5 ? NULL : "module";
	return names[address % 4];
}

static void check(const struct run *run)
{
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_stack *stack = &run->stacks[i];

		if (stack->id != i + 1 || stack->parent > i || stack->frame == 0 || stack->frame > run->n_frames)
			abort();
	}
	for (size_t i = 0; i < run->n_frames; i++) {
		if (!run->frames[i].function || !run->frames[i].object || !run->frames[i].source)
			abort();
	}
}

/* Records, each behind its length in 16 bits. */
static void take_all(struct stacks *stacks, const uint8_t *data, size_t size)
{
	while (size > 2) {
		size_t bytes = data[0] | data[1] << 8;
		void *record;

		data += 2;
		size -= 2;
		if (bytes > size)
			bytes = size;
		record = malloc(bytes); /* of just that length, for the sanitizer */
		if (!record)
			abort();
		memcpy(record, data, bytes);
		if (bytes && data[0] == RECORD_PARKED ? stacks_take_parked(stacks, record, bytes)
						      : stacks_take(stacks, record, bytes))
			abort();
		free(record);
		data += bytes;
		size -= bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t stops[UNWIND_STOP_COUNT] = {0};
	struct run *run = calloc(1, sizeof(*run));
	struct stacks *stacks;
	uint64_t number;

	if (!run || stacks_open(NULL, NULL, &stacks))
		abort();
	take_all(stacks, data, size);
	if (stacks_round(stacks, UINT64_MAX / 2))
		abort();
	stacks_count_parked(stacks, stops);
	for (uint64_t process = 0; process < 4; process++)
		stacks_process_ends(stacks, process, 1);
	for (uint64_t id = 0; id < 256; id++) {
		if (stacks_number(stacks, id, run, &number) || number > run->n_stacks)
			abort();
	}
	check(run);
	stacks_close(stacks);
	run_free(run);
	return 0;
}
