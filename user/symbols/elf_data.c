/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_data.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* More than any real object has; keeps a hostile one from taking all memory. */
#define SYMBOLS_MAX  (8u << 20)
#define SEGMENTS_MAX 256

struct segment {
	uint64_t offset, address, file_bytes, memory_bytes;
	bool executable;
};

struct symbol {
	uint64_t address, bytes;
	char *name;
};

struct elf_data {
	struct segment *segments;
	size_t n_segments;
	struct symbol *symbols; /* by address */
	size_t n_symbols;
};

static int read_segments(struct elf_data *object, Elf *elf)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) || count == 0 || count > SEGMENTS_MAX)
		return -ENOEXEC;
	object->segments = calloc(count, sizeof(*object->segments));
	if (!object->segments)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, i, &header) || header.p_type != PT_LOAD ||
		    header.p_vaddr + header.p_memsz < header.p_vaddr)
			continue;
		object->segments[object->n_segments++] = (struct segment){
		    .offset = header.p_offset,
		    .address = header.p_vaddr,
		    .file_bytes = header.p_filesz,
		    .memory_bytes = header.p_memsz,
		    .executable = header.p_flags & PF_X,
		};
	}
	return object->n_segments ? 0 : -ENOEXEC;
}

static int read_symbols(struct elf_data *object, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count;

	if (!data || !header->sh_entsize)
		return 0;
	count = data->d_size / header->sh_entsize;
	if (count > SYMBOLS_MAX)
		return -ENOEXEC;
	object->symbols = calloc(count ? count : 1, sizeof(*object->symbols));
	if (!object->symbols)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, i, &symbol) || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT ||
		    symbol.st_shndx == SHN_UNDEF || symbol.st_value + symbol.st_size < symbol.st_value)
			continue;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!name || !*name)
			continue;
		object->symbols[object->n_symbols].name = strdup(name);
		if (!object->symbols[object->n_symbols].name)
			return -ENOMEM;
		object->symbols[object->n_symbols].address = symbol.st_value;
		object->symbols[object->n_symbols++].bytes = symbol.st_size;
	}
	return 0;
}

/* The full table if it was not stripped, else the dynamic one. */
static int find_symbols(struct elf_data *object, Elf *elf)
{
	Elf_Scn *section = NULL, *best = NULL;
	GElf_Shdr header, best_header = {};

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB || (header.sh_type == SHT_DYNSYM && !best)) {
			best = section;
			best_header = header;
		}
	}
	return best ? read_symbols(object, elf, best, &best_header) : 0;
}

/* By address; of several names for one address the one that stays is the same in every run. */
static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(y->name, x->name);
}

int elf_data_open(const char *path, struct elf_data **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct elf_data *object = NULL;
	struct stat status;
	int err = -ENOEXEC;
	Elf *elf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return -ENOEXEC;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64)
		goto out;
	object = calloc(1, sizeof(*object));
	err = object ? read_segments(object, elf) : -ENOMEM;
	if (!err)
		err = find_symbols(object, elf);
	if (!err && object->n_symbols)
		qsort(object->symbols, object->n_symbols, sizeof(*object->symbols), by_address);
out:
	elf_end(elf);
	if (err)
		elf_data_close(object);
	else
		*ret = object;
	return err;
}

bool elf_data_bias(const struct elf_data *object, uint64_t start, uint64_t file_offset, uint64_t *bias)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < object->n_segments; i++) {
		const struct segment *segment = &object->segments[i];
		uint64_t down = segment->offset % page;

		if (!segment->executable || segment->offset - down != file_offset)
			continue;
		*bias = start - (segment->address - down);
		return true;
	}
	return false;
}

bool elf_data_holds(const struct elf_data *object, uint64_t address)
{
	for (size_t i = 0; i < object->n_segments; i++) {
		if (address >= object->segments[i].address &&
		    address - object->segments[i].address < object->segments[i].memory_bytes)
			return true;
	}
	return false;
}

const char *elf_data_symbol(const struct elf_data *object, uint64_t address, uint64_t *offset)
{
	size_t low = 0, high = object->n_symbols;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (object->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - object->symbols[low - 1].address >= object->symbols[low - 1].bytes)
		return NULL;
	*offset = address - object->symbols[low - 1].address;
	return object->symbols[low - 1].name;
}

void elf_data_close(struct elf_data *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < object->n_symbols; i++)
		free(object->symbols[i].name);
	free(object->symbols);
	free(object->segments);
	free(object);
}
