/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading DWARF's encodings from bytes that may be hostile. A read past the end gives 0, sets `bad` and empties the reader, so that a
 * parser may read several fields and ask once.
 */
#ifndef CONCPROF_DWARF_READER_H
#define CONCPROF_DWARF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dwarf_reader {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct dwarf_reader dwarf_reader(const uint8_t *data, size_t bytes)
{
	return (struct dwarf_reader){.at = data, .end = data + bytes};
}

static inline size_t dwarf_left(const struct dwarf_reader *reader)
{
	return reader->end - reader->at;
}

static inline void dwarf_fail(struct dwarf_reader *reader)
{
	reader->bad = true;
	reader->at = reader->end;
}

/* The next `bytes` bytes, or NULL if there are fewer. */
static inline const uint8_t *dwarf_take(struct dwarf_reader *reader, uint64_t bytes)
{
	const uint8_t *at = reader->at;

	if (bytes > dwarf_left(reader)) {
		dwarf_fail(reader);
		return NULL;
	}
	reader->at += bytes;
	return at;
}

#define DWARF_FIXED(name, type)                                                                                                  \
	static inline type name(struct dwarf_reader *reader)                                                                     \
	{                                                                                                                        \
		const uint8_t *at = dwarf_take(reader, sizeof(type));                                                            \
		type value = 0;                                                                                                  \
                                                                                                                                 \
		if (at)                                                                                                          \
			memcpy(&value, at, sizeof(value));                                                                       \
		return value;                                                                                                    \
	}
DWARF_FIXED(dwarf_u8, uint8_t)
DWARF_FIXED(dwarf_u16, uint16_t)
DWARF_FIXED(dwarf_u32, uint32_t)
DWARF_FIXED(dwarf_u64, uint64_t)
#undef DWARF_FIXED

/* What does not fit 64 bits is bad: nobody writes it in good faith. `last` is the byte that ended it, `bits` what was read. */
static inline uint64_t dwarf_leb(struct dwarf_reader *reader, uint8_t *last, unsigned int *bits)
{
	uint64_t value = 0;

	*bits = 0;
	do {
		*last = dwarf_u8(reader);
		if (*bits == 63 && *last != 0 && *last != 1 && *last != 0x7f)
			dwarf_fail(reader);
		if (reader->bad)
			return 0;
		value |= (uint64_t)(*last & 0x7f) << *bits;
		*bits += 7;
	} while (*last & 0x80);
	return value;
}

static inline uint64_t dwarf_uleb(struct dwarf_reader *reader)
{
	unsigned int bits;
	uint8_t last;

	return dwarf_leb(reader, &last, &bits);
}

static inline int64_t dwarf_sleb(struct dwarf_reader *reader)
{
	unsigned int bits;
	uint8_t last;
	uint64_t value = dwarf_leb(reader, &last, &bits);

	if (!reader->bad && last & 0x40 && bits < 64)
		value |= -(uint64_t)1 << bits;
	return (int64_t)value;
}

#endif
