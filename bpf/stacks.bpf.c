// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a thread waits: at a blocking switch-out its user and kernel stack become an id. A full stack costs microseconds, most of it the
 * kernel's own unwinder. Threads tend to block again where they did before: then the words that the unwinding read are compared with
 * what they were, and the id is known.
 */
#include "stacks.bpf.h"

__noinline int stack_deliver(struct thread *t, u64 id)
{
	struct stack_scratch *scratch = stack_scratch();
	struct record_stack *record;
	u32 one = 1, frames;
	u64 bytes;

	if (!t || !scratch)
		return 0;
	if (bpf_map_lookup_elem(&stacks_sent, &id))
		return 1;
	if (!is_worth_room())
		return 0;
	record = &scratch->record;
	record->kind = RECORD_STACK;
	record->id = id;
	record->time_ns = bpf_ktime_get_ns();
	record->process = t->process;
	record->tgid = t->tgid;
	frames = record->frames;
	if (frames > STACK_FRAMES_MAX)
		frames = STACK_FRAMES_MAX;
	bytes = RECORD_STACK_BYTES(0) + 8 * frames;
	if (bytes > sizeof(*record))
		return 0;
	if (bpf_ringbuf_output(
		&records, record, bytes,
		bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > RING_BYTES / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP)) {
		lose(LOSS_STACK_UNDELIVERED);
		return 0;
	}
	if (bpf_map_update_elem(&stacks_sent, &id, &one, BPF_ANY))
		lose(LOSS_STACK_UNDELIVERED); /* it will be delivered again: harmless but for the cost */
	return 1;
}

/* The kernel side, whose `frames` frames are in the scratch. Returns its id; 0 if it could not be delivered. */
__noinline u64 stack_kernel_side(struct thread *t, u32 frames)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 id = 1;

	if (!t || !scratch)
		return 0;
	for (u32 i = 0; i < STACK_KERNEL_MAX; i++) {
		if (i >= frames)
			break;
		id = stack_mix(id, scratch->kernel[i]);
		scratch->record.frame[i] = scratch->kernel[i];
	}
	scratch->record.kernel = 0;
	scratch->record.generation = 0;
	scratch->record.frames = frames;
	scratch->record.side = 1;
	scratch->record.stop = UNWIND_WHOLE;
	return stack_deliver(t, id) ? id : 0;
}

/* The user side, whose frames unwind_user() has left in the scratch, on top of the kernel side. Returns the id of both, or 0. */
__noinline u64 stack_user_side(struct thread *t, u64 kernel)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 id;

	if (!t || !scratch)
		return 0;
	id = stack_mix(scratch->walk.id, kernel);
	scratch->record.kernel = kernel;
	scratch->record.generation = scratch->walk.generation;
	scratch->record.frames = scratch->walk.frames;
	scratch->record.side = 0;
	scratch->record.stop = scratch->walk.stop;
	return stack_deliver(t, id) ? id : 0;
}

/* Hash of the words at the slots of a span of which `bytes` are in the scratch. */
static __always_inline u64 slots_hash(struct stack_scratch *scratch, const u16 *slot, u32 slots, u32 most, u64 mask)
{
	u64 even = 0, odd = 0;

	for (u32 i = 0; i < most; i += SLOT_STEP) {
		if (i >= slots)
			break;
			/* Two chains of multiplications, which the processor has under way at once. */
#pragma unroll
		for (u32 j = 0; j < SLOT_STEP; j += 2) {
			even = (even ^ *(u64 *)(scratch->bytes + (slot[i + j] * 8ULL & mask))) * STACK_MULTIPLIER;
			odd = (odd ^ *(u64 *)(scratch->bytes + (slot[i + j + 1] * 8ULL & mask))) * STACK_MULTIPLIER;
		}
		/* A product's low bits depend on low bits only: let the high ones come down. */
		even ^= even >> 32;
		odd ^= odd >> 29;
	}
	return stack_mix(even, odd);
}

/*
 * Rounds the number of slots up, so that they can be looked at in steps. The one number that is tested is the one that all places are
 * counted from, in 64 bits: else the verifiers of 6.1 and 6.12 do not see that the test bounds them.
 */
static __always_inline u32 slots_pad(u16 *slot, u64 slots, u64 most)
{
	u64 last = slots - 1;
	u16 value;

	barrier_var(last);
	if (last >= most - SLOT_STEP)
		return 0;
	value = slot[last];
#pragma unroll
	for (u32 j = 1; j < SLOT_STEP; j++)
		slot[last + j] = value;
	return (last + SLOT_STEP) & ~(SLOT_STEP - 1ULL);
}

