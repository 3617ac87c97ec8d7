/* SPDX-License-Identifier: Apache-2.0 */
/* From a kernel-side key to the facts of a run_wait, with names in place of numbers. */
#ifndef CONCPROF_CAUSES_H
#define CONCPROF_CAUSES_H

#include "trace/images.h"

/* Words that joins wait on, sorted: (process, address) of every followed thread's tid word. */
struct tid_word {
	uint64_t process, address;
};

struct cause_names {
	struct images *images;
	const struct tid_word *tid_words;
	size_t n_tid_words;
	const uint16_t *local_ports; /* of followed sockets, one bit a port, 65536 bits */
};

int tid_word_compare(const void *a, const void *b);
/* Fills what `key` says into *wait (class, op, syscall, object, symbol ...), for a thread of `process`. 0 or -ENOMEM. */
int cause_fill(const struct cause_names *names, uint64_t process, const struct wait_key *key, struct run_wait *wait);

#endif
