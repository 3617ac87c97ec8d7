/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * From a syscall to what it can block on. Pure C, compiled into BPF (where the answer is needed at the switch-out) and into host
 * tests. The table knows x86-64 and i386 numbers (arch/x86/entry/syscalls/syscall_{64,32}.tbl); syscalls that are not in it are
 * OTHER, and the cause names them.
 */
#ifndef CONCPROF_WAITS_H
#define CONCPROF_WAITS_H

#include "abi.h"

/* How to find out what a blocked syscall waits for. */
enum wait_how {
	HOW_OTHER,      /* nothing more to find out */
	HOW_FUTEX,      /* futex(address, op, value, ...) */
	HOW_FUTEX2,     /* futex_wait(address, value, ...) */
	HOW_FUTEX_V,    /* futex_waitv(array, ...) */
	HOW_FD,         /* the descriptor in the first argument */
	HOW_SENDFILE,   /* sendfile(out, in): the receiving end */
	HOW_SPLICE,     /* splice(in, ., out, .), tee(in, out): whichever is a pipe or socket */
	HOW_POLL,       /* poll(set, n, ms) */
	HOW_PPOLL,      /* ppoll(set, n, timespec or NULL) */
	HOW_SELECT,     /* select(n, read, write, except, timeval or NULL), pselect6 */
	HOW_EPOLL,      /* epoll_wait(fd, ., ., ms), epoll_pwait */
	HOW_EPOLL2,     /* epoll_pwait2(fd, ., ., timespec or NULL) */
	HOW_SLEEP,      /* a timer alone */
	HOW_CHILD,      /* wait4, waitid, vfork */
	HOW_CLONE,      /* clone: blocks as vfork does when its flags (first argument) have CLONE_VFORK */
	HOW_CLONE3,     /* clone3: the flags are the first word of the struct */
	HOW_FCNTL,      /* fcntl: waits for a lock under F_SETLKW and F_OFD_SETLKW */
	HOW_FLOCK,      /* a file lock */
	HOW_SYSV,       /* System V queue or semaphore: its number in the first argument */
	HOW_MQUEUE,     /* POSIX message queue: its descriptor in the first argument */
	HOW_SIGNAL,     /* waits for a signal */
	HOW_MEMORY,     /* memory management */
	HOW_FILE,       /* file system operations without a name */
	HOW_FILE_FD,    /* an operation on the file of the descriptor in the first argument */
	HOW_PATH,       /* an operation on the path in the first argument */
	HOW_PATH_AT,    /* the path is the second argument */
	HOW_EXIT,       /* exit, exit_group */
	HOW_RESTART,    /* restart_syscall: continues what was interrupted */
	HOW_SOCKETCALL, /* i386: socketcall(call, arguments) */
	HOW_IPC,        /* i386: ipc(call, number, ...) */
	HOW_URING,      /* io_uring_enter: any kind of I/O */
};

