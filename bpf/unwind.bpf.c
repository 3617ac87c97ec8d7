// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unwinds the current task's user stack from compiled .eh_frame tables (include/unwind_rule.h). The steps are global functions and free of
 * branches where they search: the verifier looks at each once, and does not multiply the ways through them.
 */
#include "stacks.bpf.h"

_Static_assert((UNWIND_STOP_COUNT & (UNWIND_STOP_COUNT - 1)) == 0, "a mask proves the bound");

/* 1 if a <= b, for numbers below 2^63, without a branch: and without the compiler's knowing that it could have one. */
static __always_inline u64 at_most(u64 a, u64 b)
{
	u64 is = 1 - ((b - a) >> 63);

	asm volatile("" : "+r"(is));
	return is;
}

/* The word at a user address; *walk gets its slot and value. walk->stop is set when it cannot be read. */
__noinline u64 walk_read(struct walk *walk, u64 address)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 offset, value, slot;
	u32 bytes;

	if (!walk || !scratch)
		return 0;
	offset = address - walk->window;
	if (offset + 8 > walk->window_bytes || offset > PAGE_BYTES) {
		/* Up to the end of the page: one read serves the frames that follow. */
		bytes = PAGE_BYTES - (address & (PAGE_BYTES - 1));
		if (bytes < 8)
			bytes = 8;
		if (bytes > PAGE_BYTES || bpf_probe_read_user(scratch->bytes, bytes, (void *)address)) {
			walk->window_bytes = 0;
			walk->stop = UNWIND_STOP_MEMORY;
			return 0;
		}
		walk->window = address;
		walk->window_bytes = bytes;
		offset = 0;
	}
	value = *(u64 *)(scratch->bytes + (offset & (PAGE_BYTES - 1)));
	slot = address - walk->stack;
	if (slot >= SPAN_BYTES || slot & 7 || walk->slots >= CACHE_USER_SLOTS) {
		walk->memorable = 0;
		return value;
	}
	scratch->slot[walk->slots++] = slot / 8;
	if (walk->span < slot + 8)
		walk->span = slot + 8;
	return value;
}

/* The mapping that holds pc becomes walk's. 0: none does. */
__noinline int walk_find(struct walk *walk, u64 pc)
{
	struct unwind_mapping *mapping;
	u64 at, probe;

	if (!walk || pc >> 47)
		return 0;
	at = 0;
	/* The last mapping that begins at or before pc; place 0 is the header. User space leaves as many entries free behind all lists. */
#pragma unroll
	for (u32 step = SPACE_SEARCH_STEP; step; step /= 2) {
		u32 key = walk->first + at + step;

		mapping = bpf_map_lookup_elem(&space_mappings, &key);
		if (!mapping)
			return 0;
		probe = at + step;
		at += step * (at_most(probe, walk->count) & at_most(mapping->start, pc));
	}
	if (!at)
		return 0;
	probe = walk->first + at;
	mapping = bpf_map_lookup_elem(&space_mappings, &probe);
	if (!mapping || pc < mapping->start || pc >= mapping->end)
		return 0;
	walk->start = mapping->start;
	walk->end = mapping->end;
	walk->base = mapping->base;
	walk->segment = mapping->segment;
	walk->index_word = mapping->index_word;
	walk->rows_word = mapping->rows_word;
	walk->flags = mapping->flags;
	return 1;
}

/* Word `number` of a segment; leaves the function with UNWIND_NONE where there is none. */
#define WORD(words, number)                                                                                                      \
	({                                                                                                                       \
		u32 key_ = (u32)(number) / 2;                                                                                    \
		u32 *pair_ = bpf_map_lookup_elem(words, &key_);                                                                  \
                                                                                                                                 \
		if (!pair_)                                                                                                      \
			return UNWIND_NONE;                                                                                      \
		pair_[(number)&1];                                                                                               \
	})

/* The number of the rule at `offset` from a table's start. */
__noinline u32 walk_rule(u32 segment, u32 index_word, u32 rows_word, u64 offset)
{
	void *words = bpf_map_lookup_elem(&segments, &segment);
	u64 low = offset & (UNWIND_PAGE_BYTES - 1), page = index_word + (offset >> UNWIND_PAGE_BITS), at, end;
	u64 probe;

	if (!words)
		return UNWIND_NONE;
	at = WORD(words, page);
	end = WORD(words, page + 1);
	if (end - at > UNWIND_PAGE_BYTES)
		return UNWIND_NONE;
	/* The last row of the page that begins at or before it; before all of them, the last one of the pages before. */
	at += rows_word;
	end += rows_word;
	at--;
#define STEP(step)                                                                                                               \
	do {                                                                                                                     \
		probe = at + (step);                                                                                             \
		at += (step) * (at_most(probe + 1, end) & at_most(UNWIND_ROW_ADDRESS(WORD(words, probe)), low));                 \
	} while (0)
	if (end - at > 16) {
		STEP(256);
		STEP(128);
		STEP(64);
		STEP(32);
		STEP(16);
	}
	STEP(8);
	STEP(4);
	STEP(2);
	STEP(1);
#undef STEP
	return UNWIND_ROW_RULE(WORD(words, at));
}

