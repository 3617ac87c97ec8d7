/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "profile/file.h"

struct profile_file {
	sqlite3_vfs vfs;
	char vfs_name[48];
	int fd;
	int dir;         /* folder of the final name; -1 when reading */
	char *name;      /* final name within it */
	char *temporary; /* name within it while under construction; NULL: none */
	bool write;
	off_t bytes; /* when opened for reading */
	int last_errno;
};

struct handle {
	sqlite3_file base;
	struct profile_file *file;
};

static struct profile_file *file_of(sqlite3_file *base)
{
	return ((struct handle *)base)->file;
}

static int vfs_close(sqlite3_file *base)
{
	(void)base;
	return SQLITE_OK;
}

static int vfs_read(sqlite3_file *base, void *buffer, int amount, sqlite3_int64 offset)
{
	struct profile_file *file = file_of(base);
	int done = 0;

	while (done < amount) {
		ssize_t n = pread(file->fd, (char *)buffer + done, amount - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			file->last_errno = errno;
			return SQLITE_IOERR_READ;
		}
		if (n == 0) {
			memset((char *)buffer + done, 0, amount - done);
			return SQLITE_IOERR_SHORT_READ;
		}
		done += n;
	}
	return SQLITE_OK;
}

static int vfs_write(sqlite3_file *base, const void *buffer, int amount, sqlite3_int64 offset)
{
	struct profile_file *file = file_of(base);
	int done = 0;

	while (done < amount) {
		ssize_t n = pwrite(file->fd, (const char *)buffer + done, amount - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			file->last_errno = n < 0 ? errno : ENOSPC;
			return file->last_errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
		}
		done += n;
	}
	return SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	return ftruncate(file_of(base)->fd, size) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/* Synced once, before it gets its name. */
static int vfs_sync(sqlite3_file *base, int flags)
{
	(void)base;
	(void)flags;
	return SQLITE_OK;
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *size)
{
	struct stat st;

	if (fstat(file_of(base)->fd, &st))
		return SQLITE_IOERR_FSTAT;
	*size = st.st_size;
	return SQLITE_OK;
}

/* Nobody else has the file while it is written, and nobody writes to it afterwards: locks have no meaning. */
static int vfs_lock(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int vfs_check_lock(sqlite3_file *base, int *locked)
{
	(void)base;
	*locked = 0;
	return SQLITE_OK;
}

static int vfs_control(sqlite3_file *base, int op, void *argument)
{
	(void)base;
	(void)op;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

static int vfs_characteristics(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_lock,
    .xCheckReservedLock = vfs_check_lock,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_characteristics,
};

/* The database itself and nothing else: journals and temporary tables are kept in memory. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
	struct profile_file *file = vfs->pAppData;

	(void)name;
	base->pMethods = NULL;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	((struct handle *)base)->file = file;
	base->pMethods = &methods;
	if (out_flags)
		*out_flags = file->write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	(void)name;
	(void)sync;
	return SQLITE_OK;
}

/* A journal that lies beside a recording is not ours: it does not exist for us. */
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	(void)vfs;
	(void)name;
	(void)flags;
	*ret = 0;
	return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int bytes, char *out)
{
	(void)vfs;
	snprintf(out, bytes, "%s", name);
	return SQLITE_OK;
}

static void vfs_init(struct profile_file *file)
{
	sqlite3_vfs *standard = sqlite3_vfs_find(NULL);

	snprintf(file->vfs_name, sizeof(file->vfs_name), "concprof-%" PRIxPTR, (uintptr_t)file);
	file->vfs = *standard;
	file->vfs.iVersion = 1;
	file->vfs.szOsFile = sizeof(struct handle);
	file->vfs.pNext = NULL;
	file->vfs.zName = file->vfs_name;
	file->vfs.pAppData = file;
	file->vfs.xOpen = vfs_open;
	file->vfs.xDelete = vfs_delete;
	file->vfs.xAccess = vfs_access;
	file->vfs.xFullPathname = vfs_path;
}

int profile_file_connect(struct profile_file *file, sqlite3 **ret)
{
	int flags = file->write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	int rc;

	vfs_init(file);
	rc = sqlite3_vfs_register(&file->vfs, 0);
	if (rc == SQLITE_OK)
		rc = sqlite3_open_v2("recording", ret, flags | SQLITE_OPEN_PRIVATECACHE, file->vfs_name);
	/* Connections keep using it; only the name is gone. */
	sqlite3_vfs_unregister(&file->vfs);
	return rc;
}

int profile_file_errno(const struct profile_file *file)
{
	return file->last_errno;
}

static struct profile_file *file_new(void)
{
	struct profile_file *file = calloc(1, sizeof(*file));

	if (file)
		file->fd = file->dir = -1;
	return file;
}

static char *temporary_name(const char *name)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return NULL;
	return text_format(".%.200s.%016" PRIx64, name, random);
}

/* Only regular files are replaced: writing to /dev/null must not remove it. */
static int check_target(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	return S_ISDIR(st.st_mode) ? -EISDIR : S_ISREG(st.st_mode) ? 0 : -EEXIST;
}

static int create_in(struct profile_file *file)
{
	file->fd = openat(file->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (file->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
		return -errno;
	/* A file system without nameless files. */
	file->temporary = temporary_name(file->name);
	if (!file->temporary)
		return -ENOMEM;
	file->fd = openat(file->dir, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (file->fd >= 0)
		return 0;
	free(steal_pointer(&file->temporary));
	return -errno;
}

static int create_at(struct profile_file *file, const char *path, uid_t uid, gid_t gid)
{
	_cleanup_free_ char *dir = strdup(path), *base = strdup(path);
	size_t length = strlen(path);
	int err;

	if (!dir || !base)
		return -ENOMEM;
	if (!length || path[length - 1] == '/')
		return -EISDIR;
	file->write = true;
	file->name = strdup(basename(base));
	file->dir = open(dirname(dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!file->name || file->dir < 0)
		return file->name ? -errno : -ENOMEM;
	err = check_target(file->dir, file->name);
	if (!err)
		err = create_in(file);
	if (!err && uid != (uid_t)-1 && fchown(file->fd, uid, gid))
		err = -errno;
	return err;
}

int profile_file_create(const char *path, uid_t uid, gid_t gid, struct profile_file **ret)
{
	struct profile_file *file = file_new();
	int err = file ? create_at(file, path, uid, gid) : -ENOMEM;

	if (err)
		profile_file_close(file);
	else
		*ret = file;
	return err;
}

int profile_file_adopt(int fd, struct profile_file **ret)
{
	struct profile_file *file = file_new();

	if (!file)
		return -ENOMEM;
	file->write = true;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0) {
		int err = -errno;

		profile_file_close(file);
		return err;
	}
	*ret = file;
	return 0;
}

/* Links the nameless file; a name that is taken needs a step between, as links do not replace. */
static int give_name(struct profile_file *file)
{
	char self[64];

	if (file->temporary)
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
	if (!linkat(AT_FDCWD, self, file->dir, file->name, AT_SYMLINK_FOLLOW)) {
		free(steal_pointer(&file->name));
		return 0;
	}
	if (errno != EEXIST)
		return -errno;
	file->temporary = temporary_name(file->name);
	if (!file->temporary)
		return -ENOMEM;
	if (!linkat(AT_FDCWD, self, file->dir, file->temporary, AT_SYMLINK_FOLLOW))
		return 0;
	free(steal_pointer(&file->temporary));
	return -errno;
}

int profile_file_publish(struct profile_file *file)
{
	int err;

	if (!file->name)
		return 0;
	if (fsync(file->fd))
		return -errno;
	err = check_target(file->dir, file->name);
	if (!err)
		err = give_name(file);
	if (err || !file->name)
		return err;
	if (renameat(file->dir, file->temporary, file->dir, file->name))
		return -errno;
	free(steal_pointer(&file->temporary));
	free(steal_pointer(&file->name));
	return 0;
}

off_t profile_file_bytes(const struct profile_file *file)
{
	return file->bytes;
}

int profile_file_open(const char *path, struct profile_file **ret)
{
	struct profile_file *file = file_new();
	struct stat st;
	int err = 0;

	if (!file)
		return -ENOMEM;
	/* Without O_NONBLOCK, opening a FIFO would hang. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		file->bytes = st.st_size;
	if (err)
		profile_file_close(file);
	else
		*ret = file;
	return err;
}

void profile_file_close(struct profile_file *file)
{
	if (!file)
		return;
	if (file->temporary)
		unlinkat(file->dir, file->temporary, 0);
	cleanup_close(&file->fd);
	cleanup_close(&file->dir);
	free(file->temporary);
	free(file->name);
	free(file);
}
