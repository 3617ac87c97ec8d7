/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of a truth program: what it measured of itself, as "name value" lines in the file named by $LEDGER.
 *
 *   wait TID STATE NS COUNT CAUSE   the thread was blocked that long, in COUNT calls; CAUSE: part of the cause's name with "_" for " "; "-": any;
 *                                   STATE may be several, joined by "+"
 *   total STATE NS COUNT            the same over all threads of the run
 *   cpu TID NS                      the thread's CPU time, by its own clock
 *   share TID STATE PERCENT         at least that part of the thread's CPU time is in STATE
 *   threads N, processes N          that lived during the run
 *   sum TID STATE+STATE NS COUNT    all the thread's time in these states
 *   holder TID CAUSE COMM/TID       when the thread began to wait for CAUSE, nearly always that thread held it
 *   waker TID CAUSE WHO             nearly always that thread, or "timer", "interrupt", "comm[pid]", ended the wait
 *   free TID STATE                  the thread spent no more than a wait's tolerance in STATE
 *
 * A call's blocked time is its time by CLOCK_MONOTONIC less the CPU time that the thread used meanwhile.
 */
#ifndef CONCPROF_TESTS_LEDGER_H
#define CONCPROF_TESTS_LEDGER_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ull /* in nanoseconds */

struct tally {
	uint64_t ns, count;
};

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* The value of `call`, whose blocked time is added to `tally`. */
#define BLOCKED(tally, call)                                                                                                     \
	({                                                                                                                       \
		uint64_t cpu_before_ = cpu_ns(), before_ = now_ns();                                                             \
		__typeof__(call) result_ = (call);                                                                               \
		uint64_t wall_ = now_ns() - before_, cpu_ = cpu_ns() - cpu_before_;                                              \
                                                                                                                                 \
		(tally)->ns += wall_ > cpu_ ? wall_ - cpu_ : 0;                                                                  \
		(tally)->count++;                                                                                                \
		result_;                                                                                                         \
	})

/* A program that cannot do what it is there for has shown nothing: it says so and fails. */
#define MUST(condition)                                                                                                          \
	do {                                                                                                                     \
		if (!(condition)) {                                                                                              \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));                     \
			_exit(99);                                                                                               \
		}                                                                                                                \
	} while (0)

/* Adds a line; one write, so that threads and processes can share the file. */
__attribute__((format(printf, 1, 2))) static inline void ledger(const char *format, ...)
{
	const char *path = getenv("LEDGER");
	char line[256];
	va_list args;
	FILE *file;
	int n;

	if (!path)
		return;
	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	MUST(n > 0 && (size_t)n < sizeof(line) - 1);
	line[n] = '\n';
	MUST(file = fopen(path, "ae"));
	MUST(fwrite(line, (size_t)n + 1, 1, file) == 1 && fclose(file) == 0);
}

static inline void ledger_wait(const char *state, const struct tally *tally, const char *cause)
{
	ledger("wait %d %s %llu %llu %s", gettid(), state, (unsigned long long)tally->ns, (unsigned long long)tally->count,
	       cause);
}

static inline void nap(unsigned int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * (long)MS};

	while (nanosleep(&t, &t) != 0)
		MUST(errno == EINTR);
}

/* Burns CPU time. */
static inline void burn(unsigned int us)
{
	uint64_t end = cpu_ns() + us * 1000ull;

	while (cpu_ns() < end)
		;
}

static inline pid_t must_fork(void)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	return pid;
}

static inline void must_reap(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline pthread_t must_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, run, arg) == 0);
	return thread;
}

#endif
