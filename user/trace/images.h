/* SPDX-License-Identifier: Apache-2.0 */
/* From an address in a followed process, at a time when it ran a certain program, to the variable that lay there. */
#ifndef CONCPROF_IMAGES_H
#define CONCPROF_IMAGES_H

#include "trace/collect.h"
#include "trace/mappings.h"

struct images;

/* Refers to both, which must outlive it. 0 or a negative errno. */
int images_open(const struct collected *collected, struct mappings *mappings, struct images **ret);

/*
 * The data symbol that holds `address` in the process with serial `process` while its exec count was `image`. False if there is
 * none; *file is then the basename of the ELF object that the address lies in, or "". Results are owned by `images`.
 */
bool images_symbol(struct images *images, uint64_t process, uint32_t image, uint64_t address, const char **symbol,
		   uint64_t *offset, const char **file);

void images_close(struct images *images); /* NULL is fine */

#endif
