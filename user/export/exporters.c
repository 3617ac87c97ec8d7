/* SPDX-License-Identifier: Apache-2.0 */
#include "export/export.h"

const struct exporter *const exporters[] = {
    &exporter_json,
    NULL,
};

const struct exporter *exporter_find(const char *name)
{
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
		if (!strcmp((*exporter)->name, name))
			return *exporter;
	return NULL;
}
