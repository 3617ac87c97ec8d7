// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a wait waits for: at a blocking switch-out the syscall and its arguments are read from the registers that the thread saved
 * when it entered the kernel (no syscall hook is needed for that), and turned into a class and a cause.
 */
#include "concprof.bpf.h"
#include "waits.h"

#define F_SETLKW     7
#define F_SETLKW64   14 /* i386 */
#define F_OFD_SETLKW 38

#define NR_WAIT4       61
#define NR_WAITID      247
#define NR_WAITID_I386 284
#define P_PID          1
#define NR_IPC_I386    117

/* Arguments of the syscall in progress, by the entry convention (arch/x86/entry). */
struct call {
	u64 nr, arg[6];
	bool i386;
};

static __always_inline void call_read(struct call *call, struct task_struct *task, struct pt_regs *regs)
{
	call->nr = regs->orig_ax;
	call->i386 = task->thread_info.status & TS_COMPAT;
	if (call->i386) {
		call->arg[0] = (u32)regs->bx;
		call->arg[1] = (u32)regs->cx;
		call->arg[2] = (u32)regs->dx;
		call->arg[3] = (u32)regs->si;
		call->arg[4] = (u32)regs->di;
		call->arg[5] = (u32)regs->bp;
	} else {
		call->arg[0] = regs->di;
		call->arg[1] = regs->si;
		call->arg[2] = regs->dx;
		call->arg[3] = regs->r10;
		call->arg[4] = regs->r8;
		call->arg[5] = regs->r9;
	}
}

/* With a frame of its own, which is not there while poll sets are looked at: that goes deepest (tests/cli/bpf_frames.py). */
__noinline int on_fd(struct thread *t, u32 fd)
{
	struct fd_view view = {};

	if (!t)
		return 0;
	fd_look(fd, &view);
	t->open.class = wait_fd_class(view.kind);
	t->open.where = view.where;
	t->ports = view.ports;
	t->timed = view.kind == FD_TIMERFD;
	if (WHERE_IS_SET(&view.where))
		object_met(t, view.file);
	return 0;
}

#define NS_MS  1000000ULL
#define NS_S   1000000000ULL
#define S_LONG 1000000000ULL /* 30 years: what is longer is not multiplied */

/* The time at a timespec (`unit` 1) or timeval (1000) in user memory; `narrow`: its members have 32 bits. A frame of its own, too. */
__noinline u64 user_time(u64 address, bool narrow, u64 unit)
{
	union {
		u64 wide[2];
		u32 narrow[4];
	} time = {};
	u64 seconds, rest;

	if (!address || user_read(&time, narrow ? 8 : 16, address))
		return 0;
	seconds = narrow ? time.narrow[0] : time.wide[0];
	rest = narrow ? time.narrow[1] : time.wide[1];
	if (seconds > S_LONG || rest >= NS_S)
		return 0;
	return seconds * NS_S + rest * unit;
}

/*
 * A set of nothing but timers and self-wakes is a sleep. `length_ns`: how long at most, if `timed`; the kernel counts it from the system
 * call's begin, which was not long ago at its first wait.
 */
static __always_inline void on_set(struct thread *t, u32 holds, bool timed, u64 length_ns)
{
	struct wait_key *key = &t->open;

	key->class = wait_poll_class(holds, timed);
	t->timed = timed || holds & HOLDS_TIMER;
	if (key->class == CLASS_SLEEP || key->class == CLASS_SELFWAKE) {
		key->op = 0;
		key->object = timed ? wait_round_ns(length_ns, 100) : 0;
	} else if (timed && !t->deadline_ns) {
		t->deadline_ns = bpf_ktime_get_ns() + length_ns;
	}
}

#define NR_SELECT                      23
#define NR_CLOCK_NANOSLEEP             230
#define NR_CLOCK_NANOSLEEP_I386        267
#define NR_CLOCK_NANOSLEEP_TIME64_I386 407
#define NR_PSELECT6_TIME64_I386        413
#define NR_PPOLL_TIME64_I386           414
#define NR_NEWSELECT_I386              142
#define TIMER_ABSTIME                  1
#define CLOCK_MONOTONIC                1

