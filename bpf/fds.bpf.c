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

static __always_inline void socket_where(union wait_where *where, struct file *file)
{
	struct socket *socket = FIELD(file, private_data);
	struct sock *sk = FIELD(socket, sk);
	u16 family = FIELD(sk, __sk_common.skc_family), port, local_port;

	where->peer.kind = FD_SOCKET;
	where->peer.family = family;
	if (family == AF_INET)
		*(u32 *)where->peer.address = FIELD(sk, __sk_common.skc_daddr);
	else if (family == AF_INET6)
		BPF_CORE_READ_INTO(&where->peer.address, sk, __sk_common.skc_v6_daddr);
	else
		return;
	port = __builtin_bswap16(FIELD(sk, __sk_common.skc_dport));
	local_port = FIELD(sk, __sk_common.skc_num);
	/*
	 * Of the two ports, the one outside the ephemeral range names the service. The other only tells connections apart, of
	 * which there may be any number.
	 */
	if (port >= EPHEMERAL_FIRST && local_port && local_port < EPHEMERAL_FIRST)
		port = 0;
	where->peer.port = port;
	where->peer.local_port = port ? 0 : local_port;
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

/* Fills *view for descriptor `fd` of the current task. view->kind is FD_UNKNOWN when there is none. Returns view->kind. */
__noinline int fd_look(u32 fd, struct fd_view *view)
{
	struct super_block *super;
	struct inode *inode;
	struct file *file;
	u16 mode;

	if (!view)
		return 0;
	view->kind = FD_UNKNOWN;
	file = file_of(fd);
	view->file = (u64)file;
	if (!file)
		return 0;
	inode = FIELD(file, f_inode);
	mode = FIELD(inode, i_mode) & S_IFMT;
	if (mode == S_IFSOCK) {
		view->kind = FD_SOCKET;
		socket_where(&view->where, file);
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
