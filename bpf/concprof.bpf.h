/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the concerns share: maps, settings, and the functions by which they call each other. One program per hook; the concerns are
 * __hidden functions that it calls in order. Maps and settings are defined in maps.bpf.c and only declared elsewhere.
 *
 *   sched_process_exec, task_newtask  tasks.bpf.c     who is followed
 *   sched_switch, sched_waking        sched.bpf.c     the account
 *   sys_enter, sys_exit               syscalls.bpf.c  user / kernel side
 *   (at a blocking switch-out)        causes.bpf.c    what the wait waits for
 *   (at a switch-in after a wait)     slots.bpf.c     waits by cause
 *   (at a blocking switch-out)        stacks.bpf.c    where it waits
 *   (if its mappings are not known)   parked.bpf.c    the same, left to user space
 *   (at a poll set's wait)            polls.bpf.c     what the set holds
 *   iter.s/task                       attach.bpf.c    threads that live already
 *   (at a wait for an object)         objects.bpf.c   what it is called
 *   (at a wake-up)                    wakers.bpf.c    who wakes
 *   contention_begin, _end            klocks.bpf.c    locks inside the kernel
 *   (at a switch-in; at a sample)     timeline.bpf.c  the run in time
 *   iter/task                         snapshot.bpf.c  accounts of live threads
 */
#ifndef CONCPROF_BPF_H
#define CONCPROF_BPF_H

#include "kernel.h"
#include "account.h"

#ifdef CONCPROF_MAPS_HERE
#define SHARED
#else
#define SHARED extern
#endif

#define WAITS_MAX 262144
/* From here on new causes are kept without stack, waker and holder: the rest of the room is for those. */
#define WAITS_FULL    (WAITS_MAX / 4 * 3)
#define FILES_MAX     8192
#define PEERS_MAX     8192
#define PROCESSES_MAX 32768
#define EPOLLS_MAX    1024
#define RING_BYTES    (4 << 20)

/* Followed threads. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

/* Causes that fell out of a thread's slots. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, WAITS_MAX);
	__type(key, struct wait_map_key);
	__type(value, struct wait_stats);
} waits SEC(".maps");

/* Followed processes, by serial. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PROCESSES_MAX);
	__type(key, u64);
	__type(value, struct process);
} processes SEC(".maps");

/* Struct record_* to user space. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} records SEC(".maps");

/* Struct record_episodes and record_moment to user space, if there is a timeline; else a page. */
#define TIMELINE_BYTES (16 << 20)
SHARED struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TIMELINE_BYTES);
} timeline SEC(".maps");

/* Episodes on their way there. What is left at the end, user space takes from here. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record_episodes);
} episode_batches SEC(".maps");

/* Members of followed epoll sets, kept by epoll_ctl's successes; a member's slot is its descriptor modulo the size. */
#define EPOLL_SLOTS 128

struct epoll_member {
	u64 file; /* struct file of the member when it was added; 0: free */
	u32 fd;
	u32 pad;
};

struct epoll_set {
	struct wait_key summary; /* where, object and op, valid if known != 0 */
	u64 file;                /* behind summary.where */
	u32 ports;
	u32 known;
	u32 too_large;
	u32 holds;   /* of the summary: enum poll_holds */
	u32 witness; /* slot of the member that decides the summary; it must still be there */
	u32 pad;
	struct epoll_member member[EPOLL_SLOTS];
};

/* Key: the kernel's struct eventpoll. Closed sets are not heard of: the oldest give way. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EPOLLS_MAX);
	__type(key, u64);
	__type(value, struct epoll_set);
} epolls SEC(".maps");

/* Files and paths whose names were delivered, by what stands in a wait's key. When it is full, files are known by their file system only. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FILES_MAX);
	__type(key, union wait_where);
	__type(value, u32);
} files_met SEC(".maps");

/* The same of pipes, sockets' peers and processes that wake followed threads; the oldest give way, and may be delivered again. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PEERS_MAX);
	__type(key, union wait_where);
	__type(value, u32);
} peers_met SEC(".maps");

/* Processes to attach to, by their leader: then it does not matter in which pid namespace anybody counts. */
struct chosen {
	u64 process; /* serial */
	u64 parent;  /* serial of the process that created it; 0: a root */
};
SHARED struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct chosen);
} chosen_processes SEC(".maps");

