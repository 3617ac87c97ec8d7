/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: lines of /proc/PID/maps, and the list that is made of them. Paths in it are what the target named its files. */
#include <stdlib.h>
#include <string.h>

#include "trace/proc_maps.h"
#include "trace/spans.h"

/* An address space has at most 65,530 mappings (vm.max_map_count); so many take time, not other ways. */
#define SPANS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(const struct spans *spans)
{
	for (size_t i = 0; i < spans->n; i++) {
		if (spans->all[i].start >= spans->all[i].end || (i > 0 && spans->all[i - 1].end > spans->all[i].start))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spans spans = {};

	while (size && spans.n < SPANS_MAX) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t bytes = end ? (size_t)(end - data) + 1 : size;
		char *line = strndup((const char *)data, bytes); /* of just that length, for the sanitizer */
		struct mapping mapping = {};

		if (!line)
			abort();
		if (proc_maps_line(line, &mapping)) {
			struct span span = {.start = mapping.start, .end = mapping.start + mapping.length};

			if (span.end <= span.start || mapping.path < line || mapping.path > line + strlen(line) ||
			    (mapping.kind == MAPPING_FILE) != (mapping.path[0] == '/'))
				abort();
			if (spans_put(&spans, &span))
				abort();
			check_order(&spans);
		}
		free(line);
		data += bytes;
		size -= bytes;
	}
	spans_free(&spans);
	return 0;
}
