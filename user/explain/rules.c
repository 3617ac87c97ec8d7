/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE table of rules: which state a wait belongs to, and what it is called. The first rule that matches wins.
 *
 * To teach concprof an interpreter's lock: add a line to `interpreter_locks` (the ELF file may be left open, the data symbol that
 * holds the lock's words, the name for people).
 * To teach it another kind of wait: add a line to `rule_table`: the class, a predicate on the wait's facts (NULL: any), the state, how it is
 * named, and whether what it waits for lies outside the run. A new class needs a line in include/classes.def first, and nothing here
 * if its default state and the syscall's name will do: the last rule is for all.
 */
#include <errno.h>
#include <linux/futex.h>

#include "explain/rules.h"
#include "lib/text.h"

#define CLASS_ANY CLASS_COUNT

static const struct interpreter_lock {
	const char *file; /* basename of the ELF file; NULL: any */
	const char *symbol;
	const char *name;
} interpreter_locks[] = {
    {NULL, "interpreter_lock", "GIL"}, /* our own model's */
    {NULL, "_PyRuntime", "GIL"},       /* CPython: the lock's words lie in its runtime state */
};

enum place { INSIDE, OUTSIDE, BY_PEER, BY_STATE };

struct rule {
	uint32_t class; /* or CLASS_ANY */
	bool (*matches)(const struct run_wait *wait);
	enum state state; /* STATE_COUNT: the class's default */
	char *(*name)(const struct run_wait *wait);
	enum place place;
	bool join;
};

static bool is_unattributed(const struct run_wait *wait)
{
	return wait->unattributed;
}

static const struct interpreter_lock *interpreter_lock(const struct run_wait *wait)
{
	for (size_t i = 0; i < sizeof(interpreter_locks) / sizeof(interpreter_locks[0]); i++) {
		const struct interpreter_lock *lock = &interpreter_locks[i];

		if (!strcmp(lock->symbol, wait->symbol) && (!lock->file || !strcmp(lock->file, wait->file)))
			return lock;
	}
	return NULL;
}

static bool is_interpreter_lock(const struct run_wait *wait)
{
	return interpreter_lock(wait) != NULL;
}

static bool is_join(const struct run_wait *wait)
{
	return wait->join;
}

/* glibc's low-level locks put 2 into the word before they wait for it; priority-inheriting locks have operations of their own. */
static bool is_mutex(const struct run_wait *wait)
{
	return wait->expects_2 || wait->op == FUTEX_LOCK_PI || wait->op == FUTEX_LOCK_PI2;
}

static char *name_unattributed(const struct run_wait *wait)
{
	return text_format("%s, unattributed", class_name(wait->class));
}

static char *name_interpreter_lock(const struct run_wait *wait)
{
	return strdup(interpreter_lock(wait)->name);
}

static char *name_join(const struct run_wait *wait)
{
	(void)wait;
	return strdup("join");
}

/* The program's own symbols need no file beside them; a library's do. */
static const char *file_note(const struct run_wait *wait, char note[300])
{
	note[0] = '\0';
	if (strstr(wait->file, ".so"))
		snprintf(note, 300, " (%.280s)", wait->file);
	return note;
}

static char *name_without_symbol(const char *what, const struct run_wait *wait)
{
	if (wait->file[0])
		return text_format("%s in %s at 0x%llx", what, wait->file, (unsigned long long)wait->address);
	return text_format("%s at 0x%llx", what, (unsigned long long)wait->address);
}

static char *name_mutex(const struct run_wait *wait)
{
	char note[300];

	if (!wait->symbol[0])
		return name_without_symbol("mutex", wait);
	if (!wait->offset)
		return text_format("%s%s", wait->symbol, file_note(wait, note));
	return text_format("%s+%llu%s", wait->symbol, (unsigned long long)wait->offset, file_note(wait, note));
}

/* A condition variable has several words that take turns: without the offset they are one cause. */
static char *name_futex(const struct run_wait *wait)
{
	char note[300];

	if (!wait->symbol[0])
		return name_without_symbol("futex", wait);
	return text_format("%s%s", wait->symbol, file_note(wait, note));
}

static char *name_class(const struct run_wait *wait)
{
	return strdup(class_name(wait->class));
}