/* Hash of the words at the user slots; 0 when they cannot be read. */
__noinline u64 memo_user_values(struct stack_memo *memo)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 bytes;

	if (!memo || !scratch)
		return 0;
	bytes = memo->span;
	if (bytes > SPAN_BYTES || bpf_probe_read_user(scratch->bytes, bytes, (void *)memo->sp))
		return 0;
	return slots_hash(scratch, memo->slot, memo->slots, CACHE_USER_SLOTS, SPAN_BYTES - 1);
}

__noinline u64 memo_kernel_values(struct stack_memo *memo, u64 anchor)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 bytes;

	if (!memo || !scratch)
		return 0;
	bytes = memo->kernel_span;
	if (bytes > KERNEL_SPAN_BYTES || bpf_probe_read_kernel(scratch->bytes, bytes, (void *)anchor))
		return 0;
	return slots_hash(scratch, memo->kernel_slot, memo->kernel_slots, CACHE_KERNEL_SLOTS, KERNEL_SPAN_BYTES - 1);
}

/* Bits of a set of addresses, by which most of what is not in it can be told: of two words, one each. */
#define PC_LOW_BIT(pc)  (1ULL << ((pc)&63))
#define PC_HIGH_BIT(pc) (1ULL << ((pc) >> 6 & 63))

struct scan {
	u64 low, high, last;
	u32 n, keep;
};

static long scan_step(u32 i, struct scan *scan)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 value, n = scan->n;

	if (!scratch || i >= KERNEL_SPAN_BYTES / 8)
		return 1;
	value = *(u64 *)(scratch->bytes + i * 8ULL);
	if (value >> 32 != 0xffffffff || !(scan->low & PC_LOW_BIT(value)) || !(scan->high & PC_HIGH_BIT(value)))
		return 0;
	if (n >= CACHE_KERNEL_SLOTS)
		return 1;
	scratch->slot[n] = i;
	scan->n = n + 1;
	if (value == scan->last)
		scan->keep = n + 1;
	return 0;
}

/*
 * Finds the words of the kernel stack that hold its return addresses. Which of several equal words is the one that counts cannot be told:
 * all that may be are taken, up to the last but outermost frame's (beyond it lies the gap of randomize_kstack_offset; the outermost
 * frame is given by the one before). Left without slots, a memo is not used.
 */
__noinline int memo_kernel_slots(struct stack_memo *memo, u64 anchor, u32 frames)
{
	struct stack_scratch *scratch = stack_scratch();
	struct scan scan = {};
	u64 bytes, last;

	if (!memo || !scratch)
		return 0;
	memo->kernel_slots = 0;
	if (frames < 3 || frames >= STACK_KERNEL_MAX)
		return 0;
	for (u32 i = 0; i < STACK_KERNEL_MAX; i++) {
		if (i + 1 >= frames)
			break;
		scan.last = scratch->kernel[i];
		scan.low |= PC_LOW_BIT(scan.last);
		scan.high |= PC_HIGH_BIT(scan.last);
	}
	bytes = scratch->above;
	if (bytes > KERNEL_SPAN_BYTES)
		bytes = KERNEL_SPAN_BYTES;
	if (bpf_probe_read_kernel(scratch->bytes, bytes, (void *)anchor))
		return 0;
	bpf_loop(bytes / 8, scan_step, &scan, 0);
	last = (u64)scan.keep - 1;
	barrier_var(last); /* as in slots_pad() */
	if (last >= CACHE_KERNEL_SLOTS - SLOT_STEP)
		return 0;
	memo->kernel_span = (scratch->slot[last] + 1) * 8;
	bpf_probe_read_kernel(memo->kernel_slot, sizeof(memo->kernel_slot), scratch->slot);
	memo->kernel_slots = slots_pad(memo->kernel_slot, scan.keep, CACHE_KERNEL_SLOTS);
	return memo->kernel_slots;
}

/* Takes the kernel side anew. */
static __always_inline u64 kernel_side(struct thread *t, struct stack_memo *memo, struct stack_scratch *scratch, u64 anchor)
{
	long bytes = bpf_get_task_stack(bpf_get_current_task_btf(), scratch->kernel, sizeof(scratch->kernel), 0);
	u64 id;

	memo->valid &= ~MEMO_KERNEL;
	if (bytes <= 0)
		return 0;
	id = stack_kernel_side(t, bytes / 8);
	if (id && memo_kernel_slots(memo, anchor, bytes / 8)) {
		memo->kernel = id;
		memo->kernel_values = memo_kernel_values(memo, anchor);
		memo->valid |= MEMO_KERNEL;
	}
	return id;
}

