/* SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

#include "models/pool_io.h"

/*
 * What the talk meant: its program never stores the session that it makes, and so makes one for each picture. As there, a pool lives
 * for a round: workers x rounds connections.
 */
static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	return pool_io_run(params, true, ledger, error, error_bytes);
}

const struct model model_session_io = {
    .name = "session-io",
    .baseline = "serial-io",
    .stands_for = "thread-local requests.Session",
    .does = "the same downloads on threads that each keep their connection",
    .uses = USES_WORKERS | USES_CATS | USES_DOWNLOADS | USES_ROUNDS | USES_URL | USES_TIMEOUT,
    .run = run,
};
