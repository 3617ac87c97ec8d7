/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's functions, from /proc/kallsyms as it is at the moment: code only, 16 bytes a function and its name. */
#ifndef CONCPROF_KERNEL_SYMBOLS_H
#define CONCPROF_KERNEL_SYMBOLS_H

#include <stdint.h>

struct kernel_symbols;

/*
 * `path` is /proc/kallsyms, or a file like it. 0; -EACCES when the kernel hides the addresses from us; -ENOMEM, -EFBIG, -ENOENT,
 * -EIO.
 */
int kernel_symbols_open(const char *path, struct kernel_symbols **ret);
/*
 * NULL if none. kallsyms tells no sizes: a function ends where the next symbol of any kind begins. `module` becomes the module's
 * name without brackets ("bpf" and "__builtin__ftrace" stand for code that the kernel made itself), NULL for the kernel's own.
 */
const char *kernel_symbols_find(const struct kernel_symbols *symbols, uint64_t address, uint64_t *offset, const char **module);
void kernel_symbols_close(struct kernel_symbols *symbols); /* NULL is fine */

#endif
