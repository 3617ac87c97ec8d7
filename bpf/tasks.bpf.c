// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is followed: the root is marked by user space through its pidfd and followed from its exec on; processes that live already are
 * chosen in the same way, and their threads marked by attach.bpf.c. Whatever a followed thread creates is followed from its creation
 * to its last switch-out.
 */
#include "stacks.bpf.h"

static __always_inline void identify(struct thread *t, struct task_struct *task)
{
	t->tid = task->pid;
	t->tgid = task->tgid;
	t->leader = task->pid == task->tgid;
	bpf_probe_read_kernel(t->comm, sizeof(t->comm), task->comm);
}

static __always_inline void process_begin(struct thread *t, u64 now)
{
	static const struct process zero;
	struct process *process;

	bpf_map_update_elem(&processes, &t->process, &zero, BPF_ANY);
	process = bpf_map_lookup_elem(&processes, &t->process);
	if (!process) {
		lose(LOSS_PROCESS_UNTRACKED);
		return;
	}
	process->tgid = t->tgid;
	process->parent = t->parent_process;
	process->begin_ns = now;
	process->threads = 1;
	process->cgroup = bpf_get_current_cgroup_id();
	__builtin_memcpy(process->comm, t->comm, sizeof(t->comm));
}

__hidden __noinline int thread_adopt(struct thread *t, struct task_struct *task, struct chosen *chosen)
{
	struct process *process;

	t->serial = __sync_fetch_and_add(&last_thread, 1) + 1;
	t->process = chosen->process;
	t->parent_process = chosen->parent;
	t->tid_address = (u64)task->clear_child_tid;
	t->run_delay_out = task->sched_info.run_delay;
	identify(t, task);
	audit_read(&t->base, task);
	t->faults = task->min_flt + task->maj_flt;
	process = bpf_map_lookup_elem(&processes, &t->process);
	if (process) {
		/* User space, which made the entry, may count pids in another namespace. */
		process->tgid = t->tgid;
		bpf_probe_read_kernel(process->comm, sizeof(process->comm), task->group_leader->comm);
		__sync_fetch_and_add(&process->threads, 1);
	}
	__sync_fetch_and_add(&threads_alive, 1);
	return 0;
}

/*
 * A thread of a chosen process creates something before the iterator has come to it: it marks itself. It cannot be left to the
 * iterator, which may be beyond the new one's place in the order of pids when it comes to it.
 */
static __always_inline struct thread *adopt_current(struct task_struct *task, u64 now)
{
	struct chosen *chosen = bpf_task_storage_get(&chosen_processes, task->group_leader, 0, 0);
	struct thread *t;

	if (!chosen)
		return NULL;
	t = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t) {
		lose(LOSS_THREAD_UNFOLLOWED);
		return NULL;
	}
	if (t->serial)
		return t; /* the iterator was faster */
	thread_adopt(t, task, chosen);
	if (with_stacks)
		bpf_task_storage_get(&stack_caches, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	t->begun = has_started(now) ? BEGUN_TIME : BEGUN_NOT;
	account_begin(&t->account, now, PHASE_ON_CPU, with_syscalls ? CLASS_KERNEL : CLASS_CPU);
	return t;
}

/* A new process begins with its parent's mappings. */
static __always_inline void space_inherit(struct thread *t, struct thread *parent, u64 now)
{
	u32 tgid = t->tgid, parent_tgid = parent->tgid;
	struct unwind_space *space = bpf_map_lookup_elem(&spaces, &parent_tgid), own = {};
	struct record_fork *record;

	if (space)
		own = *space;
	own.process = t->process;
	bpf_map_update_elem(&spaces, &tgid, &own, BPF_ANY);
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		lose(LOSS_EXEC_UNDELIVERED);
		return;
	}
	record->kind = RECORD_FORK;
	record->time_ns = now;
	record->process = t->process;
	record->parent = parent->process;
	record->tgid = tgid;
	record->parent_tgid = parent_tgid;
	record->generation = own.generation;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* clone, clone3, fork, vfork, and what the kernel creates for a thread (io_uring workers): `task` is the new one. */
SEC("tp_btf/task_newtask")
int BPF_PROG(on_newtask, struct task_struct *task, u64 clone_flags)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct thread *parent = thread_of(current), *t;
	struct process *process;
	u64 now = bpf_ktime_get_ns();

	if (!parent && with_attach)
		parent = adopt_current(current, now);
	if (!parent || parent->account.phase == PHASE_OFF || is_over(now))
		return 0;
	if (pid_only && !(clone_flags & CLONE_THREAD))
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t) {
		lose(LOSS_THREAD_UNFOLLOWED);
		return 0;
	}
	t->serial = __sync_fetch_and_add(&last_thread, 1) + 1;
	t->parent = parent->serial;
	t->parent_process = parent->process;
	t->image = parent->image;
	t->exec_ns = parent->exec_ns;
	t->exec_before_ns = parent->exec_before_ns;
	t->tid_address = (u64)task->clear_child_tid;
	identify(t, task);
	if (clone_flags & CLONE_THREAD) {
		t->process = parent->process;
		process = bpf_map_lookup_elem(&processes, &t->process);
		if (process)
			__sync_fetch_and_add(&process->threads, 1);
	} else {
		t->process = __sync_fetch_and_add(&last_process, 1) + 1;
		process_begin(t, now);
		space_inherit(t, parent, now);
	}
	if (with_stacks)
		bpf_task_storage_get(&stack_caches, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__sync_fetch_and_add(&threads_alive, 1);
	t->begun = has_started(now) ? BEGUN : BEGUN_NOT;
	/* Its first steps are the kernel's: they end with the return from the syscall that created it. */
	account_begin(&t->account, now, PHASE_WOKEN, with_syscalls ? CLASS_KERNEL : CLASS_CPU);
	return 0;
}

