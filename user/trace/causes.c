/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/causes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/entry.h"
#include "symbols/demangle.h"
#include "symbols/syscalls.h"
#include "waits.h"

#define PEER_BYTES    96
#define ADDRESS_BYTES (PEER_BYTES - 20) /* with words before it */

int tid_word_compare(const void *a, const void *b)
{
	const struct tid_word *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static char *name_syscall(uint16_t nr)
{
	const char *name;

	if (nr == WAIT_NR_NONE)
		return strdup("");
	name = syscall_name(nr & ~WAIT_NR_I386, nr & WAIT_NR_I386);
	return name ? strdup(name) : text_format("syscall %d", nr & ~WAIT_NR_I386);
}

/* --- sockets --- */

/* "127.0.0.1:80", "[::1]:80" */
static void name_address(char *text, const struct wait_key *key, uint16_t port)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *bytes = key->where.peer.address;
	bool v6 = key->where.peer.family == AF_INET6;
	char address[INET6_ADDRSTRLEN] = "";

	/* IPv4 through an IPv6 socket is IPv4. */
	if (v6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		bytes += sizeof(mapped);
		v6 = false;
	}
	inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, address, sizeof(address));
	snprintf(text, ADDRESS_BYTES, v6 ? "[%s]:%u" : "%s:%u", address, port);
}

static void name_inet(char *text, const struct wait_key *key)
{
	char address[ADDRESS_BYTES];

	if (key->where.peer.port) {
		name_address(text, key, key->where.peer.port);
		return;
	}
	name_address(address, key, key->where.peer.local_port);
	if (key->where.peer.kind & WHERE_SERVES)
		snprintf(text, PEER_BYTES, "clients of %s", address);
	else if (key->where.peer.kind & WHERE_LISTENS && key->class == CLASS_POLL)
		snprintf(text, PEER_BYTES, "connections to %s", address);
	else if (key->where.peer.local_port)
		snprintf(text, PEER_BYTES, "%s", address);
	else
		snprintf(text, PEER_BYTES, "a socket without address");
}

static const char *unix_end(const struct wait_key *key)
{
	if (key->where.local.kind & WHERE_SERVES)
		return "clients of ";
	return key->where.local.kind & WHERE_LISTENS && key->class == CLASS_POLL ? "connections to " : "";
}

/* The socket, and who is at its other end: "127.0.0.1:80 (nginx[812])", "/run/x.sock". */
static char *name_socket(const struct cause_names *names, const struct wait_key *key, const char *peer)
{
	uint16_t family = key->where.peer.family;
	const struct named_object *object;
	char text[PEER_BYTES] = "";

	if (family == AF_UNIX) {
		object = objects_find(names->collected->objects, &key->where);
		if (object && object->text[0])
			return text_format("%s%s%s%s%s", unix_end(key), object->text, peer[0] ? " (" : "", peer,
					   peer[0] ? ")" : "");
		if (key->where.local.kind & WHERE_UNNAMED)
			return peer[0] ? text_format("socketpair with %s", peer) : strdup("socketpair");
		return peer[0] ? text_format("unix socket (%s)", peer) : strdup("unix socket");
	}
	if (family == AF_INET || family == AF_INET6)
		name_inet(text, key);
	else if (family)
		snprintf(text, sizeof(text), "socket of family %u", family);
	return peer[0] && text[0] ? text_format("%s (%s)", text, peer) : strdup(text);
}

/* --- what a set holds --- */

static const struct {
	uint32_t holds;
	const char *one, *many;
} members[] = {
    {HOLDS_SOCKET, "socket", "sockets"},  {HOLDS_PIPE, "pipe", "pipes"},
    {HOLDS_TTY, "terminal", "terminals"}, {HOLDS_CHILD, "process", "processes"},
    {HOLDS_TIMER, "timer", "timers"},     {HOLDS_SIGNAL, "signal descriptor", "signal descriptors"},
    {HOLDS_OTHER, "other", "others"},
};

/* "poll set of 3 sockets, 1 pipe" */
static char *name_set(uint64_t set)
{
	_cleanup_text_ struct text text = {0};
	const char *between = "poll set of ";

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		unsigned int n = WAIT_SET_COUNT(set, members[i].holds);

		if (!n)
			continue;
		text_add(&text, "%s%u%s %s", between, n, n >= WAIT_SET_MANY ? " or more" : "",
			 n == 1 ? members[i].one : members[i].many);
		between = ", ";
	}
	if (between[0] == 'p')
		text_add(&text, "poll set");
	return text_take(&text);
}

/* A set for several: what it holds, and one of them to know it by. */
static char *name_poll(const struct cause_names *names, const struct wait_key *key, const char *peer)
{
	_cleanup_free_ char *set = NULL, *one = name_socket(names, key, peer);

	if (!(key->op & WAIT_OP_MANY) || !one)
		return steal_pointer(&one);
	set = name_set(key->object);
	if (!set || !one[0])
		return steal_pointer(&set);
	return text_format("%s (%s and others)", set, one);
}

