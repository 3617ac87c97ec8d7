/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/syscalls.h"

#include <stddef.h>

static const char *const names_x86_64[] = {
#include "syscalls_64.h"
};

static const char *const names_i386[] = {
#include "syscalls_32.h"
};

const char *syscall_name(uint32_t nr, bool i386)
{
	const char *const *names = i386 ? names_i386 : names_x86_64;
	size_t count = i386 ? sizeof(names_i386) / sizeof(*names_i386) : sizeof(names_x86_64) / sizeof(*names_x86_64);

	return nr < count ? names[nr] : NULL;
}
