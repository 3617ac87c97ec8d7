/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a flame graph's boxes: each once, in the order in which boxes stand beside one another. Not for outside export/. */
#ifndef CONCPROF_EXPORT_FLAME_NAMES_H
#define CONCPROF_EXPORT_FLAME_NAMES_H

#include "explain/stacks.h"
#include "export/export.h"

enum flame_kind {
	FLAME_ROOT, /* a thread, a process, a cause; or the box that holds all */
	FLAME_USER,
	FLAME_INLINED, /* merged by the compiler into the box below */
	FLAME_KERNEL,
	FLAME_MARK, /* what is not known: "[not sampled]", "[unfinished: no rule]" */
	FLAME_WAIT  /* "[lock] orders_lock" */
};

#define FLAME_NAME_BYTES 1024 /* longer ones are cut */

struct flame_name {
	char *text; /* UTF-8 or not, as the program gave it; never empty */
	enum flame_kind kind;
	enum state state; /* FLAME_WAIT, and FLAME_ROOT by cause */
	uint64_t order;   /* among roots: the serial */
};

/* Numbers of names are ranks: a box stands left of its siblings with larger ones. */
struct flame_names {
	struct flame_name *names;
	size_t n;
	uint32_t *of_frame;                      /* by frame id - 1 */
	uint32_t *of_root;                       /* by row; only if there are roots */
	uint32_t *of_leaf;                       /* by row; only FLAME_WAIT, and only if causes are no roots */
	uint32_t not_sampled, no_record, deeper; /* marks */
};

/* `by` is none of the default. 0 or -ENOMEM. */
int flame_names_make(const struct run *run, const struct weighted_stacks *stacks, enum export_by by, struct flame_names *names);
/* The order in which boxes stand; 0: they are the same. */
int flame_name_compare(const struct flame_name *a, const struct flame_name *b);
void flame_names_free(struct flame_names *names);

#endif
