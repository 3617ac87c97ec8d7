/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A differential flame graph: two runs in one picture. Widths are the times of one run, and colours say how much the other's differ. Boxes that the one
 * run does not have at all would have no width: they stand at the right, in a part of their own, as wide as they were in the other. The two
 * parts together hold all the time of both runs.
 */
#include <errno.h>
#include <math.h>

#include "explain/repeats.h"
#include "export/flame_diff.h"
#include "export/svg.h"
#include "export/svg_document.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define LEAST_SHARE 0.005 /* of the change: less is grey */

struct picture {
	struct svg_paint paint; /* first: the painter's functions get the picture by it */
	struct svg_document document;
	const struct export_input *input;
	const struct flame_diff *diff;
	enum flame_side wide;     /* whose times are widths */
	struct flame_tree tree;   /* what is drawn; names and stacks are not its own */
	struct flame_name *names; /* those of the difference and two more */
	uint32_t *origin;         /* by node of the tree: which of the difference's it is */
	size_t apart;             /* nodes from here on are those of the part at the right */
	struct svg_boxes boxes;
};

static const char *const side_word[] = {"before", "after"};

static const struct explanation *run_of(const struct picture *picture, enum flame_side side)
{
	return picture->input->runs[side == FLAME_AFTER ? picture->input->n_runs - 1 : 0];
}

/* --- what is drawn --- */

static uint64_t width_of(const struct picture *picture, const struct flame_diff_node *node, bool apart)
{
	return apart ? node->only_ns[!picture->wide] : node->ns[picture->wide];
}

/* Appends the boxes that have a width in this part; node 0 of the difference is the part's own root, `root` deep, called `name`. */
static int add_part(struct picture *picture, bool apart, uint32_t root, uint32_t name)
{
	const struct flame_diff *diff = picture->diff;
	struct flame_tree *tree = &picture->tree;
	_cleanup_free_ uint32_t *place = calloc(diff->n_nodes, sizeof(*place));

	if (!place)
		return -ENOMEM;
	for (size_t i = 0; i < diff->n_nodes; i++) {
		const struct flame_diff_node *node = &diff->nodes[i];
		uint64_t ns = width_of(picture, node, apart);

		if (!ns)
			continue;
		place[i] = tree->n_nodes;
		picture->origin[tree->n_nodes] = i;
		tree->nodes[tree->n_nodes++] = (struct flame_node){
		    .parent = i ? place[node->parent] : 0, .name = i ? node->name : name, .depth = node->depth + root, .ns = ns};
	}
	return 0;
}

/* The names of the difference, and of the two parts. */
static int add_names(struct picture *picture)
{
	const struct flame_names *names = &picture->diff->names;
	const char *wide = side_word[picture->wide], *other = side_word[!picture->wide];
	struct flame_name parts[] = {
	    {.text = text_format("%s: %s", wide, run_of(picture, picture->wide)->run->name), .kind = FLAME_ROOT},
	    {.text = text_format("only %s: %s", other, run_of(picture, !picture->wide)->run->name), .kind = FLAME_ROOT},
	};

	picture->names = calloc(names->n + 2, sizeof(*picture->names));
	if (!picture->names || !parts[0].text || !parts[1].text) {
		free(parts[0].text);
		free(parts[1].text);
		return -ENOMEM;
	}
	memcpy(picture->names, names->names, names->n * sizeof(*picture->names));
	memcpy(picture->names + names->n, parts, sizeof(parts));
	picture->tree.names.names = picture->names;
	picture->tree.names.n = names->n + 2;
	return 0;
}

static int make_tree(struct picture *picture)
{
	static struct weighted_stacks none;
	const struct flame_diff *diff = picture->diff;
	struct flame_tree *tree = &picture->tree;
	int err;

	tree->stacks = &none;
	tree->by = diff->by;
	tree->nodes = calloc(2 * diff->n_nodes + 1, sizeof(*tree->nodes));
	picture->origin = calloc(2 * diff->n_nodes + 1, sizeof(*picture->origin));
	if (!tree->nodes || !picture->origin)
		return -ENOMEM;
	err = add_names(picture);
	if (err)
		return err;
	tree->nodes[0] = (struct flame_node){.ns = width_of(picture, diff->nodes, false) + width_of(picture, diff->nodes, true)};
	tree->n_nodes = 1;
	err = add_part(picture, false, 1, diff->names.n);
	picture->apart = tree->n_nodes;
	return err ? err : add_part(picture, true, 1, diff->names.n + 1);
}