static char *name_pipe(const struct wait_key *key, const char *peer)
{
	if (key->op & WAIT_OP_MANY)
		return name_set(key->object);
	if (peer[0])
		return text_format("pipe %s %s", peers_writes(key) ? "to" : "from", peer);
	return WHERE_IS(&key->where, FD_PIPE) ? text_format("pipe:[%" PRIu64 "]", (uint64_t)key->where.file.inode)
					      : strdup("pipe");
}

/* --- files, and the rest --- */

static char *name_file(const struct cause_names *names, const struct wait_key *key)
{
	const struct named_object *object = objects_find(names->collected->objects, &key->where);
	uint32_t number = key->where.file.device;
	const char *device;

	if (WHERE_IS_SOCKET(&key->where) || !key->where.file.kind)
		return strdup("");
	if (key->where.file.kind == FD_PATH || key->where.file.kind == FD_TTY)
		return strdup(object ? object->text : "");
	device = objects_device(names->collected->objects, number);
	if (object && object->text[0])
		return device[0] ? text_format("%s (%s)", object->text, device) : strdup(object->text);
	if (device[0])
		return text_format("a file on %s", device);
	return number ? text_format("a file on device %u:%u", number >> 20, number & 0xfffff) : strdup("");
}

/* "100 ms", "1.5 s"; "about 20 ms" until a point in time */
static char *name_length(const struct wait_key *key)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
	double ns = key->object;
	size_t i = 0;

	if (!key->object)
		return strdup(key->op & WAIT_OP_UNTIL ? "until a time" : "");
	while (ns < units[i].ns)
		i++;
	return text_format("%s%g %s", key->op & WAIT_OP_UNTIL ? "about " : "", ns / units[i].ns, units[i].name);
}

/* The child that ended the wait; else the one asked for. */
static char *name_child(const struct cause_names *names, uint64_t process, const struct wait_key *key)
{
	const struct collected *collected = names->collected;
	const struct thread *waker = collected_thread(collected, WAKER_WHO(key->waker));
	const struct kept_process *child = waker ? collected_process(collected, waker->process) : NULL;

	if (WAKER_KIND(key->waker) == WAKER_KIND(WAKER_THREAD) && child && child->process.parent == process)
		return peers_process_name(names->peers, waker->process, true);
	for (size_t i = collected->n_processes; key->object && i-- > 0;) {
		const struct kept_process *kept = &collected->processes[i];

		if (kept->process.tgid == key->object && kept->process.parent == process)
			return peers_process_name(names->peers, kept->serial, true);
	}
	return strdup("");
}

static char *name_klock(const struct wait_key *key)
{
	const char *kind = "lock";

	if (key->op & WAIT_OP_KLOCK_MUTEX)
		kind = "mutex";
	else if (key->op & WAIT_OP_KLOCK_RT)
		kind = "rtmutex";
	else if (key->op & WAIT_OP_KLOCK_PERCPU)
		kind = "percpu rwsem";
	else if (key->op & (WAIT_OP_KLOCK_READ | WAIT_OP_KLOCK_WRITE))
		kind = "rwsem";
	if (key->op & WAIT_OP_KLOCK_READ)
		return text_format("%s (to read)", kind);
	return key->op & WAIT_OP_KLOCK_WRITE ? text_format("%s (to write)", kind) : strdup(kind);
}

static char *name_sysv(const struct cause_names *names, const struct wait_key *key)
{
	if (WHERE_IS_SET(&key->where))
		return name_file(names, key);
	return text_format("%" PRIu64, (uint64_t)key->object);
}

static char *name_object(const struct cause_names *names, uint64_t process, const struct wait_key *key, bool *inside)
{
	_cleanup_free_ char *peer = NULL;

	switch (key->class) {
	case CLASS_SOCKET:
	case CLASS_POLL:
	case CLASS_PIPE:
		peer = peers_name(names->peers, process, key, inside);
		if (!peer)
			return NULL;
		if (key->class == CLASS_PIPE)
			return name_pipe(key, peer);
		return key->class == CLASS_POLL ? name_poll(names, key, peer) : name_socket(names, key, peer);
	case CLASS_TTY:
	case CLASS_FILE:
	case CLASS_FLOCK:
		return name_file(names, key);
	case CLASS_SLEEP:
		return name_length(key);
	case CLASS_CHILD:
		return name_child(names, process, key);
	case CLASS_KLOCK:
		return name_klock(key);
	case CLASS_FAULT:
	case CLASS_MEMORY:
		return strdup(key->op & WAIT_OP_MMAP_LOCK ? "mmap lock" : "");
	case CLASS_SYSV:
		return name_sysv(names, key);
	case CLASS_OTHER:
		return strdup(key->op & WAIT_OP_UNSEEN ? "epoll set not seen" : "");
	default:
		return strdup("");
	}
}

/* A loopback peer whose port a followed socket has. */
static bool peer_is_followed(const struct cause_names *names, const struct wait_key *key)
{
	uint16_t port = key->where.peer.port;

	if (key->where.peer.family != AF_INET && key->where.peer.family != AF_INET6)
		return false;
	return key->where.peer.kind & WHERE_HERE && port && names->local_ports[port / 16] >> port % 16 & 1;
}

