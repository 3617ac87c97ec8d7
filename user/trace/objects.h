/* SPDX-License-Identifier: Apache-2.0 */
/* What the objects are called that waits are about: names that the kernel side delivered, and who had the other ends. */
#ifndef CONCPROF_OBJECTS_H
#define CONCPROF_OBJECTS_H

#include "abi.h"
#include "trace/ends.h"

struct objects;

/* 0 or -ENOMEM. */
int objects_open(struct objects **ret);

/* Takes a record over; `bytes` is what there is of it. 0 or -ENOMEM; nonsense is left out. */
int objects_take(struct objects *objects, const struct record_object *record, size_t bytes);

/*
 * Looks who has the other ends of the pipes and sockets that came since the last look, while they live. Not more often than a small part
 * of the time allows, but for the last look.
 */
void objects_look(struct objects *objects, bool last);

struct named_object {
	union wait_where where;
	uint64_t process; /* serial of the one that met it first */
	uint32_t tgid;
	char *text; /* path, unix socket's name, comm; "" */
	const struct end *ends;
	size_t n_ends;
};

/* NULL: it is not known. */
const struct named_object *objects_find(const struct objects *objects, const union wait_where *where);

/* The device that a file system with this number (the kernel's st_dev) is on, "vda1", or its type: "overlay". "" if it is not mounted here. */
const char *objects_device(struct objects *objects, uint32_t device);

void objects_close(struct objects *objects); /* NULL is fine */

#endif