/* --- how it looks --- */

/* What a box says: of the part at the right, only what is in it. */
static void times_of(const struct picture *picture, const struct svg_box *box, uint64_t ns[2])
{
	const struct flame_diff_node *node = &picture->diff->nodes[picture->origin[box->node]];

	memcpy(ns, node->ns, sizeof(node->ns));
	if (box->node < picture->apart)
		return;
	ns[picture->wide] = 0;
	ns[!picture->wide] = box->ns;
}

/* Of all the change, with its sign. */
static double share_of_change(const struct picture *picture, const uint64_t ns[2])
{
	return picture->diff->changed_ns ? ((double)ns[FLAME_AFTER] - (double)ns[FLAME_BEFORE]) / picture->diff->changed_ns : 0;
}

/* By the root of the share: a tenth of the change can be told from a hundredth. */
static int level_of(double share)
{
	int level = (int)ceil(sqrt(fabs(share)) * SVG_CHANGE_LEVELS);

	if (fabs(share) < LEAST_SHARE)
		return 0;
	level = level > SVG_CHANGE_LEVELS ? SVG_CHANGE_LEVELS : level;
	return share > 0 ? level : -level;
}

static const char *class_of_change(const struct svg_paint *paint, const struct svg_box *box, enum svg_look look,
				   char class[SVG_CLASS_BYTES])
{
	const struct picture *picture = (const struct picture *)paint;
	uint64_t ns[2];

	times_of(picture, box, ns);
	return svg_change_class(class, level_of(share_of_change(picture, ns)), look == SVG_LOOK_KERNEL);
}

static void put_words_of_change(FILE *out, const struct svg_paint *paint, const struct svg_box *box)
{
	const struct picture *picture = (const struct picture *)paint;
	const struct flame_diff_node *node = &picture->diff->nodes[picture->origin[box->node]];
	uint64_t ns[2], more;
	char sign;

	times_of(picture, box, ns);
	for (int side = 0; side < 2; side++)
		fprintf(out, "\n%s %s (%s ns)", side_word[side], FIGURE_NS(ns[side]), FIGURE_COUNT(ns[side]));
	sign = ns[FLAME_AFTER] < ns[FLAME_BEFORE] ? '-' : '+';
	more = sign == '-' ? ns[FLAME_BEFORE] - ns[FLAME_AFTER] : ns[FLAME_AFTER] - ns[FLAME_BEFORE];
	if (more)
		fprintf(out, "\n%c%s (%c%s ns), %.1f%% of all change", sign, FIGURE_NS(more), sign, FIGURE_COUNT(more),
			100 * fabs(share_of_change(picture, ns)));
	else
		fprintf(out, "\nno difference");
	if (box->node < picture->apart && node->only_ns[!picture->wide])
		fprintf(out, "\n%s of %s in frames that are only there (at the right)", FIGURE_NS(node->only_ns[!picture->wide]),
			side_word[!picture->wide]);
}

/* --- the header --- */

/* Without `out` it only finds out how many rows there are. */
static unsigned int put_legend(const struct picture *picture, FILE *out)
{
	static const struct {
		const char *text;
		int first, marks; /* levels of change */
		bool kernel;
	} items[] = {
	    {"more time after", 1, SVG_CHANGE_LEVELS, false},
	    {"less (darker: more of all change)", -SVG_CHANGE_LEVELS, SVG_CHANGE_LEVELS, false},
	    {"under 0.5% of the change", 0, 1, false},
	    {"hatched: kernel", 0, 1, true},
	};
	struct svg_legend legend = {0};
	char class[SVG_CLASS_BYTES];
	unsigned int y;
	double x;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		svg_legend_step(&picture->document, &legend, strlen(items[i].text), items[i].marks, &x, &y);
		for (int mark = 0; mark < items[i].marks && out; mark++)
			fprintf(out, "<g class=\"%s\"><rect x=\"%g\" y=\"%u\" width=\"12\" height=\"12\" rx=\"2\"/></g>",
				svg_change_class(class, items[i].first + mark, items[i].kernel), x + 14 * mark, y);
		if (out)
			fprintf(out, "<text x=\"%g\" y=\"%u\">%s</text>\n", x + 14 * items[i].marks + 3, y + 10, items[i].text);
	}
	return legend.row + 1;
}

