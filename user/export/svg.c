/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flame graph as one file that needs no other: it can be read without scripting, and is interactive with it (flame.js).
 */
#include <errno.h>
#include <inttypes.h>

#include "export/svg.h"
#include "export/svg_document.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define TITLE_LETTERS 90

struct picture {
	struct svg_document document;
	const struct flame_tree *tree;
	const struct explanation *explanation;
	struct svg_boxes boxes;
};

/* Without `out` it only finds out how many rows there are. */
static unsigned int put_legend(const struct picture *picture, FILE *out)
{
	static const struct {
		const char *fill, *text;
	} notes[] = {{"url(#pmix)", "several, shares below"}, {"url(#pkms0)", "hatched: kernel"}};
	uint64_t all = picture->tree->nodes[0].ns;
	struct svg_legend legend = {0};
	unsigned int y;
	double x;

	for (int state = 0; state < STATE_COUNT; state++) {
		uint64_t ns = picture->tree->ns[state];
		char text[96];

		if (!ns)
			continue;
		snprintf(text, sizeof(text), "%s %s (%.1f%%)", state_info[state].name, FIGURE_NS(ns), 100.0 * ns / all);
		svg_legend_step(&picture->document, &legend, strlen(text), 1, &x, &y);
		if (out)
			fprintf(out,
				"<g><title>%s: %s\n%s ns</title><rect class=\"c%d\" x=\"%g\" y=\"%u\" width=\"12\" height=\"12\" "
				"rx=\"2\"/><text x=\"%g\" y=\"%u\">%s</text></g>\n",
				state_info[state].name, state_info[state].gloss, FIGURE_COUNT(ns), state, x, y, x + 17, y + 10,
				text);
	}
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		svg_legend_step(&picture->document, &legend, strlen(notes[i].text), 1, &x, &y);
		if (out)
			fprintf(out,
				"<g><rect x=\"%g\" y=\"%u\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>"
				"<text x=\"%g\" y=\"%u\">%s</text></g>\n",
				x, y, notes[i].fill, x + 17, y + 10, notes[i].text);
	}
	return legend.row + 1;
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
	svg_document_head(&picture->document);
	svg_document_note(&picture->document, 47, what);
	svg_document_note(&picture->document, 63, sampled);
	put_legend(picture, picture->document.out);
	return 0;
}

static int put_picture(struct picture *picture)
{
	struct svg_document *document = &picture->document;
	unsigned int pixels = document->width - 2 * SVG_MARGIN;
	uint32_t states = 0;
	int err = svg_boxes_make(picture->tree, pixels, &picture->boxes);

	if (err)
		return err;
	for (int state = 0; state < STATE_COUNT; state++)
		states |= (uint32_t) !!picture->tree->ns[state] << state;
	document->depth = picture->boxes.depth;
	document->legend_rows = put_legend(picture, NULL);
	svg_document_begin(document);
	svg_colours_put_style(document->out, states);
	svg_document_colours(document);
	svg_colours_put_patterns(document->out, states);
	err = put_header(picture);
	if (err)
		return err;
	svg_document_boxes(document);
	if (picture->tree->nodes[0].ns)
		svg_frames_put(document->out, picture->tree, &picture->boxes, pixels, svg_document_top(document));
	return svg_document_end(document, picture->tree->nodes[0].ns);
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
	struct picture picture = {
	    .document = {.out = out, .width = options && options->width ? options->width : EXPORT_WIDTH_DEFAULT}};
	int err = flame_tree_build(input, &tree);

	if (err)
		return err;
	picture.tree = tree;
	picture.explanation = flame_shown(input);
	title = make_title(picture.explanation->run, options, export_states_words(options ? options->states : 0));
	picture.document.title = title;
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
