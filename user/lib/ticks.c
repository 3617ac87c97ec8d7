/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ticks.h"

#include <inttypes.h>
#include <stdio.h>

struct ticks ticks_for(uint64_t from_ns, uint64_t to_ns, unsigned int most)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
	static const unsigned int factors[] = {2, 5, 10};
	struct ticks ticks = {.step_ns = 1};
	uint64_t power = 1, scale;
	size_t i = 0;

	for (unsigned int factor = 0; (to_ns - from_ns - 1) / ticks.step_ns >= most && ticks.step_ns < UINT64_MAX / 20;) {
		ticks.step_ns = power * factors[factor];
		if (++factor == 3) {
			power *= 10;
			factor = 0;
		}
	}
	while (units[i].ns > to_ns && units[i].ns > 1)
		i++;
	ticks.unit = units[i].name;
	ticks.unit_ns = scale = units[i].ns;
	while (ticks.step_ns % scale) {
		scale /= 10;
		ticks.decimals++;
	}
	ticks.first_ns = (from_ns + ticks.step_ns - 1) / ticks.step_ns * ticks.step_ns;
	return ticks;
}

const char *tick_label(char buffer[FIGURE_BYTES], const struct ticks *ticks, uint64_t at_ns)
{
	uint64_t rest = at_ns % ticks->unit_ns, scale = ticks->unit_ns;

	if (!at_ns) {
		snprintf(buffer, FIGURE_BYTES, "0");
		return buffer;
	}
	for (unsigned int i = 0; i < ticks->decimals; i++)
		scale /= 10;
	if (ticks->decimals)
		snprintf(buffer, FIGURE_BYTES, "%" PRIu64 ".%0*" PRIu64 " %s", at_ns / ticks->unit_ns, (int)ticks->decimals,
			 rest / scale, ticks->unit);
	else
		snprintf(buffer, FIGURE_BYTES, "%" PRIu64 " %s", at_ns / ticks->unit_ns, ticks->unit);
	return buffer;
}
