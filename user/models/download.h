/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the I/O models share: one download through libcurl, checked to be whole. Anything but a complete, non-empty body with
 * status 200 is an error that names the URL: half a download is never measured as a fast one.
 */
#ifndef CONCPROF_MODELS_DOWNLOAD_H
#define CONCPROF_MODELS_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "models/models.h"

/* What all downloads of a run have in common; threads only read it. */
struct download_site {
	char *base;                 /* without a slash at the end */
	struct curl_slist *resolve; /* the host's addresses; NULL: the host is an address */
	long timeout_ms;
};

/*
 * Sets libcurl up and resolves the host, once: libcurl would create a thread for each look-up. 0, or a negative errno and a line
 * in `error`; download_site_close() is due in both cases.
 */
int download_site_open(const struct model_params *params, struct download_site *site, char *error, size_t error_bytes);
void download_site_close(struct download_site *site);

struct download_tally {
	uint64_t bytes, downloads, connections;
	uint64_t digest; /* sum over the bodies: does not depend on their order */
};

void download_tally_add(const struct download_tally *tally, struct ledger *ledger);

/* One handle, for one thread at a time. Lives at one address from open to close. */
struct downloader {
	const struct download_site *site;
	CURL *easy;
	unsigned char *body;
	size_t bytes, capacity;
	char url[512];
	char reason[CURL_ERROR_SIZE];
};

/* keep: later downloads use the connection of earlier ones; otherwise each makes its own. */
int downloader_open(struct downloader *downloader, const struct download_site *site, bool keep);
void downloader_close(struct downloader *downloader);

/* Downloads picture `cat` (1..) and adds it to the tally. */
int download(struct downloader *downloader, unsigned int cat, struct download_tally *tally, char *error, size_t error_bytes);

/* The same in two halves, for a multi handle: what comes before the transfer, and what comes after it. */
int download_begin(struct downloader *downloader, unsigned int cat, char *error, size_t error_bytes);
int download_end(struct downloader *downloader, CURLcode code, struct download_tally *tally, char *error, size_t error_bytes);

#endif
