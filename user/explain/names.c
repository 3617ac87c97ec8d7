/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/names.h"

#include <errno.h>
#include <inttypes.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/index.h"

/* --- locks --- */

/* A function that waited for the word at an address. */
struct waiter {
	uint64_t process, address;
	const char *function; /* or, where it has no name, its object; "" is the other then */
	const char *object;
	uint64_t total_ns;
};

struct lock_names {
	struct waiter *waiters; /* sorted by process and address, one each */
	size_t n;
	struct run_index *threads;
};

/* A condition variable and a read-write lock have several words that take turns: those of one pair are one. */
#define WORD_PAIR(address) ((address) & ~(uint64_t)7)

static int by_place(const void *a, const void *b)
{
	const struct waiter *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static int by_place_and_function(const void *a, const void *b)
{
	const struct waiter *x = a, *y = b;
	int different = by_place(a, b);

	if (!different)
		different = strcmp(x->function, y->function);
	return different ? different : strcmp(x->object, y->object);
}

static uint64_t process_of(const struct lock_names *names, const struct run *run, const struct run_wait *wait)
{
	size_t thread = run_index_find(names->threads, wait->thread);

	return thread == RUN_NOT_FOUND ? 0 : run->threads[thread].process;
}

static void add_waiter(struct lock_names *names, const struct run *run, const struct run_wait *wait)
{
	const struct run_frame *caller;

	if (wait->class != CLASS_FUTEX || wait->symbol[0] || !wait->stack)
		return;
	run_entry(run, wait->stack, &caller);
	if (caller && (caller->function[0] || caller->object[0]))
		names->waiters[names->n++] = (struct waiter){
		    .process = process_of(names, run, wait),
		    .address = WORD_PAIR(wait->address),
		    .function = caller->function,
		    .object = caller->function[0] ? "" : caller->object,
		    .total_ns = wait->total_ns,
		};
}

/* Of each place the function that waited longest; by name, if two waited as long. */
static void elect(struct lock_names *names)
{
	size_t n = 0, kept = 0;

	qsort(names->waiters, names->n, sizeof(*names->waiters), by_place_and_function);
	for (size_t i = 0; i < names->n; i++) {
		if (n && !by_place_and_function(&names->waiters[n - 1], &names->waiters[i]))
			names->waiters[n - 1].total_ns += names->waiters[i].total_ns;
		else
			names->waiters[n++] = names->waiters[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_place(&names->waiters[kept - 1], &names->waiters[i])) {
			if (names->waiters[i].total_ns > names->waiters[kept - 1].total_ns)
				names->waiters[kept - 1] = names->waiters[i];
		} else {
			names->waiters[kept++] = names->waiters[i];
		}
	}
	names->n = kept;
}

int lock_names_open(const struct run *run, struct lock_names **ret)
{
	struct lock_names *names = calloc(1, sizeof(*names));
	int err = names ? run_index_threads(run, &names->threads) : -ENOMEM;

	if (!err) {
		names->waiters = calloc(run->n_waits + 1, sizeof(*names->waiters));
		err = names->waiters ? 0 : -ENOMEM;
	}
	if (err) {
		lock_names_close(names);
		return err;
	}
	for (size_t i = 0; i < run->n_waits; i++)
		add_waiter(names, run, &run->waits[i]);
	if (names->n)
		elect(names);
	*ret = names;
	return 0;
}

void lock_names_close(struct lock_names *names)
{
	if (!names)
		return;
	run_index_free(names->threads);
	free(names->waiters);
	free(names);
}

static const struct waiter *waiter_of(const struct subject *subject)
{
	const struct lock_names *names = subject->lock_names;
	struct waiter key = {.address = WORD_PAIR(subject->wait->address)};

	if (!names || !names->n)
		return NULL;
	key.process = process_of(names, subject->run, subject->wait);
	return bsearch(&key, names->waiters, names->n, sizeof(key), by_place);
}

/* The program's own symbols need no file beside them; a library's do. */
static const char *file_note(const struct run_wait *wait, char note[300])
{
	note[0] = '\0';
	if (strstr(wait->file, ".so"))
		snprintf(note, 300, " (%.280s)", wait->file);
	return note;
}

/* C++ names come with their parameters. */
static const char *parentheses(const char *function)
{
	return strchr(function, '(') ? "" : "()";
}

/* A lock without a name of its own. Words of a pair share the name, as they share what the name is made of. */
static char *name_without_symbol(const char *what, const struct subject *subject)
{
	const struct waiter *waiter = waiter_of(subject);
	uint64_t address = WORD_PAIR(subject->wait->address);

	if (waiter && waiter->function[0])
		return text_format("%s of %s%s at 0x%" PRIx64, what, waiter->function, parentheses(waiter->function), address);
	if (waiter && !subject->wait->file[0])
		return text_format("%s of %s at 0x%" PRIx64, what, waiter->object, address);
	if (subject->wait->file[0])
		return text_format("%s in %s at 0x%" PRIx64, what, subject->wait->file, address);
	return text_format("%s at 0x%" PRIx64, what, address);
}

char *name_mutex(const struct subject *subject)
{
	const struct run_wait *wait = subject->wait;
	char note[300];

	if (!wait->symbol[0])
		return name_without_symbol("mutex", subject);
	if (!wait->offset)
		return text_format("%s%s", wait->symbol, file_note(wait, note));
	return text_format("%s+%" PRIu64 "%s", wait->symbol, wait->offset, file_note(wait, note));
}

/* Words of one thing that lie in this many bytes; what lies farther is another one of an array, or a member of a struct. */
#define THING_BYTES 64

/* What is waited for has several words: without the offset they are one cause. */
static char *name_thing(const char *what, const char *how, const struct subject *subject)
{
	const struct run_wait *wait = subject->wait;
	char note[300];

	if (!wait->symbol[0]) {
		_cleanup_free_ char *name = name_without_symbol(what, subject);

		return name ? text_format("%s%s", name, how) : NULL;
	}
	if (wait->offset < THING_BYTES)
		return text_format("%s %s%s%s", what, wait->symbol, how, file_note(wait, note));
	return text_format("%s %s+%" PRIu64 "%s%s", what, wait->symbol, WORD_PAIR(wait->offset), how, file_note(wait, note));
}

#define THING(function, what)                                                                                                    \
	char *function(const struct subject *subject)                                                                            \
	{                                                                                                                        \
		return name_thing(what, "", subject);                                                                            \
	}
THING(name_once, "once")
THING(name_runtime_lock, "runtime lock")
THING(name_condition, "condition")
THING(name_semaphore, "semaphore")
THING(name_barrier, "barrier")

char *name_read_write_lock(const struct subject *subject)
{
	return name_thing("rwlock", subject->entry == ENTRY_READ_LOCK ? " (to read)" : " (to write)", subject);
}

char *name_futex(const struct subject *subject)
{
	char note[300];

	if (!subject->wait->symbol[0])
		return name_without_symbol("futex", subject);
	return text_format("%s%s", subject->wait->symbol, file_note(subject->wait, note));
}

char *name_program_lock(const struct subject *subject)
{
	return text_format("%s%s", subject->program_lock->function, parentheses(subject->program_lock->function));
}

/* With the first function of the kernel that is not about locks: "kernel mutex in pipe_read()". */
char *name_kernel_lock(const struct subject *subject)
{
	const struct run_wait *wait = subject->wait;
	const struct run_frame *caller = run_kernel_caller(subject->run, wait->stack);
	const char *kind = wait->object[0] ? wait->object : "lock";

	if (caller)
		return text_format("kernel %s in %s()", kind, caller->function);
	return wait->syscall[0] ? text_format("kernel %s in %s", kind, wait->syscall) : text_format("kernel %s", kind);
}

/* --- sockets, pipes, files --- */

/* What a system call does with a socket. */
static const struct {
	const char *syscall, *words;
} verbs[] = {
    {"read", "recv from"},     {"readv", "recv from"},  {"recvfrom", "recv from"}, {"recvmsg", "recv from"},
    {"recvmmsg", "recv from"}, {"recv", "recv from"},   {"preadv2", "recv from"},  {"write", "send to"},
    {"writev", "send to"},     {"sendto", "send to"},   {"sendmsg", "send to"},    {"sendmmsg", "send to"},
    {"send", "send to"},       {"sendfile", "send to"}, {"splice", "send to"},     {"pwritev2", "send to"},
    {"connect", "connect to"}, {"accept", "accept on"}, {"accept4", "accept on"},  {"close", "close"},
    {"shutdown", "shut down"},
};

static const char *verb_of(const struct run_wait *wait)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].syscall, wait->syscall))
			return verbs[i].words;
	return NULL;
}

