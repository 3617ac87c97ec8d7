/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data symbols of an ELF object: from an address inside it to the variable that holds it. Reads .symtab, else .dynsym, through
 * libelf. The file is a stranger's: whatever it says is checked, and what makes no sense is left out.
 */
#ifndef CONCPROF_ELF_DATA_H
#define CONCPROF_ELF_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_data;

/* 0; -ENOENT and the like when the file cannot be read; -ENOEXEC when it is no 64-bit ELF object for this machine. */
int elf_data_open(const char *path, struct elf_data **ret);

/*
 * Where the object lies if its executable segment with this file offset is mapped at `start`: the bias to add to its own addresses.
 * False when it has no such segment.
 */
bool elf_data_bias(const struct elf_data *object, uint64_t start, uint64_t file_offset, uint64_t *bias);
/* Whether `address` (bias taken off) lies in the object's memory. */
bool elf_data_holds(const struct elf_data *object, uint64_t address);
/* Name of the variable at `address` (bias taken off) and the offset in it; NULL if there is none. Owned by the object. */
const char *elf_data_symbol(const struct elf_data *object, uint64_t address, uint64_t *offset);

void elf_data_close(struct elf_data *object); /* NULL is fine */

#endif
