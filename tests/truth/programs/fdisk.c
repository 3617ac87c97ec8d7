/* SPDX-License-Identifier: Apache-2.0 */
/* A disk: writes that are synced, and reads that bypass the page cache. Blocked time is what fsync() and read() took, less CPU. */
#include <fcntl.h>
#include "ledger.h"

#define BLOCK  (256 * 1024)
#define BLOCKS 32

int main(void)
{
	const char *folder = getenv("TMPDIR");
	struct tally t = {0};
	char path[4096], *block;
	int fd;

	snprintf(path, sizeof(path), "%s/fdisk.XXXXXX", folder ? folder : "/var/tmp");
	MUST(posix_memalign((void **)&block, 4096, BLOCK) == 0);
	memset(block, 'x', BLOCK);
	MUST((fd = mkostemp(path, O_CLOEXEC)) >= 0);
	for (int i = 0; i < BLOCKS; i++) {
		MUST(BLOCKED(&t, write(fd, block, BLOCK)) == BLOCK);
		MUST(BLOCKED(&t, fsync(fd)) == 0);
	}
	close(fd);
	MUST((fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC)) >= 0);
	for (int i = 0; i < BLOCKS; i++)
		MUST(BLOCKED(&t, read(fd, block, BLOCK)) == BLOCK);
	ledger_wait("disk", &t, "-");
	unlink(path);
	return 0;
}
