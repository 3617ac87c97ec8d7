// SPDX-License-Identifier: GPL-2.0-only
/*
 * What poll sets hold. poll and select show their set in user memory while they wait. An epoll set is kept by following epoll_ctl;
 * its tree in the kernel is not walked.
 */
#include "concprof.bpf.h"
#include "waits.h"

#define POLL_LOOK_MAX    64 /* descriptors looked at in a poll() set */
#define SELECT_LOOK_MAX  256
#define SELECT_WORDS     (SELECT_LOOK_MAX / 64)
#define OWN_END_LOOK_MAX 128 /* descriptors among which the other end of a pair is looked for */
#define SOCKETS_ENOUGH   8   /* sockets after which a set is known well enough */
#define SEARCHES_MAX     4   /* for other ends; beyond, a pipe or unix socket counts as somebody else's */

/* A set while it is looked at. */
struct look {
	u64 array; /* poll: user address of the pollfds; epoll: unused */
	u64 words[SELECT_WORDS];
	u64 epoll; /* key in `epolls` */
	u32 holds;
	u32 sockets;
	u32 witness;
	u32 searches;
	u32 inet; /* `where` is an internet peer */
	u32 ports;
	u32 op;   /* WAIT_OP_MANY */
	u64 set;  /* how many of each kind: wait_set_add() */
	u64 file; /* behind `where` */
	union wait_where where;
};

/*
 * In the map of each CPU, as is what is looked at, for the stack's 512 bytes would not do where frames are rounded up to 32 (6.1). Sets are
 * looked at with interrupts off; but for those of other tasks at attach, which have their own.
 */
struct look_scratch {
	struct look look;
	struct fd_view view;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct look_scratch);
} look_scratches SEC(".maps");

static __always_inline struct look_scratch *look_scratch(void)
{
	u32 which = is_about_other();

	return bpf_map_lookup_elem(&look_scratches, &which);
}

static __always_inline struct look *look_begin(void)
{
	struct look_scratch *scratch = look_scratch();

	if (!scratch)
		return NULL;
	__builtin_memset(&scratch->look, 0, sizeof(scratch->look));
	return &scratch->look;
}

/* Looks at one descriptor. */
static __always_inline u32 look_at(struct look_scratch *scratch, u32 fd)
{
	__builtin_memset(&scratch->view, 0, sizeof(scratch->view));
	return fd_look(fd, &scratch->view);
}

/* Looking for the other end of a pipe or socket pair in the own process. */
struct own_end {
	u64 file;  /* socket pair: the other end's file; pipe: this end's */
	u64 inode; /* pipe: the inode that both ends share; 0 for a socket pair */
	u64 fds;   /* the descriptor table */
	u32 max_fds;
	u32 found;
};

static long own_end_step(u32 fd, struct own_end *end)
{
	struct file *file = NULL;

	if (fd >= end->max_fds)
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), (void *)(end->fds + fd * sizeof(file)));
	if (!file)
		return 0;
	if (end->inode)
		end->found = (u64)file != end->file && (u64)BPF_CORE_READ(file, f_inode) == end->inode;
	else
		end->found = (u64)file == end->file;
	return end->found;
}

/* Whether a pipe's or unix socket's other end is open in this process too: then it is how the process wakes itself. */
__noinline int other_end_is_own(u64 file_address, u32 kind)
{
	struct file *file = (struct file *)file_address;
	struct task_struct *task = subject();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct own_end end = {.fds = (u64)BPF_CORE_READ(table, fd), .max_fds = BPF_CORE_READ(table, max_fds)};

	if (kind == FD_PIPE) {
		end.file = file_address;
		end.inode = (u64)BPF_CORE_READ(file, f_inode);
	} else {
		struct socket *socket = BPF_CORE_READ(file, private_data);
		struct unix_sock *sk = (struct unix_sock *)BPF_CORE_READ(socket, sk);
		struct sock *peer = BPF_CORE_READ(sk, peer);

		if (!peer)
			return false;
		end.file = (u64)BPF_CORE_READ(peer, sk_socket, file);
		if (!end.file)
			return false;
	}
	bpf_loop(OWN_END_LOOK_MAX, own_end_step, &end, 0);
	return end.found;
}

