/* SPDX-License-Identifier: Apache-2.0 */
/* A stream compressed as gzip does, by zlib. Not for outside export/. */
#ifndef CONCPROF_EXPORT_GZIP_H
#define CONCPROF_EXPORT_GZIP_H

#include <stddef.h>
#include <stdio.h>

struct gzip;

/* 0 or -ENOMEM. `out` stays the caller's. */
int gzip_open(FILE *out, struct gzip **ret);
/* 0, or the first refusal of the stream; later calls do nothing then. */
int gzip_write(struct gzip *gzip, const void *bytes, size_t n);
/* Writes what is left, and flushes the stream: 0, or the first refusal. Frees; NULL is fine. */
int gzip_close(struct gzip *gzip);

#endif
