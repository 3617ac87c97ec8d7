/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces that have gone: by an exec, or with their process. Stacks that were left to us come later than what they were taken in has
 * ended; here it is still known, for some rounds.
 */
#ifndef CONCPROF_ERAS_H
#define CONCPROF_ERAS_H

#include "trace/lists.h"

struct eras;

/* Not owned. 0 or -ENOMEM. */
int eras_open(struct lists *lists, struct eras **ret);
/* From begin_ns to end_ns, process (its serial) had this list, which is the eras' from now on. 0 or -ENOMEM. */
int eras_add(struct eras *eras, uint64_t process, uint64_t begin_ns, uint64_t end_ns, struct list *list);
/* The list that the process had then; NULL: none that is known. */
const struct list *eras_find(const struct eras *eras, uint64_t process, uint64_t time_ns);
/* A round is over. */
void eras_round(struct eras *eras);
void eras_close(struct eras *eras); /* before the lists; NULL is fine */

#endif
