/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For programs in which one cause of their wall time is planted: the argument says how much of it. What computes does so in a function of its
 * own, by CPU time, so that other work on the machine makes it neither more nor less.
 */
#ifndef CONCPROF_TESTS_PLANTED_H
#define CONCPROF_TESTS_PLANTED_H

#include "ledger.h"

/* Computes for so many milliseconds of CPU time, in the function that says so; the clock is read once in a while. */
#define COMPUTE(ms)                                                                                                              \
	do {                                                                                                                     \
		uint64_t end_ = cpu_ns() + (ms)*MS;                                                                              \
                                                                                                                                 \
		while (cpu_ns() < end_)                                                                                          \
			for (volatile int i_ = 0; i_ < 50000; i_++)                                                              \
				;                                                                                                \
	} while (0)

#define OWN_FUNCTION static __attribute__((noinline, noclone))

static inline unsigned int dose(int argc, char **argv)
{
	MUST(argc == 2);
	return (unsigned int)strtoul(argv[1], NULL, 10);
}

#endif
