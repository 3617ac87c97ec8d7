/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flame graph as one file that needs no other: it can be read without scripting, and is interactive with it (flame.js). Nothing in it
 * comes from elsewhere, and whatever names programs have, they are text in it (xml.h).
 */
#include <errno.h>
#include <inttypes.h>

#include "export/svg.h"
#include "export/xml.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define LETTER        7.0 /* estimated width of one, in the header's font */
#define LEGEND_TOP    78
#define LEGEND_ROW    18
#define BELOW_FRAMES  12
#define TITLE_LETTERS 90

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

struct picture {
	FILE *out;
	const struct flame_tree *tree;
	const struct explanation *explanation;
	struct svg_boxes boxes;
	const char *title;
	const char *states; /* in words */
	unsigned int width, legend_rows, top, height;
};

/* --- the legend --- */

struct legend {
	double x;
	unsigned int row;
};

/* Where the next item of so many letters stands. */
static void step(const struct picture *picture, struct legend *legend, size_t letters, double *x, unsigned int *y)
{
	double width = 18 + letters * LETTER + 14;

	if (legend->x > SVG_MARGIN && legend->x + width > picture->width - SVG_MARGIN) {
		legend->x = SVG_MARGIN;
		legend->row++;
	}
	*x = legend->x;
	*y = LEGEND_TOP + legend->row * LEGEND_ROW;
	legend->x += width;
}

/* Without `out` it only finds out how many rows there are. */
static unsigned int put_legend(const struct picture *picture, FILE *out)
{
	static const struct {
		const char *fill, *text;
	} notes[] = {{"url(#pmix)", "several, shares below"}, {"url(#pkms0)", "hatched: kernel"}};
	uint64_t all = picture->tree->nodes[0].ns;
	struct legend legend = {.x = SVG_MARGIN};
	unsigned int y;
	double x;

	for (int state = 0; state < STATE_COUNT; state++) {
		uint64_t ns = picture->tree->ns[state];
		char text[96];

		if (!ns)
			continue;
		snprintf(text, sizeof(text), "%s %s (%.1f%%)", state_info[state].name, FIGURE_NS(ns), 100.0 * ns / all);
		step(picture, &legend, strlen(text), &x, &y);
		if (out)
			fprintf(out,
				"<g><title>%s: %s\n%s ns</title><rect class=\"c%d\" x=\"%g\" y=\"%u\" width=\"12\" height=\"12\" "
				"rx=\"2\"/><text x=\"%g\" y=\"%u\">%s</text></g>\n",
				state_info[state].name, state_info[state].gloss, FIGURE_COUNT(ns), state, x, y, x + 17, y + 10,
				text);
	}
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		step(picture, &legend, strlen(notes[i].text), &x, &y);
		if (out)
			fprintf(out,
				"<g><rect x=\"%g\" y=\"%u\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>"
				"<text x=\"%g\" y=\"%u\">%s</text></g>\n",
				x, y, notes[i].fill, x + 17, y + 10, notes[i].text);
	}
	return legend.row + 1;
}

/* --- the header --- */

static void put_words(const struct picture *picture, unsigned int y, const char *words)
{
	size_t letters = (picture->width - 2 * SVG_MARGIN) / 6.3;

	fprintf(picture->out, "<text class=\"note\" x=\"%d\" y=\"%u\">", SVG_MARGIN, y);
	xml_put(picture->out, words, letters);
	fputs("</text>\n", picture->out);
}

static bool has_group(const struct picture *picture, enum state_group group)
{
	for (int state = 0; state < STATE_COUNT; state++)
		if (state_info[state].group == group && picture->tree->ns[state])
			return true;
	return false;
}

static char *what_is_sampled(const struct picture *picture)
{
	const struct run *run = picture->explanation->run;

	if (!has_group(picture, STATE_GROUP_CPU))
		return strdup("Widths are exact.");
	if (!run->n_samples)
		return strdup("On-CPU time is exact; its stacks were not sampled.");
	return text_format("Waits are exact. On-CPU time is exact, its division over stacks is sampled at %" PRIu64 " Hz.",
			   run->sample_hz);
}

