/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types and fields that we read, by hand. Offsets are relocated when the program is loaded (CO-RE), so only names
 * and the nesting of members matter here. Layouts that differ between kernels stand with the version that changed them.
 */
#ifndef CONCPROF_KERNEL_H
#define CONCPROF_KERNEL_H

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true 1
#define false 0

/* uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info {
	u32 status; /* x86: TS_COMPAT while in a 32-bit syscall */
};

struct sched_entity {
	u64 sum_exec_runtime;
	unsigned char sched_delayed; /* 6.12: blocked, but still on its queue */
};

struct sched_info {
	unsigned long long last_arrival, last_queued; /* on the run queue's clock */
	unsigned long long run_delay;
};

struct list_head {
	struct list_head *next;
};

struct super_block {
	struct list_head s_list; /* its first member */
	u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	u16 i_mode;
	u32 i_rdev;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	void *private_data;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct in6_addr {
	u8 u6_addr8[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	__be32 skc_rcv_saddr;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket;

struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1];
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct pid *sk_peer_pid;
};

struct unix_sock {
	void *addr; /* struct unix_address, of which see struct unix_sock_name */
	struct sock *peer;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int __state; /* `state` before 5.14 */
	unsigned int flags;
	int on_cpu; /* before 6.17 with CONFIG_SMP only */
	int on_rq;
	struct sched_entity se;
	struct sched_info sched_info;
	int exit_code;
	unsigned in_iowait : 1;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	int *clear_child_tid;
	unsigned long nvcsw, nivcsw;
	unsigned long min_flt, maj_flt;
	char comm[16];
	struct files_struct *files;
	void *mm;
};

#pragma clang attribute pop

/* struct unix_address of include/net/af_unix.h, the same from 5.17 to 6.18: a field less to relocate. */
struct unix_sock_name {
	u32 refcnt;
	s32 len; /* of what follows */
	u16 family;
	char path[108];
};

/*
 * Layouts that are an interface and need no relocation, of which each costs milliseconds at the start (libbpf 1.1 looks through all
 * the kernel's types for every struct that is relocated): the registers as the entry code saves them (arch/x86/include/asm/ptrace.h),
 * and the contexts of iterators.
 */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct linux_binprm;
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

/* include/linux/sched.h */
#define TASK_STOPPED_BIT 0x0004
#define TASK_TRACED_BIT  0x0008
#define TASK_DEAD        0x0080
#define TASK_FROZEN      0x8000

#define PF_EXITING     0x00000004
#define PF_IO_WORKER   0x00000010
#define PF_USER_WORKER 0x00004000 /* 6.4 */
#define PF_KTHREAD     0x00200000

#define CLONE_VFORK  0x00004000
#define CLONE_THREAD 0x00010000

/* arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x0002

#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFREG  0100000
#define S_IFCHR  0020000
#define S_IFIFO  0010000

/* include/net/tcp_states.h; unix sockets use it as well */
#define TCP_LISTEN 10

/* include/trace/events/lock.h */
#define LCB_F_SPIN  0x01
#define LCB_F_MUTEX 0x20

/* uapi/linux/magic.h */
#define ANON_INODE_FS_MAGIC 0x09041934
#define PID_FS_MAGIC        0x50494446 /* 6.9; before, a pidfd was an anonymous inode */

/* uapi/linux/eventpoll.h */
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2

#define AF_UNIX  1
#define AF_INET  2
#define AF_INET6 10

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#endif
