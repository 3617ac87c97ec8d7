/* SPDX-License-Identifier: Apache-2.0 */
#include "export/gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define GZIP_FORMAT 16 /* added to the window's bits: a gzip header instead of zlib's (zlib.h, deflateInit2) */

struct gzip {
	FILE *out;
	int err;
	z_stream stream;
	unsigned char bytes[1 << 16];
};

int gzip_open(FILE *out, struct gzip **ret)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return -ENOMEM;
	gzip->out = out;
	if (deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT, MAX_MEM_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return -ENOMEM;
	}
	*ret = gzip;
	return 0;
}

/* Until all input is taken; with Z_FINISH, until all output is written. */
static void work(struct gzip *gzip, int flush)
{
	do {
		size_t length;

		gzip->stream.next_out = gzip->bytes;
		gzip->stream.avail_out = sizeof(gzip->bytes);
		/* Fails only when it is called wrongly. */
		deflate(&gzip->stream, flush);
		length = sizeof(gzip->bytes) - gzip->stream.avail_out;
		errno = 0;
		if (fwrite(gzip->bytes, 1, length, gzip->out) != length)
			gzip->err = errno ? -errno : -EIO;
	} while (!gzip->err && !gzip->stream.avail_out);
}

int gzip_write(struct gzip *gzip, const void *bytes, size_t n)
{
	while (!gzip->err && n) {
		size_t part = n < INT_MAX ? n : INT_MAX;

		gzip->stream.next_in = (void *)bytes;
		gzip->stream.avail_in = part;
		work(gzip, Z_NO_FLUSH);
		bytes = (const char *)bytes + part;
		n -= part;
	}
	return gzip->err;
}

int gzip_close(struct gzip *gzip)
{
	int err;

	if (!gzip)
		return 0;
	gzip->stream.avail_in = 0;
	if (!gzip->err)
		work(gzip, Z_FINISH);
	errno = 0;
	if (!gzip->err && fflush(gzip->out))
		gzip->err = errno ? -errno : -EIO;
	deflateEnd(&gzip->stream);
	err = gzip->err;
	free(gzip);
	return err;
}
