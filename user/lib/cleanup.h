/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup by type: `_cleanup_free_ char *p = NULL;`. A value that is handed on leaves its variable through steal_*(). */
#ifndef CONCPROF_CLEANUP_H
#define CONCPROF_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_closedir(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

#define _cleanup_free_     _cleanup_(cleanup_free)
#define _cleanup_close_    _cleanup_(cleanup_close)
#define _cleanup_fclose_   _cleanup_(cleanup_fclose)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/* Returns *p and leaves NULL behind. */
#define steal_pointer(p)                                                                                                         \
	({                                                                                                                       \
		__typeof__(*(p)) stolen_ = *(p);                                                                                 \
		*(p) = NULL;                                                                                                     \
		stolen_;                                                                                                         \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
