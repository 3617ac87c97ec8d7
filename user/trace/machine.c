/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/machine.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* The columns of the line "cpu". What guests took stands in user and nice already. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COLUMNS };

struct machine_times machine_times(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/stat", "re");
	unsigned long long ticks[COLUMNS] = {0};
	uint64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK), busy = 0;

	if (!file || fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[USER], &ticks[NICE], &ticks[SYSTEM],
			    &ticks[IDLE], &ticks[IOWAIT], &ticks[IRQ], &ticks[SOFTIRQ], &ticks[STEAL]) != COLUMNS)
		return (struct machine_times){0};
	for (int i = 0; i < COLUMNS; i++)
		if (i != IDLE && i != IOWAIT)
			busy += ticks[i];
	return (struct machine_times){.busy_ns = busy * tick_ns, .stolen_ns = ticks[STEAL] * tick_ns};
}

static uint64_t over(uint64_t value, uint64_t base)
{
	return value > base ? value - base : 0;
}

struct machine_times machine_between(const struct machine_times *from, const struct machine_times *to)
{
	if (!from->busy_ns || !to->busy_ns)
		return (struct machine_times){0};
	return (struct machine_times){.busy_ns = over(to->busy_ns, from->busy_ns),
				      .stolen_ns = over(to->stolen_ns, from->stolen_ns)};
}
