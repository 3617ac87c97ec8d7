/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing in it comes from elsewhere, and whatever names programs have, they are text in it (xml.h). */
#include "export/svg_document.h"

#include <errno.h>

#include "export/svg.h"
#include "export/xml.h"

#define LETTER       7.0 /* estimated width of one, in the header's font */
#define LEGEND_ROW   18
#define BELOW_FRAMES 12

/* The files as they are: paths are the build's, as in the Makefile. No CDATA section ends in them (a test looks). */
#define EMBED(name, path)                                                                                                        \
	__asm__(".pushsection .rodata\n"                                                                                         \
		".globl " #name "\n" #name ":\n"                                                                                 \
		".incbin \"" path "\"\n"                                                                                         \
		".byte 0\n"                                                                                                      \
		".popsection\n");                                                                                                \
	extern const char name[]
EMBED(flame_css, "user/export/flame.css");
EMBED(flame_js, "user/export/flame.js");

unsigned int svg_document_top(const struct svg_document *document)
{
	return SVG_LEGEND_TOP + document->legend_rows * LEGEND_ROW + 52;
}

void svg_legend_step(const struct svg_document *document, struct svg_legend *legend, size_t letters, unsigned int marks,
		     double *x, unsigned int *y)
{
	double width = 18 + letters * LETTER + 14 + 14 * (marks - 1.0);

	if (legend->x < SVG_MARGIN)
		legend->x = SVG_MARGIN;
	if (legend->x > SVG_MARGIN && legend->x + width > document->width - SVG_MARGIN) {
		legend->x = SVG_MARGIN;
		legend->row++;
	}
	*x = legend->x;
	*y = SVG_LEGEND_TOP + legend->row * LEGEND_ROW;
	legend->x += width;
}

void svg_document_begin(const struct svg_document *document)
{
	unsigned int top = svg_document_top(document), height = top + (document->depth + 1) * SVG_ROW + BELOW_FRAMES;
	FILE *out = document->out;

	errno = 0;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" "
		"data-left=\"%d\" data-full=\"%u\" data-row=\"%d\" data-top=\"%u\">\n<title>",
		document->width, height, document->width, height, SVG_MARGIN, document->width - 2 * SVG_MARGIN, SVG_ROW, top);
	xml_put(out, document->title, XML_WHOLE);
	fprintf(out, "</title>\n<style><![CDATA[\n%s", flame_css);
}

void svg_document_colours(const struct svg_document *document)
{
	fprintf(document->out, "]]></style>\n<defs>\n");
}

void svg_document_head(const struct svg_document *document)
{
	fprintf(document->out, "</defs>\n<g id=\"head\">\n<text class=\"title\" x=\"%d\" y=\"26\">", SVG_MARGIN);
	xml_put(document->out, document->title, (document->width > 700 ? document->width - 400 : document->width) / 10);
	fputs("</text>\n", document->out);
}

void svg_document_note(const struct svg_document *document, unsigned int y, const char *words)
{
	size_t letters = (document->width - 2 * SVG_MARGIN) / 6.3;

	fprintf(document->out, "<text class=\"note\" x=\"%d\" y=\"%u\">", SVG_MARGIN, y);
	xml_put(document->out, words, letters);
	fputs("</text>\n", document->out);
}

void svg_document_boxes(const struct svg_document *document)
{
	unsigned int top = svg_document_top(document);

	fprintf(document->out,
		"<text id=\"crumbs\" x=\"%d\" y=\"%u\"/><text id=\"matched\" x=\"%u\" y=\"%u\" text-anchor=\"end\"/>"
		"<text id=\"detail\" x=\"%d\" y=\"%u\"/>\n</g>\n<g id=\"frames\">\n",
		SVG_MARGIN, top - 30, document->width - SVG_MARGIN, top - 30, SVG_MARGIN, top - 10);
}

int svg_document_end(const struct svg_document *document, bool any_box)
{
	FILE *out = document->out;

	fprintf(out, "</g>\n");
	if (any_box)
		fprintf(out, "<script><![CDATA[\n%s]]></script>\n", flame_js);
	else
		svg_document_note(document, svg_document_top(document) + 12, "No thread spent any time so.");
	fprintf(out, "</svg>\n");
	return fflush(out) || ferror(out) ? errno ? -errno : -EIO : 0;
}
