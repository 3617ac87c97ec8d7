/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: records of the perf ring, one behind the other as their headers say; the paths in them are what the target named its files. */
#include <stdlib.h>
#include <string.h>

#include "trace/perf_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_event_header header;
	uint64_t lost = 0;

	for (size_t at = 0; size - at >= sizeof(header); at += header.size) {
		struct mapping mapping;
		void *record;

		memcpy(&header, data + at, sizeof(header));
		if (header.size < sizeof(header) || header.size > size - at)
			break;
		record = malloc(header.size); /* of just that length, for the sanitizer */
		if (!record)
			abort();
		memcpy(record, data + at, header.size);
		if (perf_record_read(record, header.size, &mapping, &lost)) {
			if ((mapping.kind == MAPPING_FILE) != (mapping.path != NULL) ||
			    (mapping.path && (mapping.path[0] != '/' || strlen(mapping.path) >= header.size)))
				abort();
			free(mapping.path);
		}
		free(record);
	}
	return 0;
}
