/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions by their own time on a CPU. A thread's samples divide its on-CPU time, which is exact; so each is worth as much as the thread's
 * time has samples, and threads that were sampled less often count no less.
 */
#include <errno.h>

#include "explain/internal.h"
#include "lib/cleanup.h"
#include "profile/index.h"

/* What one sample row is worth, at its innermost frame. */
struct share {
	const struct run_frame *frame;
	uint64_t samples;
	double ns;
};

static int by_function(const void *a, const void *b)
{
	const struct run_frame *x = ((const struct share *)a)->frame, *y = ((const struct share *)b)->frame;
	bool kernel = x->kind == FRAME_KERNEL;
	int result;

	if (x == y)
		return 0;
	if (kernel != (y->kind == FRAME_KERNEL))
		return kernel ? 1 : -1;
	result = strcmp(x->function, y->function);
	return result ? result : strcmp(x->object, y->object);
}

static int by_time(const void *a, const void *b)
{
	const struct hot_function *x = a, *y = b;
	int result;

	if (x->self_ns != y->self_ns)
		return x->self_ns > y->self_ns ? -1 : 1;
	result = strcmp(x->function, y->function);
	return result ? result : strcmp(x->object, y->object);
}

static uint64_t cpu_of(const struct run_thread *thread)
{
	uint64_t ns = 0;

	for (uint32_t class = 0; class_on_cpu(class); class ++)
		ns += thread->ns[class];
	return ns;
}

static int merge(struct explanation *explanation, struct share *shares, size_t n)
{
	if (!n)
		return 0;
	explanation->hot = calloc(n, sizeof(*explanation->hot));
	if (!explanation->hot)
		return -ENOMEM;
	qsort(shares, n, sizeof(*shares), by_function);
	for (size_t i = 0; i < n;) {
		const struct run_frame *frame = shares[i].frame;
		struct hot_function *hot = &explanation->hot[explanation->n_hot++];
		double ns = 0;
		size_t first = i;

		*hot = (struct hot_function){
		    .function = frame->function, .object = frame->object, .kernel = frame->kind == FRAME_KERNEL};
		for (; i < n && !by_function(&shares[first], &shares[i]); i++) {
			ns += shares[i].ns;
			hot->samples += shares[i].samples;
		}
		hot->self_ns = ns;
	}
	qsort(explanation->hot, explanation->n_hot, sizeof(*explanation->hot), by_time);
	return 0;
}

int explain_hot_functions(struct explanation *explanation)
{
	const struct run *run = explanation->run;
	_cleanup_free_ struct share *shares = calloc(run->n_samples + 1, sizeof(*shares));
	_cleanup_free_ uint64_t *samples = calloc(run->n_threads + 1, sizeof(*samples));
	struct run_index *threads = NULL;
	size_t n = 0;

	if (!shares || !samples || run_index_threads(run, &threads))
		return -ENOMEM;
	for (size_t i = 0; i < run->n_samples; i++)
		samples[run_index_find(threads, run->samples[i].thread)] += run->samples[i].count;
	for (size_t i = 0; i < run->n_samples; i++) {
		const struct run_sample *sample = &run->samples[i];
		size_t thread = run_index_find(threads, sample->thread);

		if (!sample->count)
			continue;
		shares[n++] = (struct share){
		    .frame = &run->frames[run->stacks[sample->stack - 1].frame - 1],
		    .samples = sample->count,
		    .ns = (double)cpu_of(&run->threads[thread]) * sample->count / samples[thread],
		};
		explanation->samples += sample->count;
	}
	run_index_free(threads);
	for (size_t i = 0; i < run->n_threads; i++)
		if (!samples[i])
			explanation->not_sampled_ns += cpu_of(&run->threads[i]);
	return merge(explanation, shares, n);
}
