/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of processes. All numbers are those of our own pid namespace. */
#ifndef CONCPROF_PROC_H
#define CONCPROF_PROC_H

#include <stdbool.h>
#include <stddef.h>

struct proc_stat {
	char comm[64];
	char state; /* as in /proc/PID/stat: R S D Z T t X I */
	int parent;
	bool is_kernel_thread;
};

/* 0; -ESRCH: there is none; another negative errno. */
int proc_stat(int pid, struct proc_stat *ret);
/* The process that thread `tid` belongs to, or a negative errno. */
int proc_of_thread(int tid);
/* The command line: a NULL-terminated array, one block to be freed; NULL without memory. Kernel threads and zombies have an empty one. */
char **proc_command(int pid);
/* Calls each(context, pid) for all processes, until it returns an error. 0 or a negative errno. */
int proc_each(int (*each)(void *context, int pid), void *context);

#endif
