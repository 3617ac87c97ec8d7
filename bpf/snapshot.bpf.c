// SPDX-License-Identifier: GPL-2.0-only
/* Delivers the accounts of live threads, each whole: the copy is repeated while its owner is updating. */
#include "concprof.bpf.h"

#define COPY_TRIES 16

SEC("iter/task")
int snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct record_thread *record;
	struct thread *t, *copy;
	u32 zero = 0, before;
	bool whole = false;

	if (!task)
		return 0;
	t = thread_of(task);
	if (!t || t->account.phase == PHASE_OFF || t->account.phase == PHASE_DEAD)
		return 0;
	record = bpf_map_lookup_elem(&scratch, &zero);
	if (!record)
		return 0;
	copy = &record->thread;
	for (int i = 0; i < COPY_TRIES && !whole; i++) {
		before = *(volatile u32 *)&t->account.seq;
		bpf_probe_read_kernel(copy, sizeof(*copy), t);
		whole = !(before & 1) && before == *(volatile u32 *)&t->account.seq;
	}
	if (!whole) {
		lose(LOSS_SNAPSHOT_TORN);
		return 0;
	}
	/* A read that ended here begins here again: then it was by us. */
	if (__sync_val_compare_and_swap(&t->told, TOLD_NOT, TOLD_BY_SNAPSHOT) == TOLD_AT_END)
		return 0;
	record->kind = RECORD_THREAD;
	copy->live = 1;
	audit_read(&copy->audit, task);
	copy->faults = task->min_flt + task->maj_flt - copy->faults;
	bpf_seq_write(ctx->meta->seq, record, sizeof(*record));
	return 0;
}
