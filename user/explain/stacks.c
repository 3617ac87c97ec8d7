/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/stacks.h"

#include <errno.h>

#include "explain/internal.h"
#include "explain/rules.h"
#include "lib/cleanup.h"
#include "profile/index.h"

/* Where samples of one thread were. */
enum side { SIDE_USER, SIDE_KERNEL, SIDE_COUNT };

struct thread_samples {
	uint64_t count[SIDE_COUNT];
	uint64_t before[SIDE_COUNT]; /* of those, divided already */
};

struct builder {
	const struct run *run;
	struct rules *rules;
	struct run_index *threads, *processes;
	struct weighted_stacks *stacks;
	size_t room;
	bool *in_syscall;                    /* by stack id */
	struct thread_samples *samples;      /* by position of the thread */
	uint64_t (*attributed)[CLASS_SLOTS]; /* by position of the thread: what its waits claim */
};

uint64_t share_of(uint64_t whole, uint64_t before, uint64_t part, uint64_t all)
{
	unsigned __int128 w = whole;

	return (uint64_t)(w * (before + part) / all) - (uint64_t)(w * before / all);
}

/* Takes `cause` over. Rows without time are left out: they would be boxes of no width. */
static int add_row(struct builder *builder, struct weighted_stack row)
{
	struct weighted_stacks *stacks = builder->stacks;

	if (!row.ns || !row.cause) {
		int err = row.cause ? 0 : -ENOMEM;

		free(row.cause);
		return err;
	}
	if (stacks->n == builder->room) {
		size_t room = builder->room ? 2 * builder->room : 256;
		struct weighted_stack *rows = reallocarray(stacks->rows, room, sizeof(*rows));

		if (!rows) {
			free(row.cause);
			return -ENOMEM;
		}
		stacks->rows = rows;
		builder->room = room;
	}
	stacks->rows[stacks->n++] = row;
	stacks->total_ns += row.ns;
	stacks->ns[row.state] += row.ns;
	return 0;
}

static const struct run_process *process_of(const struct builder *builder, const struct run_thread *thread)
{
	return &builder->run->processes[run_index_find(builder->processes, thread->process)];
}

/* --- waits --- */

static int add_wait(struct builder *builder, const struct run_wait *wait)
{
	size_t position = run_index_find(builder->threads, wait->thread);
	const struct run_thread *thread = &builder->run->threads[position];
	uint64_t *attributed = &builder->attributed[position][wait->class];
	uint64_t left = thread->ns[wait->class] - *attributed;
	/* As the account in waits.c: what waits claim beyond their class is a defect, counted there and cut off. */
	uint64_t ns = wait->total_ns < left ? wait->total_ns : left;
	struct verdict verdict;
	int err = rules_apply(builder->rules, wait, &verdict);

	if (err)
		return err;
	*attributed += ns;
	return add_row(builder, (struct weighted_stack){.process = process_of(builder, thread),
							.thread = thread,
							.state = verdict.state,
							.cause = verdict.cause,
							.stack = wait->stack,
							.ns = ns,
							.count = wait->count});
}

/* Time of a class of which nothing more is known. */
static int add_class(struct builder *builder, const struct run_process *process, const struct run_thread *thread, uint32_t class,
		     uint64_t ns)
{
	struct verdict verdict = {.state = class_state[class]};

	if (!ns)
		return 0;
	if (class_on_cpu(class))
		verdict.cause = strdup("");
	else if (rules_unattributed(class, &verdict))
		return -ENOMEM;
	return add_row(builder,
		       (struct weighted_stack){
			   .process = process, .thread = thread, .state = verdict.state, .cause = verdict.cause, .ns = ns});
}

/* --- on a CPU --- */

/*
 * A stack is inside a syscall if the kernel was entered through one: the outermost kernel frame is not the entry of an exception or
 * an interrupt, whose time the account charges to where they land (x86-64: arch/x86/include/asm/idtentry.h names them).
 */
static bool enters_by_exception(const struct run_frame *frame)
{
	static const char *const entries[] = {"asm_exc_", "asm_sysvec_", "asm_common_interrupt", "asm_spurious_interrupt"};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (!strncmp(frame->function, entries[i], strlen(entries[i])))
			return true;
	return false;
}

/* Parents come first, so that one pass is enough: a stack is on the side of its caller, unless its own frame crosses the border. */
bool *explain_in_syscall(const struct run *run)
{
	_cleanup_free_ bool *in_kernel = calloc(run->n_stacks + 1, sizeof(bool));
	bool *in_syscall = calloc(run->n_stacks + 1, sizeof(bool));

	if (!in_kernel || !in_syscall) {
		free(in_syscall);
		return NULL;
	}
	for (size_t i = 0; i < run->n_stacks; i++) {
		const struct run_stack *stack = &run->stacks[i];
		const struct run_frame *frame = &run->frames[stack->frame - 1];

		in_kernel[stack->id] = in_kernel[stack->parent] || frame->kind == FRAME_KERNEL;
		if (in_kernel[stack->parent])
			in_syscall[stack->id] = in_syscall[stack->parent];
		else
			in_syscall[stack->id] = frame->kind == FRAME_KERNEL && !enters_by_exception(frame);
	}
	return in_syscall;
}

static uint64_t sides_ns(const struct run_thread *thread, enum side side)
{
	return thread->ns[side == SIDE_KERNEL ? CLASS_KERNEL : CLASS_USER];
}

