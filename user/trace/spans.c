/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/spans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int insert(struct spans *spans, size_t at, const struct span *span)
{
	if (spans->n == spans->room) {
		size_t room = spans->room ? 2 * spans->room : 16;
		struct span *grown = reallocarray(spans->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		spans->all = grown;
		spans->room = room;
	}
	memmove(&spans->all[at + 1], &spans->all[at], (spans->n - at) * sizeof(*spans->all));
	spans->all[at] = *span;
	spans->n++;
	return 0;
}

int spans_put(struct spans *spans, const struct span *span)
{
	size_t i = 0, covered;

	while (i < spans->n && spans->all[i].end <= span->start)
		i++;
	if (i < spans->n && spans->all[i].start < span->start) {
		struct span right = spans->all[i];

		spans->all[i++].end = span->start;
		right.start = span->end;
		if (right.start < right.end) {
			int err = insert(spans, i, &right);

			if (err)
				return err;
		}
	}
	for (covered = i; covered < spans->n && spans->all[covered].end <= span->end;)
		covered++;
	if (covered > i)
		memmove(&spans->all[i], &spans->all[covered], (spans->n - covered) * sizeof(*spans->all));
	spans->n -= covered - i;
	if (i < spans->n && spans->all[i].start < span->end)
		spans->all[i].start = span->end;
	return insert(spans, i, span);
}

const struct span *spans_find(const struct span *all, size_t n, uint64_t address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < all[low - 1].end ? &all[low - 1] : NULL;
}

int spans_copy(struct spans *to, const struct spans *from)
{
	struct span *all = malloc((from->n + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (from->n)
		memcpy(all, from->all, from->n * sizeof(*all));
	*to = (struct spans){.all = all, .n = from->n, .room = from->n + 1};
	return 0;
}

void spans_free(struct spans *spans)
{
	free(spans->all);
	*spans = (struct spans){};
}