/* clang-format off */
/* X(x86-64 number, i386 number, how); -1: does not exist there. Where i386 has two numbers, the second stands below. */
#define WAIT_SYSCALLS(X) \
	X(202, 240, FUTEX) X(455, 455, FUTEX2) X(449, 449, FUTEX_V) \
	/* read, write and their kin; ioctl, close, lseek, dup2, dup3; vmsplice */ \
	X(0, 3, FD) X(1, 4, FD) X(17, 180, FD) X(18, 181, FD) X(19, 145, FD) X(20, 146, FD) X(295, 333, FD) X(296, 334, FD) \
	X(327, 378, FD) X(328, 379, FD) X(16, 54, FD) X(3, 6, FD) X(8, 19, FD) X(33, 63, FD) X(292, 330, FD) X(278, 316, FD) \
	/* connect, accept, accept4, sendto, recvfrom, sendmsg, recvmsg, recvmmsg, sendmmsg, shutdown */ \
	X(42, 362, FD) X(43, -1, FD) X(288, 364, FD) X(44, 369, FD) X(45, 371, FD) X(46, 370, FD) X(47, 372, FD) X(299, 337, FD) \
	X(307, 345, FD) X(48, 373, FD) \
	X(40, 187, SENDFILE) X(275, 313, SPLICE) X(276, 315, SPLICE) \
	X(7, 168, POLL) X(271, 309, PPOLL) X(23, 142, SELECT) X(270, 308, SELECT) \
	X(232, 256, EPOLL) X(281, 319, EPOLL) X(441, 441, EPOLL2) \
	X(35, 162, SLEEP) X(230, 267, SLEEP) \
	X(61, 114, CHILD) X(247, 284, CHILD) X(58, 190, CHILD) X(56, 120, CLONE) X(435, 435, CLONE3) \
	X(72, 55, FCNTL) X(73, 143, FLOCK) \
	/* semop, semtimedop, msgsnd, msgrcv; mq_timedsend, mq_timedreceive */ \
	X(65, -1, SYSV) X(220, -1, SYSV) X(69, 400, SYSV) X(70, 401, SYSV) X(242, 279, MQUEUE) X(243, 280, MQUEUE) \
	/* pause, rt_sigtimedwait, rt_sigsuspend */ \
	X(34, 29, SIGNAL) X(128, 177, SIGNAL) X(130, 179, SIGNAL) \
	/* mmap, mprotect, munmap, brk, mremap, madvise, mlock and its kin, mbind, pkey_mprotect, process_madvise; fork copies memory */ \
	X(9, 192, MEMORY) X(10, 125, MEMORY) X(11, 91, MEMORY) X(12, 45, MEMORY) X(25, 163, MEMORY) X(28, 219, MEMORY) \
	X(149, 150, MEMORY) X(150, 151, MEMORY) X(151, 152, MEMORY) X(325, 376, MEMORY) X(237, 274, MEMORY) X(329, 380, MEMORY) \
	X(440, 440, MEMORY) X(57, 2, MEMORY) \
	/* msync; fsync, fdatasync, sync_file_range, syncfs; sync; open, creat; openat, openat2 */ \
	X(26, 144, FILE) X(74, 118, FILE_FD) X(75, 148, FILE_FD) X(277, 314, FILE_FD) X(306, 344, FILE_FD) X(162, 36, FILE) \
	X(2, 5, PATH) X(85, 8, PATH) X(257, 295, PATH_AT) X(437, 437, PATH_AT) \
	/* stat, lstat, access, statfs; fstat, fstatfs; newfstatat, statx, faccessat, faccessat2 */ \
	X(4, 195, PATH) X(6, 196, PATH) X(21, 33, PATH) X(137, 99, PATH) X(5, 197, FILE_FD) X(138, 100, FILE_FD) \
	X(262, 300, PATH_AT) X(332, 383, PATH_AT) X(269, 307, PATH_AT) X(439, 439, PATH_AT) \
	/* truncate, ftruncate, getdents, getdents64, getcwd, rename, mkdir, rmdir, link, unlink, symlink, readlink, the ..at forms */ \
	X(76, 92, PATH) X(77, 93, FILE_FD) X(78, 141, FILE_FD) X(217, 220, FILE_FD) X(79, 183, FILE) X(82, 38, PATH) X(83, 39, PATH) \
	X(84, 40, PATH) X(86, 9, PATH) X(87, 10, PATH) X(88, 83, PATH) X(263, 301, PATH_AT) X(264, 302, PATH_AT) X(316, 353, PATH_AT) \
	X(258, 296, PATH_AT) X(89, 85, PATH) X(267, 305, PATH_AT) X(265, 303, PATH_AT) X(266, 304, PATH) \
	/* chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat, utimensat, mknod, mknodat, mount, umount2, xattr calls */ \
	X(90, 15, PATH) X(91, 94, FILE_FD) X(268, 306, PATH_AT) X(92, 182, PATH) X(93, 95, FILE_FD) X(94, 198, PATH) X(260, 298, PATH_AT) \
	X(280, 320, PATH_AT) X(133, 14, PATH) X(259, 297, PATH_AT) X(165, 21, PATH_AT) X(166, 52, PATH) X(188, 226, PATH) X(191, 229, PATH) \
	X(192, 230, PATH) X(193, 231, FILE_FD) X(194, 232, PATH) \
	/* fallocate, readahead, fadvise64, copy_file_range, execve, execveat, io_getevents, io_pgetevents, io_submit, close_range */ \
	X(285, 324, FILE_FD) X(187, 225, FILE_FD) X(221, 250, FILE_FD) X(326, 377, FILE_FD) X(59, 11, PATH) X(322, 358, PATH_AT) \
	X(208, 247, FILE) X(333, 385, FILE) X(209, 248, FILE) X(436, 436, FILE) \
	X(426, 426, URING) X(60, 1, EXIT) X(231, 252, EXIT) X(219, 0, RESTART)