/* Takes the user side anew and remembers both, or leaves it to user space. 0: it could not be taken or delivered. */
__noinline u64 stack_take_user(struct thread *t, struct stack_memo *memo, u64 kernel)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 id, epoch;
	u32 slots;

	if (!t || !memo || !scratch)
		return 0;
	epoch = spaces_epoch;
	unwind_user(t, memo->ip, memo->sp, memo->bp, memo->di);
	id = stack_park(t, kernel, 0);
	if (id)
		return id; /* user space counts how that ends */
	unwind_count();
	if (!scratch->walk.generation && scratch->walk.frames)
		return 0;
	id = stack_user_side(t, kernel);
	slots = scratch->walk.slots;
	if (!id || !scratch->walk.memorable || !slots)
		return id;
	memo->generation = scratch->walk.generation;
	memo->epoch = epoch;
	memo->user = scratch->walk.id;
	memo->both = id;
	memo->span = scratch->walk.span;
	memo->bp_counts = scratch->walk.bp_counts;
	memo->di_counts = scratch->walk.di_counts;
	memo->image = t->image;
	bpf_probe_read_kernel(memo->slot, sizeof(memo->slot), scratch->slot);
	memo->slots = slots_pad(memo->slot, slots, CACHE_USER_SLOTS);
	memo->values = memo_user_values(memo);
	if (memo->slots)
		memo->valid |= MEMO_USER;
	return id;
}

/* Whether the list of mappings is the one under which the memo was made. */
static __always_inline bool is_list_same(struct stack_memo *memo, struct thread *t)
{
	u64 epoch = spaces_epoch;
	struct unwind_space *space;
	u32 tgid = t->tgid;

	if (memo->epoch == epoch)
		return true;
	space = bpf_map_lookup_elem(&spaces, &tgid);
	if (!space || space->generation != memo->generation)
		return false;
	memo->epoch = epoch;
	return true;
}

static __always_inline bool is_user_same(struct stack_memo *memo, struct pt_regs *regs, struct thread *t)
{
	return memo->valid & MEMO_USER && memo->ip == regs->ip && memo->sp == regs->sp && memo->image == t->image &&
	       (!memo->bp_counts || memo->bp == regs->bp) && (!memo->di_counts || memo->di == regs->di) &&
	       is_list_same(memo, t) && memo_user_values(memo) == memo->values;
}

__noinline int stack_take(struct thread *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct stack_scratch *scratch = stack_scratch();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct stack_cache *cache;
	struct stack_memo *memo;
	u64 anchor, kernel, both, place, turn;
	bool same;

	if (!t || !scratch)
		return 0;
	/* No user side: kernel threads and workers; an exiting thread has lost its memory. */
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING))
		return 0;
	cache = bpf_task_storage_get(&stack_caches, task, 0, 0);
	if (!cache)
		return 0;
	place = stack_mix(regs->ip, regs->sp) & (CACHE_ENTRIES - 2);
	memo = &cache->memo[place];
	same = is_user_same(memo, regs, t);
	if (!same) {
		memo = &cache->memo[place + 1];
		same = is_user_same(memo, regs, t);
		if (!same) {
			turn = place + (++cache->turn & 1);
			barrier_var(turn); /* 6.1 knows no bounds of what the compiler makes of the sum, two bits or'ed */
			memo = &cache->memo[turn & (CACHE_ENTRIES - 1)];
		}
	}
	anchor = *(volatile u64 *)&scratch->anchor;
	/* Through memory: a number, no longer a pointer to the verifier. Beyond the top of the stack is nothing to be read. */
	*(void *volatile *)&scratch->above = regs;
	scratch->above = *(volatile u64 *)&scratch->above - anchor;
	if (memo->valid & MEMO_KERNEL && memo_kernel_values(memo, anchor) == memo->kernel_values) {
		kernel = memo->kernel;
		if (same) {
			t->open.stack = memo->both;
			t->stacks_same++;
			return 0;
		}
	} else {
		kernel = kernel_side(t, memo, scratch, anchor);
		both = stack_mix(memo->user, kernel);
		if (same && bpf_map_lookup_elem(&stacks_sent, &both)) {
			memo->both = both;
			t->open.stack = both;
			return 0;
		}
	}
	memo->valid &= ~MEMO_USER;
	memo->ip = regs->ip;
	memo->sp = regs->sp;
	memo->bp = regs->bp;
	memo->di = regs->di;
	t->open.stack = stack_take_user(t, memo, kernel);
	return 0;
}