/*
 * The frame's rbp. Most code uses the register for whatever it likes: it is read only when a rule needs it, so that a stack does not seem to
 * have changed because a loop's counter has.
 */
static __always_inline u64 walk_bp(struct walk *walk)
{
	if (walk->bp_at) {
		walk->bp = walk_read(walk, walk->bp_at);
		walk->bp_at = 0;
	} else if (walk->bp_own) {
		walk->bp_counts = 1;
	}
	return walk->bp;
}

static __always_inline void walk_bp_saved(struct walk *walk, u64 address)
{
	walk->bp_at = address;
	walk->bp_own = 0;
	walk->bp_lost = 0;
}

/* From a signal's frame to what it interrupted. */
static __always_inline long walk_signal(struct walk *walk)
{
	u64 frame = walk->sp;
	u64 sp = walk_read(walk, frame + UNWIND_SIGNAL_RSP);
	u64 ip = walk_read(walk, frame + UNWIND_SIGNAL_RIP);

	if (walk->stop)
		return 1;
	walk_bp_saved(walk, frame + UNWIND_SIGNAL_RBP);
	walk->ip = ip;
	walk->sp = sp;
	walk->exact = 1;
	return 0;
}

/* From vfork(), whose return address is in a register: known of the innermost frame. */
static __always_inline long walk_register(struct walk *walk, const struct unwind_rule *rule)
{
	if (walk->frames != 1 || rule->cfa_offset < 0) {
		walk->stop = UNWIND_STOP_UNSUPPORTED;
		return 1;
	}
	walk->di_counts = 1;
	walk->ip = walk->di;
	walk->sp += rule->cfa_offset;
	walk->exact = 0;
	return walk->ip == 0;
}

static __always_inline u64 walk_cfa(struct walk *walk, const struct unwind_rule *rule, u64 bp)
{
	switch (rule->cfa) {
	case UNWIND_RSP:
		return walk->sp + rule->cfa_offset;
	case UNWIND_RBP:
		return bp + rule->cfa_offset;
	case UNWIND_PLT:
		return walk->sp + 8 + ((walk->ip & 15) >= (u32)rule->cfa_offset ? 8 : 0);
	case UNWIND_RSP_DEREF:
		return walk_read(walk, walk->sp + rule->cfa_offset) + rule->cfa_plus;
	default:
		return walk_read(walk, bp + rule->cfa_offset) + rule->cfa_plus;
	}
}

/* One frame outwards by the rule. 1: walk->stop says why not. */
__noinline long walk_up(struct walk *walk, u32 number)
{
	const struct unwind_rule *rule = bpf_map_lookup_elem(&rules, &number);
	u64 cfa, bp = 0, ip;

	if (!walk || !rule)
		return 1;
	switch (rule->cfa) {
	case UNWIND_NONE:
		walk->stop = UNWIND_STOP_NO_RULE;
		return 1;
	case UNWIND_END:
		walk->stop = UNWIND_WHOLE;
		return 1;
	case UNWIND_SIGNAL:
		return walk_signal(walk);
	case UNWIND_RDI:
		return walk_register(walk, rule);
	case UNWIND_RSP:
	case UNWIND_RBP:
	case UNWIND_PLT:
	case UNWIND_RSP_DEREF:
	case UNWIND_RBP_DEREF:
		break;
	default:
		walk->stop = UNWIND_STOP_UNSUPPORTED;
		return 1;
	}
	if (rule->cfa == UNWIND_RBP || rule->cfa == UNWIND_RBP_DEREF || rule->rbp == UNWIND_RBP_AT_RBP) {
		if (walk->bp_lost) {
			walk->stop = UNWIND_STOP_UNSUPPORTED;
			return 1;
		}
		bp = walk_bp(walk);
	}
	cfa = walk_cfa(walk, rule, bp);
	if (walk->stop)
		return 1;
	if (cfa <= walk->sp) {
		walk->stop = UNWIND_STOP_NO_PROGRESS;
		return 1;
	}
	if (rule->rbp == UNWIND_RBP_AT_CFA)
		walk_bp_saved(walk, cfa + rule->rbp_offset);
	else if (rule->rbp == UNWIND_RBP_AT_RBP)
		walk_bp_saved(walk, bp + rule->rbp_offset);
	else if (rule->rbp == UNWIND_RBP_LOST)
		walk->bp_lost = 1;
	ip = walk_read(walk, cfa - 8);
	if (walk->stop)
		return 1;
	walk->sp = cfa;
	walk->ip = ip;
	walk->exact = 0;
	/* Where no table says that a frame is the outermost, a return address of 0 does (x86-64 psABI 3.4.1). */
	return ip == 0;
}

