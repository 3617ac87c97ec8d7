/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a verb writes: whole under their name, or not there. They belong to the user who called sudo. */
#ifndef CONCPROF_OUTPUT_FILE_H
#define CONCPROF_OUTPUT_FILE_H

#include <stdio.h>

/* Whether `path` could be written, as far as can be told before: 0 or a negative errno. "-" and NULL always can. */
int output_file_check(const char *path);

/*
 * Calls `write` with a stream to fill: standard output for "-", a pipe or device under its own name, else a temporary file beside `path`
 * that gets the name when all of it is on its way to the disk. 0, or the negative errno of `write`, or of what failed around it.
 */
int output_file_write(const char *path, int (*write)(FILE *out, const void *context), const void *context);

#endif
