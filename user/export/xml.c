/* SPDX-License-Identifier: Apache-2.0 */
#include "export/xml.h"

#include "export/utf8.h"

#define ELLIPSIS    "\xe2\x80\xa6"
#define REPLACEMENT "\xef\xbf\xbd"

bool xml_is_shown(uint32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return false;
	/* Not characters in XML 1.0 (section 2.2); surrogates are no UTF-8. */
	if (point == 0xfffe || point == 0xffff)
		return false;
	/* Directional marks, embeddings, overrides and isolates; line and paragraph separators. */
	return point != 0x200e && point != 0x200f && !(point >= 0x2028 && point <= 0x202e) &&
	       !(point >= 0x2066 && point <= 0x2069);
}

static void put_character(FILE *out, const char *s, int length, uint32_t point)
{
	switch (point) {
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '&':
		fputs("&amp;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	default:
		fwrite(s, 1, length, out);
	}
}

static bool is_longer(const char *s, size_t max)
{
	for (size_t n = 0; *s; n++) {
		uint32_t point;
		int length = utf8_decode(s, &point);

		if (n == max)
			return true;
		s += length ? length : 1;
	}
	return false;
}

void xml_put(FILE *out, const char *text, size_t max)
{
	bool cut = max != XML_WHOLE && is_longer(text, max);

	if (cut && max)
		max--;
	for (size_t n = 0; *text && n < max; n++) {
		uint32_t point;
		int length = utf8_decode(text, &point);

		if (!length || !xml_is_shown(point))
			fputs(REPLACEMENT, out);
		else
			put_character(out, text, length, point);
		text += length ? length : 1;
	}
	if (cut)
		fputs(ELLIPSIS, out);
}
