/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many numbers in little text: each as a LEB128 of 7 bits a byte, least first, the bytes in base64 (RFC 4648), in a data element of the
 * page that scripts decode once. Not for outside export/.
 */
#ifndef CONCPROF_EXPORT_HTML_PACKED_H
#define CONCPROF_EXPORT_HTML_PACKED_H

#include <stdint.h>
#include <stdio.h>

struct packed {
	FILE *out;
	unsigned char held[3];
	unsigned int n_held;
};

/* The element's id is "NAME-RUN". */
struct packed packed_begin(FILE *out, const char *name, size_t run);
void packed_number(struct packed *packed, uint64_t number);
void packed_end(struct packed *packed);

#endif