/* "accept on 127.0.0.1:8000"; a set for one peer by that peer, others by what they hold; without an object the call: "socket (accept4)". */
char *name_socket(const struct subject *subject)
{
	const struct run_wait *wait = subject->wait;
	const char *verb = verb_of(wait), *call = wait->syscall[0] ? wait->syscall : class_name(wait->class);

	if (!wait->object[0])
		return wait->class == CLASS_POLL && wait->op ? strdup("several peers") : text_format("socket (%s)", call);
	if (wait->class == CLASS_POLL)
		return strdup(wait->object);
	return verb ? text_format("%s %s", verb, wait->object) : text_format("%s on %s", call, wait->object);
}

char *name_class(const struct subject *subject)
{
	return strdup(class_name(subject->wait->class));
}

char *name_syscall(const struct subject *subject)
{
	return subject->wait->syscall[0] ? strdup(subject->wait->syscall) : name_class(subject);
}

char *name_object(const struct subject *subject)
{
	return subject->wait->object[0] ? strdup(subject->wait->object) : name_class(subject);
}

/* The kernel side says so when it could not see what a thread waits for: "epoll set not seen". */
char *name_object_or_syscall(const struct subject *subject)
{
	return subject->wait->object[0] ? strdup(subject->wait->object) : name_syscall(subject);
}