/* A thread's copy while it is delivered from a snapshot, or before it is marked. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record_thread);
} scratch SEC(".maps");

/* Settings: fixed before loading. */
SHARED const volatile bool with_syscalls; /* the syscall hooks are attached: on-CPU time has sides */
SHARED const volatile bool wait_for_all;  /* the end of the root does not end the measurement */
SHARED const volatile bool with_stacks;
SHARED volatile bool with_timeline;    /* user space takes it back when there are more episodes than it was to keep */
SHARED const volatile bool with_casts; /* the kernel has bpf_rdonly_cast and bpf_rcu_read_lock (6.2) */

SHARED const volatile bool pid_only;      /* what a process creates is not followed, only its threads */
SHARED const volatile bool start_is_told; /* the measurement begins when user space sets start_ns, not at the root's exec */
SHARED const volatile bool with_attach;   /* there may be chosen processes */

/*
 * The measurement: from start_ns to stop_ns; 0: not yet. Both are set a little ahead of the clock, and who reads the clock before
 * he reads them finds on which side of them an event is. What happens outside is followed, but not accounted.
 */
SHARED volatile __u64 start_ns;
SHARED volatile __u64 stop_ns;
SHARED volatile __u64 roots_alive; /* processes without a followed parent; the last one's end is the end of the measurement */
SHARED volatile __u64 threads_alive;
SHARED volatile __u64 unsettled; /* threads that the last pass over all tasks found or had to mark again */
SHARED __u64 last_thread;        /* serials given out */
SHARED __u64 last_process;
SHARED volatile __u64 losses[LOSS_COUNT];
SHARED volatile __u64 waits_used; /* entries of the map `waits` */

static __always_inline void lose(enum loss what)
{
	__sync_fetch_and_add(&losses[what], 1);
}

/* In 64 bits: of one that is an u32 and indexes an array, the verifier of 6.1 does not see that its upper half is 0. */
static __always_inline u64 log2_slot(u64 ns)
{
	u64 log = 0, step;

	step = (ns > 0xffffffffULL) << 5;
	ns >>= step;
	log |= step;
	step = (ns > 0xffff) << 4;
	ns >>= step;
	log |= step;
	step = (ns > 0xff) << 3;
	ns >>= step;
	log |= step;
	step = (ns > 0xf) << 2;
	ns >>= step;
	log |= step;
	step = (ns > 0x3) << 1;
	ns >>= step;
	log |= step;
	log |= ns >> 1;
	return log < WAIT_LOG2_SLOTS ? log : WAIT_LOG2_SLOTS - 1;
}

static __always_inline void stats_add(struct wait_stats *stats, u64 ns)
{
	u64 slot = log2_slot(ns);

	stats->total_ns += ns;
	if (ns > stats->max_ns)
		stats->max_ns = ns;
	stats->count++;
	if (slot < WAIT_LOG2_SLOTS)
		stats->log2_ns[slot]++;
}

/* The followed thread of `task`, or NULL. */
static __always_inline struct thread *thread_of(struct task_struct *task)
{
	return bpf_task_storage_get(&threads, task, 0, 0);
}

/*
 * Whether the measurement is over at `now`: accounts then stay as they are, and whoever reads them closes the open interval at
 * stop_ns. A CPU that does not see the end yet may account beyond it by at most one probe's duration.
 */
static __always_inline bool is_over(u64 now)
{
	u64 stop = stop_ns;

	return stop && now >= stop;
}

/* Whether the thread, which is on a CPU, was seen to get it, or found there at attach. */
static __always_inline bool is_running(const struct thread *t)
{
	return t->account.phase == PHASE_ON_CPU || (t->account.phase == PHASE_MARKED && t->account.found == FOUND_ON_CPU);
}

static __always_inline bool has_started(u64 now)
{
	u64 start = start_ns;

	return start && now >= start;
}

/* The kernel's own account of the task. */
static __always_inline void audit_read(struct audit *audit, struct task_struct *task)
{
	audit->exec_ns = task->se.sum_exec_runtime;
	audit->run_delay_ns = task->sched_info.run_delay;
	audit->switches = task->nvcsw + task->nivcsw;
}

/*
 * What a wait waits for is looked up in the current task: its descriptors, its memory. At attach the iterator asks the same about tasks
 * that are blocked already; while it does, and only in its own context (concprof is never followed), `other` stands for the current one.
 */
#define OTHER_WINDOWS      5
#define OTHER_WINDOW_BYTES 512

SHARED volatile __u32 other_looker;                   /* thread id of concprof while it looks; 0: nobody does */
SHARED volatile __u64 other_task;                     /* struct task_struct */
SHARED volatile __u64 other_memory_at[OTHER_WINDOWS]; /* in the task's memory: what the syscall's arguments point to ... */
SHARED volatile __u32 other_memory_bytes[OTHER_WINDOWS];
SHARED __u8 other_memory[OTHER_WINDOWS][OTHER_WINDOW_BYTES]; /* ... read ahead */

