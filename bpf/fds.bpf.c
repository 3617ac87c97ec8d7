// SPDX-License-Identifier: GPL-2.0-only
/* What a descriptor of the current task refers to. */
#include "concprof.bpf.h"

#define TTY_MAJOR_FIRST 4     /* Documentation/admin-guide/devices.txt: 4 and 5 consoles, 136-143 Unix98 pseudo-terminals */
#define EPHEMERAL_FIRST 32768 /* net.ipv4.ip_local_port_range's default */

/*
 * A field of a kernel object behind a plain pointer. Since 6.2 such a pointer can be given its type, and the field be loaded like any
 * other (1 ns); before, each field costs a helper call (20 ns). The load of a bad address gives 0, as the helper does.
 */
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

#define TYPED(object) ((__typeof__(object))bpf_rdonly_cast(object, bpf_core_type_id_kernel(__typeof__(*(object)))))
#define FIELD(object, field)                                                                                                     \
	({                                                                                                                       \
		__typeof__((object)->field) value_;                                                                              \
		if (with_casts)                                                                                                  \
			value_ = TYPED(object)->field;                                                                           \
		else                                                                                                             \
			value_ = BPF_CORE_READ(object, field);                                                                   \
		value_;                                                                                                          \
	})

static __always_inline bool is_tty(u32 device)
{
	u32 major = device >> 20; /* include/linux/kdev_t.h: MINORBITS */

	return major == TTY_MAJOR_FIRST || major == TTY_MAJOR_FIRST + 1 || (major >= 136 && major <= 143);
}

static __always_inline u32 anonymous_kind(struct file *file)
{
	union {
		char text[8];
		u64 word;
	} name = {};
	const unsigned char *pointer = BPF_CORE_READ(file, f_path.dentry, d_name.name);

	bpf_probe_read_kernel(&name, sizeof(name), pointer);
#define NAMED(a, b, c, d, e, f, g, h)                                                                                            \
	((u64)(a) | (u64)(b) << 8 | (u64)(c) << 16 | (u64)(d) << 24 | (u64)(e) << 32 | (u64)(f) << 40 | (u64)(g) << 48 |         \
	 (u64)(h) << 56)
	switch (name.word) {
	case NAMED('[', 'e', 'v', 'e', 'n', 't', 'f', 'd'):
		return FD_EVENTFD;
	case NAMED('[', 't', 'i', 'm', 'e', 'r', 'f', 'd'):
		return FD_TIMERFD;
	case NAMED('[', 'e', 'v', 'e', 'n', 't', 'p', 'o'):
		return FD_EPOLL;
	case NAMED('[', 's', 'i', 'g', 'n', 'a', 'l', 'f'):
		return FD_SIGNALFD;
	case NAMED('[', 'p', 'i', 'd', 'f', 'd', ']', 0):
		return FD_PIDFD;
	default:
		return FD_OTHER;
	}
}

#define LOOPBACK_NET 127 /* 127.0.0.0/8: the first byte of the address */

static __always_inline bool is_loopback4(u32 address)
{
	return (address & 0xff) == LOOPBACK_NET;
}

static __always_inline bool is_loopback6(const u8 *address)
{
	const u64 *words = (const u64 *)address;

	if (words[0])
		return false;
	if ((u32)words[1] == __builtin_bswap32(0xffff)) /* IPv4 through IPv6 */
		return is_loopback4(words[1] >> 32);
	return words[1] == __builtin_bswap64(1);
}

/* Addresses: the peer's, and what the socket itself is bound to (all 0: not connected; any). */
struct ends {
	union {
		u8 bytes[16];
		u32 word;
		u64 words[2];
	} peer, own;
};

