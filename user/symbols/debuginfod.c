/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/debuginfod.h"

#include <elfutils/debuginfod.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define WAIT_SECONDS 60

struct debuginfod {
	debuginfod_client *client;
	time_t deadline; /* CLOCK_MONOTONIC, seconds */
	bool silent;
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Called by the library several times a second; what is not 0 ends the download. */
static int on_progress(debuginfod_client *client, long a, long b)
{
	struct debuginfod *debuginfod = debuginfod_get_user_data(client);

	(void)a, (void)b;
	debuginfod->silent = now() > debuginfod->deadline;
	return debuginfod->silent;
}

struct debuginfod *debuginfod_new(void)
{
	const char *urls = getenv(DEBUGINFOD_URLS_ENV_VAR);
	struct debuginfod *debuginfod;

	if (!urls || !*urls)
		return NULL;
	debuginfod = calloc(1, sizeof(*debuginfod));
	if (!debuginfod)
		return NULL;
	debuginfod->client = debuginfod_begin();
	if (!debuginfod->client) {
		free(debuginfod);
		return NULL;
	}
	debuginfod_set_user_data(debuginfod->client, debuginfod);
	debuginfod_set_progressfn(debuginfod->client, on_progress);
	return debuginfod;
}

int debuginfod_find(struct debuginfod *debuginfod, const uint8_t *build_id, size_t build_id_bytes)
{
	if (debuginfod->silent)
		return -ETIMEDOUT;
	debuginfod->deadline = now() + WAIT_SECONDS;
	return debuginfod_find_debuginfo(debuginfod->client, build_id, build_id_bytes, NULL);
}

void debuginfod_free(struct debuginfod *debuginfod)
{
	if (!debuginfod)
		return;
	debuginfod_end(debuginfod->client);
	free(debuginfod);
}
