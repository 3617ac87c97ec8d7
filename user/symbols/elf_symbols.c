/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_symbols.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "symbols/elf_entries.h"
#include "symbols/elf_plt.h"

/* More than any real object has; keeps a hostile one from taking all memory. Names are in memory only while the table is made. */
#define SYMBOLS_MAX     (8u << 20)
#define STRINGS_MAX     (512u << 20)
#define CODE_RANGES_MAX 64

/* Symbols that are read at once. */
#define BATCH 4096

enum source { FULL, DYNAMIC, DEBUG, N_SOURCES };

struct strings {
	const struct elf_file *file; /* NULL: there is no such table */
	uint64_t offset, bytes;
};

struct elf_symbols {
	struct strings strings[N_SOURCES];
	struct elf_entries pieces;
};

struct range {
	uint64_t begin, end;
};

/* Needed only while the table is made. */
struct loading {
	struct elf_symbols *symbols;
	char *names[N_SOURCES]; /* the strings; NULL if there are none */
	struct range code[CODE_RANGES_MAX];
	size_t n_code;
	struct elf_entries found;
};

static void find_code(struct loading *loading, const struct elf_file *file)
{
	for (size_t i = 1; i < file->n_sections && loading->n_code < CODE_RANGES_MAX; i++) {
		const struct elf_section *section = &file->sections[i];

		if (section->flags & SHF_ALLOC && section->flags & SHF_EXECINSTR && section->bytes &&
		    section->address + section->bytes > section->address)
			loading->code[loading->n_code++] =
			    (struct range){.begin = section->address, .end = section->address + section->bytes};
	}
}

/* The code that `address` lies in; NULL if it is no code. */
static const struct range *code_at(const struct loading *loading, uint64_t address)
{
	for (size_t i = 0; i < loading->n_code; i++) {
		if (address >= loading->code[i].begin && address < loading->code[i].end)
			return &loading->code[i];
	}
	return NULL;
}

static bool has_name(const struct loading *loading, enum source source, uint32_t name)
{
	return name < loading->symbols->strings[source].bytes && loading->names[source][name];
}

static int add_symbol(struct loading *loading, enum source source, const Elf64_Sym *symbol)
{
	const struct range *code = code_at(loading, symbol->st_value);
	int type = ELF64_ST_TYPE(symbol->st_info);
	struct elf_entry entry = {.address = symbol->st_value,
				  .name = symbol->st_name,
				  .source = source,
				  .local = ELF64_ST_BIND(symbol->st_info) == STB_LOCAL,
				  .bare = symbol->st_size == 0};
	uint64_t bytes;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF || !code ||
	    !has_name(loading, source, symbol->st_name))
		return 0;
	bytes = code->end - symbol->st_value;
	if (!entry.bare && bytes > symbol->st_size)
		bytes = symbol->st_size;
	entry.bytes = bytes < ELF_ENTRY_BYTES_MAX ? bytes : ELF_ENTRY_BYTES_MAX;
	return elf_entries_push(&loading->found, &entry);
}

/* All strings of a table; they stay in memory until it is made. -ENOENT when it has none. */
static int read_strings(struct loading *loading, enum source source, const struct elf_file *file,
			const struct elf_section *section)
{
	const struct elf_section *strings;
	int err;

	if (section->link >= file->n_sections || section->entry_bytes != sizeof(Elf64_Sym))
		return -ENOENT;
	strings = &file->sections[section->link];
	if (strings->type != SHT_STRTAB || !elf_section_in_file(file, strings))
		return -ENOENT;
	err = elf_file_contents(file, strings, STRINGS_MAX, &loading->names[source]);
	if (!err)
		loading->symbols->strings[source] =
		    (struct strings){.file = file, .offset = strings->offset, .bytes = strings->bytes};
	return err;
}

static int read_table(struct loading *loading, enum source source, const struct elf_file *file, const struct elf_section *section)
{
	_cleanup_free_ Elf64_Sym *batch = NULL;
	uint64_t count = section ? section->bytes / sizeof(*batch) : 0;
	int err;

	if (count == 0)
		return 0;
	if (count > SYMBOLS_MAX)
		return -EFBIG;
	err = read_strings(loading, source, file, section);
	if (err)
		return err == -ENOENT ? 0 : err;
	batch = calloc(BATCH, sizeof(*batch));
	if (!batch)
		return -ENOMEM;
	for (uint64_t i = 0; i < count && !err; i += BATCH) {
		size_t n = count - i < BATCH ? count - i : BATCH;

		err = elf_file_read(file, section->offset + i * sizeof(*batch), batch, n * sizeof(*batch));
		for (size_t j = 0; j < n && !err; j++)
			err = add_symbol(loading, source, &batch[j]);
	}
	return err;
}

/* The strings' name of a stub's function; false if it has none. */
static bool name_stub(const struct loading *loading, const struct elf_plt_stub *stub, const char *dynamic, uint64_t n_dynamic,
		      struct elf_entry *entry)
{
	const struct elf_entry *target;
	Elf64_Sym symbol;

