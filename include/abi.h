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

#include "unwind_rule.h"

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
	PHASE_MARKED, /* it lived before it was followed, and has not been heard of since: where it is, its first event will tell */
	PHASE_DEAD,
};

/* Where a marked thread was found; it is still there until its first event. */
enum account_found { FOUND_ON_CPU, FOUND_QUEUED, FOUND_BLOCKED };

struct account {
	__u32 seq; /* odd while being updated by its owner */
	__u8 phase;
	__u8 side;  /* on-CPU class: CLASS_USER, CLASS_KERNEL or CLASS_CPU */
	__u8 class; /* class of the open wait */
	__u8 found; /* enum account_found; while the phase is MARKED */
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
		__u16 kind; /* enum wait_fd, WHERE_* */
	} peer;
	struct {
		__u64 name; /* hash of the name; of a socket without any, the peer's inode */
		__u32 tgid; /* of the peer when it connected or listened; 0: not known */
		__u32 zero;
		__u32 ports; /* 0 */
		__u16 family;
		__u16 kind; /* enum wait_fd, WHERE_* */
	} local;            /* AF_UNIX */
	struct {
		__u64 inode;
		__u32 device;
		__u32 kind; /* enum wait_fd */
		__u64 zero;
	} file;
	__u64 words[3];
};

/* Which of its members is meant: a socket's last word is never 0, that of all others is. */
#define WHERE_IS_SOCKET(where)   ((where)->words[2] != 0)
#define WHERE_IS(where, fd_kind) (!WHERE_IS_SOCKET(where) && (where)->file.kind == (fd_kind))
#define WHERE_IS_SET(where)      ((where)->words[1] || (where)->words[2])

#define WHERE_LISTENS 0x100 /* a listening socket; address and local_port are its own */
#define WHERE_HERE    0x200 /* the peer's address is on this machine */
#define WHERE_UNNAMED 0x400 /* a unix socket of a pair */
#define WHERE_SERVES  0x800 /* the end of a connection that was accepted: address and local_port are its own, port is 0 */

/*
 * What a wait waited for, as far as the kernel side can tell. Equal keys are one cause.
 *   futex        object: user address. op: FUTEX_* command | WAIT_OP_EXPECTS_2
 *   socket       where: peer
 *   poll         where: peer of one socket in the set. op: WAIT_OP_MANY if there are several peers; object then: what the set holds
 *   pipe, file   where: inode and device; of a path: its hash. Pipe sets as poll
 *   sleep        object: ns asked for, two digits of it; op: WAIT_OP_UNTIL if until a point in time: one digit of how far away, or 0
 *   child        object: the pid asked for; 0: any
 *   sysv         object: number of the queue or semaphore set
 *   klock        op: WAIT_OP_KLOCK_*
 *   others       object: 0
 */
struct wait_key {
	__u8 class;
	__u8 op;
	__u16 nr;    /* syscall number; WAIT_NR_NONE outside syscalls; WAIT_NR_I386 is set for 32-bit syscalls */
	__u32 image; /* how many times the process had exec'd: addresses mean nothing across images */
	__u64 object;
	union wait_where where;
	__u64 stack; /* struct record_stack's id; 0: not taken */
	__u64 waker; /* WAKER_*: who ended the wait; 0: not known */
	__u32
	    holder; /* futex: the tid that the lock's owner word held when the wait began, as the process itself counts tids; 0: none */
	__u32 zero;
};
_Static_assert(sizeof(struct wait_key) == 64, "wait_key layout");

/* Who ended a wait: what it is in the upper 8 bits, who in the lower. */
#define WAKER_SHIFT       56
#define WAKER_THREAD      (1ULL << WAKER_SHIFT) /* a followed thread: its serial */
#define WAKER_OTHER       (2ULL << WAKER_SHIFT) /* a task that is not followed: its tgid */
#define WAKER_TIMER       (3ULL << WAKER_SHIFT) /* a timer's interrupt */
#define WAKER_INTERRUPT   (4ULL << WAKER_SHIFT) /* another interrupt: a device, the network */
#define WAKER_KIND(waker) ((waker) >> WAKER_SHIFT)
#define WAKER_WHO(waker)  ((waker) & ((1ULL << WAKER_SHIFT) - 1))

#define WAIT_NR_NONE      0xffff
#define WAIT_NR_I386      0x8000
#define WAIT_OP_EXPECTS_2 0x80 /* futex: a plain wait that expects the value 2, as glibc's low-level locks do */
#define WAIT_OP_UNTIL     0x10 /* sleep: until a point in time */
#define WAIT_OP_UNSEEN    0x20 /* poll: what the set holds is not known */
#define WAIT_OP_MANY      0x40 /* poll: the set holds sockets with more than one peer, or too many to see them all */

