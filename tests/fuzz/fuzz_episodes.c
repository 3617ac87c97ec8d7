/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: the timeline as the kernel side delivers it, in any order, of any length, with any counts and times. Whatever comes, the run that
 * it is put into does not contradict itself; names are stood in for.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/episodes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define THREADS 3
#define WAITS   4
#define STACKS  2

/* Of any thread, or none, as the number says. */
static uint32_t wait_of(void *context, uint64_t thread, uint64_t cause)
{
	(void)context, (void)thread;
	return cause % (WAITS + 2);
}

static int stack_of(void *context, uint64_t stack, uint64_t *ret)
{
	(void)context;
	*ret = stack % (STACKS + 1);
	return 0;
}

/* Records, each behind its length in 16 bits. */
static void take_all(struct episodes *episodes, const uint8_t *data, size_t size)
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
		episodes_take(episodes, record, bytes);
		free(record);
		data += bytes;
		size -= bytes;
	}
}

/* Threads that live all the time, a part of it, and not at all. */
static struct run *new_run(void)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		abort();
	run->begin_ns = 1000;
	run->end_ns = 9000;
	run->processes = calloc(1, sizeof(*run->processes));
	run->threads = calloc(THREADS, sizeof(*run->threads));
	run->waits = calloc(WAITS, sizeof(*run->waits));
	run->frames = calloc(1, sizeof(*run->frames));
	run->stacks = calloc(STACKS, sizeof(*run->stacks));
	if (!run->processes || !run->threads || !run->waits || !run->frames || !run->stacks)
		abort();
	run->processes[run->n_processes++].id = 1;
	run->threads[run->n_threads++] = (struct run_thread){.id = 1, .process = 1, .begin_ns = 1000, .life_ns = 8000};
	run->threads[run->n_threads++] = (struct run_thread){.id = 2, .process = 1, .begin_ns = 3000, .life_ns = 2000};
	run->threads[run->n_threads++] = (struct run_thread){.id = 3, .process = 1, .begin_ns = 500};
	for (uint32_t i = 0; i < WAITS; i++)
		run->waits[run->n_waits++] = (struct run_wait){.id = i + 1, .thread = 1 + i % 2, .class = CLASS_FUTEX + i / 2};
	run->frames[run->n_frames++].id = 1;
	for (uint32_t i = 0; i < STACKS; i++)
		run->stacks[run->n_stacks++] = (struct run_stack){.id = i + 1, .parent = i, .frame = 1};
	return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct episode_names names = {.wait_of = wait_of, .stack_of = stack_of};
	char reason[RUN_REASON_BYTES] = "";
	struct run *run = new_run();
	struct episodes *episodes;
	uint64_t misfits;
	bool lost;

	if (episodes_open(size % 2, &episodes))
		abort();
	take_all(episodes, data, size);
	if (episodes_given_up(episodes, &lost) || episodes_fill(episodes, &names, run, &misfits))
		abort();
	if (run_check(run, reason) || run->timeline != !misfits)
		abort();
	episodes_close(episodes);
	run_free(run);
	return 0;
}
