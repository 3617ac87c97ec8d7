/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of symbols: ELF objects laid out by the test itself, in memory files; and objects made by gcc and objcopy in a
 * folder.
 */
#ifndef CONCPROF_SYMBOLS_FIXTURE_H
#define CONCPROF_SYMBOLS_FIXTURE_H

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "symbols/symbolizer.h"

/* The object's sections: .text at TEXT, .other (code as well) at OTHER, .data (no code) at DATA. */
#define TEXT  0x1000
#define OTHER 0x3000
#define DATA  0x5000
#define BYTES 0x1000 /* of each */

struct made_symbol {
	const char *name;
	uint64_t address, bytes;
	int type, bind;
};

enum { S_NULL, S_TEXT, S_OTHER, S_DATA, S_SYMTAB, S_STRTAB, S_NAMES, N_SECTIONS };

struct made_elf {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Shdr sections[N_SECTIONS];
	char names[64];
	Elf64_Sym symbols[64];
	char strings[4096];
};

static inline Elf64_Shdr made_section(uint32_t name, uint32_t type, uint64_t flags, uint64_t address, uint64_t offset,
				      uint64_t bytes)
{
	return (Elf64_Shdr){
	    .sh_name = name, .sh_type = type, .sh_flags = flags, .sh_addr = address, .sh_offset = offset, .sh_size = bytes};
}

/* An object with these symbols in .symtab; its code is not in the file, which no test needs. */
static inline struct made_elf make_elf(const struct made_symbol *symbols, size_t count)
{
	static const char names[] = "\0.text\0.other\0.data\0.symtab\0.strtab\0.shstrtab";
	struct made_elf elf = {
	    .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		       .e_type = ET_DYN,
		       .e_machine = EM_X86_64,
		       .e_version = EV_CURRENT,
		       .e_ehsize = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 1,
		       .e_phoff = offsetof(struct made_elf, segment),
		       .e_shentsize = sizeof(Elf64_Shdr),
		       .e_shnum = N_SECTIONS,
		       .e_shoff = offsetof(struct made_elf, sections),
		       .e_shstrndx = S_NAMES},
	    .segment = {.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_offset = 0x200,
			.p_vaddr = TEXT,
			.p_filesz = 0x800,
			.p_memsz = BYTES},
	};
	size_t at = 1;

	memcpy(elf.names, names, sizeof(names));
	elf.sections[S_TEXT] = made_section(1, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, 0, BYTES);
	elf.sections[S_OTHER] = made_section(7, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, OTHER, 0, BYTES);
	elf.sections[S_DATA] = made_section(14, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, DATA, 0, BYTES);
	elf.sections[S_SYMTAB] =
	    made_section(20, SHT_SYMTAB, 0, 0, offsetof(struct made_elf, symbols), (count + 1) * sizeof(Elf64_Sym));
	elf.sections[S_SYMTAB].sh_link = S_STRTAB;
	elf.sections[S_SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	elf.sections[S_STRTAB] = made_section(28, SHT_STRTAB, 0, 0, offsetof(struct made_elf, strings), sizeof(elf.strings));
	elf.sections[S_NAMES] = made_section(36, SHT_STRTAB, 0, 0, offsetof(struct made_elf, names), sizeof(elf.names));
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(symbols[i].name) + 1;

		assert_true(i + 1 < sizeof(elf.symbols) / sizeof(*elf.symbols) && at + length <= sizeof(elf.strings));
		elf.symbols[i + 1] = (Elf64_Sym){.st_name = at,
						 .st_value = symbols[i].address,
						 .st_size = symbols[i].bytes,
						 .st_info = ELF64_ST_INFO(symbols[i].bind, symbols[i].type),
						 .st_shndx = S_TEXT};
		memcpy(elf.strings + at, symbols[i].name, length);
		at += length;
	}
	return elf;
}

/* A file in memory; the caller closes. */
static inline int memory_file(const void *bytes, size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	return fd;
}

static inline struct symbolizer *symbolizer_for_test(bool lines, bool debuginfod)
{
	struct symbolizer_options options = {.lines = lines, .debuginfod = debuginfod};
	struct symbolizer *symbolizer;

	assert_int_equal(symbolizer_open(&options, &symbolizer), 0);
	return symbolizer;
}

/* "name+0x10", or "?". */
static inline const char *name_at(struct symbolizer *symbolizer, struct symbol_object *object, uint64_t address, char text[256])
{
	struct symbol_frame frame;

	assert_int_equal(symbolizer_user(symbolizer, object, address, &frame, 1), 1);
	if (frame.function)
		snprintf(text, 256, "%s+%#llx", frame.function, (unsigned long long)frame.offset);
	else
		snprintf(text, 256, "?");
	return text;
}

#define NAME_AT(symbolizer, object, address) name_at(symbolizer, object, address, (char[256]){0})

/* A folder of the test's own. */
static char folder[PATH_MAX];

static inline void shell(const char *format, ...)
{
	char command[4 * PATH_MAX];
	va_list args;
	int status;
	pid_t pid;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pid = fork();
	if (pid == 0) {
		if (chdir(folder) == 0)
			execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline const char *in_folder(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3000s/%.900s", folder, name);
	return path;
}

#define IN_FOLDER(name) in_folder(name, (char[PATH_MAX]){0})

static inline void write_text(const char *name, const char *text, size_t length)
{
	_cleanup_close_ int fd = open(IN_FOLDER(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
}

static inline int make_folder(void **state)
{
	const char *temporary = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.3000s/symbols-XXXXXX", temporary ? temporary : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
	(void)state;
	shell("rm -rf '%s'", folder);
	return 0;
}

#endif