static __always_inline bool is_about_other(void)
{
	return other_looker && other_looker == (u32)bpf_get_current_pid_tgid();
}

/* The task that is asked about: an address, to be read by BPF_CORE_READ. */
static __always_inline struct task_struct *subject(void)
{
	return (struct task_struct *)(is_about_other() ? other_task : bpf_get_current_task());
}

/* As bpf_probe_read_user(), from the memory of the task that is asked about. */
static __always_inline long user_read(void *to, u32 bytes, u64 address)
{
	if (!is_about_other())
		return bpf_probe_read_user(to, bytes, (void *)address);
	for (u32 i = 0; i < OTHER_WINDOWS; i++) {
		u64 offset = address - other_memory_at[i];

		if (offset < OTHER_WINDOW_BYTES && offset + bytes <= other_memory_bytes[i])
			return bpf_probe_read_kernel(to, bytes, &other_memory[i][offset & (OTHER_WINDOW_BYTES - 1)]);
	}
	return -1;
}

/* Our own time is measured in every 64th event of a thread, counted from another one in each: short threads have few. */
#define SELF_EVERY 64

static __always_inline void self_add(struct thread *t, u64 events, u64 began)
{
	if ((events + t->serial) % SELF_EVERY == 0)
		t->self_ns += (bpf_ktime_get_ns() - began) * SELF_EVERY;
}

/*
 * The concerns' functions are global: the verifier looks at each once, by itself, instead of again at every call. Such functions
 * take numbers and pointers to plain memory, which they must test for NULL; the task they are about is the current one.
 */

/* tasks.bpf.c */
int thread_ended(struct thread *t, u64 now);
/* Fills *t for a thread of a chosen process, and adds it to it. */
__hidden int thread_adopt(struct thread *t, struct task_struct *task, struct chosen *chosen);

/* sched.bpf.c */
int repair_switch_in(struct thread *t, u64 now);
/* At the first event of a thread that was followed before the measurement began; `faults`: as the kernel has counted them. */
int thread_begin(struct thread *t, u64 now, u64 faults);

/* causes.bpf.c */
int wait_classify(struct thread *t, u32 state);
/* The same for another task, which `other` stands for. */
__hidden int wait_classify_other(struct thread *t, u32 state, struct task_struct *task);
int wait_record(struct thread *t, u64 ns);

/* timeline.bpf.c: if with_timeline. */
int episode_add(struct thread *t, u64 out_ns, u64 blocked_ns, u64 queued_ns, u64 class);
int moment_add(struct thread *t, u64 at_ns, u64 stack);

/* stacks.bpf.c: fills t->open.stack for the wait that begins now. */
int stack_take(struct thread *t);

/* The system call of the last wait said that its time had run out. */
int wait_timed_out(struct thread *t);

/* wakers.bpf.c: the current context, as the one that wakes the thread t (WAKER_*). */
u64 who_wakes(struct thread *t);

/* fds.bpf.c: what a descriptor of the current task refers to. */
struct fd_view {
	u32 kind;  /* enum wait_fd */
	u32 ports; /* as in struct thread */
	u64 file;
	union wait_where where;
};

/* Fills *view. view->kind is FD_UNKNOWN when there is no such descriptor. Returns view->kind. */
int fd_look(u32 fd, struct fd_view *view);

/*
 * objects.bpf.c: the open wait of t is for what t->open.where says, behind the struct file `file`. Completes t->open.where where it takes
 * more than fd_look does, and delivers its name if it was not yet.
 */
int object_met(struct thread *t, u64 file);
/* The same for a path in user memory. */
int object_path_met(struct thread *t, u64 path);
/* A process that is not followed has woken the thread t: the current one. */
int object_task_met(struct thread *t, u32 tgid);

/*
 * polls.bpf.c: what the set of a blocked poll, select or epoll_wait of the current task holds (enum poll_holds), without what only wakes
 * the process itself. t->open.where gets the peer of one socket in it, t->open.op WAIT_OP_MANY if there are others.
 */
u32 poll_holds(struct thread *t, u64 array, u64 count);
u32 select_holds(struct thread *t, u64 count, u64 readable, u64 writable, u64 exceptional);
u32 epoll_holds(struct thread *t, u32 fd);
/* After the syscalls' success, in the current task. */
int epoll_created(u32 fd);
int epoll_changed(u32 epoll_fd, u32 operation, u32 fd);

#endif
