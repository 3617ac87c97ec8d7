/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A box is an <svg> of its own: it cuts off the text that is longer, and when flame.js zooms, it moves and stretches it without
 * touching what is inside, which is in percent.
 */
#include <inttypes.h>
#include <math.h>

#include "export/svg.h"
#include "export/xml.h"
#include "lib/text.h"

#define STRIP_NARROWEST 8.0 /* pixels: below that, colours of a mixed box cannot be told apart */

struct canvas {
	FILE *out;
	const struct flame_tree *tree;
	const struct svg_boxes *boxes;
	double pixels; /* of the first box */
	unsigned int top;
	const struct svg_paint *paint;
};

/* Ten-thousandths of a pixel: a box of a tenth of a pixel that is zoomed to the whole width still begins where it should. */
static double rounded(double pixels)
{
	return round(pixels * 1e4) / 1e4;
}

static double x_of(const struct canvas *canvas, uint64_t ns)
{
	uint64_t all = canvas->boxes->boxes[0].ns;

	return rounded(SVG_MARGIN + (all ? canvas->pixels * ns / all : 0));
}

static double share_of_all(const struct canvas *canvas, uint64_t ns)
{
	uint64_t all = canvas->boxes->boxes[0].ns;

	return all ? 100.0 * ns / all : 0;
}

/* The box's element, up to what is inside. Returns its width. */
static double open_box(const struct canvas *canvas, const char *class, uint64_t begin_ns, uint64_t ns, uint32_t depth)
{
	double x = x_of(canvas, begin_ns), width = x_of(canvas, begin_ns + ns) - x;
	unsigned int y = canvas->top + (canvas->boxes->depth - depth) * SVG_ROW;

	fprintf(canvas->out, "<svg class=\"b %s\" x=\"%.9g\" y=\"%u\" width=\"%.9g\" height=\"%d\"><title>", class, x, y,
		rounded(width), SVG_ROW - 1);
	return width;
}

static void put_figures(const struct canvas *canvas, uint64_t ns)
{
	fprintf(canvas->out, "\n%s (%s ns), %.2f%%", FIGURE_NS(ns), FIGURE_COUNT(ns), share_of_all(canvas, ns));
}

static size_t characters(double width)
{
	return width > 6 ? (size_t)((width - 6) / SVG_CHARACTER) : 0;
}

static void put_states(FILE *out, const struct svg_box *box)
{
	const char *between = "\n";

	for (int state = 0; state < STATE_COUNT; state++) {
		if (!box->state_ns[state])
			continue;
		fprintf(out, "%s%s", between, state_info[state].name);
		if (box->state_ns[state] < box->ns)
			fprintf(out, " %.1f%%", 100.0 * box->state_ns[state] / box->ns);
		between = ", ";
	}
}

static void put_counts(FILE *out, const struct svg_box *box)
{
	if (box->waits)
		fprintf(out, "\n%s wait%s", FIGURE_COUNT(box->waits), box->waits == 1 ? "" : "s");
	if (box->samples)
		fprintf(out, "%s%s sample%s", box->waits ? ", " : "\n", FIGURE_COUNT(box->samples), box->samples == 1 ? "" : "s");
}

static const char *class_of_states(const struct svg_paint *paint, const struct svg_box *box, enum svg_look look,
				   char class[SVG_CLASS_BYTES])
{
	(void)paint;
	return svg_class(class, look, svg_box_state(box), box->shade);
}

static void put_words_of_states(FILE *out, const struct svg_paint *paint, const struct svg_box *box)
{
	(void)paint;
	put_states(out, box);
	put_counts(out, box);
}

/* At the lower edge, how its time divides. */
static void put_strip(const struct canvas *canvas, const struct svg_box *box)
{
	uint64_t before_ns = 0;

	for (int state = 0; state < STATE_COUNT; state++) {
		double share = box->ns ? 100.0 * box->state_ns[state] / box->ns : 0;

		if (share >= 0.5)
			fprintf(canvas->out, "<rect class=\"c%d\" x=\"%.3g%%\" width=\"%.3g%%\" y=\"14\" height=\"3\"/>", state,
				100.0 * before_ns / box->ns, share);
		before_ns += box->state_ns[state];
	}
}