static __always_inline bool is_narrow(struct call *call)
{
	return call->i386 && call->nr != NR_CLOCK_NANOSLEEP_TIME64_I386 && call->nr != NR_PSELECT6_TIME64_I386 &&
	       call->nr != NR_PPOLL_TIME64_I386;
}

static __always_inline void on_sleep(struct thread *t, struct call *call)
{
	bool clock = call->i386 ? call->nr == NR_CLOCK_NANOSLEEP_I386 || call->nr == NR_CLOCK_NANOSLEEP_TIME64_I386
				: call->nr == NR_CLOCK_NANOSLEEP;

	u64 length = user_time(clock ? call->arg[2] : call->arg[0], is_narrow(call), 1), now;

	t->open.class = CLASS_SLEEP;
	t->timed = 1;
	if (!clock || !(call->arg[1] & TIMER_ABSTIME)) {
		t->open.object = wait_round_ns(length, 100);
		return;
	}
	/* Until a point in time: as far away as it may be, roughly. */
	t->open.op = WAIT_OP_UNTIL;
	now = bpf_ktime_get_ns();
	if (call->arg[0] == CLOCK_MONOTONIC && length > now)
		t->open.object = wait_round_ns(length - now, 10);
}

static __always_inline void on_select(struct thread *t, struct call *call)
{
	u64 unit = call->nr == (call->i386 ? NR_NEWSELECT_I386 : NR_SELECT) ? 1000 : 1;
	u32 holds = select_holds(t, call->arg[0], call->arg[1], call->arg[2], call->arg[3]);

	on_set(t, holds, call->arg[4], user_time(call->arg[4], is_narrow(call), unit));
}

/* Milliseconds, -1 for ever. */
static __always_inline void on_set_ms(struct thread *t, u32 holds, s32 ms)
{
	on_set(t, holds, ms >= 0, ms * NS_MS);
}

/* Who holds the lock that the current task begins to wait for; and what it takes itself for, to be compared with that. */
__noinline int futex_holder(struct thread *t, u64 address)
{
	struct wait_mutex mutex = {};
	u32 word = 0;

	if (!t)
		return 0;
	if (t->open.op & WAIT_OP_EXPECTS_2) {
		if (user_read(&mutex, sizeof(mutex), address))
			return 0;
		t->open.holder = wait_mutex_holder(&mutex);
	} else {
		user_read(&word, sizeof(word), address);
		t->open.holder = word & WAIT_FUTEX_TID_MASK;
	}
	/* In another pid namespace it counts differently: its C library keeps the number where the kernel will clear it. */
	if (t->open.holder && !t->own_tid)
		user_read(&t->own_tid, sizeof(t->own_tid), (u64)BPF_CORE_READ(subject(), clear_child_tid));
	return 0;
}

static __always_inline void on_futex(struct thread *t, u64 address, u8 op, u64 timeout)
{
	t->open.class = CLASS_FUTEX;
	t->open.object = address;
	t->open.op = op;
	t->timed = timeout != 0;
	if (op & WAIT_OP_EXPECTS_2 || op == WAIT_FUTEX_LOCK_PI || op == WAIT_FUTEX_LOCK_PI2)
		futex_holder(t, address);
}

static __noinline void on_futex_vector(struct thread *t, u64 array, u64 timeout)
{
	u64 waiter[2] = {}; /* struct futex_waitv: value, address, flags */

	user_read(waiter, sizeof(waiter), array);
	on_futex(t, waiter[1], WAIT_FUTEX_WAIT, timeout);
}

static __noinline bool clone3_is_vfork(u64 arguments)
{
	u64 flags = 0;

	user_read(&flags, sizeof(flags), arguments);
	return flags & CLONE_VFORK;
}

/* Of a splice or tee, the end that can block. */
static __always_inline void on_splice(struct thread *t, struct call *call)
{
	on_fd(t, call->arg[0]);
	if (t->open.class != CLASS_PIPE && t->open.class != CLASS_SOCKET)
		on_fd(t, call->nr == 276 || call->nr == 315 ? call->arg[1] : call->arg[2]);
}

/* A wait of the class whatever the descriptor is; its name says what it is. */
static __always_inline void on_file(struct thread *t, u32 fd, u8 class)
{
	on_fd(t, fd);
	t->open.class = class;
}

