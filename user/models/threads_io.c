/* SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

#include "models/pool_io.h"

static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	return pool_io_run(params, false, ledger, error, error_bytes);
}

const struct model model_threads_io = {
    .name = "threads-io",
    .baseline = "serial-io",
    .stands_for = "ThreadPoolExecutor(5)",
    .does = "the same downloads on threads, still a new connection each",
    .talk_seconds = 0.7045268000802025,
    .uses = USES_WORKERS | USES_CATS | USES_DOWNLOADS | USES_ROUNDS | USES_URL | USES_TIMEOUT,
    .run = run,
};
