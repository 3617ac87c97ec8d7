/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks of a time axis: at 1, 2 or 5 times a power of ten, all with the same unit and number of decimals. */
#ifndef CONCPROF_TICKS_H
#define CONCPROF_TICKS_H

#include "lib/text.h"

struct ticks {
	uint64_t first_ns, step_ns; /* the first at or after the axis's begin */
	uint64_t unit_ns;
	const char *unit;
	unsigned int decimals;
};

/* At most `most` (at least 1) steps from from_ns to to_ns, which is larger. */
struct ticks ticks_for(uint64_t from_ns, uint64_t to_ns, unsigned int most);
/* "0", "0.5 s", "120 ms". Returns `buffer`. */
const char *tick_label(char buffer[FIGURE_BYTES], const struct ticks *ticks, uint64_t at_ns);

#endif
