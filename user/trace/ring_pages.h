/* SPDX-License-Identifier: Apache-2.0 */
/* How far a BPF ring buffer was taken, and how far it is filled. libbpf knows it, too, but tells only since 1.3. */
#ifndef CONCPROF_RING_PAGES_H
#define CONCPROF_RING_PAGES_H

/* The ring's first two pages; NULL: not mapped. */
struct ring_pages {
	const void *pages;
};

int ring_pages_open(int map_fd, struct ring_pages *ret); /* 0 or a negative errno */
/* Positions, in bytes since the ring was made: they wrap. */
unsigned long ring_pages_taken(const struct ring_pages *ring);
unsigned long ring_pages_filled(const struct ring_pages *ring);
void ring_pages_close(struct ring_pages *ring);

#endif
