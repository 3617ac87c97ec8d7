/* SPDX-License-Identifier: Apache-2.0 */
/* Each text once: equal texts are the same pointer, for as long as the set lives. A tree, so that no choice of names makes it slow. */
#ifndef CONCPROF_EXPLAIN_STRINGS_H
#define CONCPROF_EXPLAIN_STRINGS_H

struct strings; /* NULL is an empty set */

/* Takes the text over (NULL, for one that memory was short for, is fine). The one text, owned by the set; NULL: out of memory. */
const char *strings_take(struct strings **strings, char *text);
void strings_free(struct strings *strings); /* NULL is fine */

#endif
