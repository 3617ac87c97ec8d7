/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the takers of stacks share. The way of a stack: stacks.bpf.c (at a block) or sample.bpf.c (on a CPU) asks unwind.bpf.c for the
 * user's frames and the kernel for its own; a stack that was not met before is delivered, from then on its id stands for it.
 *
 * User space fills the tables: `spaces` says which mappings a process has, `space_mappings` holds them, `segments` and `rules` say how
 * to unwind their code (include/unwind_rule.h).
 */
#ifndef CONCPROF_STACKS_BPF_H
#define CONCPROF_STACKS_BPF_H

#include "concprof.bpf.h"

#define SPACES_MAX  32768
#define STACKS_MAX  (1 << 18)
#define SAMPLES_MAX (1 << 18)

/* Address spaces, by tgid. Written by user space; inherited at fork. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SPACES_MAX);
	__type(key, u32);
	__type(value, struct unwind_space);
} spaces SEC(".maps");

SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SPACE_MAPPINGS_MAX);
	__type(key, u32);
	__type(value, struct unwind_mapping);
} space_mappings SEC(".maps");

SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_RULES_MAX + 1);
	__type(key, u32);
	__type(value, struct unwind_rule);
} rules SEC(".maps");

/* Words of the tables: indexes and rows. A segment is made when the last one is full. */
struct segment_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_SEGMENT_WORDS / 2); /* arrays round their values up to 8 bytes: two words each */
	__type(key, u32);
	__type(value, u64);
};

SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UNWIND_SEGMENTS_MAX);
	__type(key, u32);
	__array(values, struct segment_map);
} segments SEC(".maps");

/* Ids of the stacks that were delivered. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STACKS_MAX);
	__type(key, u64);
	__type(value, u32);
} stacks_sent SEC(".maps");

SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SAMPLES_MAX);
	__type(key, struct sample_key);
	__type(value, u64);
} samples SEC(".maps");

/*
 * Where a thread blocked before. An unwinding is determined by the registers, the mappings and the words it read: if all are as they were,
 * so is the stack. The words' places are kept (in units of 8 bytes from the stack pointer), and a hash of their values.
 */
#define CACHE_ENTRIES      4
#define CACHE_USER_SLOTS   192
#define CACHE_KERNEL_SLOTS 40
#define SLOT_STEP          8 /* slots looked at between two tests for the last: fewer states for the verifier */

struct stack_memo {
	u64 ip, sp, bp, di;
	u64 generation;
	u64 epoch;  /* of spaces_epoch: no list has changed since the generation was looked at */
	u64 user;   /* id of the user side */
	u64 values; /* hash of the words at the slots */
	u64 kernel; /* id of the kernel side */
	u64 kernel_values;
	u64 both;  /* what stands for the two together */
	u32 image; /* of the process: how often it had exec'd */
	u32 valid; /* MEMO_* */
	u32 span;  /* bytes from sp that hold all user slots */
	u32 kernel_span;
	u16 bp_counts; /* 0: whatever bp is, the stack is the same */
	u16 di_counts;
	u32 pad;
	u16 slots, kernel_slots; /* rounded up to SLOT_STEP, by repeating the last one */
	u16 slot[CACHE_USER_SLOTS];
	u16 kernel_slot[CACHE_KERNEL_SLOTS]; /* from the taker's own frame */
};

enum { MEMO_USER = 1, MEMO_KERNEL = 2 };

/* A place has two memos: ways into the same wait may differ in nothing but words further up the stack. */
struct stack_cache {
	u64 turn;   /* which of the two is given up next */
	u32 image;  /* of the process, in which so many ... */
	u32 parked; /* ... stacks were left to user space with their memory */
	struct stack_memo memo[CACHE_ENTRIES];
};

SHARED struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stack_cache);
} stack_caches SEC(".maps");

/* How unwinding went since the measurement began, by enum unwind_stop. */
SHARED volatile __u64 unwound[UNWIND_STOP_COUNT];
/* Counted up by user space whenever it has changed any list of mappings. */
SHARED volatile __u64 spaces_epoch;

#define SPAN_BYTES        16384 /* of a stack, looked at in one read when a memo is checked */
#define KERNEL_SPAN_BYTES 2048
#define PAGE_BYTES        4096

