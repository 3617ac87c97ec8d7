/* SPDX-License-Identifier: Apache-2.0 */
#include "export/html_packed.h"

struct packed packed_begin(FILE *out, const char *name, size_t run)
{
	fprintf(out, "<script type=\"text/plain\" id=\"%s-%zu\">", name, run);
	return (struct packed){.out = out};
}

static void put_held(struct packed *packed)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *held = packed->held;

	putc_unlocked(digits[held[0] >> 2], packed->out);
	putc_unlocked(digits[(held[0] & 3) << 4 | held[1] >> 4], packed->out);
	putc_unlocked(packed->n_held > 1 ? digits[(held[1] & 15) << 2 | held[2] >> 6] : '=', packed->out);
	putc_unlocked(packed->n_held > 2 ? digits[held[2] & 63] : '=', packed->out);
	*packed = (struct packed){.out = packed->out};
}

void packed_number(struct packed *packed, uint64_t number)
{
	do {
		packed->held[packed->n_held++] = (number & 0x7f) | (number > 0x7f ? 0x80 : 0);
		if (packed->n_held == sizeof(packed->held))
			put_held(packed);
		number >>= 7;
	} while (number);
}

void packed_end(struct packed *packed)
{
	if (packed->n_held)
		put_held(packed);
	fputs("</script>\n", packed->out);
}
