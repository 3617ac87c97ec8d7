/* SPDX-License-Identifier: Apache-2.0 */
/* A flame graph's document around what is drawn: style, header with legend, and what makes it interactive. Not for outside export/. */
#ifndef CONCPROF_EXPORT_SVG_DOCUMENT_H
#define CONCPROF_EXPORT_SVG_DOCUMENT_H

#include <stdbool.h>
#include <stdio.h>

#define SVG_LEGEND_TOP 78

struct svg_document {
	FILE *out;
	const char *title;
	unsigned int width, legend_rows;
	unsigned int depth; /* of the deepest box */
};

/* Where the row of the deepest box begins. */
unsigned int svg_document_top(const struct svg_document *document);

/* In this order: begin, rules of CSS for colours, colours, patterns that they refer to, head, notes and legend, boxes, the boxes, end. */
void svg_document_begin(const struct svg_document *document);
void svg_document_colours(const struct svg_document *document);
void svg_document_head(const struct svg_document *document);
/* A line of the header, or below it, cut at its width. */
void svg_document_note(const struct svg_document *document, unsigned int y, const char *words);
void svg_document_boxes(const struct svg_document *document);
/* Without any box the document says so, instead. 0 or a negative errno: why the stream refused something since svg_document_begin(). */
int svg_document_end(const struct svg_document *document, bool any_box);

/* Items of the legend stand in rows. Starts as {0}; afterwards `row` is the last one's number. */
struct svg_legend {
	double x;
	unsigned int row;
};
/* Where the next item stands that has so many letters, and `marks` coloured squares (12 wide and high, 14 apart) in front of them. */
void svg_legend_step(const struct svg_document *document, struct svg_legend *legend, size_t letters, unsigned int marks,
		     double *x, unsigned int *y);

#endif
