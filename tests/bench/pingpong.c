/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes on one CPU that pass a byte to and fro through two pipes: 2 context switches, 2 wake-ups and 4 syscalls a round trip,
 * and nothing else, so that what a tracer costs shows. Timed by its own clock after a warm-up: no tool's start or report is in it.
 *
 * usage: pingpong [-w] [-o FILE] ROUND_TRIPS
 *   -w       print "ready" and wait for a line of input before, and again after, the timed round trips: who reads counters has them
 *            of these round trips alone
 *   -o FILE  write the figure (ns per round trip) there; tools write what they like to standard output
 */
#include <err.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pin_to_last_cpu(void)
{
	const struct sched_param none = {0};
	cpu_set_t allowed, one;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		err(1, "sched_getaffinity");
	while (cpu > 0 && !CPU_ISSET(cpu, &allowed))
		cpu--;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "sched_setaffinity");
	/*
	 * Who wakes a thread of the normal policy may lose the CPU to it at once, or not: the same work is then done with one wait a
	 * round trip, or with two. Which it is changes from run to run. A batch thread does not preempt who wakes it.
	 */
	if (sched_setscheduler(0, SCHED_BATCH, &none))
		err(1, "sched_setscheduler");
	/* Whatever else wants this CPU gets 1% of it. */
	if (setpriority(PRIO_PROCESS, 0, -20))
		err(1, "setpriority");
}

static void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1) {
		if (write(to, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static void round_trips(long count, int to, int from)
{
	char byte = 0;

	for (long i = 0; i < count; i++) {
		if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
			err(1, "the other process is gone");
	}
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static void await_line(bool wanted)
{
	char line[16];

	if (!wanted)
		return;
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

int main(int argc, char **argv)
{
	int there[2], back[2], option;
	const char *path = NULL;
	double begin, ns;
	bool wait_for_line = false;
	long count;

	while ((option = getopt(argc, argv, "wo:")) != -1) {
		if (option == 'w')
			wait_for_line = true;
		else if (option == 'o')
			path = optarg;
		else
			return 2;
	}
	count = optind < argc ? strtol(argv[optind], NULL, 10) : 0;
	if (count <= 0)
		errx(2, "usage: pingpong [-w] [-o FILE] ROUND_TRIPS");

	pin_to_last_cpu();
	if (pipe(there) || pipe(back))
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);

	round_trips(count / 20 + 100, there[1], back[0]);
	await_line(wait_for_line);
	begin = now_ns();
	round_trips(count, there[1], back[0]);
	ns = (now_ns() - begin) / count;
	await_line(wait_for_line);

	close(there[1]);
	wait(NULL);
	if (path && !freopen(path, "w", stdout))
		err(1, "%s", path);
	printf("%.1f\n", ns);
	return 0;
}
