/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "export/utf8.h"
#include "export/writer.h"
#include "export/xml.h"

/* What a page takes for markup in places where it should not. */
static bool is_markup(char c)
{
	return c == '<' || c == '>' || c == '&';
}

/* Bytes from here on that stand for themselves. */
static size_t plain(const char *s, bool in_html)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\' && !(in_html && is_markup(s[n])))
		n++;
	return n;
}

static void quote(FILE *out, const char *value, bool in_html)
{
	const char *s = value;

	fputc('"', out);
	while (*s) {
		uint32_t point;
		size_t n = plain(s, in_html);
		int length = utf8_decode(s + n, &point);

		/* Nearly all of it, as a rule: a timeline has millions of texts. */
		fwrite(s, 1, n, out);
		s += n;
		if (!*s)
			break;
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (!length || (in_html && !xml_is_shown(point)))
			fputs("\\ufffd", out);
		else if (point < 0x20 || point == 0x7f || (in_html && is_markup(*s)))
			fprintf(out, "\\u%04x", point);
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
		quote(json->out, key, json->in_html);
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
	quote(json->out, value, json->in_html);
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

void json_thousandths(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64 ".%03u", value / 1000, (unsigned int)(value % 1000));
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