/* Kernel lock: what kind, as contention_begin says (include/trace/events/lock.h, LCB_F_*). */
#define WAIT_OP_KLOCK_READ   0x02
#define WAIT_OP_KLOCK_WRITE  0x04
#define WAIT_OP_KLOCK_RT     0x08
#define WAIT_OP_KLOCK_PERCPU 0x10
#define WAIT_OP_KLOCK_MUTEX  0x20
#define WAIT_OP_MMAP_LOCK    0x80 /* memory, fault: the process's lock on its mappings */

#define WAIT_LOG2_SLOTS 40 /* bucket i: 2^i <= ns < 2^(i+1); the last one is open (>= 9.2 minutes) */

struct wait_stats {
	__u64 total_ns;
	__u64 max_ns;
	__u32 count;
	__u32 timed_out;
	__u32 log2_ns[WAIT_LOG2_SLOTS];
};
_Static_assert(sizeof(struct wait_stats) == 24 + 4 * WAIT_LOG2_SLOTS, "wait_stats layout");

#define WAIT_PORTS_MANY 0xffffffff /* a set of several loopback sockets */

/* The causes a thread met last are kept with the thread; what falls out goes to the map `waits`. */
#define WAIT_SLOTS  4
#define WAIT_IN_MAP 0xff

struct wait_slot {
	struct wait_key key;
	struct wait_stats stats;
	__u64 cause; /* wait_key_cause() of the key */
};

/*
 * A number for a key: what episodes say of their cause. A sum of products (Dietzfelbinger's multilinear hashing modulo 2^64, with odd random
 * factors), all of them under way at once; that two of a thread's keys share one is as good as impossible. Never 0.
 */
static inline __attribute__((always_inline, unused)) __u64 wait_key_cause(const struct wait_key *key)
{
	const __u64 *word = (const __u64 *)key;
	__u64 sum = word[0] * 0x9e3779b97f4a7c15ULL + word[1] * 0xbf58476d1ce4e5b9ULL + word[2] * 0x94d049bb133111ebULL +
		    word[3] * 0xd6e8feb86659fd93ULL + word[4] * 0xa0761d6478bd642fULL + word[5] * 0xe7037ed1a0b428dbULL +
		    word[6] * 0x8ebc6af09c88c6e3ULL + word[7] * 0x589965cc75374cc3ULL;

	return (sum ^ sum >> 32) | 1ULL << 63;
}

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

/* Who has delivered it: a thread that ends after the measurement may be met by the snapshot as well, and is to be counted once. */
enum thread_told { TOLD_NOT, TOLD_BY_SNAPSHOT, TOLD_AT_END };

/* Threads are followed before the measurement begins (attach, --delay): what they did until then is dropped at their next event. */
enum thread_begun {
	BEGUN_NOT,
	BEGUN_TIME, /* the account begins with the measurement; `base` is not known yet */
	BEGUN,
};

#define COMM_BYTES 16

#define STACK_KERNEL_MAX  48
#define STACK_FRAMES_MAX  UNWIND_FRAMES_MAX
#define OBJECT_TEXT_BYTES 256