static long walk_step(u32 i, struct walk *walk)
{
	struct stack_scratch *scratch = stack_scratch();
	u64 pc = walk->ip - !walk->exact;
	u32 number = UNWIND_RULE_BY_FRAME;

	if (!scratch || i >= UNWIND_FRAMES_MAX) {
		walk->stop = UNWIND_STOP_DEEP;
		return 1;
	}
	scratch->record.frame[i] = walk->ip;
	walk->id = stack_mix(walk->id, walk->ip);
	walk->frames = i + 1;
	if (pc - walk->start >= walk->end - walk->start && !walk_find(walk, pc)) {
		walk->stop = UNWIND_STOP_NO_MAPPING;
		return 1;
	}
	if (!(walk->flags & UNWIND_MAPPING_FRAME)) {
		if (walk->segment == UNWIND_NO_SEGMENT) {
			walk->stop = UNWIND_STOP_NO_RULE;
			return 1;
		}
		number = walk_rule(walk->segment, walk->index_word, walk->rows_word, pc - walk->base);
	} else {
		walk->framed = 1;
	}
	return walk_up(walk, number) ? 1 : 0;
}

/* Whether there is a list of mappings of the thread's own address space: fills walk's generation and list. */
__noinline int unwind_list(struct walk *walk, struct thread *t)
{
	struct unwind_mapping *header;
	struct unwind_space *space;
	u32 tgid, first;

	if (!walk || !t)
		return 0;
	tgid = t->tgid;
	space = bpf_map_lookup_elem(&spaces, &tgid);
	/* After an exec, until the new list is there, the old one is still in place. */
	if (!space || !space->count || space->process != t->process || (space->begin_ns < t->exec_before_ns && t->exec_before_ns))
		return 0;
	first = space->first;
	header = bpf_map_lookup_elem(&space_mappings, &first);
	if (!header || header->base != space->generation)
		return 0;
	walk->generation = space->generation;
	walk->first = first;
	walk->count = space->count;
	return 1;
}

/* Whether the list was not replaced while it was in use. */
static __always_inline bool list_is_still(struct walk *walk)
{
	u32 first = walk->first;
	struct unwind_mapping *header = bpf_map_lookup_elem(&space_mappings, &first);

	return header && *(volatile u64 *)&header->base == walk->generation;
}

#define NR_EXECVE        59
#define NR_EXECVEAT      322
#define NR_I386_EXECVE   11
#define NR_I386_EXECVEAT 358

/* Within an exec the caller's stack goes, and where the registers point to is another program: such a stack may have no user side. */
static __always_inline bool is_exec(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 nr = ((struct pt_regs *)bpf_task_pt_regs(task))->orig_ax;

	if (task->thread_info.status & TS_COMPAT)
		return nr == NR_I386_EXECVE || nr == NR_I386_EXECVEAT;
	return nr == NR_EXECVE || nr == NR_EXECVEAT;
}

__noinline int unwind_user(struct thread *t, u64 ip, u64 sp, u64 bp, u64 di)
{
	struct walk walk = {.ip = ip, .sp = sp, .bp = bp, .di = di, .stack = sp, .exact = 1, .bp_own = 1, .memorable = 1};
	struct stack_scratch *scratch = stack_scratch();

	if (!t || !scratch)
		return 0;
	if (unwind_list(&walk, t)) {
		walk.id = stack_mix(walk.generation, 0);
		if (bpf_loop(UNWIND_FRAMES_MAX + 1, walk_step, &walk, 0) < 0)
			walk.stop = UNWIND_STOP_UNSUPPORTED;
		if (!list_is_still(&walk))
			walk.generation = 0;
	}
	if (!walk.generation)
		walk.stop = UNWIND_STOP_NO_TABLES;
	if (walk.stop != UNWIND_WHOLE && is_exec()) {
		walk.id = 1;
		walk.stop = UNWIND_WHOLE;
		walk.memorable = 0;
		walk.frames = 0;
	} else if (!walk.generation) {
		walk.id = stack_mix(t->process, ip);
		walk.memorable = 0;
		walk.frames = 1;
		scratch->record.frame[0] = ip;
	}
	walk.id = stack_mix(walk.id, walk.stop);
	scratch->walk = walk;
	return 0;
}

__noinline int unwind_count(void)
{
	struct stack_scratch *scratch = stack_scratch();

	if (scratch && start_ns)
		__sync_fetch_and_add(&unwound[scratch->walk.stop & (UNWIND_STOP_COUNT - 1)], 1);
	return 0;
}
