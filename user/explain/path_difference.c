/* SPDX-License-Identifier: Apache-2.0 */
/* Two critical paths, by what they consist of, whoever it was that did it: threads of one run have no counterparts in another. */
#include <errno.h>

#include "explain/internal.h"
#include "explain/path.h"

static int by_key(const void *a, const void *b)
{
	const struct path_difference *x = a, *y = b;
	int result = (int)x->state - (int)y->state;

	if (!result)
		result = strcmp(x->cause, y->cause);
	return result ? result : strcmp(x->function, y->function);
}

static uint64_t size_of(const struct path_difference *item)
{
	return item->before_ns > item->after_ns ? item->before_ns - item->after_ns : item->after_ns - item->before_ns;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = size_of(a), y = size_of(b);

	if (x != y)
		return x > y ? -1 : 1;
	return by_key(a, b);
}

static void free_item(struct path_difference *item)
{
	free(item->cause);
	free(item->function);
}

static int add_items(struct comparison *comparison, const struct path *path, bool after)
{
	for (size_t i = 0; i < path->n_rows; i++) {
		const struct path_row *row = &path->rows[i];
		struct path_difference *item = &comparison->path_items[comparison->n_path_items++];

		*item = (struct path_difference){
		    .state = row->state, .cause = path_words(row->cause), .function = strdup(row->function)};
		if (!item->cause || !item->function)
			return -ENOMEM;
		*(after ? &item->after_ns : &item->before_ns) = row->ns;
	}
	return 0;
}

static void merge_items(struct comparison *comparison)
{
	struct path_difference *items = comparison->path_items;
	size_t n = 0;

	qsort(items, comparison->n_path_items, sizeof(*items), by_key);
	for (size_t i = 0; i < comparison->n_path_items; i++) {
		if (n && !by_key(&items[n - 1], &items[i])) {
			items[n - 1].before_ns += items[i].before_ns;
			items[n - 1].after_ns += items[i].after_ns;
			free_item(&items[i]);
		} else {
			items[n++] = items[i];
		}
	}
	comparison->n_path_items = n;
	qsort(items, n, sizeof(*items), by_size);
}

int explain_path_difference(struct comparison *comparison)
{
	const struct path *before = comparison->before->path, *after = comparison->after->path;
	int err;

	if (!before || !after)
		return 0;
	comparison->path_items = calloc(before->n_rows + after->n_rows + 1, sizeof(*comparison->path_items));
	if (!comparison->path_items)
		return -ENOMEM;
	err = add_items(comparison, before, false);
	if (!err)
		err = add_items(comparison, after, true);
	if (err)
		return err;
	merge_items(comparison);
	comparison->path_residual_ns = (int64_t)(comparison->after->wall_ns - comparison->before->wall_ns);
	for (size_t i = 0; i < comparison->n_path_items; i++)
		comparison->path_residual_ns -=
		    (int64_t)(comparison->path_items[i].after_ns - comparison->path_items[i].before_ns);
	return 0;
}

void explain_path_difference_free(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->n_path_items; i++)
		free_item(&comparison->path_items[i]);
	free(comparison->path_items);
}
