/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/regions.h"

#include <errno.h>
#include <sys/mman.h>

#include "lib/cleanup.h"

#define ORDER_FIRST 4
#define ORDERS      12         /* lists of up to 2,047 mappings: what the kernel side searches in 11 steps */
#define BEHIND      (1u << 11) /* its steps may look so far beyond a list */

struct regions {
	struct unwind_mapping *all;
	uint32_t used;
	struct {
		uint32_t *first;
		size_t n, room;
	} free[ORDERS];
};

int regions_open(struct kernel *kernel, struct regions **ret)
{
	struct regions *regions = calloc(1, sizeof(*regions));
	int err;

	if (!regions)
		return -ENOMEM;
	regions->all = mmap(NULL, SPACE_MAPPINGS_MAX * sizeof(*regions->all), PROT_READ | PROT_WRITE, MAP_SHARED,
			    kernel_map_fd(kernel, KERNEL_MAP_SPACE_MAPPINGS), 0);
	if (regions->all == MAP_FAILED) {
		err = -errno;
		free(regions);
		return err;
	}
	*ret = regions;
	return 0;
}

int regions_take(struct regions *regions, size_t count, struct region *ret)
{
	uint32_t order = ORDER_FIRST, first;

	while (order < ORDERS && count + 1 > 1u << order)
		order++;
	if (order == ORDERS)
		return -E2BIG;
	if (regions->free[order].n) {
		first = regions->free[order].first[--regions->free[order].n];
	} else {
		if (regions->used + (1u << order) > SPACE_MAPPINGS_MAX - 2 * SPACE_SEARCH_STEP)
			return -ENOSPC;
		first = regions->used;
		regions->used += 1u << order;
	}
	*ret = (struct region){.entries = regions->all + first + 1, .first = first, .count = count, .order = order};
	return 0;
}

void region_seal(struct region *region, uint64_t generation)
{
	/* The entries are there before the header says so. */
	__atomic_store_n(&region->entries[-1].base, generation, __ATOMIC_RELEASE);
}

void regions_give_back(struct regions *regions, struct region *region)
{
	__typeof__(regions->free[0]) *list = &regions->free[region->order];

	__atomic_store_n(&region->entries[-1].base, 0, __ATOMIC_SEQ_CST);
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		uint32_t *grown = reallocarray(list->first, room, sizeof(*grown));

		if (!grown)
			return; /* never used again */
		list->first = grown;
		list->room = room;
	}
	list->first[list->n++] = region->first;
}

void regions_close(struct regions *regions)
{
	if (!regions)
		return;
	munmap(regions->all, SPACE_MAPPINGS_MAX * sizeof(*regions->all));
	for (int order = 0; order < ORDERS; order++)
		free(regions->free[order].first);
	free(regions);
}
