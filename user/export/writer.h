/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON writer: values in order, commas and escapes by itself. `key` is NULL for elements of an array. What is written is
 * valid JSON whatever bytes the strings hold (what is no UTF-8 becomes U+FFFD) and whatever the numbers are (no NaN: null).
 */
#ifndef CONCPROF_EXPORT_WRITER_H
#define CONCPROF_EXPORT_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool more; /* a value stands before: the next one needs a comma */
	/* For a <script> element of a page: no string can end it, and what would change the direction of text becomes U+FFFD. */
	bool in_html;
	int err; /* the first refusal of the stream, as a negative errno; later calls forget what errno was */
};

void json_open(struct json *json, const char *key, char bracket);        /* '{' or '[' */
void json_close(struct json *json, char bracket);                        /* '}' or ']' */
void json_string(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_real(struct json *json, const char *key, double value);          /* reads back as the same double */
void json_thousandths(struct json *json, const char *key, uint64_t value); /* value / 1000, with its three decimals */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* Ends the text with a line end and flushes the stream: 0, or why it refused. */
int json_end(struct json *json);

#endif