/* Where the account has no time on the side a sample says, the stack deceives, not the account. */
static enum side side_of(const struct builder *builder, const struct run_thread *thread, const struct run_sample *sample)
{
	enum side side = builder->in_syscall[sample->stack] ? SIDE_KERNEL : SIDE_USER;

	return sides_ns(thread, side) ? side : !side;
}

static int add_sample(struct builder *builder, const struct run_sample *sample)
{
	size_t position = run_index_find(builder->threads, sample->thread);
	const struct run_thread *thread = &builder->run->threads[position];
	struct thread_samples *samples = &builder->samples[position];
	enum side side = side_of(builder, thread, sample);
	uint64_t all = samples->count[SIDE_USER] + samples->count[SIDE_KERNEL];
	uint64_t before = samples->before[SIDE_USER] + samples->before[SIDE_KERNEL];
	struct weighted_stack row = {.process = process_of(builder, thread), .thread = thread, .stack = sample->stack};
	int err;

	if (!sample->count)
		return 0;
	/* Time whose side is not known is divided over all samples. The samples are counted once. */
	row.state = STATE_CPU;
	row.cause = strdup("");
	row.ns = share_of(thread->ns[CLASS_CPU], before, sample->count, all);
	row.count = sides_ns(thread, side) ? 0 : sample->count;
	err = add_row(builder, row);
	if (err)
		return err;
	row.state = side == SIDE_KERNEL ? STATE_KERNEL : STATE_USER;
	row.cause = strdup("");
	row.ns = share_of(sides_ns(thread, side), samples->before[side], sample->count, samples->count[side]);
	row.count = sample->count;
	samples->before[side] += sample->count;
	return add_row(builder, row);
}

static void count_samples(struct builder *builder)
{
	const struct run *run = builder->run;

	for (size_t i = 0; i < run->n_samples; i++) {
		const struct run_sample *sample = &run->samples[i];
		size_t position = run_index_find(builder->threads, sample->thread);

		builder->samples[position].count[side_of(builder, &run->threads[position], sample)] += sample->count;
	}
}

/* --- all of it --- */

static int add_remainders(struct builder *builder, size_t position)
{
	const struct run_thread *thread = &builder->run->threads[position];
	const struct thread_samples *samples = &builder->samples[position];
	const struct run_process *process = process_of(builder, thread);
	uint64_t sum = 0;
	int err = 0;

	for (uint32_t class = 0; !err && class < CLASS_COUNT; class ++) {
		bool divided = (class == CLASS_USER && samples->count[SIDE_USER]) ||
			       (class == CLASS_KERNEL && samples->count[SIDE_KERNEL]) ||
			       (class == CLASS_CPU && (samples->count[SIDE_USER] || samples->count[SIDE_KERNEL]));

		sum += thread->ns[class];
		if (!divided)
			err =
			    add_class(builder, process, thread, class, thread->ns[class] - builder->attributed[position][class]);
	}
	builder->stacks->residual_ns += thread->life_ns > sum ? thread->life_ns - sum : sum - thread->life_ns;
	return err;
}

static int build(struct builder *builder, const struct explain_options *options)
{
	const struct run *run = builder->run;
	int err = run_check(run, NULL);

	if (!err)
		err = rules_open(run, options, &builder->rules);
	if (!err)
		err = run_index_threads(run, &builder->threads);
	if (!err)
		err = run_index_processes(run, &builder->processes);
	if (!err) {
		builder->in_syscall = explain_in_syscall(run);
		err = builder->in_syscall ? 0 : -ENOMEM;
	}
	if (!err)
		count_samples(builder);
	for (size_t i = 0; !err && i < run->n_samples; i++)
		err = add_sample(builder, &run->samples[i]);
	for (size_t i = 0; !err && i < run->n_waits; i++)
		err = add_wait(builder, &run->waits[i]);
	for (size_t i = 0; !err && i < run->n_threads; i++)
		err = add_remainders(builder, i);
	for (size_t i = 0; !err && i < run->n_processes; i++)
		for (uint32_t class = 0; !err && class < CLASS_COUNT; class ++)
			err = add_class(builder, &run->processes[i], NULL, class, run->processes[i].undelivered_ns[class]);
	return err;
}

int explain_stacks(const struct run *run, const struct explain_options *options, struct weighted_stacks **ret)
{
	struct builder builder = {.run = run};
	int err = -ENOMEM;

	builder.stacks = calloc(1, sizeof(*builder.stacks));
	builder.samples = calloc(run->n_threads + 1, sizeof(*builder.samples));
	builder.attributed = calloc(run->n_threads + 1, sizeof(*builder.attributed));
	if (builder.stacks && builder.samples && builder.attributed)
		err = build(&builder, options);
	rules_close(builder.rules);
	run_index_free(builder.threads);
	run_index_free(builder.processes);
	free(builder.in_syscall);
	free(builder.samples);
	free(builder.attributed);
	if (err)
		weighted_stacks_free(builder.stacks);
	else
		*ret = builder.stacks;
	return err;
}

void weighted_stacks_free(struct weighted_stacks *stacks)
{
	if (!stacks)
		return;
	for (size_t i = 0; i < stacks->n; i++)
		free(stacks->rows[i].cause);
	free(stacks->rows);
	free(stacks);
}
