/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_EXPORT_UTF8_H
#define CONCPROF_EXPORT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 sequence at `s` (NUL-terminated), its code point in *point; 0 when it is none: overlong forms, surrogates and
 * more than U+10FFFF are none.
 */
int utf8_decode(const char *s, uint32_t *point);

/*
 * Copies what is shown of `text`: controls, and bytes that are no UTF-8, become '?'. What does not fit into `room` bytes is cut off between
 * characters. Returns `to`, which is UTF-8 and terminated.
 */
char *utf8_copy(char *to, size_t room, const char *text);

#endif