/* The state of a followed thread (task storage), and what is delivered of it at its end or from a snapshot. */
struct thread {
	struct account account;
	__u64 serial;            /* of the thread; from 1; 1 is the root */
	__u64 process;           /* serial of its process; from 1; 1 is the root's */
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
	__u64 stacks_same;       /* blocks in a place that was known, with all that leads there */
	struct audit base;       /* at account.begin_ns */
	struct audit audit;      /* at the end; exact only if phase is PHASE_DEAD */
	struct wait_key open;    /* the wait that is open or was last */
	struct wait_key restart; /* the wait that restart_syscall continues */
	__u64 self_ns;           /* our own time in this thread's hooks, estimated from every 64th event */
	__u32 tid, tgid;
	__u64 waker; /* WAKER_*: who sent the last wake-up; written by wakers, like account.wake_ns */
	__u64
	    exec_ns; /* the process's last exec while followed, and the one before: which address space a list of mappings is of */
	__u64 exec_before_ns;
	__u32 image;     /* exec count of the process, when the thread last ran exec, or was created */
	__s32 exit_code; /* wait status, at the end */
	__u8 slot_used;  /* bit i: slot[i] holds a cause */
	__u8 slot_last;  /* slot of the last wait within the current syscall + 1; 0: none; WAIT_IN_MAP */
	__u8 leader;     /* tid == tgid */
	__u8 live;       /* 1 in a snapshot of a thread that has not ended */
	__u8 begun;      /* enum thread_begun */
	__u8 slot_hit;   /* bit i: slot[i] was met again since it was last asked to give way */
	__u8 timed;      /* the wait that is open or was last has a timeout */
	__u8 pad;
	__u64 klock;       /* the kernel lock that it waits for: its address; 0: none */
	__u32 klock_flags; /* LCB_F_* */
	__u32 own_tid; /* what the process itself holds for the thread's tid (a word it may have written to); 0: not read yet */
	__u32 ports;   /* of the loopback socket that the last wait was for: local port << 16 | peer's; WAIT_PORTS_*; 0: none */
	__u32 told;    /* enum thread_told */
	union wait_where met; /* the object whose name was asked for last */
	__u64 deadline_ns;    /* when the timeout of a poll set's wait runs out; 0: not kept */
	__u64 cause;          /* of the last wait: the number of the key that it was counted under; 0: it could not be kept */
	__u64 met_socket;     /* if that is a unix socket: its inode and state */
	char comm[COMM_BYTES];
	struct wait_stats queue[2]; /* waits for a CPU: [0] preempted, [1] woken */
	struct wait_slot slot[WAIT_SLOTS];
};
_Static_assert(sizeof(struct thread) % 8 == 0, "thread layout");

/* Ring buffer records begin with this. */
enum record_kind {
	RECORD_THREAD = 1,
	RECORD_EXEC,
	RECORD_PROCESS,
	RECORD_FORK,
	RECORD_STACK,
	RECORD_PARKED,
	RECORD_OBJECT,
	RECORD_EPISODES,
	RECORD_MOMENT
};

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
	__u64 cgroup; /* id in the version 2 hierarchy at its begin; 0: it lived already */
	__u64 undelivered_life_ns;
	__u64 undelivered_ns[CLASS_SLOTS];
	char comm[COMM_BYTES];
};

struct record_process {
	__u64 kind;    /* RECORD_PROCESS */
	__u64 time_ns; /* its end */
	__u64 serial;
	struct process process;
};

/* A followed process was created by another one. */
struct record_fork {
	__u64 kind; /* RECORD_FORK */
	__u64 time_ns;
	__u64 process, parent; /* serials */
	__u32 tgid, parent_tgid;
	__u64 generation; /* of the list of mappings that it began with; 0: none */
};

/*
 * One side of a stack, delivered once. A user stack names the kernel stack on top of it by its id. User addresses mean something only in
 * the list of mappings of that generation (struct unwind_space).
 */
struct record_stack {
	__u64 kind; /* RECORD_STACK */
	__u64 id;
	__u64 kernel;     /* of a user stack: id of the kernel stack that is its inner part; 0: none */
	__u64 generation; /* 0: the process had no list; then there is one frame at most */
	__u64 time_ns;
	__u64 process; /* serial of the one in which it was met first */
	__u32 tgid;
	__u16 frames;
	__u8 stop;                     /* enum unwind_stop */
	__u8 side;                     /* 0: user, 1: kernel */
	__u64 frame[STACK_FRAMES_MAX]; /* innermost first; only those that there are */
};
#define RECORD_STACK_BYTES(frames) (sizeof(struct record_stack) - 8 * (STACK_FRAMES_MAX - (frames)))

/*
 * A thread whose stack could not be taken: its mappings were not known yet, or it was blocked before anybody looked. User space can take it
 * later: from the bytes of the stack that came along, and as long as a blocked thread has not run since, from its memory.
 */
struct record_parked {
	__u64 kind; /* RECORD_PARKED */
	__u64 id;   /* of the stack: of this wait alone */
	__u64 kernel;
	__u64 process;
	__u64 switches; /* nvcsw + nivcsw since it is blocked; PARKED_RUNNING: it was not */
	__u64 time_ns;
	__u64 ip, sp, bp, di;
	__u32 tgid, tid;
	__u32 bytes; /* from sp on, as they were at time_ns: they follow the record. 0: none were taken */
	__u32 zero;
};
_Static_assert(sizeof(struct record_parked) == 96, "record_parked layout");

#define PARKED_RUNNING (~0ULL)

/* Nearly all stacks that wait are smaller than the least that three pages hold from anywhere in the first one: 8 KiB. */
#define PARKED_PAGES 3
#define PARKED_BYTES (PARKED_PAGES * 4096)

