/* SPDX-License-Identifier: Apache-2.0 */
/* File locks, of both kinds, that another process holds for a known time. */
#include <fcntl.h>
#include <sys/file.h>
#include "ledger.h"

int main(void)
{
	const char *folder = getenv("TMPDIR");
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct tally t = {0};
	char path[4096], c;
	int fd, ready[2];
	pid_t child;

	snprintf(path, sizeof(path), "%s/flock.XXXXXX", folder ? folder : "/var/tmp");
	MUST((fd = mkostemp(path, O_CLOEXEC)) >= 0 && pipe(ready) == 0);
	child = must_fork();
	if (child == 0) {
		int own = open(path, O_RDWR | O_CLOEXEC);

		MUST(own >= 0 && flock(own, LOCK_EX) == 0 && fcntl(own, F_SETLK, &whole) == 0);
		MUST(write(ready[1], "x", 1) == 1);
		nap(100);
		flock(own, LOCK_UN);
		nap(100);
		return 0;
	}
	MUST(read(ready[0], &c, 1) == 1);
	MUST(BLOCKED(&t, flock(fd, LOCK_EX)) == 0);
	MUST(BLOCKED(&t, fcntl(fd, F_SETLKW, &whole)) == 0);
	ledger_wait("lock", &t, "-");
	unlink(path);
	must_reap(child);
	return 0;
}
