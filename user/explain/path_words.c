/* SPDX-License-Identifier: Apache-2.0 */
/* What two runs of a program call the same thing: names without the parts that the system chose, differently in each run. */
#include <ctype.h>

#include "explain/path.h"
#include "lib/text.h"

/* net.ipv4.ip_local_port_range begins there unless it is changed (Documentation/networking/ip-sysctl.rst). */
#define FIRST_EPHEMERAL_PORT 32768

static size_t digits_at(const char *text)
{
	return strspn(text, "0123456789");
}

/* GCC and Clang add what they did to a function to its name (".constprop.0", ".llvm.123"): it differs between builds. */
static bool is_compilers(const char *text)
{
	static const char *const suffixes[] = {".constprop.", ".isra.", ".part.", ".cold", ".lto_priv.", ".llvm."};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (!strncmp(text, suffixes[i], strlen(suffixes[i])))
			return true;
	return false;
}

/* The length of a part that is the system's own choice: an address, an inode or pid in brackets or in a path, an ephemeral port. */
static size_t ephemeral(const char *name, const char *at)
{
	size_t n = digits_at(at);
	char before = at > name ? at[-1] : '\0', after = at[n];

	if (!strncmp(at, "0x", 2) && isxdigit((unsigned char)at[2]) && !isalnum((unsigned char)before))
		return 2 + strspn(at + 2, "0123456789abcdefABCDEF");
	if (!n || n > 20)
		return 0;
	if ((before == '[' && after == ']') || (before == '/' && (after == '/' || !after)))
		return n;
	return before == ':' && strtoull(at, NULL, 10) >= FIRST_EPHEMERAL_PORT ? n : 0;
}

char *path_words(const char *name)
{
	struct text text = {0};

	for (const char *at = name; *at;) {
		size_t n = ephemeral(name, at);

		if (n) {
			text_add(&text, "#");
			at += n;
			continue;
		}
		n = 1;
		/* As much as certainly is none of it. */
		while (at[n] && isalpha((unsigned char)at[n - 1]) && isalpha((unsigned char)at[n]))
			n++;
		text_add(&text, "%.*s", (int)n, at);
		at += n;
	}
	return text_take(&text);
}

char *path_function_words(const char *function)
{
	size_t n = 0;

	while (function[n] && !is_compilers(function + n))
		n++;
	return strndup(function, n);
}