/* i386 only: second numbers, and the 64-bit time variants. (Its old select, 82, takes one pointer to its arguments: OTHER.) */
#define WAIT_SYSCALLS_I386(X) \
	X(422, FUTEX) X(413, SELECT) X(414, PPOLL) X(407, SLEEP) X(7, CHILD) X(221, FCNTL) X(102, SOCKETCALL) X(239, SENDFILE) \
	X(72, SIGNAL) X(421, SIGNAL) X(420, SYSV) X(117, IPC) X(418, MQUEUE) X(419, MQUEUE) X(417, FD) X(140, FD) X(90, MEMORY) \
	X(193, PATH) X(194, FILE_FD) X(272, FILE_FD) X(416, FILE)
/* clang-format on */

#define WAIT_TABLE_SLOTS 512

static const __u8 wait_how_x86_64[WAIT_TABLE_SLOTS] = {
#define X(nr64, nr32, how) [nr64] = HOW_##how,
    WAIT_SYSCALLS(X)
#undef X
};

/* Calls without an i386 number all fill the one slot behind the table. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const __u8 wait_how_i386[WAIT_TABLE_SLOTS + 1] = {
#define X(nr64, nr32, how) [(nr32) < 0 ? WAIT_TABLE_SLOTS : (nr32)] = HOW_##how,
    WAIT_SYSCALLS(X)
#undef X
#define X(nr32, how) [nr32] = HOW_##how,
	WAIT_SYSCALLS_I386(X)
#undef X
};
#pragma GCC diagnostic pop

/* nr: as the entry code saw it. */
static inline __attribute__((always_inline)) enum wait_how wait_how(__u64 nr, int i386)
{
	if (nr >= WAIT_TABLE_SLOTS)
		return HOW_OTHER;
	return (enum wait_how)(i386 ? wait_how_i386[nr & (WAIT_TABLE_SLOTS - 1)] : wait_how_x86_64[nr & (WAIT_TABLE_SLOTS - 1)]);
}

/* linux/futex.h: the command without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME. */
#define WAIT_FUTEX_CMD_MASK    0x7f
#define WAIT_FUTEX_WAIT        0
#define WAIT_FUTEX_WAIT_BITSET 9
#define WAIT_FUTEX_TID_MASK    0x3fffffff

/* wait_key.op of a futex() call. */
static inline __attribute__((always_inline)) __u8 wait_futex_op(__u64 op, __u64 value, __u64 mask)
{
	__u8 command = op & WAIT_FUTEX_CMD_MASK;

	/*
	 * glibc's low-level lock waits for a word of 2 ("locked, with waiters") to change (nptl/lowlevellock.c); with a timeout, and in
	 * Rust's standard library, by FUTEX_WAIT_BITSET with all bits.
	 */
	if ((__u32)value == 2 && (command == WAIT_FUTEX_WAIT || (command == WAIT_FUTEX_WAIT_BITSET && (__u32)mask == ~0u)))
		return command | WAIT_OP_EXPECTS_2;
	return command;
}

/* Futex commands that wait (linux/futex.h), for how to read their timeout: none is 0 in all of them. */
#define WAIT_FUTEX_LOCK_PI         6
#define WAIT_FUTEX_WAIT_REQUEUE_PI 11
#define WAIT_FUTEX_LOCK_PI2        13

/* glibc's mutex (sysdeps/nptl/bits/struct_mutex.h): the low-level lock comes first, and its owner stays near it. */
struct wait_mutex {
	__s32 lock;
	__u32 count;
	__s32 owner; /* tid, as the process counts */
	__u32 nusers;
	__s32 kind; /* PTHREAD_MUTEX_*_NP in the low two bits; flags */
	__u32 rest;
};

/*
 * Flags of a glibc mutex's kind (nptl/pthreadP.h): robust 16, priority-inheriting 32, priority-protected 64, process-shared 128,
 * elision wanted 256 and not wanted 512.
 */
#define WAIT_MUTEX_KINDS 0x3f3

/*
 * The holder of the lock whose word is the first of *mutex, or 0 if this does not look like a mutex that somebody holds. It is what the
 * process wrote there: to be believed only when such a thread is in the process.
 */
