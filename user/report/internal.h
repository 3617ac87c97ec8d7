/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of report/ share; not for others. */
#ifndef CONCPROF_REPORT_INTERNAL_H
#define CONCPROF_REPORT_INTERNAL_H

#include "report/page.h"

/* overview.c: how long, how many at once, and what the others waited for; a line a run. */
void report_overview(struct page *page, const struct explanation *before, const struct explanation *after);
/* difference.c: the speedup taken apart, and item by item. */
void report_difference(struct page *page, const struct comparison *comparison);
void report_findings(struct page *page, const struct explanation *explanation);
/* threads.c: a line a thread, or a group of threads that behave alike. */
void report_threads(struct page *page, const struct explanation *explanation);
/* checks.c: what makes these figures less than whole (first), and what was checked (last). */
void report_troubles(struct page *page, const struct explanation *explanation);
void report_checks(struct page *page, const struct explanation *explanation);
void report_tax(struct page *page, const struct explanation *explanation);

/* A run's name; with the same name on both sides it says which one. `other` may be NULL. */
#define NAME_BYTES 80
const char *report_name(char name[NAME_BYTES], const struct explanation *run, const struct explanation *other, bool after);

void page_init(struct page *page, FILE *out, const struct report_options *options);
int page_result(struct page *page);

#endif
