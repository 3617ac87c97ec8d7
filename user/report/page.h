/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paper and pen of the report: wrapped paragraphs and aligned tables. Names come from programs and files; what a terminal could take
 * for a command, or is no UTF-8, is shown as '?'.
 */
#ifndef CONCPROF_REPORT_PAGE_H
#define CONCPROF_REPORT_PAGE_H

#include "report/report.h"

enum ink { INK_PLAIN, INK_BOLD, INK_FAINT, INK_BAD, INK_GOOD };

struct page {
	FILE *out;
	unsigned int width;
	bool colour, all;
	bool failed; /* memory was short */
	int err;     /* the first refusal of the stream, as a negative errno */
};

/* Text wrapped at spaces; lines after the first are indented by `hang`. Ends the line. */
__attribute__((format(printf, 4, 5))) void page_say(struct page *page, enum ink ink, unsigned int hang, const char *format, ...);
void page_gap(struct page *page);
/* For lines that are put together: text that is clean, in so many columns (at least 2), cut if need be; the last one's are not filled up. */
void page_put(struct page *page, const char *text, size_t width, bool last);
size_t page_columns(const char *text);

#define TABLE_COLUMNS 24

struct table {
	struct page *page;
	size_t columns, rows, room;
	char **cells;             /* rows x columns; NULL: empty */
	char **notes;             /* by row, what stands in a line of its own below it; NULL: nothing */
	bool left[TABLE_COLUMNS]; /* others are right-aligned */
	size_t elastic;           /* column that is shortened when the table is too wide; `columns`: none */
	unsigned int heads;       /* rows of headings */
};

/* At most TABLE_COLUMNS columns. table_free() when done. */
void table_init(struct table *table, struct page *page, size_t columns);
void table_row(struct table *table);
/* Sets a cell of the row begun last. */
__attribute__((format(printf, 3, 4))) void table_cell(struct table *table, size_t column, const char *format, ...);
/* Below the row begun last, across all columns, cut at the page's width. */
__attribute__((format(printf, 2, 3))) void table_note(struct table *table, const char *format, ...);
void table_print(struct table *table, unsigned int indent);
void table_free(struct table *table);

#endif
