// SPDX-License-Identifier: GPL-2.0-only
/* What a descriptor of the current task refers to. */
#include "concprof.bpf.h"

#define TTY_MAJOR_FIRST 4     /* Documentation/admin-guide/devices.txt: 4 and 5 consoles, 136-143 Unix98 pseudo-terminals */
#define EPHEMERAL_FIRST 32768 /* net.ipv4.ip_local_port_range's default */

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

static __always_inline void socket_where(struct wait_key *key, struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	key->where.peer.kind = FD_SOCKET;
	key->where.peer.family = family;
	if (family == AF_INET) {
		u32 address = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(key->where.peer.address, &address, 4);
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&key->where.peer.address, sk, __sk_common.skc_v6_daddr);
	} else {
		return;
	}
	key->where.peer.port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	key->where.peer.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	/*
	 * Of the two ports, the one outside the ephemeral range names the service. The other only tells connections apart, of
	 * which there may be any number.
	 */
	if (key->where.peer.port >= EPHEMERAL_FIRST && key->where.peer.local_port && key->where.peer.local_port < EPHEMERAL_FIRST)
		key->where.peer.port = 0;
	else if (key->where.peer.port)
		key->where.peer.local_port = 0;
}

/* Fills *view for descriptor `fd` of the current task. view->kind is FD_UNKNOWN when there is none. Returns view->kind. */
__noinline int fd_look(u32 fd, struct fd_view *view)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct files_struct *files = task->files;
	struct file *file = NULL;
	struct fdtable *fdt;
	struct inode *inode;
	u16 mode;

	if (!view)
		return 0;
	view->kind = FD_UNKNOWN;
	view->file = 0;
	if (!files)
		return 0;
	fdt = files->fdt;
	if (!fdt || fd >= fdt->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), fdt->fd + fd);
	if (!file)
		return 0;
	view->file = (u64)file;
	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (mode == S_IFSOCK) {
		view->kind = FD_SOCKET;
		socket_where(&view->key, file);
		return view->kind;
	}
	if (mode == S_IFIFO) {
		view->kind = FD_PIPE;
	} else if (mode == S_IFCHR) {
		view->kind = is_tty(BPF_CORE_READ(inode, i_rdev)) ? FD_TTY : FD_OTHER;
	} else {
		/* Anonymous inodes have no mode before 6.16, and that of a regular file since. */
		u64 magic = BPF_CORE_READ(inode, i_sb, s_magic);

		view->kind = magic == ANON_INODE_FS_MAGIC ? anonymous_kind(file) : magic == PID_FS_MAGIC ? FD_PIDFD : FD_FILE;
		if (view->kind != FD_FILE)
			return view->kind;
		view->key.where.file.device = BPF_CORE_READ(inode, i_sb, s_dev);
	}
	view->key.where.file.kind = view->kind;
	view->key.where.file.inode = BPF_CORE_READ(inode, i_ino);
	return view->kind;
}
