/* SPDX-License-Identifier: Apache-2.0 */
#include "export/slices.h"

#include <errno.h>
#include <inttypes.h>

#include "export/utf8.h"
#include "lib/pairs.h"
#include "profile/index.h"

const struct timeline *slices_timeline(const struct export_input *input)
{
	return input->n_runs ? input->runs[input->n_runs - 1]->timeline : NULL;
}

const char *slice_text(char text[SLICE_TEXT_BYTES], const char *name)
{
	return utf8_copy(text, SLICE_TEXT_BYTES, name);
}

const char *slice_name(char name[SLICE_TEXT_BYTES], const struct interval *interval)
{
	bool preempted = interval->episode && interval->episode->class == CLASS_PREEMPTED;

	if (interval->cause)
		return slice_text(name, CAUSE_LABEL(interval->state, interval->cause->cause));
	if (interval->state == STATE_RUN_QUEUE)
		return slice_text(name, preempted ? "for a CPU (preempted)" : "for a CPU (woken)");
	return slice_text(name, "on a CPU");
}

const char *slice_holder(char text[SLICE_TEXT_BYTES], const struct timeline_cause *cause)
{
	return slice_text(text, THREAD_LABEL(cause->holder));
}

const char *slice_waker(char text[SLICE_TEXT_BYTES], const struct timeline_cause *cause)
{
	const char *name = cause->wait ? cause->wait->waker_name : NULL;

	return slice_text(text, cause->waker ? THREAD_LABEL(cause->waker) : name ? name : "");
}

const char *slice_frame(char text[SLICE_TEXT_BYTES], const struct run_frame *frame)
{
	char whole[SLICE_TEXT_BYTES];

	if (frame->kind == FRAME_UNFINISHED)
		snprintf(whole, sizeof(whole), "[unfinished: %s]", frame->function);
	else if (frame->function[0])
		return slice_text(text, frame->function);
	else
		snprintf(whole, sizeof(whole), "%.160s+0x%" PRIx64, frame->object[0] ? frame->object : "[unknown]",
			 frame->address);
	return slice_text(text, whole);
}

const char *slice_stack(char text[SLICE_STACK_BYTES], const struct run *run, uint64_t stack)
{
	static const char arrow[] = " <- ";
	size_t length = 0;

	text[0] = '\0';
	for (; stack; stack = run->stacks[stack - 1].parent) {
		char frame[SLICE_TEXT_BYTES];
		size_t more = strlen(slice_frame(frame, &run->frames[run->stacks[stack - 1].frame - 1]));

		if (length + 2 * sizeof(arrow) + more >= SLICE_STACK_BYTES) {
			snprintf(text + length, SLICE_STACK_BYTES - length, "%s...", arrow);
			break;
		}
		length += snprintf(text + length, SLICE_STACK_BYTES - length, "%s%s", length ? arrow : "", frame);
	}
	return text;
}

#define TIDS_BELOW (4u << 20)

int slices_threads(const struct run *run, struct slice_thread **ret)
{
	struct slice_thread *slices = calloc(run->n_threads + 1, sizeof(*slices));
	struct run_index *index = NULL;
	struct pairs taken = {0};
	int err = slices ? run_index_processes(run, &index) : -ENOMEM;

	for (size_t i = 0; !err && i < run->n_threads; i++) {
		const struct run_thread *thread = &run->threads[i];
		size_t before = taken.n;

		slices[i].process = &run->processes[run_index_find(index, thread->process)];
		slices[i].tid = thread->tid;
		if (pairs_add(&taken, slices[i].process->pid, thread->tid) == PAIRS_NONE)
			err = -ENOMEM;
		else if (taken.n == before)
			slices[i].tid = TIDS_BELOW + (uint32_t)thread->id;
	}
	pairs_free(&taken);
	run_index_free(index);
	if (err)
		free(slices);
	else
		*ret = slices;
	return err;
}

const char *slice_thread_name(char text[SLICE_TEXT_BYTES], const struct run_thread *thread, const struct slice_thread *slice)
{
	size_t length;

	/* As long as the kernel's names are, and some more: the number has to fit. */
	utf8_copy(text, SLICE_TEXT_BYTES - 32, thread->comm);
	length = strlen(text);
	if (slice->tid != thread->tid)
		snprintf(text + length, SLICE_TEXT_BYTES - length, " (tid %u)", thread->tid);
	return text;
}
