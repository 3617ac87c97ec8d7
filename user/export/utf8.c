/* SPDX-License-Identifier: Apache-2.0 */
#include "export/utf8.h"

#include <stdbool.h>
#include <string.h>

int utf8_decode(const char *text, uint32_t *ret)
{
	static const struct {
		unsigned char mask, lead;
		int length;
		uint32_t least;
	} forms[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
	const unsigned char *s = (const unsigned char *)text;

	*ret = s[0];
	if (s[0] < 0x80)
		return 1;
	for (int i = 0; i < 3; i++) {
		uint32_t point = s[0] & ~forms[i].mask;

		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		for (int j = 1; j < forms[i].length; j++) {
			if ((s[j] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (s[j] & 0x3f);
		}
		if (point < forms[i].least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
			return 0;
		*ret = point;
		return forms[i].length;
	}
	return 0;
}

char *utf8_copy(char *to, size_t room, const char *text)
{
	size_t n = 0;

	while (*text) {
		uint32_t point;
		int length = utf8_decode(text, &point);
		bool shown = length && point >= 0x20 && !(point >= 0x7f && point < 0xa0);
		size_t taken = shown ? length : 1;

		if (n + taken >= room)
			break;
		if (shown)
			memcpy(to + n, text, length);
		else
			to[n] = '?';
		n += taken;
		text += length ? length : 1;
	}
	to[n] = '\0';
	return to;
}
