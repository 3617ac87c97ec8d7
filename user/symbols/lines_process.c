/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/lines_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "symbols/dwarf_frames.h"

/* The overflow user and group of the kernel, which own nothing. */
#define NOBODY 65534
/* Private memory: libdw keeps abbreviations, lines and what was compressed there. Mapped debug files do not count. */
#define MEMORY_MAX (1ul << 30)
/* Names are cut at this; as long as the longest name that is demangled. */
#define NAME_MAX_BYTES 8192

struct known {
	struct dwarf_object *object; /* NULL: unreadable */
	bool opened;
};

struct server {
	struct known *known; /* by the asker's numbers */
	size_t n_known;
	char reply[LINES_REPLY_MAX];
};

#if defined(__SANITIZE_ADDRESS__)
/* The sanitizer's shadow memory counts as private memory, and is larger than any limit. */
static int limit_memory(void)
{
	return 0;
}
#else
static int limit_memory(void)
{
	struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};

	return setrlimit(RLIMIT_DATA, &memory);
}
#endif

/* What reading a mapped file and answering takes. Anything else, opening files above all, fails with EPERM. */
static int limit_syscalls(void)
{
	static const uint32_t allowed[] = {
	    SYS_read,   SYS_pread64,     SYS_recvmsg, SYS_sendto,         SYS_write,        SYS_mmap,      SYS_munmap,
	    SYS_mremap, SYS_mprotect,    SYS_brk,     SYS_madvise,        SYS_fstat,        SYS_lseek,     SYS_fcntl,
	    SYS_close,  SYS_futex,       SYS_exit,    SYS_exit_group,     SYS_rt_sigreturn, SYS_getrandom, SYS_getpid,
	    SYS_gettid, SYS_sigaltstack, SYS_tgkill,  SYS_rt_sigprocmask, SYS_newfstatat,
	};
	enum { N = sizeof(allowed) / sizeof(*allowed) };
	struct sock_filter code[N + 6] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = {.len = N + 6, .filter = code};

	for (uint32_t i = 0; i < N; i++)
		code[4 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (uint8_t)(N - i), 0);
	code[N + 4] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[N + 5] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Ctrl-C is for the measurement, which ends in good order and still wants its names; we end with the socket. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGTSTP};
	static const int usual[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		signal(usual[i], SIG_DFL);
}

static int confine(int socket)
{
	struct rlimit none = {0, 0};

	ignore_signals();
	if (dup2(socket, 3) < 0 || close_range(4, ~0u, 0) || prctl(PR_SET_NAME, "concprof-lines"))
		return -errno;
	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	/* Changing the user would have undone the first of these. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    setrlimit(RLIMIT_CORE, &none) || limit_memory() || limit_syscalls())
		return -errno;
	return 0;
}

/* A request and its descriptors, -1 where there is none. False when the asker is gone. */
static bool receive(int socket, struct lines_request *request, int files[2])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec body = {.iov_base = request, .iov_len = sizeof(*request)};
	struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	ssize_t n;

	files[0] = files[1] = -1;
	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*request))
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(files, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	return true;
}

static struct known *known_object(struct server *server, const struct lines_request *request, const int files[2])
{
	struct known *known;

	if (request->object >= server->n_known) {
		size_t count = 2 * (size_t)request->object + 16;

		known = reallocarray(server->known, count, sizeof(*known));
		if (!known)
			return NULL;
		memset(known + server->n_known, 0, (count - server->n_known) * sizeof(*known));
		server->known = known;
		server->n_known = count;
	}
	known = &server->known[request->object];
	if (!known->opened && files[0] >= 0) {
		known->opened = true;
		if (dwarf_object_open(files[0], files[1], &known->object))
			known->object = NULL;
	}
	return known;
}

static size_t pack_name(char *out, const char *name, uint16_t *bytes)
{
	*bytes = name ? strnlen(name, NAME_MAX_BYTES) : 0;
	if (name)
		memcpy(out, name, *bytes);
	return *bytes;
}

static size_t reply(struct server *server, const struct dwarf_frame *frames, size_t count, bool unreadable)
{
	struct lines_reply head = {.unreadable = unreadable};
	size_t at = sizeof(head);

	for (size_t i = 0; i < count; i++) {
		struct lines_reply_frame frame = {.line = frames[i].line, .inlined = frames[i].inlined};
		size_t body = at + sizeof(frame);

		if (body + 2 * NAME_MAX_BYTES + 4 > sizeof(server->reply))
			break;
		body += pack_name(server->reply + body, frames[i].function, &frame.function_bytes);
		body += pack_name(server->reply + body, frames[i].source, &frame.source_bytes);
		memcpy(server->reply + at, &frame, sizeof(frame));
		at = (body + 3) & ~(size_t)3;
		head.count++;
	}
	memcpy(server->reply, &head, sizeof(head));
	return at;
}

void lines_process(int socket)
{
	struct server *server = calloc(1, sizeof(*server));
	struct dwarf_frame frames[LINES_FRAMES_MAX];
	struct lines_request request;
	int files[2];

	if (!server || confine(socket))
		_exit(1);
	socket = 3;
	while (receive(socket, &request, files)) {
		struct known *known = known_object(server, &request, files);
		size_t count = 0, bytes;

		if (known && known->object)
			count = dwarf_object_frames(known->object, request.vaddr, frames, LINES_FRAMES_MAX);
		bytes = reply(server, frames, count, !known || !known->object);
		if (send(socket, server->reply, bytes, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}