/* A lock inside the kernel that is waited for within a system call or a fault. */
static __always_inline void on_klock(struct thread *t, struct task_struct *task, u8 class_of_fault)
{
	/* The lock on the mappings is the only one to sleep on that lies within the first part of struct mm_struct (5.19 to 6.18). */
	const u64 first_part = 512;
	u64 mm = (u64)BPF_CORE_READ(task, mm); /* read by the helper it is a number, not a pointer */

	if (mm && t->klock - mm < first_part) {
		t->open.class = class_of_fault;
		t->open.op = WAIT_OP_MMAP_LOCK;
	} else {
		t->open.class = CLASS_KLOCK;
		t->open.op = t->klock_flags;
	}
}

static __always_inline bool in_iowait(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD(task, in_iowait);
}

/* Of a call that says nothing more. */
static __always_inline u8 class_of_call(struct call *call)
{
	switch (wait_how(call->nr, call->i386)) {
	case HOW_SIGNAL:
		return CLASS_SIGNAL;
	case HOW_MEMORY:
		return CLASS_MEMORY;
	case HOW_FILE:
		return CLASS_FILE;
	case HOW_EXIT:
		return CLASS_EXIT;
	case HOW_SOCKETCALL:
		return CLASS_SOCKET;
	default:
		return CLASS_OTHER;
	}
}

/* Which child is asked for, if it is one. */
static __always_inline void on_child(struct wait_key *key, struct call *call)
{
	key->class = CLASS_CHILD;
	if (call->nr == (call->i386 ? NR_WAITID_I386 : NR_WAITID))
		key->object = call->arg[0] == P_PID ? (u32)call->arg[1] : 0;
	else if (call->nr == NR_WAIT4 || call->i386)
		key->object = (s32)call->arg[0] > 0 ? (u32)call->arg[0] : 0;
}

static __always_inline bool is_file_lock(struct call *call)
{
	return call->arg[1] == F_SETLKW || call->arg[1] == F_OFD_SETLKW || (call->i386 && call->arg[1] == F_SETLKW64);
}

/* Whatever the call is about, now it waits for block I/O: a close that writes, a page-in under a read from a socket. */
static __always_inline void on_io(struct wait_key *key)
{
	key->class = key->class == CLASS_OTHER ? CLASS_FILE : CLASS_PAGEIN;
	key->op = 0;
	key->object = 0;
	__builtin_memset(&key->where, 0, sizeof(key->where));
}

static __always_inline void on_syscall(struct thread *t, struct call *call, bool iowait)
{
	struct wait_key *key = &t->open;

	switch (wait_how(call->nr, call->i386)) {
	case HOW_FUTEX:
		on_futex(t, call->arg[0], wait_futex_op(call->arg[1], call->arg[2], call->arg[5]), call->arg[3]);
		break;
	case HOW_FUTEX2:
		on_futex(t, call->arg[0], wait_futex_op(WAIT_FUTEX_WAIT, call->arg[1], 0), call->arg[4]);
		break;
	case HOW_FUTEX_V:
		on_futex_vector(t, call->arg[0], call->arg[3]);
		break;
	case HOW_FD:
	case HOW_SENDFILE:
		on_fd(t, call->arg[0]);
		break;
	case HOW_SPLICE:
		on_splice(t, call);
		break;
	case HOW_POLL:
		on_set_ms(t, poll_holds(t, call->arg[0], call->arg[1]), call->arg[2]);
		break;
	case HOW_PPOLL:
		on_set(t, poll_holds(t, call->arg[0], call->arg[1]), call->arg[2], user_time(call->arg[2], is_narrow(call), 1));
		break;
	case HOW_SELECT:
		on_select(t, call);
		break;
	case HOW_EPOLL:
		on_set_ms(t, epoll_holds(t, call->arg[0]), call->arg[3]);
		break;
	case HOW_EPOLL2:
		on_set(t, epoll_holds(t, call->arg[0]), call->arg[3], user_time(call->arg[3], false, 1));
		break;
	case HOW_SLEEP:
		on_sleep(t, call);
		break;
	case HOW_CHILD:
		on_child(key, call);
		break;
	case HOW_CLONE:
		key->class = call->arg[0] & CLONE_VFORK ? CLASS_CHILD : CLASS_MEMORY;
		break;
	case HOW_CLONE3:
		key->class = clone3_is_vfork(call->arg[0]) ? CLASS_CHILD : CLASS_MEMORY;
		break;
	case HOW_FCNTL:
		on_fd(t, call->arg[0]);
		key->class = is_file_lock(call) ? CLASS_FLOCK : key->class;
		break;
	case HOW_FLOCK:
		on_file(t, call->arg[0], CLASS_FLOCK);
		break;
	case HOW_SYSV:
	case HOW_IPC:
		key->class = CLASS_SYSV;
		key->object = (u32)call->arg[call->i386 && call->nr == NR_IPC_I386];
		break;
	case HOW_MQUEUE:
		on_file(t, call->arg[0], CLASS_SYSV);
		t->timed = call->arg[4] != 0;
		break;
	case HOW_FILE_FD:
		on_file(t, call->arg[0], CLASS_FILE);
		break;
	case HOW_PATH:
	case HOW_PATH_AT:
		key->class = CLASS_FILE;
		object_path_met(t, wait_how(call->nr, call->i386) == HOW_PATH ? call->arg[0] : call->arg[1]);
		break;
	case HOW_URING: /* it marks every wait for completions as I/O, of sockets too */
		key->class = CLASS_OTHER;
		return;
	default:
		key->class = class_of_call(call);
		break;
	}
	if (iowait && key->class != CLASS_FILE)
		on_io(key);
}