static __always_inline void root_begin(struct thread *t, struct task_struct *task, u64 now)
{
	u64 on_cpu_since = t->account.begin_ns; /* kept by sched.bpf.c while the phase is OFF */

	t->serial = __sync_fetch_and_add(&last_thread, 1) + 1;
	t->process = __sync_fetch_and_add(&last_process, 1) + 1;
	process_begin(t, now);
	__sync_fetch_and_add(&threads_alive, 1);
	/* sum_exec_runtime is only brought up to date at switches and ticks: the one at the last switch-in is right. */
	if (on_cpu_since) {
		t->base.exec_ns += now - on_cpu_since;
		t->base.switches = task->nvcsw + task->nivcsw;
	} else {
		audit_read(&t->base, task);
	}
	t->faults = task->min_flt + task->maj_flt;
	__sync_fetch_and_add(&roots_alive, 1);
	if (!start_is_told) {
		start_ns = now;
		t->begun = BEGUN;
	}
	account_begin(&t->account, now, PHASE_ON_CPU, with_syscalls ? CLASS_KERNEL : CLASS_CPU);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct thread *t = thread_of(task);
	struct record_exec *record;
	u64 now = bpf_ktime_get_ns();

	if (!t || is_over(now))
		return 0;
	/* A thread that is not the leader becomes it: tid and name change, the serial stays. */
	identify(t, task);
	t->image++;
	t->exec_before_ns = t->exec_ns ? t->exec_ns : t->account.phase == PHASE_OFF ? 0 : t->account.begin_ns;
	t->exec_ns = now;
	if (t->account.phase == PHASE_OFF)
		root_begin(t, task, now);
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		lose(LOSS_EXEC_UNDELIVERED);
		return 0;
	}
	record->kind = RECORD_EXEC;
	record->process = t->process;
	record->thread = t->serial;
	record->time_ns = now;
	record->tgid = t->tgid;
	record->image = t->image;
	__builtin_memcpy(record->comm, t->comm, sizeof(t->comm));
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/* No room for the record: nothing of the thread's time may be lost, so its process gets it. */
static __always_inline void add_to_process(struct thread *t)
{
	u64 serial = t->process;
	struct process *process = bpf_map_lookup_elem(&processes, &serial);

	lose(LOSS_THREAD_UNDELIVERED);
	if (!process) {
		lose(LOSS_PROCESS_UNTRACKED);
		return;
	}
	for (u32 i = 0; i < CLASS_SLOTS; i++)
		__sync_fetch_and_add(&process->undelivered_ns[i], t->account.ns[i]);
	__sync_fetch_and_add(&process->undelivered_life_ns, t->account.since_ns - t->account.begin_ns);
	__sync_fetch_and_add(&process->undelivered, 1);
}

/* Hands the process over and makes room for another; without room for the record it stays in the map, to be read at the end. */
static __always_inline void process_ended(struct process *process, u64 serial, u64 now)
{
	struct record_process *record;
	u32 tgid = process->tgid;

	bpf_map_delete_elem(&spaces, &tgid);
	if (!process->parent && __sync_fetch_and_sub(&roots_alive, 1) == 1 && !wait_for_all && !is_over(now))
		stop_ns = now;
	if (!has_started(now)) {
		bpf_map_delete_elem(&processes, &serial);
		return;
	}
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record)
		return;
	record->kind = RECORD_PROCESS;
	record->time_ns = now;
	record->serial = serial;
	bpf_probe_read_kernel(&record->process, sizeof(*process), process);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	bpf_map_delete_elem(&processes, &serial);
}

/*
 * A chosen process is held by one thread more than it has, lest it should seem to have ended while its threads are marked; this lets
 * go. The argument is its serial.
 */
SEC("syscall")
int release_process(u64 *argument)
{
	u64 serial = *argument;
	struct process *process = bpf_map_lookup_elem(&processes, &serial);

	if (process && __sync_fetch_and_sub(&process->threads, 1) == 1)
		process_ended(process, serial, bpf_ktime_get_ns());
	return 0;
}

static __always_inline void thread_deliver(struct thread *t)
{
	struct record_thread *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record) {
		add_to_process(t);
		return;
	}
	record->kind = RECORD_THREAD;
	bpf_probe_read_kernel(&record->thread, sizeof(*t), t);
	/* A wake-up for every record would be a context switch for every thread's end: user space looks by itself. */
	bpf_ringbuf_submit(
	    record, bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > RING_BYTES / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/*
 * The final switch-out; the account is closed. Delivers the thread, unless it did not live to see the measurement's begin, and ends the
 * measurement when the last root process is gone.
 */
__noinline int thread_ended(struct thread *t, u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct process *process;
	u64 serial;

	if (!t)
		return 0;
	serial = t->process;
	bpf_probe_read_kernel(t->comm, sizeof(t->comm), task->comm);
	t->exit_code = task->exit_code; /* of the process, if this thread is its last */
	audit_read(&t->audit, task);
	t->faults = task->min_flt + task->maj_flt - t->faults;
	t->live = is_over(now);
	if (t->begun && __sync_val_compare_and_swap(&t->told, TOLD_NOT, TOLD_AT_END) == TOLD_NOT)
		thread_deliver(t);
	__sync_fetch_and_sub(&threads_alive, 1);
	process = bpf_map_lookup_elem(&processes, &serial);
	if (process && __sync_fetch_and_sub(&process->threads, 1) == 1)
		process_ended(process, serial, now);
	return 0;
}
