/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/kernel_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* A kernel with everything built in has 300,000 symbols in 14 MB. */
#define TEXT_MAX    (256u << 20)
#define SYMBOLS_MAX (4u << 20)

#define NO_NAME UINT32_MAX

/*
 * Beyond its last symbol nothing says where the code ends. The longest functions are some 10 KiB; what lies further from the last
 * beginning is not believed.
 */
#define LAST_MAX (1u << 20)

struct function {
	uint64_t address;
	uint32_t name;   /* offset in the names; NO_NAME: not code */
	uint32_t module; /* offset in the names; NO_NAME: the kernel itself */
};

struct kernel_symbols {
	struct function *all; /* by address */
	size_t count, room;
	char *names; /* the text itself, cut into strings */
};

static int read_all(const char *path, char **ret, size_t *ret_bytes)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t bytes = 0, room = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (room - bytes < 64 << 10) {
			size_t more = room ? 2 * room : 4 << 20;
			char *longer = more > TEXT_MAX ? NULL : realloc(text, more);

			if (!longer)
				return more > TEXT_MAX ? -EFBIG : -ENOMEM;
			text = longer;
			room = more;
		}
		n = read(fd, text + bytes, room - bytes - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		bytes += n;
	}
	text[bytes] = '\0';
	*ret = steal_pointer(&text);
	*ret_bytes = bytes;
	return 0;
}

static int add(struct kernel_symbols *symbols, const struct function *function)
{
	if (symbols->count == symbols->room) {
		size_t room = symbols->room ? 2 * symbols->room : 128 << 10;
		struct function *all = room > SYMBOLS_MAX ? NULL : reallocarray(symbols->all, room, sizeof(*all));

		if (!all)
			return room > SYMBOLS_MAX ? -EFBIG : -ENOMEM;
		symbols->all = all;
		symbols->room = room;
	}
	symbols->all[symbols->count++] = *function;
	return 0;
}

/* "ffffffff81000000 T _stext\n", "ffffffffc0211000 t name\t[module]\n". Names stay where they are and are moved later. */
static int take_line(struct kernel_symbols *symbols, char *text, char *line, char *end)
{
	struct function function = {.name = NO_NAME, .module = NO_NAME};
	char *at = line, *tab;

	for (; at < end && *at != ' '; at++) {
		int digit = *at >= '0' && *at <= '9' ? *at - '0' : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10 : -1;

		if (digit < 0 || at - line == 16)
			return 0;
		function.address = function.address << 4 | digit;
	}
	/* Per-CPU variables have small addresses; hidden addresses are zero. */
	if (end - at < 4 || at[2] != ' ' || !(function.address >> 63))
		return 0;
	if (strchr("tTwW", at[1])) {
		*end = '\0';
		function.name = at + 3 - text;
		tab = strchr(at + 3, '\t');
		if (tab) {
			*tab = '\0';
			if (tab[1] == '[' && end[-1] == ']') {
				end[-1] = '\0';
				function.module = tab + 2 - text;
			}
		}
	}
	return add(symbols, &function);
}

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* As the kernel has them; but code before the variable or mark that begins at the same place. */
	return (x->name > y->name) - (x->name < y->name);
}

/* Marks of the linker's script, which begin where a function does. */
static bool is_mark(const char *name)
{
	static const char *const marks[] = {"_text", "_stext", "_sinittext", "_etext", "_einittext"};
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (strcmp(name, marks[i]) == 0)
			return true;
	}
	return (strncmp(name, "__", 2) == 0 && length > 6 && strcmp(name + length - 6, "_start") == 0) ||
	       (strncmp(name, "__", 2) == 0 && length > 4 && strcmp(name + length - 4, "_end") == 0);
}

/* Of two functions at one address the one people know: no mark, then few underscores, short, and always the same. */
static bool says_more(const char *name, const char *than)
{
	size_t bars = strspn(name, "_"), than_bars = strspn(than, "_");

	if (is_mark(name) != is_mark(than))
		return is_mark(than);
	if (bars != than_bars)
		return bars < than_bars;
	if (strlen(name) != strlen(than))
		return strlen(name) < strlen(than);
	return strcmp(name, than) < 0;
}

