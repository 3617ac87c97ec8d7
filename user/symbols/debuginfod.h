/* SPDX-License-Identifier: Apache-2.0 */
/* Debug files from the servers that DEBUGINFOD_URLS names, by elfutils' libdebuginfod, which also keeps them in its cache. */
#ifndef CONCPROF_DEBUGINFOD_H
#define CONCPROF_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

struct debuginfod;

/* NULL when DEBUGINFOD_URLS is not set or empty, or memory is short. */
struct debuginfod *debuginfod_new(void);
/*
 * A descriptor of the debug file, or -errno. Waits for one file a minute at most; after such a wait nothing is asked any more, so
 * that a silent server costs a measurement one minute.
 */
int debuginfod_find(struct debuginfod *debuginfod, const uint8_t *build_id, size_t build_id_bytes);
void debuginfod_free(struct debuginfod *debuginfod); /* NULL is fine */

#endif
