/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of an ELF object, by address: .symtab, .dynsym, PLT stubs, and the .symtab of the separate debug file. 16 bytes a
 * function in memory; names stay in the files and are read when they are asked for.
 */
#ifndef CONCPROF_ELF_SYMBOLS_H
#define CONCPROF_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_file.h"

struct elf_symbols;

/*
 * `debug` may be NULL. Both files must outlive the table, which keeps pointing at them. 0 (also when there are no symbols);
 * -ENOMEM; -EFBIG when there is more than any real object has; -ENODATA and the like when the file was cut meanwhile.
 */
int elf_symbols_load(const struct elf_file *file, const struct elf_file *debug, struct elf_symbols **ret);
void elf_symbols_free(struct elf_symbols *symbols); /* NULL is fine */

/* How many indices elf_symbols_find() can give. */
size_t elf_symbols_count(const struct elf_symbols *symbols);
/*
 * The function that `address` lies in, and the offset from its beginning. A function without a size (assembly) reaches up to the
 * next symbol of its section. False: none.
 */
bool elf_symbols_find(const struct elf_symbols *symbols, uint64_t address, size_t *index, uint64_t *offset);
/*
 * The name of a function as the file has it, without symbol version; the caller frees. `stub` becomes true if it is that
 * function's PLT stub. NULL if it cannot be read any more, or is longer than ELF_SYMBOL_NAME_MAX.
 */
char *elf_symbols_name(const struct elf_symbols *symbols, size_t index, bool *stub);

/* Instantiations of large C++ templates reach some 10,000 bytes. */
#define ELF_SYMBOL_NAME_MAX (32u << 10)

#endif
