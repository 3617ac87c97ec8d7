/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCPROF_MODELS_POOL_IO_H
#define CONCPROF_MODELS_POOL_IO_H

#include <stdbool.h>

#include "models/models.h"

/*
 * Downloads on a pool of threads that is created and joined every round, a task being all downloads of one picture. keep: each
 * thread keeps its connection for as long as it lives.
 */
int pool_io_run(const struct model_params *params, bool keep, struct ledger *ledger, char *error, size_t error_bytes);

#endif
