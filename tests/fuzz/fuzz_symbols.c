/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer's entry to what reads strangers' names: the first byte says as what the rest is read. What reads DWARF is not called
 * here: it is libdw's, and runs in a process of its own for that reason.
 *
 * Seeds: any small ELF file behind an 'E', a perf map behind a 'P', kallsyms behind a 'K', a mangled name behind a 'D'.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "symbols/demangle.h"
#include "symbols/kernel_symbols.h"
#include "symbols/perf_map.h"
#include "symbols/symbolizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static void read_object(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = file_of(data, size);
	struct symbolizer_options options = {0};
	struct symbolizer *symbolizer;
	struct symbol_object *object;
	uint64_t vaddr;

	if (symbolizer_open(&options, &symbolizer))
		return;
	if (symbolizer_object(symbolizer, fd, NULL, &object) == 0) {
		for (uint64_t offset = 0; offset < size; offset += 1 + size / 64) {
			struct symbol_frame frame;

			if (symbolizer_user(symbolizer, object, offset, &frame, 1) != 1)
				abort();
			if (symbol_object_address(object, offset, &vaddr))
				symbolizer_user(symbolizer, object, vaddr, &frame, 1);
		}
	}
	symbolizer_close(symbolizer);
}

static void read_perf_map(const uint8_t *data, size_t size)
{
	struct perf_map *map;
	uint64_t offset;

	if (perf_map_open_fd(file_of(data, size), &map))
		return;
	perf_map_read(map);
	for (int bit = 0; bit < 64; bit++) {
		const char *name = perf_map_find(map, 1ull << bit, &offset);

		if (name && strlen(name) > PERF_MAP_NAME_MAX)
			abort();
	}
	perf_map_close(map);
}

static void read_kallsyms(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = file_of(data, size);
	struct kernel_symbols *symbols;
	const char *module;
	uint64_t offset;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kernel_symbols_open(path, &symbols))
		return;
	for (int bit = 0; bit < 63; bit++)
		kernel_symbols_find(symbols, 1ull << 63 | 1ull << bit, &offset, &module);
	kernel_symbols_close(symbols);
}

static void read_name(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *name = strndup((const char *)data, size), *plain = name ? demangle(name) : NULL;

	if (plain && strlen(plain) > DEMANGLED_MAX + 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	switch (size ? *data : 0) {
	case 'E':
		read_object(data + 1, size - 1);
		break;
	case 'P':
		read_perf_map(data + 1, size - 1);
		break;
	case 'K':
		read_kallsyms(data + 1, size - 1);
		break;
	case 'D':
		read_name(data + 1, size - 1);
		break;
	default:
		break;
	}
	return 0;
}
