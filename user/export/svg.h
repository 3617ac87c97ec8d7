/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of pictures share: svg.c (a run), svg_diff.c (two runs), svg_document.c (around both), svg_boxes.c (what is drawn),
 * svg_frames.c (drawing it), svg_colours.c. Not for outside export/.
 */
#ifndef CONCPROF_EXPORT_SVG_H
#define CONCPROF_EXPORT_SVG_H

#include "export/flame_tree.h"

/* Pixels. */
#define SVG_MARGIN    10
#define SVG_ROW       18    /* from box to box; the box itself is a pixel less */
#define SVG_CHARACTER 7.23  /* width of one: 12 px of a monospaced font, of which 0.6 is the usual width; flame.js has it too */
#define SVG_NARROWEST 0.1   /* what is narrower is drawn as part of "N more" */
#define SVG_BOXES_MAX 12000 /* if there are more, more is taken for narrow; such a file has about 3 MB */

#define SVG_NO_BOX UINT32_MAX

/* A node that is drawn. */
struct svg_box {
	uint32_t node, parent; /* parent: a box; of the first SVG_NO_BOX */
	uint64_t begin_ns;     /* from the left edge */
	uint64_t ns;
	uint64_t drawn_ns; /* of its children that are drawn: they stand at its left */
	uint64_t more_ns;  /* of its children that are not */
	uint64_t more;     /* nodes therein */
	uint64_t state_ns[STATE_COUNT];
	uint64_t waits, samples;
	unsigned int shade, last_shade; /* its own, and its rightmost child's so far */
};

struct svg_boxes {
	struct svg_box *boxes; /* parents first, siblings from left to right */
	size_t n;              /* at least 1 */
	uint32_t depth;        /* of the deepest, "N more" included */
	uint64_t least_ns;     /* what is narrower is not drawn */
};

/* `pixels`: how wide the first box is. 0 or -ENOMEM. */
int svg_boxes_make(const struct flame_tree *tree, double pixels, struct svg_boxes *boxes);
void svg_boxes_free(struct svg_boxes *boxes);

/* The state that a box has for a colour: on a CPU is one whatever the side; STATE_COUNT if it has several to speak of. */
enum state svg_box_state(const struct svg_box *box);

/* --- colours: classes of CSS --- */

#define SVG_SHADES 5 /* of one colour, for boxes beside one another */

enum svg_look {
	SVG_LOOK_FRAME,  /* a user frame */
	SVG_LOOK_KERNEL, /* darker, and hatched */
	SVG_LOOK_TIP,    /* what a thread waited for: the state's own colour */
};

/* Rules for the states that occur (bits 1 << state), and the patterns that they refer to. */
void svg_colours_put_style(FILE *out, uint32_t states);
void svg_colours_put_patterns(FILE *out, uint32_t states);

/* Black or white, for text on the state's own colour. */
const char *svg_ink(enum state state);

#define SVG_CLASS_BYTES 16
/* "f4s2", "k0s1", "t5"; for STATE_COUNT "fms0": mixed. */
const char *svg_class(char class[SVG_CLASS_BYTES], enum svg_look look, enum state state, unsigned int shade);

/* The same for how much a box's time differs between two runs: from -SVG_CHANGE_LEVELS, much less, to SVG_CHANGE_LEVELS, much more; 0 is grey. */
#define SVG_CHANGE_LEVELS 6
void svg_changes_put_style(FILE *out);
void svg_changes_put_patterns(FILE *out);
const char *svg_change_class(char class[SVG_CLASS_BYTES], int level, bool kernel);

/* Draws them: `top` is where the row of the deepest begins. Colours are states, and so are the words of tool tips. */
void svg_frames_put(FILE *out, const struct flame_tree *tree, const struct svg_boxes *boxes, double pixels, unsigned int top);

/* What is said of a box, and how it looks, where that is something else. */
struct svg_paint {
	const char *(*class)(const struct svg_paint *paint, const struct svg_box *box, enum svg_look look,
			     char class[SVG_CLASS_BYTES]);
	void (*put_words)(FILE *out, const struct svg_paint *paint, const struct svg_box *box); /* lines below name and width */
	bool strips; /* of states, in boxes that have several */
};
void svg_frames_put_painted(FILE *out, const struct flame_tree *tree, const struct svg_boxes *boxes, double pixels,
			    unsigned int top, const struct svg_paint *paint);

#endif
