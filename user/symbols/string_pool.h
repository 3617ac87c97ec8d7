/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings stored once: equal strings are equal pointers, which live as long as the pool. What a terminal could take for a
 * command, or is no UTF-8, becomes '?' (text_clean): names are what strangers wrote.
 */
#ifndef CONCPROF_STRING_POOL_H
#define CONCPROF_STRING_POOL_H

#include <stddef.h>

struct string_pool;

struct string_pool *string_pool_new(void); /* NULL: no memory */
/* NULL when memory is short, or the pool is full (128 MiB). */
const char *string_pool_add(struct string_pool *pool, const char *string);
const char *string_pool_add_bytes(struct string_pool *pool, const char *bytes, size_t length);
void string_pool_free(struct string_pool *pool); /* NULL is fine */

#endif