/* Adds one descriptor's object to what the set holds. Returns 1 if it is decisive. */
__noinline u32 look_add(struct look *look, struct fd_view *view)
{
	bool inet;
	u32 holds;

	if (!look || !view)
		return 0;
	holds = wait_holds(view->kind);
	inet = view->kind == FD_SOCKET && view->where.peer.family != AF_UNIX;
	if (view->kind == FD_PIPE || (view->kind == FD_SOCKET && !inet)) {
		bool listens = view->kind == FD_SOCKET && view->where.local.kind & WHERE_LISTENS;

		/* A search costs microseconds: none where the answer cannot change any more, but for how many there are. */
		if (!listens && (look->inet || (look->op & WAIT_OP_MANY && look->holds & holds))) {
			look->set = wait_set_add(look->set, holds);
			return 0;
		}
		if (!listens && look->searches < SEARCHES_MAX) {
			look->searches++;
			if (other_end_is_own(view->file, view->kind))
				return 0;
		}
	}
	look->holds |= holds;
	look->set = wait_set_add(look->set, holds);
	if (view->kind == FD_SOCKET) {
		look->sockets++;
		if (view->ports)
			look->ports = look->ports && look->ports != view->ports ? WAIT_PORTS_MANY : view->ports;
		if (!look->inet) {
			look->op |= look->sockets > 1 ? WAIT_OP_MANY : 0;
			look->where = view->where;
			look->file = view->file;
			look->inet = inet;
			return 1;
		}
		if (look->where.words[0] != view->where.words[0] || look->where.words[1] != view->where.words[1] ||
		    look->where.words[2] != view->where.words[2])
			look->op |= WAIT_OP_MANY;
		return 0;
	}
	if (!holds || look->sockets)
		return 0;
	if (WHERE_IS_SET(&look->where)) {
		look->op |= WAIT_OP_MANY;
		return 0;
	}
	look->where = view->where;
	look->file = view->file;
	return 1;
}

/* A set for one peer is a wait for that peer; of others it says what they hold. */
static __always_inline u32 look_done(struct look *look, struct thread *t)
{
	t->open.where = look->where;
	t->open.op |= look->op;
	if (look->op & WAIT_OP_MANY)
		t->open.object = look->set;
	t->ports = look->ports;
	if (WHERE_IS_SET(&look->where))
		object_met(t, look->file);
	return look->holds;
}

static long poll_step(u32 i, void *unused)
{
	struct look_scratch *scratch = look_scratch();
	struct {
		s32 fd;
		u16 events, revents;
	} entry = {.fd = -1};

	if (!scratch)
		return 1;
	if (user_read(&entry, sizeof(entry), scratch->look.array + i * sizeof(entry)) || entry.fd < 0)
		return 0;
	look_at(scratch, entry.fd);
	look_add(&scratch->look, &scratch->view);
	return scratch->look.sockets >= SOCKETS_ENOUGH;
}

__noinline u32 poll_holds(struct thread *t, u64 array, u64 count)
{
	struct look *look = look_begin();

	if (!t || !look)
		return 0;
	look->array = array;
	if (count > POLL_LOOK_MAX) {
		count = POLL_LOOK_MAX;
		lose(LOSS_POLL_SET_TOO_LARGE);
	}
	bpf_loop(count, poll_step, NULL, 0);
	return look_done(look, t);
}

static long select_step(u32 fd, void *unused)
{
	struct look_scratch *scratch = look_scratch();
	u32 word = fd / 64;

	if (!scratch || word >= SELECT_WORDS)
		return 1;
	if (!(scratch->look.words[word] >> (fd % 64) & 1))
		return 0;
	look_at(scratch, fd);
	look_add(&scratch->look, &scratch->view);
	return scratch->look.sockets >= SOCKETS_ENOUGH;
}

static __noinline void select_merge(struct look *look, u64 pointer, u64 count)
{
	u64 words[2 * SELECT_WORDS] = {}; /* twice the room: then a mask proves the bound */
	/* The kernel reads whole words (FDS_BYTES); a set may end with its last one. */
	u32 bytes = (count + 63) / 64 * 8;

	if (bytes > sizeof(words) / 2)
		bytes = sizeof(words) / 2;
	if (pointer)
		user_read(words, bytes & (sizeof(words) - 1), pointer);
	for (u32 i = 0; i < SELECT_WORDS; i++)
		look->words[i] |= words[i];
}

__noinline u32 select_holds(struct thread *t, u64 count, u64 readable, u64 writable, u64 exceptional)
{
	struct look *look = look_begin();

	if (!t || !look)
		return 0;
	if (count > SELECT_LOOK_MAX) {
		count = SELECT_LOOK_MAX;
		lose(LOSS_POLL_SET_TOO_LARGE);
	}
	select_merge(look, readable, count);
	select_merge(look, writable, count);
	select_merge(look, exceptional, count);
	bpf_loop(count, select_step, NULL, 0);
	return look_done(look, t);
}

