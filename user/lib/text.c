/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "lib/text.h"

static int text_reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 64;
	char *bytes;

	while (room < text->length + more + 1)
		room *= 2;
	if (room == text->room)
		return 0;
	bytes = realloc(text->bytes, room);
	if (!bytes)
		return -1;
	text->bytes = bytes;
	text->room = room;
	return 0;
}

static void text_vadd(struct text *text, const char *format, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (text->failed || length < 0 || text_reserve(text, length) < 0) {
		text->failed = true;
		return;
	}
	vsnprintf(text->bytes + text->length, length + 1, format, args);
	text->length += length;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vadd(text, format, args);
	va_end(args);
}

char *text_take(struct text *text)
{
	char *bytes = text->bytes;

	if (text->failed) {
		text_free(text);
		return NULL;
	}
	*text = (struct text){0};
	return bytes ? bytes : calloc(1, 1);
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}

char *text_format(const char *format, ...)
{
	struct text text = {0};
	va_list args;

	va_start(args, format);
	text_vadd(&text, format, args);
	va_end(args);
	return text_take(&text);
}

/* Bytes of a sequence that looks like UTF-8; 0: it does not. Enough to keep columns straight; the terminal judges the rest. */
static int sequence(const unsigned char *s)
{
	int length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (int i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Controls of both sets (C1 is two bytes in UTF-8, and a terminal obeys it). */
void text_clean(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		int length = sequence(s);
		bool control = *s < 0x20 || *s == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);

		if (length && !control) {
			s += length;
		} else {
			for (int i = 0; i < (length ? length : 1); i++)
				s[i] = '?';
			s += length ? length : 1;
		}
	}
}

const char *figure_ns(char buffer[FIGURE_BYTES], uint64_t ns)
{
	static const struct {
		double scale;
		const char *unit;
	} units[] = {{1e3, "us"}, {1e6, "ms"}, {1e9, "s"}};
	size_t i = 0;
	double value;

	if (ns < 1000) {
		snprintf(buffer, FIGURE_BYTES, "%" PRIu64 " ns", ns);
		return buffer;
	}
	/* The next unit begins where this one would round to four digits. */
	while (i < 2 && ns >= 999.5 * units[i].scale)
		i++;
	value = ns / units[i].scale;
	if (value >= 99.95)
		snprintf(buffer, FIGURE_BYTES, "%.0f %s", value, units[i].unit);
	else
		snprintf(buffer, FIGURE_BYTES, "%.*f %s", value >= 9.995 ? 1 : 2, value, units[i].unit);
	return buffer;
}

const char *figure_count(char buffer[FIGURE_BYTES], uint64_t count)
{
	char digits[FIGURE_BYTES];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = buffer;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buffer;
}

const char *figure_ratio(char buffer[FIGURE_BYTES], double ratio)
{
	if (!isfinite(ratio) || ratio < 0)
		snprintf(buffer, FIGURE_BYTES, "?");
	else if (ratio > 0 && ratio < 0.0995)
		snprintf(buffer, FIGURE_BYTES, "%.2g", ratio);
	else if (ratio >= 99.95)
		figure_count(buffer, ratio >= 1e15 ? (uint64_t)1e15 : (uint64_t)llround(ratio));
	else
		snprintf(buffer, FIGURE_BYTES, "%.*f", ratio >= 9.995 ? 1 : 2, ratio);
	return buffer;
}
