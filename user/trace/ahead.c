/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "symbols/elf_image.h"

#define OBJECTS_MAX     256
#define DYNAMIC_MAX     (64 << 10)
#define STRINGS_MAX     (4 << 20)
#define FIRST_LINE      256
#define INTERPRETER_MAX 4096
#define SCRIPTS_MAX     4 /* as the kernel's BINPRM_MAX_RECURSION */

/* ld.so's default search path on Debian (its trusted directories, and what /etc/ld.so.conf.d names in a stock installation). */
static const char *const usual_places[] = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
};

struct ahead {
	ahead_found_fn found;
	void *context;
	struct {
		dev_t device;
		ino_t inode;
	} seen[OBJECTS_MAX];
	size_t n_seen;
};

static void add_object(struct ahead *ahead, const char *path);

static bool is_seen(struct ahead *ahead, int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || ahead->n_seen == OBJECTS_MAX)
		return true;
	for (size_t i = 0; i < ahead->n_seen; i++)
		if (ahead->seen[i].device == st.st_dev && ahead->seen[i].inode == st.st_ino)
			return true;
	ahead->seen[ahead->n_seen].device = st.st_dev;
	ahead->seen[ahead->n_seen++].inode = st.st_ino;
	return false;
}

/* Where an address of the object's own lies in its file. */
static bool file_offset(const struct elf_image *image, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz) {
			*ret = segment->p_offset + (address - segment->p_vaddr);
			return true;
		}
	}
	return false;
}

/* Looks for a library in a list of folders, "a:$ORIGIN/b". */
static bool add_from(struct ahead *ahead, const char *folders, size_t bytes, const char *origin, const char *name)
{
	const char *end = folders + bytes;

	while (folders < end) {
		size_t length = strcspn(folders, ":");
		_cleanup_free_ char *path = NULL;

		if (length > (size_t)(end - folders))
			length = end - folders;
		if (length >= 7 && strncmp(folders, "$ORIGIN", 7) == 0)
			path = text_format("%s%.*s/%s", origin, (int)length - 7, folders + 7, name);
		else if (folders[0] == '/')
			path = text_format("%.*s/%s", (int)length, folders, name);
		if (path && access(path, R_OK) == 0) {
			add_object(ahead, path);
			return true;
		}
		folders += length + 1;
	}
	return false;
}

static void add_library(struct ahead *ahead, const char *name, const char *run_path, const char *origin)
{
	if (strchr(name, '/')) {
		add_object(ahead, name);
		return;
	}
	if (run_path && add_from(ahead, run_path, strlen(run_path), origin, name))
		return;
	for (size_t i = 0; i < sizeof(usual_places) / sizeof(usual_places[0]); i++)
		if (add_from(ahead, usual_places[i], strlen(usual_places[i]), origin, name))
			return;
}

/* Calls add_library for each DT_NEEDED. */
static void add_needed(struct ahead *ahead, const struct elf_image *image, const Elf64_Phdr *dynamic, const char *origin)
{
	struct elf_bytes entries = {0}, strings = {0};
	uint64_t at = 0, offset = 0, bytes = 0, run_path = 0;
	const Elf64_Dyn *entry;
	const char *text;
	size_t n;

	if (elf_image_bytes(image, dynamic->p_offset, dynamic->p_filesz, DYNAMIC_MAX, &entries))
		return;
	entry = (const Elf64_Dyn *)entries.data;
	n = entries.bytes / sizeof(*entry);
	for (size_t i = 0; i < n && entry[i].d_tag != DT_NULL; i++) {
		if (entry[i].d_tag == DT_STRTAB)
			at = entry[i].d_un.d_val;
		else if (entry[i].d_tag == DT_STRSZ)
			bytes = entry[i].d_un.d_val;
		else if (entry[i].d_tag == DT_RUNPATH || (entry[i].d_tag == DT_RPATH && !run_path))
			run_path = entry[i].d_un.d_val;
	}
	if (bytes && file_offset(image, at, &offset) && !elf_image_bytes(image, offset, bytes, STRINGS_MAX, &strings) &&
	    strings.data[strings.bytes - 1] == '\0') {
		text = (const char *)strings.data;
		for (size_t i = 0; i < n && entry[i].d_tag != DT_NULL; i++)
			if (entry[i].d_tag == DT_NEEDED && entry[i].d_un.d_val < strings.bytes)
				add_library(ahead, text + entry[i].d_un.d_val,
					    run_path && run_path < strings.bytes ? text + run_path : NULL, origin);
	}
	elf_bytes_free(&strings);
	elf_bytes_free(&entries);
}

static void add_interpreter(struct ahead *ahead, const struct elf_image *image, const Elf64_Phdr *segment)
{
	struct elf_bytes bytes;

	if (elf_image_bytes(image, segment->p_offset, segment->p_filesz, INTERPRETER_MAX, &bytes))
		return;
	if (bytes.bytes && bytes.data[bytes.bytes - 1] == '\0')
		add_object(ahead, (const char *)bytes.data);
	elf_bytes_free(&bytes);
}

static void add_object(struct ahead *ahead, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *origin = strdup(path);
	struct elf_image image;
	char *slash;

	if (fd < 0 || !origin || is_seen(ahead, fd))
		return;
	slash = strrchr(origin, '/');
	if (slash)
		*slash = '\0';
	if (elf_image_open(&image, fd))
		return;
	ahead->found(ahead->context, fd, path);
	for (size_t i = 0; i < image.n_segments; i++) {
		if (image.segments[i].p_type == PT_INTERP)
			add_interpreter(ahead, &image, &image.segments[i]);
		else if (image.segments[i].p_type == PT_DYNAMIC)
			add_needed(ahead, &image, &image.segments[i], slash ? origin : ".");
	}
	elf_image_close(&image);
}

/* The program's file: as execvp(3) finds it. NULL: not found. */
static char *find_program(const char *name)
{
	const char *folders = getenv("PATH");

	if (strchr(name, '/'))
		return strdup(name);
	while (folders && *folders) {
		size_t length = strcspn(folders, ":");
		char *path = text_format("%.*s/%s", (int)length, folders, name);

		if (!path || access(path, X_OK) == 0)
			return path;
		free(path);
		folders += length + (folders[length] == ':');
	}
	return NULL;
}

/* The program that a script's first line names: its last word, so that "/usr/bin/env python3" is python3. NULL: no script. */
static char *script_interpreter(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char line[FIRST_LINE + 1], *word, *next, *rest = NULL, *last = NULL;
	ssize_t got = fd < 0 ? -1 : pread(fd, line, FIRST_LINE, 0);

	if (got < 3 || memcmp(line, "#!", 2) != 0)
		return NULL;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	for (word = strtok_r(line + 2, " \t", &rest); word; word = next) {
		next = strtok_r(NULL, " \t", &rest);
		if (!last || strcmp(last, "/usr/bin/env") == 0)
			last = word;
	}
	return last ? find_program(last) : NULL;
}

void ahead_each(const char *path, ahead_found_fn found, void *context)
{
	struct ahead ahead = {.found = found, .context = context};
	char *program = find_program(path), *interpreter;

	for (int i = 0; program && i < SCRIPTS_MAX; i++) {
		interpreter = script_interpreter(program);
		if (!interpreter)
			break;
		free(program);
		program = interpreter;
	}
	if (program)
		add_object(&ahead, program);
	free(program);
}