/* --- who --- */

/*
 * The serial of the thread that the process calls `tid`: exactly one that it has had. In another pid namespace its numbers are others
 * than ours; what its threads call themselves tells (abi.h: own_tid).
 */
static uint64_t thread_by_own_tid(const struct collected *collected, const struct thread *waiter, uint32_t tid)
{
	bool same_numbers = waiter->own_tid == waiter->tid;
	const struct thread *found = NULL;

	for (size_t i = 0; i < collected->n_threads; i++) {
		const struct thread *thread = &collected->threads[i];

		if (thread->process != waiter->process || (same_numbers ? thread->tid : thread->own_tid) != tid)
			continue;
		if (found)
			return 0;
		found = thread;
	}
	return found ? found->serial : 0;
}

static int fill_waker(const struct cause_names *names, const struct wait_key *key, struct run_wait *wait)
{
	switch (WAKER_KIND(key->waker) << WAKER_SHIFT) {
	case WAKER_THREAD:
		if (collected_thread(names->collected, WAKER_WHO(key->waker)))
			wait->waker = WAKER_WHO(key->waker);
		return 0;
	case WAKER_OTHER:
		wait->waker_name = peers_other_name(names->peers, WAKER_WHO(key->waker));
		if (wait->waker_name && !wait->waker_name[0]) {
			free(wait->waker_name);
			wait->waker_name = text_format("pid %" PRIu64, (uint64_t)WAKER_WHO(key->waker));
		}
		break;
	case WAKER_TIMER:
		wait->waker_name = strdup("timer");
		break;
	case WAKER_INTERRUPT:
		wait->waker_name = strdup("interrupt");
		break;
	default:
		return 0;
	}
	return wait->waker_name ? 0 : -ENOMEM;
}

static void fill_futex(const struct cause_names *names, const struct thread *thread, const struct wait_key *key,
		       struct run_wait *wait, const char **symbol, const char **file)
{
	struct tid_word word = {.process = thread->process, .address = key->object};

	wait->op = key->op & ~WAIT_OP_EXPECTS_2;
	wait->expects_2 = key->op & WAIT_OP_EXPECTS_2;
	wait->address = key->object;
	wait->join = names->n_tid_words && bsearch(&word, names->tid_words, names->n_tid_words, sizeof(word), tid_word_compare);
	if (!wait->join)
		images_symbol(names->images, thread->process, key->image, key->object, symbol, &wait->offset, file);
	if (key->holder)
		wait->holder = thread_by_own_tid(names->collected, thread, key->holder);
}

int cause_fill(const struct cause_names *names, const struct thread *thread, const struct wait_key *key, struct run_wait *wait)
{
	const char *symbol = NULL, *file = "";
	bool inside = false;

	/* A class that no wait has would have the whole run refused (run_check). */
	wait->class = key->class > CLASS_CPU && key->class < CLASS_COUNT ? key->class : CLASS_OTHER;
	if (key->class == CLASS_FUTEX)
		fill_futex(names, thread, key, wait, &symbol, &file);
	else if (key->class == CLASS_POLL)
		wait->op = (key->op & WAIT_OP_MANY) != 0;
	wait->syscall = name_syscall(key->nr);
	wait->object = name_object(names, thread->process, key, &inside);
	wait->symbol = symbol ? demangle(symbol) : NULL;
	if (!wait->symbol)
		wait->symbol = strdup(symbol ? symbol : "");
	wait->file = strdup(file);
	wait->inside = inside || ((key->class == CLASS_SOCKET || key->class == CLASS_POLL) && peer_is_followed(names, key));
	if (!wait->syscall || !wait->object || !wait->symbol || !wait->file)
		return -ENOMEM;
	return fill_waker(names, key, wait);
}

/* Whether the stack does not contradict that a mutex is waited for; one that could not be followed to its end says nothing. */
static bool may_be_mutex(const struct run *run, const struct run_wait *wait)
{
	const struct run_stack *stack;

	/* Locks with priority inheritance are nothing else; the C library's function for them has no name of its own outside. */
	if (wait->op == WAIT_FUTEX_LOCK_PI || wait->op == WAIT_FUTEX_LOCK_PI2)
		return true;
	switch (run_entry(run, wait->stack, NULL)) {
	case ENTRY_MUTEX:
	case ENTRY_CONDITION: /* which takes its mutex again */
		return true;
	case ENTRY_NONE:
		break;
	default:
		return false;
	}
	if (!wait->stack)
		return true;
	for (stack = &run->stacks[wait->stack - 1]; stack->parent; stack = &run->stacks[stack->parent - 1])
		;
	return run->frames[stack->frame - 1].kind == FRAME_UNFINISHED;
}

void causes_check_holders(struct run *run)
{
	for (size_t i = 0; i < run->n_waits; i++)
		if (run->waits[i].holder && !may_be_mutex(run, &run->waits[i]))
			run->waits[i].holder = 0;
}
