// SPDX-License-Identifier: GPL-2.0-only
/* The one definition of the maps and settings that concprof.bpf.h declares. */
#define CONCPROF_MAPS_HERE
#include "stacks.bpf.h"

char LICENSE[] SEC("license") = "GPL";
