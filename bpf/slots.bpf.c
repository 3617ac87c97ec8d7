// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits by cause: those met last stay with the thread, in slots, where adding to them costs a comparison; what finds no slot goes to the map
 * `waits`.
 */
#include "concprof.bpf.h"

static __always_inline bool same_key(const struct wait_key *a, const struct wait_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4] && x[5] == y[5] && x[6] == y[6] &&
	       x[7] == y[7];
}

/* The cause's entry in the map, made if it is new and the map has fewer than `room`; else NULL. */
static __always_inline struct wait_stats *stats_in_map(struct wait_map_key *key, u64 room)
{
	static const struct wait_stats none;
	struct wait_stats *stats = bpf_map_lookup_elem(&waits, key);

	if (stats || waits_used >= room)
		return stats;
	/* Not the caller's own statistics: 6.1 takes no value from memory that a global function got by pointer. */
	if (bpf_map_update_elem(&waits, key, &none, BPF_NOEXIST))
		return NULL;
	__sync_fetch_and_add(&waits_used, 1);
	return bpf_map_lookup_elem(&waits, key);
}

static __always_inline bool stats_merge(struct wait_map_key *key, const struct wait_stats *more, u64 room)
{
	struct wait_stats *stats = stats_in_map(key, room);

	if (!stats)
		return false;
	stats->total_ns += more->total_ns;
	if (more->max_ns > stats->max_ns)
		stats->max_ns = more->max_ns;
	stats->count += more->count;
	stats->timed_out += more->timed_out;
	for (u32 i = 0; i < WAIT_LOG2_SLOTS; i++)
		stats->log2_ns[i] += more->log2_ns[i];
	return true;
}

/* What a cause is when there is no room for it as it is: without where, by whom, from whom. */
static __always_inline void key_reduce(struct wait_key *key)
{
	key->stack = 0;
	key->waker = 0;
	key->holder = 0;
}

/* Adds to a cause in the map. */
__noinline int wait_to_map(struct thread *t, struct wait_key *key, struct wait_stats *stats)
{
	struct wait_map_key map_key = {};

	if (!t || !key || !stats)
		return 0;
	map_key.thread = t->serial;
	map_key.key = *key;
	if (stats_merge(&map_key, stats, WAITS_FULL))
		return 0;
	key_reduce(&map_key.key);
	if (!stats_merge(&map_key, stats, WAITS_MAX))
		__sync_fetch_and_add(&losses[LOSS_WAIT_UNATTRIBUTED], stats->count);
	return 0;
}

/* As wait_to_map() for one wait of `ns`. */
__noinline int wait_add_to_map(struct thread *t, u64 ns)
{
	struct wait_map_key map_key = {};
	struct wait_stats *stats;

	if (!t)
		return 0;
	map_key.thread = t->serial;
	map_key.key = t->open;
	stats = stats_in_map(&map_key, WAITS_FULL);
	if (!stats) {
		key_reduce(&map_key.key);
		stats = stats_in_map(&map_key, WAITS_MAX);
	}
	t->cause = stats ? wait_key_cause(&map_key.key) : 0;
	if (stats)
		stats_add(stats, ns);
	else
		lose(LOSS_WAIT_UNATTRIBUTED);
	return 0;
}

static __always_inline u32 slot_of(const struct wait_key *key)
{
	u64 hash = key->object ^ key->object >> 6 ^ key->class ^ key->where.words[0] ^ key->stack ^ key->stack >> 7 ^ key->waker ^
		   key->holder;

	return (hash ^ hash >> 2) & (WAIT_SLOTS - 1);
}

/*
 * Adds a finished wait of `ns`, for the cause in t->open, to the thread's account of causes. A slot that was met again since the last
 * time that another cause wanted it keeps its own: causes that take turns do not push each other out.
 */
__noinline int wait_record(struct thread *t, u64 ns)
{
	struct wait_slot *slot;
	u32 i, bit;

	if (!t)
		return 0;
	i = slot_of(&t->open) & (WAIT_SLOTS - 1);
	bit = 1 << i;
	slot = &t->slot[i];
	if (same_key(&slot->key, &t->open)) {
		t->slot_used |= bit;
		t->slot_hit |= bit;
	} else if (t->slot_used & t->slot_hit & bit) {
		t->slot_hit &= ~bit;
		t->slot_last = WAIT_IN_MAP;
		wait_add_to_map(t, ns);
		return 0;
	} else {
		if (t->slot_used & bit) {
			wait_to_map(t, &slot->key, &slot->stats);
			__builtin_memset(&slot->stats, 0, sizeof(slot->stats));
		}
		t->slot_used |= bit;
		slot->key = t->open;
		slot->cause = wait_key_cause(&slot->key);
	}
	t->cause = slot->cause;
	stats_add(&slot->stats, ns);
	t->slot_last = i + 1;
	return 0;
}

/* The cause is in t->open still: nothing but a wait changes it. */
__noinline int wait_timed_out(struct thread *t)
{
	struct wait_map_key map_key = {};
	struct wait_stats *stats;

	if (!t)
		return 0;
	if (t->slot_last != WAIT_IN_MAP) {
		t->slot[(t->slot_last - 1) & (WAIT_SLOTS - 1)].stats.timed_out++;
		return 0;
	}
	map_key.thread = t->serial;
	map_key.key = t->open;
	stats = bpf_map_lookup_elem(&waits, &map_key);
	if (!stats) {
		key_reduce(&map_key.key);
		stats = bpf_map_lookup_elem(&waits, &map_key);
	}
	if (stats)
		stats->timed_out++;
	return 0;
}
