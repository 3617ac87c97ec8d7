/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows, and figures for people. A struct text starts as {0}; after a failed allocation it stays empty, later additions do
 * nothing, and text_take() returns NULL, so that callers check once.
 */
#ifndef CONCPROF_TEXT_H
#define CONCPROF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct text {
	char *bytes;
	size_t length, room;
	bool failed;
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);
/* The text, owned by the caller; never NULL unless memory was short. Leaves {0}. */
char *text_take(struct text *text);
void text_free(struct text *text);

#define _cleanup_text_ __attribute__((cleanup(text_free)))

/* printf into new memory; NULL when memory is short. */
__attribute__((format(printf, 1, 2))) char *text_format(const char *format, ...);

/* In place: what a terminal could take for a command, or is no UTF-8, becomes '?'. For names that programs and files give. */
void text_clean(char *text);

#define FIGURE_BYTES 32

/* Three significant digits or so, with the unit: "0 ns", "812 ns", "41.2 us", "3.05 ms", "2.41 s", "754 s". Returns `buffer`. */
const char *figure_ns(char buffer[FIGURE_BYTES], uint64_t ns);
/* "41,203" */
const char *figure_count(char buffer[FIGURE_BYTES], uint64_t count);
/* A ratio with two or three digits that matter: "0.91", "1.90", "23.4", "1,204" (without the sign). */
const char *figure_ratio(char buffer[FIGURE_BYTES], double ratio);

/* For call sites: the buffer lives as long as the enclosing block. */
#define FIGURE_NS(ns)       figure_ns((char[FIGURE_BYTES]){0}, ns)
#define FIGURE_COUNT(count) figure_count((char[FIGURE_BYTES]){0}, count)
#define FIGURE_RATIO(ratio) figure_ratio((char[FIGURE_BYTES]){0}, ratio)

#endif