char *name_syscall_object(const struct subject *subject)
{
	const struct run_wait *wait = subject->wait;

	if (!wait->object[0])
		return name_syscall(subject);
	return text_format("%s %s", wait->syscall[0] ? wait->syscall : class_name(wait->class), wait->object);
}

/* A name, or words and what the object is called. */
static char *name_with(const char *words, const char *otherwise, const struct subject *subject)
{
	return subject->wait->object[0] ? text_format("%s %s", words, subject->wait->object) : strdup(otherwise);
}

#define WITH(function, words, otherwise)                                                                                         \
	char *function(const struct subject *subject)                                                                            \
	{                                                                                                                        \
		return name_with(words, otherwise, subject);                                                                     \
	}
WITH(name_tty, "terminal", "terminal")
WITH(name_page_in_object, "page-in", "page-in")
WITH(name_file_lock, "file lock", "file lock")
WITH(name_child, "child", "child processes")

/* A descriptor that is read is a timer's. */
char *name_sleep(const struct subject *subject)
{
	return name_with("sleep", strcmp(subject->wait->syscall, "read") ? "sleep" : "timerfd", subject);
}

char *name_sysv(const struct subject *subject)
{
	const char *call = subject->wait->syscall;

	return name_with(strncmp(call, "sem", 3) ? "message queue" : "semaphore set", call[0] ? call : "sysv", subject);
}

char *name_unattributed(const struct subject *subject)
{
	return text_format("%s, unattributed", class_name(subject->wait->class));
}

char *name_selfwake(const struct subject *subject)
{
	return text_format("own wake-up (%s)", subject->wait->syscall[0] ? subject->wait->syscall : "poll");
}

/* A set of nothing that the kernel side could name: of what it holds, only that others have its other end, or send signals, is known. */
char *name_shared_pipe(const struct subject *subject)
{
	return text_format("pipe shared with other processes (%s)", subject->wait->syscall[0] ? subject->wait->syscall : "poll");
}

#define WORDS(function, words)                                                                                                   \
	char *function(const struct subject *subject)                                                                            \
	{                                                                                                                        \
		(void)subject;                                                                                                   \
		return strdup(words);                                                                                            \
	}
WORDS(name_join, "join")
/* By no address: each wait has its own word, and words are reused. */
WORDS(name_runtime_event, "runtime event or queue")
WORDS(name_preempted, "preempted")
WORDS(name_woken, "woken, not yet running")
WORDS(name_fault, "page fault")
