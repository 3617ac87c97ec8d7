// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a wait waits for: at a blocking switch-out the syscall and its arguments are read from the registers that the thread saved
 * when it entered the kernel (no syscall hook is needed for that), and turned into a class and a cause. The causes met last stay
 * with the thread, in slots; what falls out of them goes to the map `waits`.
 */
#include "concprof.bpf.h"
#include "waits.h"

#define F_SETLKW     7
#define F_SETLKW64   14 /* i386 */
#define F_OFD_SETLKW 38

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

static __always_inline void on_fd(struct wait_key *key, u32 fd)
{
	struct fd_view view = {};

	fd_look(fd, &view);
	key->class = wait_fd_class(view.kind);
	/* Files have no names here yet; a row for each that a program reads would fill the map for nothing. */
	if (view.kind == FD_FILE)
		return;
	key->object = fd;
	key->where = view.where;
}

static __always_inline void on_set(struct wait_key *key, u32 holds, bool has_timeout)
{
	key->class = wait_poll_class(holds, has_timeout);
	if (key->class == CLASS_SLEEP || key->class == CLASS_SELFWAKE)
		key->op = 0;
}

static __always_inline void on_futex(struct wait_key *key, u64 address, u8 op)
{
	key->class = CLASS_FUTEX;
	key->object = address;
	key->op = op;
}

static __noinline void on_futex_vector(struct wait_key *key, u64 array)
{
	u64 waiter[2] = {}; /* struct futex_waitv: value, address, flags */

	user_read(waiter, sizeof(waiter), array);
	on_futex(key, waiter[1], WAIT_FUTEX_WAIT);
}

static __noinline bool clone3_is_vfork(u64 arguments)
{
	u64 flags = 0;

	user_read(&flags, sizeof(flags), arguments);
	return flags & CLONE_VFORK;
}

/* Of a splice or tee, the end that can block. */
static __always_inline void on_splice(struct wait_key *key, struct call *call)
{
	on_fd(key, call->arg[0]);
	if (key->class != CLASS_PIPE && key->class != CLASS_SOCKET)
		on_fd(key, call->nr == 276 || call->nr == 315 ? call->arg[1] : call->arg[2]);
}

static __always_inline bool in_iowait(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD(task, in_iowait);
}

static __always_inline void on_syscall(struct wait_key *key, struct call *call, bool iowait)
{
	switch (wait_how(call->nr, call->i386)) {
	case HOW_FUTEX:
		on_futex(key, call->arg[0], wait_futex_op(call->arg[1], call->arg[2], call->arg[5]));
		break;
	case HOW_FUTEX2:
		on_futex(key, call->arg[0], wait_futex_op(WAIT_FUTEX_WAIT, call->arg[1], 0));
		break;
	case HOW_FUTEX_V:
		on_futex_vector(key, call->arg[0]);
		break;
	case HOW_FD:
	case HOW_SENDFILE:
		on_fd(key, call->arg[0]);
		break;
	case HOW_SPLICE:
		on_splice(key, call);
		break;
	case HOW_POLL:
		on_set(key, poll_holds(key, call->arg[0], call->arg[1]), (s32)call->arg[2] >= 0);
		break;
	case HOW_PPOLL:
		on_set(key, poll_holds(key, call->arg[0], call->arg[1]), call->arg[2]);
		break;
	case HOW_SELECT:
		on_set(key, select_holds(key, call->arg[0], call->arg[1], call->arg[2], call->arg[3]), call->arg[4]);
		break;
	case HOW_EPOLL:
		on_set(key, epoll_holds(key, call->arg[0]), (s32)call->arg[3] >= 0);
		break;
	case HOW_EPOLL2:
		on_set(key, epoll_holds(key, call->arg[0]), call->arg[3]);
		break;
	case HOW_SLEEP:
		key->class = CLASS_SLEEP;
		break;
	case HOW_CHILD:
		key->class = CLASS_CHILD;
		break;
	case HOW_CLONE:
		key->class = call->arg[0] & CLONE_VFORK ? CLASS_CHILD : CLASS_MEMORY;
		break;
	case HOW_CLONE3:
		key->class = clone3_is_vfork(call->arg[0]) ? CLASS_CHILD : CLASS_MEMORY;
		break;
	case HOW_FCNTL:
		on_fd(key, call->arg[0]);
		if (call->arg[1] == F_SETLKW || call->arg[1] == F_OFD_SETLKW || (call->i386 && call->arg[1] == F_SETLKW64))
			key->class = CLASS_FLOCK;
		break;
	case HOW_FLOCK:
		on_fd(key, call->arg[0]);
		key->class = CLASS_FLOCK;
		break;
	case HOW_SYSV:
		key->class = CLASS_SYSV;
		break;
	case HOW_SIGNAL:
		key->class = CLASS_SIGNAL;
		break;
	case HOW_MEMORY:
		key->class = CLASS_MEMORY;
		break;
	case HOW_FILE:
		key->class = CLASS_FILE;
		break;
	case HOW_EXIT:
		key->class = CLASS_EXIT;
		break;
	case HOW_SOCKETCALL:
		key->class = CLASS_SOCKET;
		break;
	case HOW_URING: /* it marks every wait for completions as I/O, of sockets too */
		key->class = CLASS_OTHER;
		return;
	default:
		key->class = CLASS_OTHER;
		break;
	}
	/* Whatever the call is about, now it waits for block I/O: a close that writes, a page-in under a read from a socket. */
	if (iowait && key->class != CLASS_FILE)
		key->class = key->class == CLASS_OTHER ? CLASS_FILE : CLASS_PAGEIN;
}

