// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that live already. User space chooses processes; from then on what their threads create is followed (tasks.bpf.c), and a
 * pass over all tasks marks the threads themselves: on which CPU or for what they wait is read from outside while they go on, so it may
 * be outdated when the mark is set. The next pass finds that out, and marks such a thread again. A thread that has an event in between
 * has told by itself where it is. The measurement begins when a pass finds nothing to do.
 */
#include "stacks.bpf.h"
#include "waits.h"

#define PAGE_BYTES       4096
#define MEMORY_BEFORE    32 /* of what a pointer points to: the fields of an object before the word that is waited on */
#define USER_ADDRESS_MAX (1ULL << 47)

/* Filled by user space before each run of seed_epolls. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EPOLL_SEEDS_MAX);
	__type(key, u32);
	__type(value, struct epoll_seed);
} epoll_seeds SEC(".maps");

/* Since 6.2 a pointer that was read from a task is one only under RCU, which a program that may sleep has to ask for. */
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;

static __always_inline struct chosen *chosen_of(struct task_struct *task)
{
	struct chosen *chosen;

	if (with_casts)
		bpf_rcu_read_lock();
	chosen = bpf_task_storage_get(&chosen_processes, task->group_leader, 0, 0);
	if (with_casts)
		bpf_rcu_read_unlock();
	return chosen;
}

static __always_inline u8 where_is(struct task_struct *task)
{
	/* Without the field there is one CPU, and it runs this. */
	if (bpf_core_field_exists(task->on_cpu) && task->on_cpu)
		return FOUND_ON_CPU;
	if (!task->on_rq)
		return FOUND_BLOCKED;
	if (bpf_core_field_exists(task->se.sched_delayed) && task->se.sched_delayed)
		return FOUND_BLOCKED;
	return FOUND_QUEUED;
}

/* Reads ahead what one argument of a blocked thread's syscall points to: a poll set, times, flags. */
static __always_inline void memory_take(struct task_struct *task, u32 i, u64 pointer)
{
	u64 from = pointer - MEMORY_BEFORE;
	u32 bytes = OTHER_WINDOW_BYTES;

	other_memory_bytes[i] = 0;
	if (pointer < PAGE_BYTES || pointer >= USER_ADDRESS_MAX)
		return;
	if (bpf_copy_from_user_task(other_memory[i], bytes, (void *)from, task, 0)) {
		/* A neighbouring page is not there: as much as the pointer's own page holds. */
		from = pointer;
		bytes = PAGE_BYTES - (from & (PAGE_BYTES - 1));
		if (bytes > OTHER_WINDOW_BYTES)
			bytes = OTHER_WINDOW_BYTES;
		if (bpf_copy_from_user_task(other_memory[i], bytes, (void *)from, task, 0))
			return;
	}
	other_memory_at[i] = from;
	other_memory_bytes[i] = bytes;
}

static __always_inline bool has_user_side(struct task_struct *task)
{
	return !(task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER));
}

static __always_inline void look_at(struct task_struct *task, struct pt_regs *regs)
{
	bool i386 = task->thread_info.status & TS_COMPAT;

	other_looker = bpf_get_current_pid_tgid();
	other_task = (u64)task;
	if (!has_user_side(task) || (s64)regs->orig_ax < 0)
		return;
	memory_take(task, 0, i386 ? (u32)regs->bx : regs->di);
	memory_take(task, 1, i386 ? (u32)regs->cx : regs->si);
	memory_take(task, 2, i386 ? (u32)regs->dx : regs->dx);
	memory_take(task, 3, i386 ? (u32)regs->si : regs->r10);
	memory_take(task, 4, (u64)task->clear_child_tid);
}

/* The side on which a thread that is not on a CPU goes on: its saved registers tell whether it is in a syscall. */
static __always_inline u8 side_of(struct task_struct *task, struct pt_regs *regs)
{
	if (!with_syscalls)
		return CLASS_CPU;
	if (!has_user_side(task))
		return CLASS_KERNEL;
	return (s64)regs->orig_ax < 0 ? CLASS_USER : CLASS_KERNEL;
}

static __always_inline void forget(struct task_struct *task, struct thread *t)
{
	struct process *process = bpf_map_lookup_elem(&processes, &t->process);

	if (process)
		__sync_fetch_and_sub(&process->threads, 1);
	__sync_fetch_and_sub(&threads_alive, 1);
	bpf_task_storage_delete(&threads, task);
}

/*
 * Marking has three steps, each with a stack frame of its own: below the classification in the middle, the 512 bytes that all frames share
 * would not do otherwise (6.1 rounds each up to 32). The first one fills the scratch.
 */