/* An unwinding in progress, and what came of it. */
struct walk {
	u64 ip, sp, bp; /* of the frame that is looked at */
	u64 di;         /* of the innermost frame */
	u64 bp_at;      /* where its rbp is saved, to be read when it is needed; 0: it is bp */
	u64 stack;      /* sp of the innermost frame */
	u64 window;     /* user address of the bytes in the scratch, and their number */
	u64 window_bytes;
	u64 id; /* hash of the frames */
	u64 generation;
	u64 start, end, base; /* of the mapping that was used last */
	u32 segment, index_word, rows_word, flags;
	u32 first, count; /* the process's list of mappings */
	u32 frames, slots;
	u32 span;     /* bytes from the stack pointer on that hold all slots */
	u8 exact;     /* ip is where the thread was, not where a call returns to */
	u8 bp_lost;   /* the frame's rbp is not known */
	u8 bp_own;    /* bp is still the innermost frame's */
	u8 bp_counts; /* and was needed: another value might have led elsewhere */
	u8 di_counts;
	u8 memorable; /* all words read have a slot */
	u8 framed;    /* some frame was followed by its frame pointer alone */
	u8 stop;      /* enum unwind_stop */
};

struct stack_scratch {
	struct record_stack record;
	u64 kernel[STACK_KERNEL_MAX];
	u64 anchor; /* the hook's arguments on the kernel stack, and the bytes from there to the saved registers at its top */
	u64 above;
	struct walk walk; /* the last unwinding */
	u16 slot[CACHE_USER_SLOTS];
	struct record_parked parked; /* its bytes follow */
	u8 bytes[SPAN_BYTES + 8];
};
_Static_assert(__builtin_offsetof(struct stack_scratch, bytes) ==
		   __builtin_offsetof(struct stack_scratch, parked) + sizeof(struct record_parked),
	       "a parked stack is delivered in one piece");
_Static_assert(PARKED_BYTES <= SPAN_BYTES, "room for the memory of a parked stack");

/* One for each CPU: its users run with interrupts off (sched_switch holds the run queue's lock; the sampler is an interrupt). */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stack_scratch);
} stack_scratches SEC(".maps");

static __always_inline struct stack_scratch *stack_scratch(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&stack_scratches, &zero);
}

/* 2^64 divided by the golden ratio, made odd (Knuth, The Art of Computer Programming 3, 6.4). */
#define STACK_MULTIPLIER 0x9e3779b97f4a7c15ULL

/* A running hash of 64 bits: equal values give equal hashes, and of others one in 2^64 does. */
static __always_inline u64 stack_mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * STACK_MULTIPLIER;
	return hash ^ hash >> 32;
}

/* unwind.bpf.c: the current task's user frames; they go to the scratch's record, and what there is to know of them to its walk. */
int unwind_user(struct thread *t, u64 ip, u64 sp, u64 bp, u64 di);

/* Counts how that ended. */
int unwind_count(void);

/*
 * Before the measurement begins, nearly all waits end unaccounted, but which ones are open when it does is not known: their stacks are
 * taken as long as that costs nobody else his place in the ring.
 */
static __always_inline bool is_worth_room(void)
{
	return start_ns || bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) < RING_BYTES / 4;
}

/* A stack that is left to user space, without memory. Returns its id. */
static __always_inline u64 parked_fill(struct record_parked *record, struct thread *t, struct task_struct *task,
				       struct pt_regs *regs, u64 kernel)
{
	u64 switches = task->nvcsw + task->nivcsw, id = stack_mix(stack_mix(1, t->serial), switches);

	record->kind = RECORD_PARKED;
	record->id = id;
	record->kernel = kernel;
	record->process = t->process;
	record->switches = switches;
	record->time_ns = bpf_ktime_get_ns();
	record->ip = regs->ip;
	record->sp = regs->sp;
	record->bp = regs->bp;
	record->di = regs->di;
	record->tgid = task->tgid;
	record->tid = task->pid;
	record->bytes = 0;
	record->zero = 0;
	return id;
}

/*
 * parked.bpf.c: leaves the current task's stack, which unwind_user() could not finish, to user space if that may. `sampled`: the task is not about
 * to wait. Returns its id, or 0.
 */
u64 stack_park(struct thread *t, u64 kernel, u32 sampled);

/* stacks.bpf.c: delivers what is in the scratch's record, unless it was before. 1: it is known to user space. */
int stack_deliver(struct thread *t, u64 id);
u64 stack_kernel_side(struct thread *t, u32 frames);
u64 stack_user_side(struct thread *t, u64 kernel);

/*
 * The hook's context lies on the kernel stack, always as far from the frames that led to the hook (our own frames need not: since 6.13
 * a program may have a stack elsewhere). To be called before stack_take().
 */
static __always_inline void stack_anchor(const void *context)
{
	struct stack_scratch *scratch = stack_scratch();

	if (scratch)
		*(const void *volatile *)&scratch->anchor = context;
}

#endif
