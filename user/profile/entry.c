/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/entry.h"

#include <string.h>

/* Frames looked at from the innermost on. */
#define FRAMES_MAX 256

/* Names without leading underscores and versions ("__pthread_mutex_lock@@GLIBC_2.2.5"); a prefix if it ends with '*'. */
static const struct {
	const char *name;
	enum entry entry;
} functions[] = {
    {"pthread_mutex_*", ENTRY_MUTEX},
    {"mtx_*", ENTRY_MUTEX},
    {"lll_lock_wait_private", ENTRY_MUTEX}, /* of the library's own locks: stdio, malloc */
    {"pthread_rwlock_*rd*", ENTRY_READ_LOCK},
    {"pthread_rwlock_*", ENTRY_WRITE_LOCK},
    {"pthread_cond_*", ENTRY_CONDITION},
    {"cnd_*", ENTRY_CONDITION},
    {"PyThread_acquire_lock*", ENTRY_RUNTIME_LOCK},
    {"sem_wait", ENTRY_SEMAPHORE},
    {"sem_timedwait", ENTRY_SEMAPHORE},
    {"sem_clockwait", ENTRY_SEMAPHORE},
    {"new_sem_wait*", ENTRY_SEMAPHORE}, /* glibc's name within */
    {"pthread_barrier_wait", ENTRY_BARRIER},
    {"pthread_join", ENTRY_JOIN},
    {"pthread_timedjoin*", ENTRY_JOIN},
    {"pthread_clockjoin*", ENTRY_JOIN},
    {"thrd_join", ENTRY_JOIN},
    {"pthread_once*", ENTRY_ONCE},
    {"call_once", ENTRY_ONCE},
    {"cxa_guard_acquire", ENTRY_ONCE},
};

/* Who calls them on behalf of others: objects by the begin of their basename, functions by theirs; the last ones are HotSpot's. */
static const char *const lock_objects[] = {"libc.so", "libc-",     "libpthread", "ld-linux",
					   "ld-2",    "libstdc++", "libc++",     "ld-musl"};
static const char *const lock_functions[] = {
    "std::",    "gthread_",   "g_mutex_", "g_rw_lock_",   "g_cond_",       "g_once_",     "g_rec_mutex_",     "uv_mutex_",
    "uv_cond_", "uv_rwlock_", "uv_sem_",  "PyThread_",    "absl::",        "boost::",     "parking_lot",      "pthread_",
    "futex_",   "lll_",       "syscall",  "os::Platform", "Monitor::wait", "Mutex::lock", "PosixSemaphore::", "Semaphore::",
};

/* Does `name` match the pattern, in which '*' stands for anything? */
static bool matches(const char *pattern, const char *name, size_t bytes)
{
	const char *star = strchr(pattern, '*');
	size_t fixed = star ? (size_t)(star - pattern) : strlen(pattern);

	if (bytes < fixed || memcmp(pattern, name, fixed))
		return false;
	if (!star)
		return bytes == fixed;
	if (!star[1])
		return true;
	for (size_t skip = fixed; skip <= bytes; skip++)
		if (matches(star + 1, name + skip, bytes - skip))
			return true;
	return false;
}

static enum entry entry_of_function(const char *name)
{
	size_t bytes;

	name += strspn(name, "_");
	bytes = strcspn(name, "@");
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (matches(functions[i].name, name, bytes))
			return functions[i].entry;
	return ENTRY_NONE;
}

static bool begins_with_one_of(const char *text, const char *const *begins, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(text, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static bool is_about_locking(const struct run_frame *frame)
{
	return entry_of_function(frame->function) != ENTRY_NONE ||
	       begins_with_one_of(frame->object, lock_objects, sizeof(lock_objects) / sizeof(*lock_objects)) ||
	       begins_with_one_of(frame->function + strspn(frame->function, "_"), lock_functions,
				  sizeof(lock_functions) / sizeof(*lock_functions));
}

static const struct run_frame *frame_at(const struct run *run, const struct run_stack *stack)
{
	return &run->frames[stack->frame - 1];
}

/*
 * A semaphore that a runtime's lock is made of is that lock. Otherwise the innermost name counts: a mutex that is taken again within a
 * wait for a condition is a mutex.
 */
enum entry run_entry(const struct run *run, uint64_t stack, const struct run_frame **caller)
{
	const struct run_frame *frame, *found = NULL;
	enum entry entry = ENTRY_NONE, this;

	for (int i = 0; stack && i < FRAMES_MAX && !found; i++, stack = run->stacks[stack - 1].parent) {
		frame = frame_at(run, &run->stacks[stack - 1]);
		if (frame->kind != FRAME_USER)
			continue;
		this = entry_of_function(frame->function);
		if (entry == ENTRY_NONE || this == ENTRY_RUNTIME_LOCK)
			entry = this;
		if (!is_about_locking(frame))
			found = frame;
	}
	if (caller)
		*caller = found;
	return entry;
}

const struct run_frame *run_kernel_caller(const struct run *run, uint64_t stack)
{
	static const char *const inner[] = {
	    "schedule", "__schedule", "preempt_schedule", "io_schedule",    "mutex_",          "__mutex_",  "rwsem_",
	    "__rwsem_", "down_",      "__down",           "down",           "percpu_",         "__percpu_", "rt_mutex",
	    "__rt_",    "rt_",        "rwbase_",          "mmap_read_lock", "mmap_write_lock", "trace_",    "__traceiter",
	    "bpf_",     "__bpf_",
	};

	for (int i = 0; stack && i < FRAMES_MAX; i++, stack = run->stacks[stack - 1].parent) {
		const struct run_frame *frame = frame_at(run, &run->stacks[stack - 1]);

		if (frame->kind != FRAME_KERNEL)
			return NULL;
		if (frame->function[0] && !begins_with_one_of(frame->function, inner, sizeof(inner) / sizeof(*inner)))
			return frame;
	}
	return NULL;
}
