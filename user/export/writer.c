/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "export/writer.h"

/* Bytes of the UTF-8 sequence at `s`; 0 when it is none (overlong forms, surrogates and more than U+10FFFF are none). */
static int utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		int length;
		uint32_t least;
	} forms[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

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
		return forms[i].length;
	}
	return 0;
}

static void quote(FILE *out, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	fputc('"', out);
	while (*s) {
		int length = utf8_length(s);

		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (!length)
			fputs("\\ufffd", out);
		else
			fwrite(s, 1, length, out);
		s += length ? length : 1;
	}
	fputc('"', out);
}

static void note_refusal(struct json *json)
{
	if (!json->err && ferror(json->out))
		json->err = errno ? -errno : -EIO;
}

/* Begins a value: refusals of the one before are known by now, and errno still says which. */
static void begin(struct json *json, const char *key)
{
	note_refusal(json);
	if (json->more)
		fputc(',', json->out);
	json->more = true;
	if (key) {
		quote(json->out, key);
		fputc(':', json->out);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->out);
	json->more = false;
}

void json_close(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->more = true;
}

void json_string(struct json *json, const char *key, const char *value)
{
	if (!value) {
		json_null(json, key);
		return;
	}
	begin(json, key);
	quote(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void json_real(struct json *json, const char *key, double value)
{
	char digits[40];

	if (!isfinite(value)) {
		json_null(json, key);
		return;
	}
	begin(json, key);
	/* The shortest form that reads back as the same. */
	for (int precision = 6; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	fputs(digits, json->out);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	begin(json, key);
	fputs("null", json->out);
}

int json_end(struct json *json)
{
	note_refusal(json);
	fputc('\n', json->out);
	if (!json->err && (fflush(json->out) || ferror(json->out)))
		json->err = errno ? -errno : -EIO;
	return json->err;
}
