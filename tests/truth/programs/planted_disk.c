/* SPDX-License-Identifier: Apache-2.0 */
/* A worker computes, and saves so many records, each of which has to be on the disk before the next. */
#include <fcntl.h>
#include "planted.h"

static unsigned int records;

OWN_FUNCTION void save_record(int fd)
{
	static const char record[4096] = "record";

	MUST(write(fd, record, sizeof(record)) == sizeof(record) && fsync(fd) == 0);
}

OWN_FUNCTION void compute_record(void)
{
	COMPUTE(40);
}

static void *worker(void *arg)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/planted.XXXXXX", folder ? folder : "/var/tmp");
	MUST((fd = mkostemp(path, O_CLOEXEC)) >= 0);
	unlink(path);
	compute_record();
	for (unsigned int i = 0; i < records; i++)
		save_record(fd);
	close(fd);
	return arg;
}

int main(int argc, char **argv)
{
	records = dose(argc, argv);
	MUST(pthread_join(must_thread(worker, NULL), NULL) == 0);
	return 0;
}