static __always_inline void key_begin(struct wait_key *key, struct thread *t, u16 nr)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->image = t->image;
	key->nr = nr;
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
		t->open.class = in_iowait(task) ? CLASS_PAGEIN : CLASS_FAULT;
		return;
	}
	key_begin(&t->open, t, call.nr | (call.i386 ? WAIT_NR_I386 : 0));
	on_syscall(&t->open, &call, in_iowait(task));
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

static __always_inline bool same_key(const struct wait_key *a, const struct wait_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4] && x[5] == y[5] && x[6] == y[6] &&
	       x[7] == y[7];
}

static __always_inline bool stats_merge(struct wait_map_key *key, const struct wait_stats *more)
{
	static const struct wait_stats none;
	struct wait_stats *stats = bpf_map_lookup_elem(&waits, key);

	if (!stats) {
		/* Not `more` itself: 6.1 takes no value from memory that a global function got by pointer. */
		if (bpf_map_update_elem(&waits, key, &none, BPF_NOEXIST))
			return false;
		stats = bpf_map_lookup_elem(&waits, key);
		if (!stats)
			return false;
	}
	stats->total_ns += more->total_ns;
	if (more->max_ns > stats->max_ns)
		stats->max_ns = more->max_ns;
	stats->count += more->count;
	stats->timed_out += more->timed_out;
	for (u32 i = 0; i < WAIT_LOG2_SLOTS; i++)
		stats->log2_ns[i] += more->log2_ns[i];
	return true;
}

/* Moves a cause from its slot to the map. */
__noinline int wait_evict(struct thread *t, struct wait_slot *slot)
{
	struct wait_map_key key = {};

	if (!t || !slot)
		return 0;
	key.thread = t->serial;
	key.key = slot->key;
	if (!stats_merge(&key, &slot->stats))
		__sync_fetch_and_add(&losses[LOSS_WAIT_UNATTRIBUTED], slot->stats.count);
	return 0;
}

/* Adds a finished wait of `ns`, for the cause in t->open, to the thread's account of causes. */
__noinline int wait_record(struct thread *t, u64 ns)
{
	struct wait_slot *slot;
	u64 hash;
	u32 i;

	if (!t)
		return 0;
	hash = t->open.object ^ t->open.object >> 6 ^ t->open.class ^ t->open.where.words[0];
	i = (hash ^ hash >> 2) & (WAIT_SLOTS - 1);
	slot = &t->slot[i];

	if (!same_key(&slot->key, &t->open)) {
		if (t->slot_used & 1 << i) {
			wait_evict(t, slot);
			__builtin_memset(&slot->stats, 0, sizeof(slot->stats));
		}
		t->slot_used |= 1 << i;
		slot->key = t->open;
	} else {
		t->slot_used |= 1 << i;
	}
	stats_add(&slot->stats, ns);
	t->slot_last = i + 1;
	return 0;
}
