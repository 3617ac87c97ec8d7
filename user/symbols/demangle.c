/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Longer names are left mangled: libiberty takes stack in proportion to the length (about 100 bytes a byte). */
#define MANGLED_MAX 8192

struct output {
	char text[DEMANGLED_MAX + sizeof("...")];
	size_t length;
	jmp_buf full;
};

/*
 * Printing visits a graph that shares its parts, and only leaving it altogether stops it. libiberty holds no memory then, but
 * perhaps one identifier of a Rust name in punycode.
 */
static void take(const char *text, size_t length, void *opaque)
{
	struct output *output = opaque;
	size_t room = DEMANGLED_MAX - output->length;

	if (length == 0) /* `text` may be NULL then */
		return;
	memcpy(output->text + output->length, text, length < room ? length : room);
	output->length += length < room ? length : room;
	if (length > room)
		longjmp(output->full, 1);
}

/* Whether `name` is mangled. Its own function, because what longjmp() crosses must not keep state in its variables. */
static bool print(const char *name, struct output *output)
{
	if (setjmp(output->full)) {
		memcpy(output->text + output->length, "...", sizeof("..."));
		output->length += strlen("...");
		return true;
	}
	/* Legacy Rust names look like C++ to a C++ demangler, and end in a hash that this one knows. */
	if (rust_demangle_callback(name, DMGL_NO_OPTS, take, output))
		return true;
	output->length = 0;
	return name[1] == 'Z' && cplus_demangle_v3_callback(name, DMGL_PARAMS | DMGL_ANSI, take, output);
}

char *demangle(const char *name)
{
	_cleanup_free_ struct output *output = NULL;

	if ((strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0) || strlen(name) > MANGLED_MAX)
		return NULL;
	output = calloc(1, sizeof(*output));
	return output && print(name, output) && output->length ? strndup(output->text, output->length) : NULL;
}
