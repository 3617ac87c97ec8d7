/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Everything that crosses the border between the kernel side (bpf/) and the user side (user/trace): numbers and structs.
 * Layouts are explicit and asserted; both sides are built from this one header. Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef CONCPROF_ABI_H
#define CONCPROF_ABI_H

#ifndef __BPF__
#include <linux/types.h>
#endif

enum concprof_class {
#define CLASS(id, name, state, gloss) CLASS_##id,
#include "classes.def"
#undef CLASS
	CLASS_COUNT
};

/* Array size for per-class times: a power of two, so that an index can be masked where the verifier wants proof. */
#define CLASS_SLOTS         32
#define CLASS_RUNNABLE_LAST CLASS_WOKEN
_Static_assert(CLASS_COUNT <= CLASS_SLOTS, "too many classes");

enum account_phase {
	PHASE_OFF, /* marked, but the measurement of it has not begun */
	PHASE_ON_CPU,
	PHASE_PREEMPTED,
	PHASE_WOKEN,
	PHASE_BLOCKED,
	PHASE_DEAD,
};

struct account {
	__u32 seq; /* odd while being updated by its owner */
	__u8 phase;
	__u8 side;  /* on-CPU class: CLASS_USER, CLASS_KERNEL or CLASS_CPU */
	__u8 class; /* class of the open wait */
	__u8 pad;
	__u64 begin_ns;
	__u64 since_ns;
	__u64 wake_ns; /* written by wakers; 0: none since the last switch-in */
	__u64 ns[CLASS_SLOTS];
};
_Static_assert(sizeof(struct account) == 32 + 8 * CLASS_SLOTS, "account layout");

/* Who or what is behind the descriptor of a wait. */
union wait_where {
	struct {
		__u8 address[16]; /* network order; IPv4 in the first 4 */
		__u16 port;       /* host order; 0 when it says nothing: the ephemeral end of an accepted connection */
		__u16 local_port;
		__u16 family;
		__u16 kind; /* enum wait_fd */
	} peer;
	struct {
		__u64 inode;
		__u32 device;
		__u32 kind; /* enum wait_fd */
		__u64 zero;
	} file;
	__u64 words[3];
};

/*
 * What a wait waited for, as far as the kernel side can tell. Equal keys are one cause.
 *   futex        object: user address. op: FUTEX_* command | WAIT_OP_EXPECTS_2
 *   socket       object: descriptor; where: peer
 *   poll         object: 0; where: peer of one socket in the set. op: WAIT_OP_MANY if there are several peers
 *   pipe, file   object: descriptor; where: inode and device
 *   others       object: 0
 */
struct wait_key {
	__u8 class;
	__u8 op;
	__u16 nr;    /* syscall number; WAIT_NR_NONE outside syscalls; WAIT_NR_I386 is set for 32-bit syscalls */
	__u32 image; /* how many times the process had exec'd: addresses mean nothing across images */
	__u64 object;
	union wait_where where;
};
_Static_assert(sizeof(struct wait_key) == 40, "wait_key layout");

#define WAIT_NR_NONE      0xffff
#define WAIT_NR_I386      0x8000
#define WAIT_OP_EXPECTS_2 0x80 /* futex: a plain wait that expects the value 2, as glibc's low-level locks do */
#define WAIT_OP_UNSEEN    0x20 /* poll: what the set holds is not known */
#define WAIT_OP_MANY      0x40 /* poll: the set holds sockets with more than one peer, or too many to see them all */

#define WAIT_LOG2_SLOTS 40 /* bucket i: 2^i <= ns < 2^(i+1); the last one is open (>= 9.2 minutes) */

struct wait_stats {
	__u64 total_ns;
	__u64 max_ns;
	__u32 count;
	__u32 timed_out;
	__u32 log2_ns[WAIT_LOG2_SLOTS];
};
_Static_assert(sizeof(struct wait_stats) == 24 + 4 * WAIT_LOG2_SLOTS, "wait_stats layout");

/* The causes a thread met last are kept with the thread; what falls out goes to the map `waits`. */
#define WAIT_SLOTS 4

struct wait_slot {
	struct wait_key key;
	struct wait_stats stats;
};

/* Key of the map `waits`, whose values are struct wait_stats. */
struct wait_map_key {
	__u64 thread; /* serial */
	struct wait_key key;
};

/* What the kernel itself says of the thread; `base` values are subtracted by the user side. */
struct audit {
	__u64 exec_ns;      /* sum_exec_runtime */
	__u64 run_delay_ns; /* sched_info.run_delay */
	__u64 switches;     /* nvcsw + nivcsw */
};

#define COMM_BYTES 16

