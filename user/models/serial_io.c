/* SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

#include <errno.h>

#include "models/clock.h"
#include "models/download.h"

static int down_them_all(const struct model_params *params, struct downloader *downloader, struct download_tally *tally,
			 char *error, size_t error_bytes)
{
	for (unsigned int round = 0; round < params->rounds; round++)
		for (unsigned int cat = 1; cat <= params->cats; cat++)
			for (unsigned int i = 0; i < params->downloads; i++) {
				int rc = download(downloader, cat, tally, error, error_bytes);

				if (rc)
					return rc;
			}
	return 0;
}

static int run(const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	struct download_tally tally = {0};
	struct downloader downloader = {0};
	struct download_site site;
	uint64_t begin;
	int rc;

	rc = download_site_open(params, &site, error, error_bytes);
	if (!rc)
		rc = downloader_open(&downloader, &site, false);
	begin = now_ns();
	if (!rc)
		rc = down_them_all(params, &downloader, &tally, error, error_bytes);
	ledger->work_ns = now_ns() - begin;
	download_tally_add(&tally, ledger);
	downloader_close(&downloader);
	download_site_close(&site);
	return rc;
}

const struct model model_serial_io = {
    .name = "serial-io",
    .stands_for = "urllib in a loop",
    .does = "downloads pictures one after the other, a new connection each",
    .talk_seconds = 1.3388052999507636,
    .uses = USES_CATS | USES_DOWNLOADS | USES_ROUNDS | USES_URL | USES_TIMEOUT,
    .run = run,
};
