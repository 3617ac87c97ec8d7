/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PLT stubs (x86-64): code without symbols that jumps through a slot whose relocation names the function. Told by the stub's own
 * instructions, so that every layout serves (.plt, .plt.sec with IBT, .plt.got, GNU ld's and lld's).
 */
#ifndef CONCPROF_ELF_PLT_H
#define CONCPROF_ELF_PLT_H

#include <stdint.h>

#include "symbols/elf_file.h"

struct elf_plt_stub {
	uint64_t address, bytes;
	/* The function's entry in .dynsym; 0: it has none, and `target` is the address of the function that chooses it (IFUNC) */
	uint32_t symbol;
	uint64_t target;
};

/* All stubs whose function can be told; the caller frees. 0 (also when there are none), or -ENOMEM, -EIO, -EFBIG and the like. */
int elf_plt_read(const struct elf_file *file, struct elf_plt_stub **ret, size_t *count);

#endif
