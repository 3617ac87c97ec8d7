/* SPDX-License-Identifier: Apache-2.0 */
/* From a kernel-side key to the facts of a run_wait, with names in place of numbers. */
#ifndef CONCPROF_CAUSES_H
#define CONCPROF_CAUSES_H

#include "trace/images.h"
#include "trace/peers.h"

/* Words that joins wait on, sorted: (process, address) of every followed thread's tid word. */
struct tid_word {
	uint64_t process, address;
};

struct cause_names {
	struct images *images;
	const struct tid_word *tid_words;
	size_t n_tid_words;
	const uint16_t *local_ports; /* of followed sockets, one bit a port, 65536 bits */
	const struct collected *collected;
	struct peers *peers;
};

int tid_word_compare(const void *a, const void *b);
/* Fills what `key` says into *wait (class, op, syscall, object, symbol, holder, waker ...): a wait of `thread`. 0 or -ENOMEM. */
int cause_fill(const struct cause_names *names, const struct thread *thread, const struct wait_key *key, struct run_wait *wait);

/*
 * Takes back the holders of what turned out to be no mutex: after the run has got its stacks. A word that is waited for like a lock can
 * be another thing's, and what stands behind it anything.
 */
void causes_check_holders(struct run *run);

#endif
