/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of report/ share; not for others. */
#ifndef CONCPROF_REPORT_INTERNAL_H
#define CONCPROF_REPORT_INTERNAL_H

#include "lib/text.h"
#include "report/page.h"

/* overview.c: how long, how many at once, and what the others waited for; a line a run. */
void report_overview(struct page *page, const struct explanation *before, const struct explanation *after);
/* difference.c: the speedup taken apart, and item by item. */
void report_difference(struct page *page, const struct comparison *comparison);
/* repeats.c: how long each of several runs took, and which of them the rest is about. */
void report_repeats(struct page *page, const struct comparison *comparison);
/* "speedup"; of what is no difference "ratio of the two". */
const char *report_ratio_word(const struct comparison *comparison);
void report_findings(struct page *page, const struct explanation *explanation);
/* threads.c: a line a thread, or a group of threads that behave alike. */
void report_threads(struct page *page, const struct explanation *explanation);
/* processes.c: where there are too many for a line each, by name; and by cgroup, where the run spans several. */
bool report_groups_processes(const struct explanation *explanation);
void report_processes(struct page *page, const struct explanation *explanation);
void report_cgroups(struct page *page, const struct explanation *explanation);
/* causes.c: what threads waited for, how long at a time, who held it and who ended it, and where. */
void report_causes(struct page *page, const struct explanation *explanation);
/* path.c: what the wall time consists of; and what its difference consists of. */
void report_path(struct page *page, const struct explanation *explanation);
void report_path_difference(struct page *page, const struct comparison *comparison);
/* Last: why there is none. */
void report_without_path(struct page *page, const struct explanation *explanation);
/* functions.c: what computed. */
void report_functions(struct page *page, const struct explanation *explanation);

/* "worker-12" -> "worker-#": what threads that differ by numbers alone have in common. */
#define PATTERN_BYTES (2 * COMM_BYTES)
void report_pattern(char pattern[PATTERN_BYTES], const char *comm);
/* "1.20 s", or "-" for nothing. */
void report_duration_cell(struct table *table, size_t column, uint64_t ns);
/* "+0.21 s", "-3 ms", "0". Returns `buffer`. */
const char *report_signed(char buffer[FIGURE_BYTES + 1], uint64_t before_ns, uint64_t after_ns);
/* checks.c: what makes these figures less than whole (first), and what was checked (last). */
void report_troubles(struct page *page, const struct explanation *explanation);
void report_checks(struct page *page, const struct explanation *explanation);
/* How unwinding went, if there are stacks. */
void report_stacks(struct page *page, const struct explanation *explanation);
void report_tax(struct page *page, const struct explanation *explanation);

/* A run's name; with the same name on both sides it says which one. `other` may be NULL. */
#define NAME_BYTES 80
const char *report_name(char name[NAME_BYTES], const struct explanation *run, const struct explanation *other, bool after);

void page_init(struct page *page, FILE *out, const struct report_options *options);
int page_result(struct page *page);

#endif
