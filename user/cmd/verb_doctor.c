/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what this kernel and this user allow, and what to do about each lack. */
#include <stdio.h>

#include "cmd/options.h"
#include "cmd/verbs.h"
#include "trace/trace.h"

static int doctor(int argc, char **argv)
{
	static const struct argp argp = {.doc = "Says what this kernel and this user allow, and what to do about each lack. "
						"Exits with 0 when concprof can measure here."};
	static const char *const words[] = {[PROBE_OK] = "ok", [PROBE_MISSING] = "MISSING", [PROBE_DENIED] = "DENIED"};
	struct probe probes[PROBE_COUNT];
	bool works = true, denied = false;
	size_t count;

	options_parse(&argp, argc, argv, 0, NULL, NULL);
	count = trace_probe(probes);
	for (size_t i = 0; i < count; i++) {
		printf("%-16s  %-7s  %s\n", probes[i].name, words[probes[i].result], probes[i].detail);
		if (probes[i].result != PROBE_OK && probes[i].needed)
			works = false;
		if (probes[i].result == PROBE_DENIED)
			denied = true;
	}
	printf("\n%s\n",
	       works    ? "concprof can measure here."
	       : denied ? "Without privileges concprof cannot measure here: sudo concprof doctor says whether it can with them."
			: "concprof cannot measure here: see the lines marked MISSING.");
	return works ? STATUS_OK : STATUS_FAILED;
}

const struct verb verb_doctor = {
    .name = "doctor", .arguments = "", .gloss = "what this kernel and user allow, and what to do about it", .run = doctor};
