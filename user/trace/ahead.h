/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What executing a program will map, found without executing anything: the program (or the interpreter that its first line names), its
 * ELF interpreter, and the libraries it needs, as far as they lie where libraries usually lie. A guess that saves time: what is
 * missed is met when it is mapped.
 */
#ifndef CONCPROF_AHEAD_H
#define CONCPROF_AHEAD_H

/* Calls found() once for each, with an open descriptor that stays ours. `path` needs no slash: PATH is searched then. */
typedef void (*ahead_found_fn)(void *context, int fd, const char *path);
void ahead_each(const char *path, ahead_found_fn found, void *context);

#endif