/* One entry for each address, and no more than one in a row that is not code. */
static void choose(struct kernel_symbols *symbols, const char *text)
{
	struct function *all = symbols->all;
	size_t kept = 0;

	for (size_t i = 0; i < symbols->count; i++) {
		struct function *last = kept ? &all[kept - 1] : NULL;

		if (last && last->address == all[i].address) {
			if (all[i].name != NO_NAME && (last->name == NO_NAME || says_more(text + all[i].name, text + last->name)))
				*last = all[i];
		} else if (!last || all[i].name != NO_NAME || last->name != NO_NAME) {
			all[kept++] = all[i];
		}
	}
	symbols->count = kept;
}

/* Only the names that are needed, in memory of their own size. */
static int keep_names(struct kernel_symbols *symbols, const char *text)
{
	const char *module = NULL;
	uint32_t module_at = NO_NAME;
	struct function *fitting;
	size_t bytes = 1, at = 0;

	for (size_t i = 0; i < symbols->count; i++) {
		const struct function *function = &symbols->all[i];

		bytes += function->name == NO_NAME ? 0 : strlen(text + function->name) + 1;
		bytes += function->module == NO_NAME ? 0 : strlen(text + function->module) + 1;
	}
	symbols->names = malloc(bytes);
	if (!symbols->names)
		return -ENOMEM;
	for (size_t i = 0; i < symbols->count; i++) {
		struct function *function = &symbols->all[i];

		if (function->module != NO_NAME && (!module || strcmp(module, text + function->module) != 0)) {
			module = text + function->module;
			module_at = at;
			at = stpcpy(symbols->names + at, module) + 1 - symbols->names;
		}
		if (function->module != NO_NAME)
			function->module = module_at;
		if (function->name != NO_NAME) {
			const char *name = text + function->name;

			function->name = at;
			at = stpcpy(symbols->names + at, name) + 1 - symbols->names;
		}
	}
	fitting = reallocarray(symbols->all, symbols->count, sizeof(*fitting));
	if (fitting)
		symbols->all = fitting;
	return 0;
}

static int make(struct kernel_symbols *symbols, char *text, size_t bytes)
{
	bool sorted = true;
	int err = 0;

	for (char *line = text, *end; !err && (end = memchr(line, '\n', bytes - (line - text))); line = end + 1) {
		err = take_line(symbols, text, line, end);
		if (symbols->count > 1)
			sorted = sorted && symbols->all[symbols->count - 2].address <= symbols->all[symbols->count - 1].address;
	}
	if (err)
		return err;
	if (!symbols->count)
		return -EACCES;
	if (!sorted) /* modules come as they were loaded */
		qsort(symbols->all, symbols->count, sizeof(*symbols->all), by_address);
	choose(symbols, text);
	return keep_names(symbols, text);
}

int kernel_symbols_open(const char *path, struct kernel_symbols **ret)
{
	_cleanup_free_ char *text = NULL;
	struct kernel_symbols *symbols;
	size_t bytes = 0;
	int err;

	err = read_all(path, &text, &bytes);
	if (err)
		return err;
	symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	err = make(symbols, text, bytes);
	if (err)
		kernel_symbols_close(symbols);
	else
		*ret = symbols;
	return err;
}

const char *kernel_symbols_find(const struct kernel_symbols *symbols, uint64_t address, uint64_t *offset, const char **module)
{
	const struct function *function;
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->all[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	function = low ? &symbols->all[low - 1] : NULL;
	if (!function || function->name == NO_NAME || address - function->address >= LAST_MAX)
		return NULL;
	*offset = address - function->address;
	*module = function->module == NO_NAME ? NULL : symbols->names + function->module;
	return symbols->names + function->name;
}

void kernel_symbols_close(struct kernel_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->all);
	free(symbols->names);
	free(symbols);
}
