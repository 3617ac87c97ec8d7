/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/maps: what a process has mapped that is alive. */
#ifndef CONCPROF_PROC_MAPS_H
#define CONCPROF_PROC_MAPS_H

#include <stdbool.h>

#include "trace/mappings.h"

/*
 * One line (proc(5)), which loses its newline. False: not executable, [vsyscall], or nonsense. Otherwise `mapping` has where it lies and what
 * of; `path`, whatever the kind, points into the line. Its pid and time are left as they were.
 */
bool proc_maps_line(char *line, struct mapping *mapping);

#endif