	if (stub->symbol) {
		if (stub->symbol >= n_dynamic)
			return false;
		memcpy(&symbol, dynamic + stub->symbol * sizeof(symbol), sizeof(symbol));
		entry->name = symbol.st_name;
		entry->source = DYNAMIC;
		return has_name(loading, DYNAMIC, symbol.st_name);
	}
	target = elf_entries_before(&loading->found, stub->target);
	if (!target || target->address != stub->target)
		return false;
	entry->name = target->name;
	entry->source = target->source;
	return true;
}

/* The symbols found so far must be sorted; afterwards they are not. Symbols of the PLT's own, if there are any, win. */
static int add_stubs(struct loading *loading, const struct elf_file *file)
{
	const struct elf_section *section = elf_file_section_of_type(file, SHT_DYNSYM);
	_cleanup_free_ struct elf_plt_stub *stubs = NULL;
	_cleanup_free_ char *dynamic = NULL;
	struct elf_entries added = {0};
	size_t count = 0;
	int err;

	err = elf_plt_read(file, &stubs, &count);
	if (!err && count && section)
		err = elf_file_contents(file, section, SYMBOLS_MAX * sizeof(Elf64_Sym), &dynamic);
	for (size_t i = 0; i < count && !err; i++) {
		struct elf_entry entry = {.address = stubs[i].address, .bytes = stubs[i].bytes, .stub = 1, .local = 1};

		if (name_stub(loading, &stubs[i], dynamic, dynamic ? section->bytes / sizeof(Elf64_Sym) : 0, &entry))
			err = elf_entries_push(&added, &entry);
	}
	for (size_t i = 0; i < added.count && !err; i++)
		err = elf_entries_push(&loading->found, &added.all[i]);
	elf_entries_free(&added);
	return err;
}

static const char *name_of(const void *context, const struct elf_entry *entry)
{
	const struct loading *loading = context;

	return loading->names[entry->source] + entry->name;
}

static int make_table(struct loading *loading, const struct elf_file *file, const struct elf_file *debug)
{
	int err;

	find_code(loading, file);
	err = read_table(loading, FULL, file, elf_file_section_of_type(file, SHT_SYMTAB));
	/* Even with .symtab: it may hold what a careful strip left of it. */
	if (!err)
		err = read_table(loading, DYNAMIC, file, elf_file_section_of_type(file, SHT_DYNSYM));
	if (!err && debug)
		err = read_table(loading, DEBUG, debug, elf_file_section_of_type(debug, SHT_SYMTAB));
	if (err)
		return err;
	elf_entries_sort(&loading->found, name_of, loading);
	err = add_stubs(loading, file);
	if (err)
		return err;
	elf_entries_sort(&loading->found, name_of, loading);
	return elf_entries_flatten(&loading->found, &loading->symbols->pieces);
}

int elf_symbols_load(const struct elf_file *file, const struct elf_file *debug, struct elf_symbols **ret)
{
	struct loading loading = {.symbols = calloc(1, sizeof(*loading.symbols))};
	struct elf_entries *pieces;
	struct elf_entry *fitting;
	int err;

	if (!loading.symbols)
		return -ENOMEM;
	err = make_table(&loading, file, debug);
	for (int i = 0; i < N_SOURCES; i++)
		free(loading.names[i]);
	elf_entries_free(&loading.found);
	if (err) {
		elf_symbols_free(loading.symbols);
		return err;
	}
	pieces = &loading.symbols->pieces;
	fitting = pieces->count ? reallocarray(pieces->all, pieces->count, sizeof(*fitting)) : NULL;
	if (fitting)
		pieces->all = fitting;
	*ret = loading.symbols;
	return 0;
}

void elf_symbols_free(struct elf_symbols *symbols)
{
	if (!symbols)
		return;
	elf_entries_free(&symbols->pieces);
	free(symbols);
}

size_t elf_symbols_count(const struct elf_symbols *symbols)
{
	return symbols->pieces.count;
}

bool elf_symbols_find(const struct elf_symbols *symbols, uint64_t address, size_t *index, uint64_t *offset)
{
	const struct elf_entry *piece = elf_entries_before(&symbols->pieces, address);

	if (!piece || address - piece->address >= piece->bytes)
		return false;
	if (piece->rest)
		piece = &symbols->pieces.all[piece->name];
	*index = piece - symbols->pieces.all;
	*offset = address - piece->address;
	return true;
}

char *elf_symbols_name(const struct elf_symbols *symbols, size_t index, bool *stub)
{
	const struct elf_entry *entry = &symbols->pieces.all[index];
	const struct strings *strings = &symbols->strings[entry->source];
	uint64_t left = strings->bytes - entry->name;
	size_t room = 256, length;

	/* Most names are short: begin so. */
	for (;; room *= 4) {
		size_t bytes = left < room ? left : room;
		_cleanup_free_ char *name = malloc(bytes + 1);

		if (!name || !elf_file_unchanged(strings->file) ||
		    elf_file_read(strings->file, strings->offset + entry->name, name, bytes))
			return NULL;
		name[bytes] = '\0';
		length = strlen(name);
		if (length < bytes || bytes == left) {
			char *version = length ? strchr(name + 1, '@') : NULL;

			if (length > ELF_SYMBOL_NAME_MAX || length == 0)
				return NULL;
			if (version)
				*version = '\0';
			*stub = entry->stub;
			return steal_pointer(&name);
		}
		if (bytes > ELF_SYMBOL_NAME_MAX)
			return NULL;
	}
}