/* "wall-clock: before 2.41 s of thread time in 2.42 s (6 threads), after 1.90 s in 1.91 s (6 threads)" */
static char *what_is_compared(const struct picture *picture)
{
	const struct export_options *options = picture->input->options;
	const struct flame_diff *diff = picture->diff;
	struct text text = {0};

	for (int side = 0; side < 2; side++)
		text_add(&text, "%s%s %s %s%s in %s (%s thread%s)",
			 side ? "" : export_states_words(options ? options->states : 0), side ? "," : ":", side_word[side],
			 FIGURE_NS(diff->nodes[0].ns[side]), side ? "" : " of thread time",
			 FIGURE_NS(run_of(picture, side)->wall_ns), FIGURE_COUNT(diff->threads[side]),
			 diff->threads[side] == 1 ? "" : "s");
	if (diff->by != EXPORT_BY_NONE)
		text_add(&text, ", by %s", diff->by == EXPORT_BY_NAME ? "name of the process" : export_by_name[diff->by]);
	return text_take(&text);
}

static char *what_is_drawn(const struct picture *picture)
{
	const struct comparison *comparison = picture->input->n_comparisons ? picture->input->comparisons[0] : NULL;
	bool noise = comparison && comparison->repeats && comparison->repeats->verdict == SPREAD_NOISE;
	struct text text = {0};

	text_add(&text, "%sWidths are times %s; what is only %s stands at the right.",
		 noise ? "No more than repeated runs differ by: may be chance. " : "", side_word[picture->wide],
		 side_word[!picture->wide]);
	if (run_of(picture, FLAME_BEFORE)->run->n_samples || run_of(picture, FLAME_AFTER)->run->n_samples)
		text_add(&text, " Stacks on a CPU are sampled.");
	return text_take(&text);
}

static char *make_title(const struct picture *picture)
{
	const struct export_options *options = picture->input->options;
	const char *before = run_of(picture, FLAME_BEFORE)->run->name, *after = run_of(picture, FLAME_AFTER)->run->name;

	if (options && options->title)
		return strdup(options->title);
	return strcmp(before, after) ? text_format("%s against %s: what changed", after, before)
				     : text_format("%s: what changed", after);
}

/* --- the document --- */

static int put_picture(struct picture *picture)
{
	struct svg_document *document = &picture->document;
	unsigned int pixels = document->width - 2 * SVG_MARGIN;
	_cleanup_free_ char *compared = what_is_compared(picture), *drawn = what_is_drawn(picture);
	int err = compared && drawn ? svg_boxes_make(&picture->tree, pixels, &picture->boxes) : -ENOMEM;

	if (err)
		return err;
	document->depth = picture->boxes.depth;
	document->legend_rows = put_legend(picture, NULL);
	svg_document_begin(document);
	svg_changes_put_style(document->out);
	svg_document_colours(document);
	svg_changes_put_patterns(document->out);
	svg_document_head(document);
	svg_document_note(document, 47, compared);
	svg_document_note(document, 63, drawn);
	put_legend(picture, document->out);
	svg_document_boxes(document);
	if (picture->tree.nodes[0].ns)
		svg_frames_put_painted(document->out, &picture->tree, &picture->boxes, pixels, svg_document_top(document),
				       &picture->paint);
	return svg_document_end(document, picture->tree.nodes[0].ns);
}

static int write_svg_diff(FILE *out, const struct export_input *input)
{
	const struct export_options *options = input->options;
	struct flame_diff *diff = NULL;
	_cleanup_free_ char *title = NULL;
	struct picture picture = {
	    .paint = {.class = class_of_change, .put_words = put_words_of_change},
	    .document = {.out = out, .width = options && options->width ? options->width : EXPORT_WIDTH_DEFAULT},
	    .input = input,
	    .wide = options && options->by_before ? FLAME_BEFORE : FLAME_AFTER,
	};
	int err = flame_diff_build(input, &diff);

	if (err)
		return err;
	picture.diff = diff;
	title = make_title(&picture);
	picture.document.title = title;
	err = title ? make_tree(&picture) : -ENOMEM;
	if (!err)
		err = put_picture(&picture);
	svg_boxes_free(&picture.boxes);
	if (picture.names) {
		free(picture.names[diff->names.n].text);
		free(picture.names[diff->names.n + 1].text);
	}
	free(picture.names);
	free(picture.origin);
	free(picture.tree.nodes);
	flame_diff_free(diff);
	return err;
}

const struct exporter exporter_svg_diff = {
    .name = "svg-diff",
    .gloss = "a differential flame graph of two runs",
    .extension = "svg",
    .write = write_svg_diff,
};
