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

#include "explain/names.h"
#include "explain/program_locks.h"
#include "explain/rules.h"
#include "explain/usage.h"

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
	bool (*matches)(const struct subject *subject);
	enum state state; /* STATE_COUNT: the class's default */
	char *(*name)(const struct subject *subject);
	enum place place;
	bool join;
};

struct rules {
	const struct run *run;
	const struct explain_options *options;
	struct lock_names *lock_names;
	struct usage *usage;
	struct program_locks *program_locks;
	bool alone; /* the run never had a second thread: no pipe can lead to one */
};

static bool is_unattributed(const struct subject *subject)
{
	return subject->wait->unattributed;
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

static bool is_interpreter_lock(const struct subject *subject)
{
	return interpreter_lock(subject->wait) != NULL;
}

static char *name_interpreter_lock(const struct subject *subject)
{
	return strdup(interpreter_lock(subject->wait)->name);
}

/* By the word, which is another thread's tid; or, where the thread is not known, by the call. */
static bool is_join(const struct subject *subject)
{
	return subject->wait->join || subject->entry == ENTRY_JOIN;
}

/*
 * glibc's low-level locks put 2 into the word before they wait for it; priority-inheriting locks have operations of their own. Other
 * things' words may have that value, too: where the stack tells what it is, it decides. A condition's mutex is taken again within the
 * wait for the condition, whose own words are never 2.
 */
static bool is_mutex(const struct subject *subject)
{
	const struct run_wait *wait = subject->wait;

	switch (subject->entry) {
	case ENTRY_MUTEX:
		return true;
	case ENTRY_NONE:
	case ENTRY_CONDITION:
		return wait->expects_2 || wait->op == FUTEX_LOCK_PI || wait->op == FUTEX_LOCK_PI2;
	default:
		return false;
	}
}

#define IS_ENTRY(function, condition)                                                                                            \
	static bool function(const struct subject *subject)                                                                      \
	{                                                                                                                        \
		enum entry entry = subject->entry;                                                                               \
                                                                                                                                 \
		return condition;                                                                                                \
	}
IS_ENTRY(is_read_write_lock, entry == ENTRY_READ_LOCK || entry == ENTRY_WRITE_LOCK)
IS_ENTRY(is_once, entry == ENTRY_ONCE)
IS_ENTRY(is_runtime_event, entry == ENTRY_RUNTIME_LOCK)
IS_ENTRY(is_condition, entry == ENTRY_CONDITION)
IS_ENTRY(is_semaphore, entry == ENTRY_SEMAPHORE)
IS_ENTRY(is_barrier, entry == ENTRY_BARRIER)

/* Told from an event by who waits for it, and who ends that. */
static bool is_runtime_lock(const struct subject *subject)
{
	return is_runtime_event(subject) && usage_is_lock(subject->usage, subject->wait);
}

/* Whatever it is made of: what the program calls a lock comes before what the kernel sees of it. */
static bool is_program_lock(const struct subject *subject)
{
	return subject->program_lock != NULL;
}

static bool is_shared_pipe(const struct subject *subject)
{
	return subject->usage && usage_is_shared(subject->usage, subject->wait);
}

static bool is_mmap_lock(const struct subject *subject)
{
	return subject->wait->object[0] != '\0';
}

static const struct rule rule_table[] = {
    {CLASS_PREEMPTED, NULL, STATE_RUN_QUEUE, name_preempted, INSIDE, false},
    {CLASS_WOKEN, NULL, STATE_RUN_QUEUE, name_woken, INSIDE, false},
    {CLASS_CHILD, NULL, STATE_CHILD, name_child, INSIDE, true},
    {CLASS_FUTEX, is_unattributed, STATE_SYNC, name_unattributed, BY_STATE, false},
    {CLASS_FUTEX, is_interpreter_lock, STATE_LOCK, name_interpreter_lock, INSIDE, false},
    {CLASS_FUTEX, is_join, STATE_SYNC, name_join, INSIDE, true},
    {CLASS_FUTEX, is_mutex, STATE_LOCK, name_mutex, INSIDE, false},
    {CLASS_FUTEX, is_read_write_lock, STATE_LOCK, name_read_write_lock, INSIDE, false},
    {CLASS_FUTEX, is_once, STATE_LOCK, name_once, INSIDE, false},
    {CLASS_FUTEX, is_runtime_lock, STATE_LOCK, name_runtime_lock, INSIDE, false},
    {CLASS_ANY, is_program_lock, STATE_LOCK, name_program_lock, INSIDE, false},
    {CLASS_FUTEX, is_runtime_event, STATE_SYNC, name_runtime_event, INSIDE, false},
    {CLASS_FUTEX, is_condition, STATE_SYNC, name_condition, INSIDE, false},
    {CLASS_FUTEX, is_semaphore, STATE_SYNC, name_semaphore, INSIDE, false},
    {CLASS_FUTEX, is_barrier, STATE_SYNC, name_barrier, INSIDE, false},
    {CLASS_FUTEX, NULL, STATE_SYNC, name_futex, INSIDE, false},
    {CLASS_ANY, is_unattributed, STATE_COUNT, name_unattributed, BY_STATE, false},
    {CLASS_SOCKET, NULL, STATE_SOCKET, name_socket, BY_PEER, false},
    {CLASS_POLL, NULL, STATE_SOCKET, name_socket, BY_PEER, false},
    {CLASS_SELFWAKE, is_shared_pipe, STATE_PIPE, name_shared_pipe, INSIDE, false},
    {CLASS_SELFWAKE, NULL, STATE_SYNC, name_selfwake, INSIDE, false},
    {CLASS_EVENTFD, NULL, STATE_SYNC, name_class, INSIDE, false},
    {CLASS_PIPE, NULL, STATE_PIPE, name_object, INSIDE, false},
    {CLASS_TTY, NULL, STATE_PIPE, name_tty, OUTSIDE, false},
    {CLASS_FILE, NULL, STATE_DISK, name_syscall_object, OUTSIDE, false},
    {CLASS_PAGEIN, NULL, STATE_DISK, name_page_in_object, OUTSIDE, false},
    {CLASS_FAULT, is_mmap_lock, STATE_MEMORY, name_object, INSIDE, false},
    {CLASS_MEMORY, is_mmap_lock, STATE_MEMORY, name_object, INSIDE, false},
    {CLASS_FAULT, NULL, STATE_MEMORY, name_fault, OUTSIDE, false},
    {CLASS_SLEEP, NULL, STATE_SLEEP, name_sleep, OUTSIDE, false},
    {CLASS_FLOCK, NULL, STATE_LOCK, name_file_lock, INSIDE, false},
    {CLASS_KLOCK, NULL, STATE_LOCK, name_kernel_lock, INSIDE, false},
    {CLASS_SYSV, NULL, STATE_SYNC, name_sysv, INSIDE, false},
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
	int err;

	if (!rules)
		return -ENOMEM;
	*rules = (struct rules){.run = run, .options = options, .alone = is_alone(run)};
	err = lock_names_open(run, &rules->lock_names);
	if (!err)
		err = usage_open(run, &rules->usage);
	if (!err)
		err = program_locks_open(run, &rules->program_locks);
	if (err) {
		rules_close(rules);
		return err;
	}
	*ret = rules;
	return 0;
}

void rules_close(struct rules *rules)
{
	if (!rules)
		return;
	lock_names_close(rules->lock_names);
	usage_close(rules->usage);
	program_locks_close(rules->program_locks);
	free(rules);
}

int rules_apply(const struct rules *rules, const struct run_wait *wait, struct verdict *ret)
{
	const char *lock = users_lock(wait, rules->options);
	struct subject subject = {.run = rules->run, .wait = wait, .lock_names = rules->lock_names, .usage = rules->usage};
	const struct rule *rule = rule_table;

	if (lock) {
		*ret = (struct verdict){.state = STATE_LOCK, .cause = strdup(lock)};
		return ret->cause ? 0 : -ENOMEM;
	}
	if (wait->class == CLASS_FUTEX && wait->stack)
		subject.entry = run_entry(rules->run, wait->stack, &subject.caller);
	if (wait->stack && rules->program_locks)
		subject.program_lock = program_lock_of(rules->program_locks, wait);
	while ((rule->class != CLASS_ANY && rule->class != wait->class) || (rule->matches && !rule->matches(&subject)))
		rule++;
	*ret = (struct verdict){
	    .state = rule->state == STATE_COUNT ? class_state[wait->class] : rule->state,
	    .cause = rule->name(&subject),
	    .join = rule->join,
	};
	ret->outside = is_outside(rule, ret->state, wait);
	if (rules->alone && ret->state == STATE_PIPE && wait->class == CLASS_PIPE && !wait->inside)
		ret->outside = true;
	/* Names come from files and programs; an empty one would be no name. */
	if (ret->cause && !ret->cause[0]) {
		free(ret->cause);
		ret->cause = name_class(&subject);
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