static const char *kind_words(enum flame_kind kind)
{
	return kind == FLAME_KERNEL ? "\nin the kernel" : kind == FLAME_INLINED ? "\ninlined into its caller" : "";
}

static void put_box(const struct canvas *canvas, const struct svg_box *box)
{
	static char word[] = "all";
	static const struct flame_name all = {.text = word, .kind = FLAME_ROOT};
	const struct flame_node *node = &canvas->tree->nodes[box->node];
	const struct flame_name *name = box->node ? &canvas->tree->names.names[node->name] : &all;
	enum svg_look look = name->kind == FLAME_WAIT     ? SVG_LOOK_TIP
			     : name->kind == FLAME_KERNEL ? SVG_LOOK_KERNEL
							  : SVG_LOOK_FRAME;
	char class[SVG_CLASS_BYTES + 8];
	double width;

	canvas->paint->class(canvas->paint, box, look, class);
	if (name->kind == FLAME_ROOT)
		memcpy(class + strlen(class), " r", 3);
	else if (name->kind == FLAME_MARK || name->kind == FLAME_INLINED)
		memcpy(class + strlen(class), " i", 3);
	width = open_box(canvas, class, box->begin_ns, box->ns, node->depth);
	xml_put(canvas->out, name->text, XML_WHOLE);
	put_figures(canvas, box->ns);
	canvas->paint->put_words(canvas->out, canvas->paint, box);
	fputs(kind_words(name->kind), canvas->out);
	fprintf(canvas->out, "</title><rect width=\"100%%\" height=\"%d\"/>", SVG_ROW - 1);
	if (canvas->paint->strips && width >= STRIP_NARROWEST && svg_box_state(box) == STATE_COUNT)
		put_strip(canvas, box);
	if (characters(width) >= 3) {
		fputs("<text x=\"3\" y=\"12\">", canvas->out);
		xml_put(canvas->out, name->text, characters(width));
		fputs("</text>", canvas->out);
	}
	fputs("</svg>\n", canvas->out);
}

static void put_more(const struct canvas *canvas, const struct svg_box *box)
{
	double width =
	    open_box(canvas, "o", box->begin_ns + box->drawn_ns, box->more_ns, canvas->tree->nodes[box->node].depth + 1);

	fprintf(canvas->out, "%s more frame%s, too narrow to be drawn", FIGURE_COUNT(box->more), box->more == 1 ? "" : "s");
	put_figures(canvas, box->more_ns);
	fprintf(canvas->out, "</title><rect width=\"100%%\" height=\"%d\"/>", SVG_ROW - 1);
	if (characters(width) >= 8)
		fprintf(canvas->out, "<text x=\"3\" y=\"12\">%s more</text>", FIGURE_COUNT(box->more));
	fputs("</svg>\n", canvas->out);
}

void svg_frames_put_painted(FILE *out, const struct flame_tree *tree, const struct svg_boxes *boxes, double pixels,
			    unsigned int top, const struct svg_paint *paint)
{
	const struct canvas canvas = {.out = out, .tree = tree, .boxes = boxes, .pixels = pixels, .top = top, .paint = paint};

	for (size_t i = 0; i < boxes->n && !ferror(out); i++) {
		put_box(&canvas, &boxes->boxes[i]);
		if (boxes->boxes[i].more_ns >= boxes->least_ns)
			put_more(&canvas, &boxes->boxes[i]);
	}
}

void svg_frames_put(FILE *out, const struct flame_tree *tree, const struct svg_boxes *boxes, double pixels, unsigned int top)
{
	static const struct svg_paint states = {.class = class_of_states, .put_words = put_words_of_states, .strips = true};

	svg_frames_put_painted(out, tree, boxes, pixels, top, &states);
}
