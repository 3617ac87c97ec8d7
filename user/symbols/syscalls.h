/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_SYSCALLS_H
#define CONCPROF_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

/* Name of a syscall ("futex"), or NULL. From the kernel's own headers, as installed where this was built. */
const char *syscall_name(uint32_t nr, bool i386);

#endif
