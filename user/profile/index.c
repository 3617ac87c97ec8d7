/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "profile/index.h"

struct entry {
	uint64_t id;
	size_t position;
};

struct run_index {
	size_t n;
	struct entry entries[];
};

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct run_index *index_new(size_t n)
{
	struct run_index *index = malloc(sizeof(*index) + n * sizeof(index->entries[0]));

	if (index)
		index->n = n;
	return index;
}

static int index_finish(struct run_index *index, struct run_index **ret)
{
	qsort(index->entries, index->n, sizeof(index->entries[0]), by_id);
	for (size_t i = 1; i < index->n; i++) {
		if (index->entries[i].id == index->entries[i - 1].id) {
			free(index);
			return -EEXIST;
		}
	}
	*ret = index;
	return 0;
}

int run_index_threads(const struct run *run, struct run_index **ret)
{
	struct run_index *index = index_new(run->n_threads);

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_threads; i++)
		index->entries[i] = (struct entry){run->threads[i].id, i};
	return index_finish(index, ret);
}

int run_index_processes(const struct run *run, struct run_index **ret)
{
	struct run_index *index = index_new(run->n_processes);

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_processes; i++)
		index->entries[i] = (struct entry){run->processes[i].id, i};
	return index_finish(index, ret);
}

size_t run_index_find(const struct run_index *index, uint64_t id)
{
	struct entry key = {id, 0};
	const struct entry *found = bsearch(&key, index->entries, index->n, sizeof(key), by_id);

	return found ? found->position : RUN_NOT_FOUND;
}

void run_index_free(struct run_index *index)
{
	free(index);
}