static __always_inline void socket_ends(struct ends *ends, struct sock *sk, u16 family)
{
	if (family == AF_INET) {
		ends->peer.word = FIELD(sk, __sk_common.skc_daddr);
		ends->own.word = FIELD(sk, __sk_common.skc_rcv_saddr);
	} else {
		BPF_CORE_READ_INTO(&ends->peer.bytes, sk, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO(&ends->own.bytes, sk, __sk_common.skc_v6_rcv_saddr);
	}
}

static __always_inline bool is_loopback(const u8 *address, u16 family)
{
	return family == AF_INET ? is_loopback4(*(const u32 *)address) : is_loopback6(address);
}

static __always_inline void inet_where(struct fd_view *view, struct sock *sk, u16 family)
{
	union wait_where *where = &view->where;
	struct ends ends = {};
	u16 port, local_port;
	bool connected;

	socket_ends(&ends, sk, family);
	port = __builtin_bswap16(FIELD(sk, __sk_common.skc_dport));
	local_port = FIELD(sk, __sk_common.skc_num);
	connected = ends.peer.words[0] || ends.peer.words[1];
	if (FIELD(sk, __sk_common.skc_state) == TCP_LISTEN) {
		where->peer.kind |= WHERE_LISTENS;
	} else if (ends.peer.words[0] == ends.own.words[0] && ends.peer.words[1] == ends.own.words[1] && connected) {
		where->peer.kind |= WHERE_HERE;
	} else if (is_loopback(ends.peer.bytes, family)) {
		where->peer.kind |= WHERE_HERE;
	}
	if (where->peer.kind & WHERE_HERE || (!connected && (is_loopback(ends.own.bytes, family) || !ends.own.words[0])))
		view->ports = (u32)local_port << 16 | port;
	/*
	 * Of the two ports, the one outside the ephemeral range names the service. The other only tells connections apart, of
	 * which there may be any number; and so do the addresses of who comes there.
	 */
	if (port >= EPHEMERAL_FIRST && local_port && local_port < EPHEMERAL_FIRST) {
		where->peer.kind |= WHERE_SERVES;
		where->peer.kind &= ~WHERE_HERE;
	}
	if (!connected || where->peer.kind & WHERE_SERVES) {
		__builtin_memcpy(where->peer.address, ends.own.bytes, sizeof(where->peer.address));
		where->peer.local_port = local_port;
	} else {
		__builtin_memcpy(where->peer.address, ends.peer.bytes, sizeof(where->peer.address));
		where->peer.port = port;
		where->peer.local_port = port ? 0 : local_port;
	}
}

/* A unix socket is told from others by its inode and state, until objects.bpf.c finds its name. */
static __always_inline void unix_where(struct fd_view *view, struct sock *sk, struct inode *inode)
{
	u64 state = FIELD(sk, __sk_common.skc_state);

	view->where.local.name = FIELD(inode, i_ino) | state << 56;
	if (state == TCP_LISTEN)
		view->where.local.kind |= WHERE_LISTENS;
}

static __always_inline void socket_where(struct fd_view *view, struct file *file, struct inode *inode)
{
	struct socket *socket = FIELD(file, private_data);
	struct sock *sk = FIELD(socket, sk);
	u16 family = FIELD(sk, __sk_common.skc_family);

	view->where.peer.kind = FD_SOCKET;
	view->where.peer.family = family;
	if (family == AF_INET || family == AF_INET6)
		inet_where(view, sk, family);
	else if (family == AF_UNIX)
		unix_where(view, sk, inode);
}

static __always_inline struct file *file_of_other(u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(subject(), files, fdt);
	struct file *file = NULL;

	if (table && fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	return file;
}

/* The struct file behind descriptor `fd` of the task that is asked about, or NULL. */
static __always_inline struct file *file_of(u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct files_struct *files = task->files;
	struct file **slot, *file = NULL;
	struct fdtable *table;

	if (is_about_other())
		return file_of_other(fd);
	if (!files)
		return NULL;
	table = files->fdt;
	if (!table || fd >= table->max_fds)
		return NULL;
	slot = table->fd + fd;
	if (with_casts) {
		/* Any type whose first member is a pointer serves to load one, best one that is relocated anyway. */
		struct super_block *pointer = bpf_rdonly_cast(slot, bpf_core_type_id_kernel(struct super_block));

		return (struct file *)pointer->s_list.next;
	}
	bpf_probe_read_kernel(&file, sizeof(file), slot);
	return file;
}

__noinline int fd_look(u32 fd, struct fd_view *view)
{
	struct super_block *super;
	struct inode *inode;
	struct file *file;
	u16 mode;

	if (!view)
		return 0;
	view->kind = FD_UNKNOWN;
	view->ports = 0;
	file = file_of(fd);
	view->file = (u64)file;
	if (!file)
		return 0;
	inode = FIELD(file, f_inode);
	mode = FIELD(inode, i_mode) & S_IFMT;
	if (mode == S_IFSOCK) {
		view->kind = FD_SOCKET;
		socket_where(view, file, inode);
		return view->kind;
	}
	if (mode == S_IFIFO) {
		view->kind = FD_PIPE;
	} else if (mode == S_IFCHR) {
		view->kind = is_tty(FIELD(inode, i_rdev)) ? FD_TTY : FD_OTHER;
	} else {
		/* Anonymous inodes have no mode before 6.16, and that of a regular file since. */
		super = FIELD(inode, i_sb);
		switch (FIELD(super, s_magic)) {
		case ANON_INODE_FS_MAGIC:
			return view->kind = anonymous_kind(file);
		case PID_FS_MAGIC:
			return view->kind = FD_PIDFD;
		}
		view->kind = FD_FILE;
		view->where.file.device = FIELD(super, s_dev);
	}
	view->where.file.kind = view->kind;
	view->where.file.inode = FIELD(inode, i_ino);
	return view->kind;
}