static __always_inline void key_begin(struct wait_key *key, struct thread *t, u16 nr)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->image = t->image;
	key->nr = nr;
	t->timed = 0;
	t->ports = 0;
	/* A system call that waits again keeps its end. */
	if (!with_syscalls || !t->slot_last)
		t->deadline_ns = 0;
}

static __always_inline void on_stop(struct thread *t)
{
	/* What it had been waiting for goes on afterwards, as restart_syscall. */
	if (t->open.class != CLASS_STOPPED)
		t->restart = t->open;
	key_begin(&t->open, t, WAIT_NR_NONE);
	t->open.class = CLASS_STOPPED;
}

static __always_inline void classify(struct thread *t, u32 state, struct task_struct *task)
{
	struct call call;

	if (state & (TASK_STOPPED_BIT | TASK_TRACED_BIT | TASK_FROZEN)) {
		on_stop(t);
		return;
	}
	if (task->flags & (PF_EXITING | PF_IO_WORKER | PF_USER_WORKER | PF_KTHREAD)) {
		/* No syscall; workers and kernel threads have no user registers either. */
		key_begin(&t->open, t, WAIT_NR_NONE);
		t->open.class = task->flags & PF_EXITING ? CLASS_EXIT : CLASS_OTHER;
		return;
	}
	call_read(&call, task, (struct pt_regs *)bpf_task_pt_regs(task));
	if (wait_how(call.nr, call.i386) == HOW_RESTART) {
		if (t->open.class == CLASS_STOPPED)
			t->open = t->restart;
		return;
	}
	/* The entry code leaves -1 there for faults and interrupts from user mode. */
	if ((s64)call.nr < 0) {
		key_begin(&t->open, t, WAIT_NR_NONE);
		if (t->klock)
			on_klock(t, task, CLASS_FAULT);
		else
			t->open.class = in_iowait(task) ? CLASS_PAGEIN : CLASS_FAULT;
		return;
	}
	key_begin(&t->open, t, call.nr | (call.i386 ? WAIT_NR_I386 : 0));
	if (t->klock)
		on_klock(t, task, CLASS_MEMORY);
	else
		on_syscall(t, &call, in_iowait(task));
}

/* Fills t->open for the wait that begins now. `state`: why the scheduler takes the thread off (its prev_state). */
__noinline int wait_classify(struct thread *t, u32 state)
{
	if (t)
		classify(t, state, bpf_get_current_task_btf());
	return 0;
}

__hidden __noinline int wait_classify_other(struct thread *t, u32 state, struct task_struct *task)
{
	classify(t, state, task);
	return 0;
}