static __noinline struct thread *mark_begin(struct task_struct *task, struct chosen *chosen)
{
	static const struct thread empty;
	struct record_thread *record;
	struct thread *t;
	u32 zero = 0;

	record = bpf_map_lookup_elem(&scratch, &zero);
	if (!record)
		return NULL;
	t = &record->thread;
	bpf_probe_read_kernel(t, sizeof(*t), &empty);
	t->account.found = where_is(task);
	thread_adopt(t, task, chosen);
	if (t->account.found == FOUND_BLOCKED)
		look_at(task, (struct pt_regs *)bpf_task_pt_regs(task));
	return t;
}

/* Where a thread is blocked that nobody saw go there. */
static __always_inline u64 stack_leave(struct thread *t, struct task_struct *task, struct pt_regs *regs)
{
	struct record_parked *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	u64 id;

	if (!record) {
		lose(LOSS_STACK_UNDELIVERED);
		return 0;
	}
	id = parked_fill(record, t, task, regs, 0);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return id;
}

/* Nobody sees the mark before it is whole. */
static __noinline int mark_end(struct thread *t, struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct process *process;
	struct thread *marked;

	/* What restart_syscall continues began before anybody looked; and whose next switch-out goes unseen may be blocked for all we know. */
	if (t->open.class < CLASS_FUTEX)
		t->open.class = CLASS_OTHER;
	if (t->account.found == FOUND_BLOCKED) {
		other_looker = 0;
		if (with_stacks && has_user_side(task))
			t->open.stack = stack_leave(t, task, regs);
	}
	account_mark(&t->account, bpf_ktime_get_ns(), t->account.found, side_of(task, regs), t->open.class);
	if (with_stacks)
		bpf_task_storage_get(&stack_caches, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	marked = bpf_task_storage_get(&threads, task, t, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!marked)
		lose(LOSS_THREAD_UNFOLLOWED);
	if (!marked || marked->serial != t->serial) { /* it has marked itself */
		process = bpf_map_lookup_elem(&processes, &t->process);
		if (process)
			__sync_fetch_and_sub(&process->threads, 1);
		__sync_fetch_and_sub(&threads_alive, 1);
	}
	return 0;
}

static __always_inline void mark_thread(struct task_struct *task, struct chosen *chosen)
{
	struct thread *t = mark_begin(task, chosen);

	if (!t)
		return;
	if (t->account.found == FOUND_BLOCKED)
		wait_classify_other(t, task->__state, task);
	mark_end(t, task);
}

SEC("iter.s/task")
int mark(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct chosen *chosen;
	struct thread *t;

	if (!task)
		return 0;
	chosen = chosen_of(task);
	if (!chosen)
		return 0;
	t = thread_of(task);
	if (t) {
		if (t->account.phase != PHASE_MARKED)
			return 0;
		if (!(task->__state & TASK_DEAD) && t->account.found == where_is(task) &&
		    t->base.switches == task->nvcsw + task->nivcsw)
			return 0;
		forget(task, t);
	}
	__sync_fetch_and_add(&unsettled, 1);
	/* Its last switch-out is past, or a matter of microseconds. */
	if (!(task->__state & TASK_DEAD))
		mark_thread(task, chosen);
	return 0;
}

struct seeding {
	u64 process;
	struct epoll_seed *seed;
};

static long seed_member(u32 i, struct seeding *seeding)
{
	struct epoll_seed *seed = seeding->seed;

	if (i >= EPOLL_SEED_FDS || i >= seed->count)
		return 1;
	epoll_changed(seed->epoll_fd, EPOLL_CTL_ADD, seed->fd[i]);
	return 0;
}

static long seed_set(u32 i, struct seeding *seeding)
{
	struct epoll_seed *seed = bpf_map_lookup_elem(&epoll_seeds, &i);

	if (!seed || seed->process != seeding->process)
		return 0;
	/* Of an empty set it is enough that it is known: nothing is taken out of it. */
	epoll_changed(seed->epoll_fd, EPOLL_CTL_DEL, ~0u);
	seeding->seed = seed;
	bpf_loop(EPOLL_SEED_FDS, seed_member, seeding, 0);
	return 0;
}

/* Makes the sets of `epoll_seeds` known; user space has their members from /proc/PID/fdinfo. */
SEC("iter/task")
int seed_epolls(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seeding seeding = {};
	struct chosen *chosen;

	if (!task || !task->files)
		return 0;
	chosen = bpf_task_storage_get(&chosen_processes, task->group_leader, 0, 0);
	/* Threads share their descriptors; one that lives is enough. */
	if (!chosen || (task->pid != task->tgid && task->group_leader->files))
		return 0;
	other_looker = bpf_get_current_pid_tgid();
	other_task = (u64)task;
	seeding.process = chosen->process;
	bpf_loop(EPOLL_SEEDS_MAX, seed_set, &seeding, 0);
	other_looker = 0;
	return 0;
}
