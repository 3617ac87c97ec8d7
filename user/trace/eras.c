/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/eras.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_SLOTS 1024

/*
 * A stack's record and its process's end come by the same ring, in order: one round would do, but for an exec, which is heard of on
 * another way, while the ring may be held up (kernel_take).
 */
#define KEPT_ROUNDS 64

struct era {
	uint64_t process, begin_ns, end_ns;
	struct list *list;
	uint64_t round;
	struct era *next_of_process, *next;
};

struct eras {
	struct lists *lists;
	struct era *by_process[HASH_SLOTS];
	struct era *oldest, *newest;
	uint64_t round;
};

int eras_open(struct lists *lists, struct eras **ret)
{
	struct eras *eras = calloc(1, sizeof(*eras));

	if (!eras)
		return -ENOMEM;
	eras->lists = lists;
	*ret = eras;
	return 0;
}

int eras_add(struct eras *eras, uint64_t process, uint64_t begin_ns, uint64_t end_ns, struct list *list)
{
	struct era *era = calloc(1, sizeof(*era)), **place = &eras->by_process[process % HASH_SLOTS];

	if (!era) {
		lists_drop(eras->lists, list);
		return -ENOMEM;
	}
	*era = (struct era){.process = process, .begin_ns = begin_ns, .end_ns = end_ns, .list = list, .round = eras->round};
	/* Behind the others: then the oldest is the first of its place. */
	while (*place)
		place = &(*place)->next_of_process;
	*place = era;
	if (eras->newest)
		eras->newest->next = era;
	else
		eras->oldest = era;
	eras->newest = era;
	return 0;
}

const struct list *eras_find(const struct eras *eras, uint64_t process, uint64_t time_ns)
{
	for (const struct era *era = eras->by_process[process % HASH_SLOTS]; era; era = era->next_of_process)
		if (era->process == process && time_ns >= era->begin_ns && time_ns < era->end_ns)
			return era->list;
	return NULL;
}

static void drop_oldest(struct eras *eras)
{
	struct era *era = eras->oldest;

	eras->by_process[era->process % HASH_SLOTS] = era->next_of_process;
	eras->oldest = era->next;
	if (!eras->oldest)
		eras->newest = NULL;
	lists_drop(eras->lists, era->list);
	free(era);
}

void eras_round(struct eras *eras)
{
	eras->round++;
	while (eras->oldest && eras->round - eras->oldest->round > KEPT_ROUNDS)
		drop_oldest(eras);
}

void eras_close(struct eras *eras)
{
	if (!eras)
		return;
	while (eras->oldest)
		drop_oldest(eras);
	free(eras);
}
