/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stops its parent, which follows it, and then does all that the parent should hear of at once: work, short waits of its own, in a library that
 * is loaded only then, in children with and without a program of their own. Each has ended, and most have long since, when the parent goes on.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMES   20
#define PATIENT 30 /* seconds after which something is wrong, and the parent is to hear of it */

static volatile int done, spins;

__attribute__((noinline)) static void sleep_here(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	nanosleep(&pause, NULL);
	done++;
}

/* A tenth of a second of work, to be sampled. */
__attribute__((noinline)) static void burn_here(void)
{
	clock_t end = clock() + CLOCKS_PER_SEC / 10;

	while (clock() < end)
		for (int i = 0; i < 10000; i++)
			spins++;
}

__attribute__((noinline)) static void born_here(void)
{
	sleep_here();
	done++;
}

__attribute__((noinline)) static void spawn_here(void)
{
	int child = vfork();

	if (child == 0) {
		execl("/bin/sleep", "sleep", "0.001", (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	done++;
}

static void parent_goes_on(int signal)
{
	(void)signal;
	kill(getppid(), SIGCONT);
	_exit(3);
}

static int parent_stops(void)
{
	char path[64], state = 0;
	FILE *stat;

	signal(SIGALRM, parent_goes_on);
	alarm(PATIENT);
	kill(getppid(), SIGSTOP);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getppid());
	while (state != 'T') {
		stat = fopen(path, "r");
		if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			return 1;
		fclose(stat);
	}
	return 0;
}

int main(int argc, char **argv)
{
	void (*visit)(void (*)(void));
	void *library;

	if (argc != 2 || parent_stops())
		return 2;
	burn_here();
	for (int i = 0; i < TIMES; i++)
		sleep_here();
	for (int i = 0; i < TIMES; i++) {
		int child = fork();

		if (child == 0) {
			born_here();
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	for (int i = 0; i < TIMES; i++)
		spawn_here();
	library = dlopen(argv[1], RTLD_NOW);
	visit = library ? (void (*)(void (*)(void)))dlsym(library, "visit") : NULL;
	for (int i = 0; visit && i < TIMES; i++)
		visit(sleep_here);
	kill(getppid(), SIGCONT);
	return visit && done == 3 * TIMES ? 0 : 1;
}