/* What an object is called that waits are about: delivered when a wait meets it first. */
struct record_object {
	__u64 kind; /* RECORD_OBJECT */
	union wait_where where;
	__u64 process; /* serial */
	__u32 tgid;
	__u32 bytes; /* of text */
	char text[OBJECT_TEXT_BYTES];
};

/* An epoll set that was made before its process was followed, in the array `epoll_seeds`. */
#define EPOLL_SEEDS_MAX 64
#define EPOLL_SEED_FDS  128

struct epoll_seed {
	__u64 process; /* serial */
	__u32 epoll_fd;
	__u32 count;
	__u32 fd[EPOLL_SEED_FDS];
};

/* One time off a CPU: see struct run_episode. */
struct episode {
	__u32 thread; /* serial */
	__u32 class;
	__u64 out_ns, blocked_ns, queued_ns;
	__u64 cause; /* wait_key_cause() of the wait's key; 0: none, or not kept */
};
_Static_assert(sizeof(struct episode) == 40, "episode layout");

#define EPISODES_BATCH 64
struct record_episodes {
	__u64 kind; /* RECORD_EPISODES */
	__u64 count;
	struct episode episode[EPISODES_BATCH];
};

/* A sample. */
struct record_moment {
	__u64 kind;   /* RECORD_MOMENT */
	__u64 thread; /* serial */
	__u64 at_ns;
	__u64 stack;
};

/* Samples of a thread at a stack: key of the map `samples`, whose values are u64 counts. */
struct sample_key {
	__u64 thread; /* serial */
	__u64 stack;
};

/* The list of executable mappings of one address space, in the map `spaces` by tgid; entries in the array `space_mappings`. */
struct unwind_space {
	__u64 process;    /* serial: a pid may be another's by the time that the list is written */
	__u64 begin_ns;   /* when the address space began (its exec); 0: before the measurement */
	__u64 generation; /* changes with every change of the list; from 1 */
	__u32 first;      /* in space_mappings: a header with the generation, then the mappings by address */
	__u32 count;      /* without the header */
};

struct unwind_mapping {
	__u64 start, end;
	__u64 base;       /* where the table's start lies in this address space; header: the generation, 0 while it is written */
	__u32 segment;    /* of table words; UNWIND_NO_SEGMENT: no table */
	__u32 index_word; /* words within the segment where the table's index and rows begin */
	__u32 rows_word;
	__u32 flags; /* UNWIND_MAPPING_* */
};
_Static_assert(sizeof(struct unwind_mapping) == 40, "unwind_mapping layout");

#define UNWIND_NO_SEGMENT    0xffffffff
#define UNWIND_SEGMENTS_MAX  64
#define UNWIND_SEGMENT_WORDS (1 << 20)
#define SPACE_MAPPINGS_MAX   (1 << 17)
#define SPACE_SEARCH_STEP    1024 /* the first of the search in a list: as many entries are free behind all of them */
#define UNWIND_MAPPING_FRAME 1    /* no file behind it: code made at run time, followed by frame pointers */

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
	X(STACK_UNDELIVERED, "stack_undelivered", "a stack found no room: some waits or samples have none")                      \
	X(EPISODE_UNDELIVERED, "episode_undelivered",                                                                            \
	  "a part of the timeline found no room, or contradicts an account: the run has none")                                   \
	X(SAMPLE_LOST, "sample_lost", "the table of samples was full")                                                           \
	X(OBJECT_UNDELIVERED, "object_undelivered", "the name of a file or peer found no room: it is shown by number")           \
	X(UNWIND_FULL, "unwind_full", "no room for the unwind tables or mappings of a program: its stacks are unfinished")       \
	X(EXEC_UNDELIVERED, "exec_undelivered", "an exec record found no room: names of that program may be missing")            \
	X(SNAPSHOT_TORN, "snapshot_torn", "a live thread could not be read in a consistent state")                               \
	X(PROBE_MISSED, "probe_missed", "the kernel skipped a probe (recursion)")                                                \
	X(MAPPING_LOST, "mapping_lost", "mapping records were dropped: addresses may lack names")                                \
	X(OBJECT_UNNAMED, "object_unnamed",                                                                                      \
	  "the symbols of a program or library could not be read: its functions are shown by address")                           \
	X(LINES_UNREAD, "lines_unread", "the lines of a program or library could not be read: they are not shown")               \
	X(PERF_MAP_CUT, "perf_map_cut", "a process said more of its generated code than is read: some of it is shown by address")

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
	/* No descriptors, but described by a wait_where too. */
	FD_PATH, /* a path as a program gave it: inode is its hash */
	FD_TASK, /* a process that is not followed: inode is its tgid */
};

#endif