static char *name_syscall(const struct run_wait *wait)
{
	return strdup(wait->syscall[0] ? wait->syscall : class_name(wait->class));
}

/* The peer, or else the syscall: "socket (accept4)". */
static char *name_socket(const struct run_wait *wait)
{
	if (wait->class == CLASS_POLL && wait->op)
		return wait->object[0] ? text_format("%s and other peers", wait->object) : strdup("several peers");
	if (wait->object[0])
		return strdup(wait->object);
	return text_format("socket (%s)", wait->syscall[0] ? wait->syscall : class_name(wait->class));
}

static char *name_object(const struct run_wait *wait)
{
	return wait->object[0] ? strdup(wait->object) : name_class(wait);
}

/* The kernel side says so when it could not see what a thread waits for: "epoll set not seen". */
static char *name_object_or_syscall(const struct run_wait *wait)
{
	return wait->object[0] ? strdup(wait->object) : name_syscall(wait);
}

static char *name_syscall_object(const struct run_wait *wait)
{
	if (!wait->object[0])
		return name_syscall(wait);
	return text_format("%s %s", wait->syscall[0] ? wait->syscall : class_name(wait->class), wait->object);
}

#define WORDS(function, words)                                                                                                   \
	static char *function(const struct run_wait *wait)                                                                       \
	{                                                                                                                        \
		(void)wait;                                                                                                      \
		return strdup(words);                                                                                            \
	}
WORDS(name_preempted, "preempted")
WORDS(name_woken, "woken, not yet running")
WORDS(name_children, "child processes")
WORDS(name_page_in, "page-in")
WORDS(name_fault, "page fault")
WORDS(name_terminal, "terminal")

static char *name_tty(const struct run_wait *wait)
{
	return wait->object[0] ? strdup(wait->object) : name_terminal(wait);
}

static char *name_page_in_object(const struct run_wait *wait)
{
	return wait->object[0] ? text_format("page-in %s", wait->object) : name_page_in(wait);
}

static char *name_selfwake(const struct run_wait *wait)
{
	return text_format("own wake-up (%s)", wait->syscall[0] ? wait->syscall : "poll");
}

static char *name_file_lock(const struct run_wait *wait)
{
	return wait->object[0] ? text_format("file lock %s", wait->object) : strdup("file lock");
}

static const struct rule rule_table[] = {
    {CLASS_PREEMPTED, NULL, STATE_RUN_QUEUE, name_preempted, INSIDE, false},
    {CLASS_WOKEN, NULL, STATE_RUN_QUEUE, name_woken, INSIDE, false},
    {CLASS_CHILD, NULL, STATE_CHILD, name_children, INSIDE, true},
    {CLASS_FUTEX, is_unattributed, STATE_SYNC, name_unattributed, BY_STATE, false},
    {CLASS_FUTEX, is_interpreter_lock, STATE_LOCK, name_interpreter_lock, INSIDE, false},
    {CLASS_FUTEX, is_join, STATE_SYNC, name_join, INSIDE, true},
    {CLASS_FUTEX, is_mutex, STATE_LOCK, name_mutex, INSIDE, false},
    {CLASS_FUTEX, NULL, STATE_SYNC, name_futex, INSIDE, false},
    {CLASS_ANY, is_unattributed, STATE_COUNT, name_unattributed, BY_STATE, false},
    {CLASS_SOCKET, NULL, STATE_SOCKET, name_socket, BY_PEER, false},
    {CLASS_POLL, NULL, STATE_SOCKET, name_socket, BY_PEER, false},
    {CLASS_SELFWAKE, NULL, STATE_SYNC, name_selfwake, INSIDE, false},
    {CLASS_EVENTFD, NULL, STATE_SYNC, name_class, INSIDE, false},
    {CLASS_PIPE, NULL, STATE_PIPE, name_object, INSIDE, false},
    {CLASS_TTY, NULL, STATE_PIPE, name_tty, OUTSIDE, false},
    {CLASS_FILE, NULL, STATE_DISK, name_syscall_object, OUTSIDE, false},
    {CLASS_PAGEIN, NULL, STATE_DISK, name_page_in_object, OUTSIDE, false},
    {CLASS_FAULT, NULL, STATE_MEMORY, name_fault, OUTSIDE, false},
    {CLASS_SLEEP, NULL, STATE_SLEEP, name_class, OUTSIDE, false},
    {CLASS_FLOCK, NULL, STATE_LOCK, name_file_lock, INSIDE, false},
    {CLASS_SYSV, NULL, STATE_SYNC, name_syscall, INSIDE, false},
    {CLASS_SIGNAL, NULL, STATE_OTHER, name_class, OUTSIDE, false},
    {CLASS_STOPPED, NULL, STATE_STOPPED, name_class, OUTSIDE, false},
    {CLASS_EXIT, NULL, STATE_OTHER, name_class, OUTSIDE, false},
    {CLASS_OTHER, NULL, STATE_OTHER, name_object_or_syscall, OUTSIDE, false},
    {CLASS_ANY, NULL, STATE_COUNT, name_syscall, OUTSIDE, false},
};

