/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/debug_files.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/cleanup.h"
#include "symbols/foreign_file.h"

#define DEBUG_ROOT "/usr/lib/debug"
/* A check sum takes 1 s a GiB. Whoever plants large files for us to sum shall not hold up the report for long. */
#define SUMMED_MAX (4ull << 30)
/* A file name and a check sum, or a build id. */
#define LINK_MAX (PATH_MAX + 64)

/* Opens what is named; NULL if it is no ELF file. */
static struct elf_file *open_elf(const char *path)
{
	struct elf_file *file = NULL;
	int fd = foreign_file_open(path);

	return fd >= 0 && elf_file_open(fd, &file) == 0 ? file : NULL;
}

/* Takes `file` over: NULL if its build id is another. */
static struct elf_file *require_id(struct elf_file *file, const uint8_t *id, size_t bytes)
{
	if (file && (file->build_id_bytes != bytes || memcmp(file->build_id, id, bytes) != 0)) {
		elf_file_close(file);
		return NULL;
	}
	return file;
}

/* `root` is "" or /proc/PID/root. */
static struct elf_file *find_by_id(const char *root, const uint8_t *id, size_t bytes)
{
	char hex[2 * ELF_BUILD_ID_MAX + 1] = "", path[PATH_MAX];

	if (bytes < 2 || bytes > ELF_BUILD_ID_MAX)
		return NULL;
	for (size_t i = 1; i < bytes; i++)
		snprintf(hex + 2 * (i - 1), 3, "%02x", id[i]);
	if (snprintf(path, sizeof(path), "%s" DEBUG_ROOT "/.build-id/%02x/%s.debug", root, id[0], hex) >= (int)sizeof(path))
		return NULL;
	return require_id(open_elf(path), id, bytes);
}

/* As .gnu_debuglink has it: that of zlib, over the whole file. */
static int checksum(struct debug_files *files, const struct elf_file *file, uint32_t *sum)
{
	uint64_t bytes = file->status.st_size, block_bytes = 256 << 10;
	_cleanup_free_ uint8_t *block = malloc(block_bytes);
	uLong crc = crc32(0, NULL, 0);

	if (!block)
		return -ENOMEM;
	if (bytes > SUMMED_MAX - files->summed_bytes)
		return -EFBIG;
	files->summed_bytes += bytes;
	for (uint64_t at = 0; at < bytes; at += block_bytes) {
		size_t n = bytes - at < block_bytes ? bytes - at : block_bytes;
		int err = elf_file_read(file, at, block, n);

		if (err)
			return err;
		crc = crc32(crc, block, n);
	}
	*sum = crc;
	return 0;
}

static struct elf_file *open_linked(struct debug_files *files, const struct elf_file *object, const char *path, uint32_t wanted)
{
	struct elf_file *file = open_elf(path);
	uint32_t sum;

	if (object->build_id_bytes)
		return require_id(file, object->build_id, object->build_id_bytes);
	if (file && (checksum(files, file, &sum) || sum != wanted)) {
		elf_file_close(file);
		return NULL;
	}
	return file;
}

/* .gnu_debuglink: a file name, its NUL, zeros up to a multiple of 4, the check sum. `root` bytes of `path` are /proc/PID/root. */
static struct elf_file *find_by_link(struct debug_files *files, const struct elf_file *object, const char *path, size_t root)
{
	const struct elf_section *section = elf_file_section(object, ".gnu_debuglink");
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *link = NULL;
	struct elf_file *file = NULL;
	size_t name_bytes, at;
	uint32_t sum;
	int directory;

	if (!section || !slash || elf_file_contents(object, section, LINK_MAX, &link))
		return NULL;
	name_bytes = strlen(link);
	at = (name_bytes + 1 + 3) & ~3ul;
	if (name_bytes == 0 || name_bytes > NAME_MAX || strchr(link, '/') || strcmp(link, "..") == 0 ||
	    at + sizeof(sum) > section->bytes)
		return NULL;
	memcpy(&sum, link + at, sizeof(sum));
	directory = slash - path - root;
	for (int place = 0; place < 3 && !file; place++) {
		static const char *const before[] = {"", "", DEBUG_ROOT}, *const behind[] = {"", "/.debug", ""};
		char candidate[PATH_MAX];

		if (snprintf(candidate, sizeof(candidate), "%.*s%s%.*s%s/%s", (int)root, path, before[place], directory,
			     path + root, behind[place], link) < (int)sizeof(candidate))
			file = open_linked(files, object, candidate, sum);
	}
	return file;
}

struct elf_file *debug_files_find(struct debug_files *files, const struct elf_file *object, const char *path)
{
	struct elf_file *file = find_by_id("", object->build_id, object->build_id_bytes), *fetched = NULL;
	size_t root = path ? foreign_file_root(path) : 0;
	_cleanup_free_ char *prefix = root ? strndup(path, root) : NULL;
	int fd;

	if (!file && prefix)
		file = find_by_id(prefix, object->build_id, object->build_id_bytes);
	if (!file && path)
		file = find_by_link(files, object, path, root);
	/* The process may be gone; what agrees with the object serves wherever it lies. */
	if (!file && root)
		file = find_by_link(files, object, path + root, 0);
	if (file || !files->debuginfod || !object->build_id_bytes)
		return file;
	fd = debuginfod_find(files->debuginfod, object->build_id, object->build_id_bytes);
	if (fd < 0 || elf_file_open(fd, &fetched))
		return NULL;
	return require_id(fetched, object->build_id, object->build_id_bytes);
}

struct elf_file *debug_files_shared(const struct elf_file *file)
{
	const struct elf_section *section = elf_file_section(file, ".gnu_debugaltlink");
	_cleanup_free_ char *link = NULL;
	size_t name_bytes;

	if (!section || elf_file_contents(file, section, LINK_MAX, &link))
		return NULL;
	name_bytes = strlen(link) + 1;
	if (name_bytes >= section->bytes)
		return NULL;
	return find_by_id("", (const uint8_t *)link + name_bytes, section->bytes - name_bytes);
}