/* The kernel's struct eventpoll behind an epoll descriptor, or 0. */
static __always_inline u64 epoll_of(u32 fd)
{
	struct file *file;
	struct fd_view view = {};

	if (fd_look(fd, &view) != FD_EPOLL)
		return 0;
	file = (struct file *)view.file;
	return (u64)BPF_CORE_READ(file, private_data);
}

static long epoll_step(u32 i, void *unused)
{
	struct look_scratch *scratch = look_scratch();
	struct epoll_member *member;
	struct epoll_set *set;

	if (!scratch)
		return 1;
	set = bpf_map_lookup_elem(&epolls, &scratch->look.epoll);
	if (!set || i >= EPOLL_SLOTS)
		return 1;
	member = &set->member[i];
	if (!member->file)
		return 0;
	look_at(scratch, member->fd);
	if (scratch->view.file != member->file) {
		/* Closed: the kernel took it out of the set by itself. */
		member->file = 0;
		return 0;
	}
	if (look_add(&scratch->look, &scratch->view))
		scratch->look.witness = i;
	return scratch->look.sockets >= SOCKETS_ENOUGH;
}

/* Whether the member that decided the summary is still there. */
static __always_inline bool summary_holds(struct epoll_set *set)
{
	struct epoll_member *member = &set->member[set->witness & (EPOLL_SLOTS - 1)];
	struct fd_view view = {};

	if (!set->known)
		return false;
	if (!set->holds)
		return true;
	fd_look(member->fd, &view);
	return member->file && view.file == member->file;
}

/* Looks through the whole set. */
static __always_inline void summary_take(struct epoll_set *set, u64 epoll)
{
	struct look *look = look_begin();

	if (!look)
		return;
	look->epoll = epoll;
	bpf_loop(EPOLL_SLOTS, epoll_step, NULL, 0);
	set->summary.where = look->where;
	set->summary.op = look->op | (set->too_large ? WAIT_OP_MANY : 0);
	set->summary.object = set->summary.op & WAIT_OP_MANY ? look->set : 0;
	set->file = look->file;
	set->ports = look->ports;
	set->holds = look->holds;
	set->witness = look->witness;
	set->known = 1;
}

__noinline u32 epoll_holds(struct thread *t, u32 fd)
{
	u64 epoll = epoll_of(fd);
	struct epoll_set *set = bpf_map_lookup_elem(&epolls, &epoll);

	if (!t)
		return 0;
	if (!set) {
		t->open.op |= WAIT_OP_UNSEEN;
		if (with_syscalls)
			lose(LOSS_EPOLL_UNSEEN);
		return HOLDS_UNKNOWN;
	}
	if (!summary_holds(set))
		summary_take(set, epoll);
	t->open.where = set->summary.where;
	t->open.op |= set->summary.op;
	t->open.object = set->summary.object;
	t->ports = set->ports;
	if (WHERE_IS_SET(&t->open.where))
		object_met(t, set->file);
	return set->holds;
}

static __always_inline int epoll_new(u64 key)
{
	static const struct epoll_set empty;

	return bpf_map_update_elem(&epolls, &key, &empty, BPF_ANY);
}

__noinline int epoll_created(u32 fd)
{
	u64 key = epoll_of(fd);

	return key ? epoll_new(key) : 0;
}

__noinline int epoll_changed(u32 epoll_fd, u32 operation, u32 fd)
{
	u64 key = epoll_of(epoll_fd);
	struct epoll_member *member;
	struct fd_view view = {};
	struct epoll_set *set;

	if (!key || (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_DEL))
		return 0;
	set = bpf_map_lookup_elem(&epolls, &key);
	if (!set) {
		epoll_new(key);
		set = bpf_map_lookup_elem(&epolls, &key);
		if (!set)
			return 0;
	}
	set->known = 0;
	member = &set->member[fd & (EPOLL_SLOTS - 1)];
	if (operation == EPOLL_CTL_DEL) {
		if (member->fd == fd)
			member->file = 0;
		return 0;
	}
	if (member->file && member->fd != fd) {
		fd_look(member->fd, &view);
		if (view.file == member->file) {
			if (!set->too_large)
				lose(LOSS_POLL_SET_TOO_LARGE);
			set->too_large = 1;
			return 0;
		}
	}
	fd_look(fd, &view);
	member->fd = fd;
	member->file = view.file;
	return 0;
}
