/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_EXPORT_UTF8_H
#define CONCPROF_EXPORT_UTF8_H

#include <stdint.h>

/*
 * Bytes of the UTF-8 sequence at `s` (NUL-terminated), its code point in *point; 0 when it is none: overlong forms, surrogates and
 * more than U+10FFFF are none.
 */
int utf8_decode(const char *s, uint32_t *point);

#endif