static inline __attribute__((always_inline)) __u32 wait_mutex_holder(const struct wait_mutex *mutex)
{
	if (mutex->lock != 2 || mutex->owner <= 0 || mutex->owner > WAIT_FUTEX_TID_MASK || mutex->nusers == 0 ||
	    (mutex->kind & ~WAIT_MUTEX_KINDS))
		return 0;
	return mutex->owner;
}

/* To so many significant decimal digits as `limit` has zeros (100: two): so that lengths that hardly differ are one cause. */
static inline __attribute__((always_inline)) __u64 wait_round_ns(__u64 ns, __u64 limit)
{
	__u64 unit = 1;

	for (int i = 0; i < 18 && ns / unit >= limit; i++)
		unit *= 10;
	return (ns / unit + (ns % unit >= (unit + 1) / 2)) * unit;
}

/* What a poll set holds: bits. */
enum poll_holds {
	HOLDS_SOCKET = 1,
	HOLDS_PIPE = 2,
	HOLDS_TTY = 4,
	HOLDS_CHILD = 8, /* pidfd */
	HOLDS_TIMER = 16,
	HOLDS_SIGNAL = 32,
	HOLDS_OTHER = 64,
	HOLDS_UNKNOWN = 128, /* the set could not be seen */
};

/* What one descriptor adds to a set. Self-wake descriptors (eventfd) add nothing; those of a pair are for the caller to leave out. */
static inline __attribute__((always_inline)) __u32 wait_holds(__u32 kind)
{
	switch (kind) {
	case FD_SOCKET:
		return HOLDS_SOCKET;
	case FD_PIPE:
		return HOLDS_PIPE;
	case FD_TTY:
		return HOLDS_TTY;
	case FD_PIDFD:
		return HOLDS_CHILD;
	case FD_TIMERFD:
		return HOLDS_TIMER;
	case FD_SIGNALFD:
		return HOLDS_SIGNAL;
	case FD_EVENTFD:
	case FD_UNKNOWN:
		return 0;
	default:
		return HOLDS_OTHER;
	}
}

/*
 * How many of a kind a set holds, for wait_key.object: eight bits for each bit of enum poll_holds. Beyond a few they are many, so that
 * sets that grow and shrink do not make a cause for each number.
 */
#define WAIT_SET_MANY              5
#define WAIT_SET_COUNT(set, holds) ((set) >> (8 * __builtin_ctz(holds)) & 0xff)

static inline __attribute__((always_inline)) __u64 wait_set_add(__u64 set, __u32 holds)
{
	for (int bit = 0; bit < 7; bit++)
		if (holds & 1u << bit && (set >> 8 * bit & 0xff) < WAIT_SET_MANY)
			set += 1ULL << 8 * bit;
	return set;
}

/* Class of a wait on a set: by the first of its members in this order, or by its timeout if nothing is left. */
static inline __attribute__((always_inline)) __u8 wait_poll_class(__u32 holds, int has_timeout)
{
	if (holds & HOLDS_UNKNOWN)
		return CLASS_OTHER;
	if (holds & HOLDS_SOCKET)
		return CLASS_POLL;
	if (holds & HOLDS_PIPE)
		return CLASS_PIPE;
	if (holds & HOLDS_TTY)
		return CLASS_TTY;
	if (holds & HOLDS_CHILD)
		return CLASS_CHILD;
	if (holds & HOLDS_TIMER)
		return CLASS_SLEEP;
	if (holds & HOLDS_SIGNAL)
		return CLASS_SIGNAL;
	if (holds & HOLDS_OTHER)
		return CLASS_OTHER;
	return has_timeout ? CLASS_SLEEP : CLASS_SELFWAKE;
}

/* Class of a blocked operation on one descriptor. */
static inline __attribute__((always_inline)) __u8 wait_fd_class(__u32 kind)
{
	switch (kind) {
	case FD_SOCKET:
		return CLASS_SOCKET;
	case FD_PIPE:
		return CLASS_PIPE;
	case FD_TTY:
		return CLASS_TTY;
	case FD_FILE:
		return CLASS_FILE;
	case FD_EVENTFD:
		return CLASS_EVENTFD;
	case FD_TIMERFD:
		return CLASS_SLEEP;
	case FD_SIGNALFD:
		return CLASS_SIGNAL;
	case FD_PIDFD:
		return CLASS_CHILD;
	default:
		return CLASS_OTHER;
	}
}

#endif