/* --lock: what the user says comes before what we know. */
static const char *users_lock(const struct run_wait *wait, const struct explain_options *options)
{
	if (wait->class != CLASS_FUTEX || wait->unattributed || !options || !options->locks || !wait->symbol[0])
		return NULL;
	for (const char *const *lock = options->locks; *lock; lock++)
		if (!strcmp(*lock, wait->symbol))
			return *lock;
	return NULL;
}

bool rules_state_is_outside(enum state state)
{
	switch (state) {
	case STATE_RUN_QUEUE:
	case STATE_LOCK:
	case STATE_SYNC:
	case STATE_PIPE:
	case STATE_CHILD:
		return false;
	default:
		return true;
	}
}

static bool is_outside(const struct rule *rule, enum state state, const struct run_wait *wait)
{
	switch (rule->place) {
	case OUTSIDE:
		return true;
	case BY_PEER:
		return !wait->inside;
	case BY_STATE:
		return rules_state_is_outside(state);
	default:
		return false;
	}
}

struct rules {
	const struct run *run;
	const struct explain_options *options;
	bool alone; /* the run never had a second thread: no pipe can lead to one */
};

static bool is_alone(const struct run *run)
{
	uint64_t threads = run->n_threads;

	for (size_t i = 0; i < run->n_processes; i++)
		threads += run->processes[i].undelivered_threads;
	return threads <= 1;
}

int rules_open(const struct run *run, const struct explain_options *options, struct rules **ret)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	*rules = (struct rules){.run = run, .options = options, .alone = is_alone(run)};
	*ret = rules;
	return 0;
}

void rules_close(struct rules *rules)
{
	free(rules);
}

int rules_apply(const struct rules *rules, const struct run_wait *wait, struct verdict *ret)
{
	const char *lock = users_lock(wait, rules->options);
	const struct rule *rule = rule_table;

	if (lock) {
		*ret = (struct verdict){.state = STATE_LOCK, .cause = strdup(lock)};
		return ret->cause ? 0 : -ENOMEM;
	}
	while ((rule->class != CLASS_ANY && rule->class != wait->class) || (rule->matches && !rule->matches(wait)))
		rule++;
	*ret = (struct verdict){
	    .state = rule->state == STATE_COUNT ? class_state[wait->class] : rule->state,
	    .cause = rule->name(wait),
	    .join = rule->join,
	};
	ret->outside = is_outside(rule, ret->state, wait);
	if (rules->alone && wait->class == CLASS_PIPE && !wait->inside)
		ret->outside = true;
	/* Names come from files and programs; an empty one would be no name. */
	if (ret->cause && !ret->cause[0]) {
		free(ret->cause);
		ret->cause = name_class(wait);
	}
	return ret->cause ? 0 : -ENOMEM;
}

int rules_unattributed(uint32_t class, struct verdict *ret)
{
	static const struct rules no_rules;
	char none[] = "";
	struct run_wait wait = {
	    .class = class, .syscall = none, .object = none, .symbol = none, .file = none, .unattributed = true};

	return rules_apply(&no_rules, &wait, ret);
}

bool rules_is_interpreter_lock(const char *cause)
{
	for (size_t i = 0; i < sizeof(interpreter_locks) / sizeof(interpreter_locks[0]); i++)
		if (!strcmp(interpreter_locks[i].name, cause))
			return true;
	return false;
}
