/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of addresses that were asked about before; asking the process that reads DWARF takes some 20 us. */
#ifndef CONCPROF_FRAME_CACHE_H
#define CONCPROF_FRAME_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "symbols/symbolizer.h"

struct frame_cache;

struct frame_cache *frame_cache_new(void); /* NULL: no memory */
/* NULL if they are not there; valid until the next addition. */
const struct symbol_frame *frame_cache_find(const struct frame_cache *cache, uint32_t object, uint64_t vaddr, size_t *count);
/* Copies them (at least one). When memory is short, or there are too many (4 million), it does nothing. */
void frame_cache_add(struct frame_cache *cache, uint32_t object, uint64_t vaddr, const struct symbol_frame *frames, size_t count);
void frame_cache_free(struct frame_cache *cache); /* NULL is fine */

#endif
