/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that have a safer sibling. Included before everything else (Makefile); using one is a compile error. */
#ifndef CONCPROF_BANNED_H
#define CONCPROF_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll system tmpnam

#endif
