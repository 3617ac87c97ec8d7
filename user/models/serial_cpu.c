/* SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

#include <errno.h>
#include <openssl/evp.h>

#include "models/clock.h"
#include "models/hashing.h"

static void nap(unsigned int us)
{
	struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	while (us && nanosleep(&left, &left) && errno == EINTR)
		;
}

static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	EVP_MD *md = hashing_open();
	struct hasher hasher = {0};
	uint64_t begin;
	int rc;

	rc = md ? hasher_open(&hasher, md) : -EIO;
	begin = now_ns();
	for (unsigned int i = 0; !rc && i < params->tasks; i++) {
		rc = hasher_chain(&hasher, i, params->iterations, &ledger->digest);
		nap(params->plant_sleep_us);
	}
	ledger->work_ns = now_ns() - begin;
	if (rc)
		snprintf(error, error_bytes, "OpenSSL cannot compute SHA-256");
	else
		ledger->hashes = (uint64_t)params->tasks * params->iterations;
	hasher_close(&hasher);
	hashing_close(md);
	return rc;
}

const struct model model_serial_cpu = {
    .name = "serial-cpu",
    .stands_for = "hashlib in a loop",
    .does = "chains SHA-256 hashes, one task after the other, on one thread",
    .talk_seconds = 4.832652900018729,
    .uses = USES_TASKS | USES_ITERATIONS | USES_PLANT_SLEEP,
    .run = run,
};
