/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts /bin/true 20 times by posix_spawn() and waits for each: twice for each, first until it has exec'd (within glibc's clone3(), where the
 * child shares our memory), then until it has ended.
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#define TIMES 20

/* Kept apart, and with something to do behind the call, so that each has a frame. */
static __attribute__((noinline)) int spawn_here(pid_t *pid)
{
	char name[] = "true";
	char *const argv[] = {name, NULL}, *const environment[] = {NULL};
	int err = posix_spawn(pid, "/bin/true", NULL, NULL, argv, environment);

	return err ? -err : 0;
}

int main(void)
{
	for (int i = 0; i < TIMES; i++) {
		pid_t pid;
		int status;

		if (spawn_here(&pid) || waitpid(pid, &status, 0) != pid || status) {
			fprintf(stderr, "spawn: /bin/true could not be run\n");
			return 1;
		}
	}
	return 0;
}
