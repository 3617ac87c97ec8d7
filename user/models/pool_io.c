/* SPDX-License-Identifier: Apache-2.0 */
#include "models/pool_io.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "models/clock.h"
#include "models/download.h"
#include "models/pool.h"

struct worker {
	struct downloader downloader;
	struct download_tally tally;
};

struct job {
	const struct model_params *params;
	struct download_site site;
	struct worker *workers;
	bool keep;
};

static int enter(void *arg, unsigned int index, char *error, size_t error_bytes)
{
	struct job *job = arg;
	int rc = downloader_open(&job->workers[index].downloader, &job->site, job->keep);

	if (rc)
		snprintf(error, error_bytes, "out of memory for worker %u", index + 1);
	return rc;
}

static void leave(void *arg, unsigned int index)
{
	struct job *job = arg;

	downloader_close(&job->workers[index].downloader);
}

static int download_cat(void *arg, unsigned int index, unsigned int task, char *error, size_t error_bytes)
{
	struct job *job = arg;
	struct worker *worker = &job->workers[index];
	int rc = 0;

	for (unsigned int i = 0; !rc && i < job->params->downloads; i++)
		rc = download(&worker->downloader, task + 1, &worker->tally, error, error_bytes);
	return rc;
}

static int down_them_all(struct job *job, struct ledger *ledger, char *error, size_t error_bytes)
{
	struct pool_job pool = {
	    .workers = job->params->workers,
	    .tasks = job->params->cats,
	    .enter = enter,
	    .leave = leave,
	    .task = download_cat,
	    .arg = job,
	};
	unsigned int threads = pool_threads(&pool);
	_cleanup_free_ struct worker *workers = calloc(threads, sizeof(*workers));
	int rc = 0;

	if (!workers) {
		snprintf(error, error_bytes, "out of memory for %u workers", threads);
		return -ENOMEM;
	}
	job->workers = workers;
	for (unsigned int round = 0; !rc && round < job->params->rounds; round++)
		rc = pool_run(&pool, error, error_bytes);
	for (unsigned int i = 0; i < threads; i++)
		download_tally_add(&workers[i].tally, ledger);
	return rc;
}

int pool_io_run(const struct model_params *params, bool keep, struct ledger *ledger, char *error, size_t error_bytes)
{
	struct job job = {.params = params, .keep = keep};
	uint64_t begin;
	int rc;

	rc = download_site_open(params, &job.site, error, error_bytes);
	begin = now_ns();
	if (!rc)
		rc = down_them_all(&job, ledger, error, error_bytes);
	ledger->work_ns = now_ns() - begin;
	download_site_close(&job.site);
	return rc;
}