/* The state of a followed thread (task storage), and what is delivered of it at its end or from a snapshot. */
struct thread {
	struct account account;
	__u64 serial;            /* of the thread; from 1; 1 is the root */
	__u64 process;           /* serial of its process; from 1 */
	__u64 parent;            /* serial of the thread that created it; 0 for the root */
	__u64 parent_process;    /* serial of the process that created it */
	__u64 tid_address;       /* CLONE_CHILD_CLEARTID: the futex word that a join waits on; 0 if none */
	__u64 voluntary;         /* switch-outs counted by us: blocked */
	__u64 involuntary;       /* switch-outs counted by us: still runnable */
	__u64 syscalls;          /* entered while measured; 0 under --no-syscalls */
	__u64 connects;          /* of those: connect() */
	__u64 faults;            /* page faults, major and minor, as the kernel counts them */
	__u64 lost_wakes;        /* waits whose wake-up was not seen */
	__u64 in_ns;             /* the last switch-in */
	__u64 run_delay_out;     /* the kernel's run_delay at the last switch-out */
	__u64 wakes;             /* wake-ups seen */
	struct audit base;       /* at account.begin_ns */
	struct audit audit;      /* at the end; exact only if phase is PHASE_DEAD */
	struct wait_key open;    /* the wait that is open or was last */
	struct wait_key restart; /* the wait that restart_syscall continues */
	__u64 self_ns;           /* our own time in this thread's hooks, estimated from every 64th event */
	__u32 tid, tgid;
	__u32 image;     /* exec count of the process, when the thread last ran exec, or was created */
	__s32 exit_code; /* wait status, at the end */
	__u8 slot_used;  /* bit i: slot[i] holds a cause */
	__u8 slot_last;  /* slot of the last wait within the current syscall + 1; 0: none */
	__u8 leader;     /* tid == tgid */
	__u8 live;       /* 1 in a snapshot of a thread that has not ended */
	__u32 pad;
	char comm[COMM_BYTES];
	struct wait_stats queue[2]; /* waits for a CPU: [0] preempted, [1] woken */
	struct wait_slot slot[WAIT_SLOTS];
};
_Static_assert(sizeof(struct thread) % 8 == 0, "thread layout");

/* Ring buffer records begin with this. */
enum record_kind { RECORD_THREAD = 1, RECORD_EXEC, RECORD_PROCESS };

struct record_exec {
	__u64 kind; /* RECORD_EXEC */
	__u64 process;
	__u64 thread;
	__u64 time_ns;
	__u32 tgid;
	__u32 image;
	char comm[COMM_BYTES];
};

struct record_thread {
	__u64 kind; /* RECORD_THREAD */
	struct thread thread;
};

/* What is kept of a process in the map `processes` (key: serial). */
struct process {
	__u32 tgid;
	__u32 threads;     /* alive and followed */
	__u64 parent;      /* serial of the process that created it; 0 for the root */
	__u64 undelivered; /* threads whose record found no room in the ring buffer */
	__u64 begin_ns;
	__u64 undelivered_life_ns;
	__u64 undelivered_ns[CLASS_SLOTS];
	char comm[COMM_BYTES];
};

struct record_process {
	__u64 kind; /* RECORD_PROCESS */
	__u64 serial;
	struct process process;
};

/*
 * THE list of what can be lost, by name; each is counted where it happens. What ends in _repaired was not seen by our probes and has
 * been taken from the kernel's own account instead: it is told, but nothing is missing.
 */
#define LOSSES(X)                                                                                                                \
	X(THREAD_UNFOLLOWED, "thread_unfollowed", "a new thread could not be marked: its time is not in the account")            \
	X(THREAD_UNDELIVERED, "thread_undelivered", "a thread's record found no room: its time is added to its process")         \
	X(PROCESS_UNTRACKED, "process_untracked", "the process table was full")                                                  \
	X(WAIT_UNATTRIBUTED, "wait_unattributed", "the cause of waits could not be kept: their time is shown as unattributed")   \
	X(WAKE_LOST, "wake_lost", "a wake-up was not seen: the wait for a CPU counts as blocked")                                \
	X(WAKE_REPAIRED, "wake_repaired", "a wake-up was not seen: its time is the kernel's")                                    \
	X(SWITCH_REPAIRED, "switch_repaired", "a switch-in was not seen: its time is the kernel's")                              \
	X(POLL_SET_TOO_LARGE, "poll_set_too_large", "a poll set held more descriptors than are looked at")                       \
	X(EPOLL_UNSEEN, "epoll_unseen",                                                                                          \
	  "an epoll set was made before it could be followed: what its waits waited for is not known")                           \
	X(EXEC_UNDELIVERED, "exec_undelivered", "an exec record found no room: names of that program may be missing")            \
	X(SNAPSHOT_TORN, "snapshot_torn", "a live thread could not be read in a consistent state")                               \
	X(PROBE_MISSED, "probe_missed", "the kernel skipped a probe (recursion)")                                                \
	X(MAPPING_LOST, "mapping_lost", "mapping records were dropped: addresses may lack names")

enum loss {
#define X(id, name, gloss) LOSS_##id,
	LOSSES(X)
#undef X
	    LOSS_COUNT
};

/* What a descriptor refers to. */
enum wait_fd {
	FD_UNKNOWN,
	FD_SOCKET,
	FD_PIPE,
	FD_TTY,
	FD_FILE,
	FD_EVENTFD,
	FD_TIMERFD,
	FD_EPOLL,
	FD_SIGNALFD,
	FD_PIDFD,
	FD_OTHER,
};

#endif
