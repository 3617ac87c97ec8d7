/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path's part of the JSON output. */
#ifndef CONCPROF_JSON_PATH_H
#define CONCPROF_JSON_PATH_H

#include "explain/explain.h"
#include "export/writer.h"

/*
 * What the wall time consists of (explain/path.h). The rows sum to wall_ns, as do the threads' parts and time that is nobody's. "through": the
 * waits that the path went through to whoever ended them.
 */
void json_path(struct json *json, const struct path *path); /* NULL: null */
/* "path_items" sum to the difference of the wall times; null unless both runs have a critical path. */
void json_path_items(struct json *json, const struct comparison *comparison);

#endif