static int put_header(const struct picture *picture)
{
	const struct flame_tree *tree = picture->tree;
	_cleanup_free_ char *what = text_format(
	    "%s of thread time: %s thread%s in %s of wall time%s%s", FIGURE_NS(tree->nodes[0].ns), FIGURE_COUNT(tree->threads),
	    tree->threads == 1 ? "" : "s", FIGURE_NS(picture->explanation->wall_ns), tree->by == EXPORT_BY_NONE ? "" : ", by ",
	    tree->by == EXPORT_BY_NONE   ? ""
	    : tree->by == EXPORT_BY_NAME ? "name of the process"
					 : export_by_name[tree->by]);
	_cleanup_free_ char *sampled = what_is_sampled(picture);

	if (!what || !sampled)
		return -ENOMEM;
	fprintf(picture->out, "<g id=\"head\">\n<text class=\"title\" x=\"%d\" y=\"26\">", SVG_MARGIN);
	xml_put(picture->out, picture->title, (picture->width > 700 ? picture->width - 400 : picture->width) / 10);
	fputs("</text>\n", picture->out);
	put_words(picture, 47, what);
	put_words(picture, 63, sampled);
	put_legend(picture, picture->out);
	fprintf(picture->out,
		"<text id=\"crumbs\" x=\"%d\" y=\"%u\"/><text id=\"matched\" x=\"%u\" y=\"%u\" text-anchor=\"end\"/>"
		"<text id=\"detail\" x=\"%d\" y=\"%u\"/>\n</g>\n",
		SVG_MARGIN, picture->top - 30, picture->width - SVG_MARGIN, picture->top - 30, SVG_MARGIN, picture->top - 10);
	return 0;
}

/* --- the document --- */

static void put_document_begin(const struct picture *picture)
{
	FILE *out = picture->out;
	uint32_t states = 0;

	for (int state = 0; state < STATE_COUNT; state++)
		states |= (uint32_t) !!picture->tree->ns[state] << state;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" "
		"data-left=\"%d\" data-full=\"%u\" data-row=\"%d\" data-top=\"%u\">\n<title>",
		picture->width, picture->height, picture->width, picture->height, SVG_MARGIN, picture->width - 2 * SVG_MARGIN,
		SVG_ROW, picture->top);
	xml_put(out, picture->title, XML_WHOLE);
	fprintf(out, "</title>\n<style><![CDATA[\n%s", flame_css);
	svg_colours_put_style(out, states);
	fprintf(out, "]]></style>\n<defs>\n");
	svg_colours_put_patterns(out, states);
	fprintf(out, "</defs>\n");
}

static int put_picture(struct picture *picture)
{
	unsigned int pixels = picture->width - 2 * SVG_MARGIN;
	FILE *out = picture->out;
	int err = svg_boxes_make(picture->tree, pixels, &picture->boxes);

	if (err)
		return err;
	picture->legend_rows = put_legend(picture, NULL);
	picture->top = LEGEND_TOP + picture->legend_rows * LEGEND_ROW + 52;
	picture->height = picture->top + (picture->boxes.depth + 1) * SVG_ROW + BELOW_FRAMES;
	errno = 0;
	put_document_begin(picture);
	err = put_header(picture);
	if (err)
		return err;
	fprintf(out, "<g id=\"frames\">\n");
	if (picture->tree->nodes[0].ns)
		svg_frames_put(out, picture->tree, &picture->boxes, pixels, picture->top);
	fprintf(out, "</g>\n");
	if (picture->tree->nodes[0].ns)
		fprintf(out, "<script><![CDATA[\n%s]]></script>\n", flame_js);
	else
		put_words(picture, picture->top + 12, "No thread spent any time so.");
	fprintf(out, "</svg>\n");
	return fflush(out) || ferror(out) ? errno ? -errno : -EIO : 0;
}

/* "python3 server.py: wall-clock flame graph" */
static char *make_title(const struct run *run, const struct export_options *options, const char *states)
{
	_cleanup_text_ struct text text = {0};

	if (options && options->title)
		return strdup(options->title);
	for (char *const *argument = run->command; argument && *argument && text.length < TITLE_LETTERS; argument++)
		text_add(&text, "%s%.*s", text.length ? " " : "", TITLE_LETTERS, *argument);
	if (!text.length)
		text_add(&text, "%s", run->name);
	return text_format("%s: %s flame graph", text.failed ? run->name : text.bytes, states);
}

static int write_svg(FILE *out, const struct export_input *input)
{
	const struct export_options *options = input->options;
	struct flame_tree *tree = NULL;
	_cleanup_free_ char *title = NULL;
	struct picture picture = {.out = out, .width = options && options->width ? options->width : EXPORT_WIDTH_DEFAULT};
	int err = flame_tree_build(input, &tree);

	if (err)
		return err;
	picture.tree = tree;
	picture.explanation = flame_shown(input);
	title = make_title(picture.explanation->run, options, export_states_words(options ? options->states : 0));
	picture.title = title;
	err = title ? put_picture(&picture) : -ENOMEM;
	svg_boxes_free(&picture.boxes);
	flame_tree_free(tree);
	return err;
}

const struct exporter exporter_svg = {
    .name = "svg",
    .gloss = "a flame graph: interactive in a browser, readable in any viewer",
    .extension = "svg",
    .one_run = true,
    .write = write_svg,
};
