/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each state has its colour of states.def. What a thread waited for has that colour itself, and the frames that led there lighter
 * shades of it, so that the cause stands out; frames on a CPU are near the colour itself. Frames of the kernel are darker than
 * those of the program, and hatched. In a picture of two runs colours are changes instead: red has become more, blue less.
 */
#include <math.h>

#include "export/svg.h"

#define MIXED 0xd3d0cb /* frames that lead to several states: a strip in them shows which */

/* Red and blue are told apart by those who do not tell red from green. */
#define MORE 0xd7261e
#define LESS 0x1f5fbf
#define SAME 0xdedbd6

struct colour {
	double part[3]; /* red, green, blue: 0..1, sRGB */
};

static struct colour colour_of(uint32_t rgb)
{
	return (struct colour){{(rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0}};
}

static struct colour blend(struct colour colour, double with, double share)
{
	for (int i = 0; i < 3; i++)
		colour.part[i] += (with - colour.part[i]) * share;
	return colour;
}

/* Relative luminance, as WCAG 2 defines it. */
static double luminance(struct colour colour)
{
	static const double weight[3] = {0.2126, 0.7152, 0.0722};
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		double part = colour.part[i];

		sum += weight[i] * (part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
	}
	return sum;
}

/* Black or white, whichever has the higher contrast (WCAG 2: (lighter + 0.05) / (darker + 0.05)). */
static const char *ink_on(struct colour colour)
{
	double light = luminance(colour);

	return (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? "#000" : "#fff";
}

const char *svg_ink(enum state state)
{
	return ink_on(colour_of(state_info[state].colour));
}

static void put_colour(FILE *out, struct colour colour)
{
	fprintf(out, "#%02x%02x%02x", (unsigned int)lround(255 * colour.part[0]), (unsigned int)lround(255 * colour.part[1]),
		(unsigned int)lround(255 * colour.part[2]));
}

static struct colour shade_of(enum svg_look look, enum state state, unsigned int shade)
{
	bool on_cpu = state < STATE_COUNT && state_info[state].group == STATE_GROUP_CPU;
	struct colour colour = colour_of(state < STATE_COUNT ? state_info[state].colour : MIXED);

	if (look == SVG_LOOK_TIP)
		return colour;
	if (state < STATE_COUNT)
		colour = blend(colour, 1, (on_cpu ? 0 : 0.42) + 0.07 * shade);
	else
		colour = blend(colour, 1, 0.1 * shade);
	return look == SVG_LOOK_KERNEL ? blend(colour, 0, 0.14) : colour;
}

const char *svg_class(char class[SVG_CLASS_BYTES], enum svg_look look, enum state state, unsigned int shade)
{
	static const char letter[] = {[SVG_LOOK_FRAME] = 'f', [SVG_LOOK_KERNEL] = 'k', [SVG_LOOK_TIP] = 't'};

	if (look == SVG_LOOK_TIP)
		snprintf(class, SVG_CLASS_BYTES, "t%d", (int)state);
	else if (state < STATE_COUNT)
		snprintf(class, SVG_CLASS_BYTES, "%c%ds%u", letter[look], (int)state, shade);
	else
		snprintf(class, SVG_CLASS_BYTES, "%cms%u", letter[look], shade);
	return class;
}

/* Calls for every look, state and shade that may occur; mixed ones come last. */
static void for_each(FILE *out, uint32_t states, void (*put)(FILE *, enum svg_look, enum state, unsigned int))
{
	for (int state = 0; state <= STATE_COUNT; state++) {
		if (state < STATE_COUNT && !(states & 1u << state))
			continue;
		if (state < STATE_COUNT)
			put(out, SVG_LOOK_TIP, state, 0);
		for (unsigned int shade = 0; shade < SVG_SHADES; shade++) {
			put(out, SVG_LOOK_FRAME, state, shade);
			put(out, SVG_LOOK_KERNEL, state, shade);
		}
	}
}

static void put_class_rule(FILE *out, const char *class, struct colour colour, bool hatched)
{
	fprintf(out, ".%s>rect:first-of-type{fill:", class);
	if (hatched)
		fprintf(out, "url(#p%s)", class);
	else
		put_colour(out, colour);
	fprintf(out, "}.%s>text{fill:%s}\n", class, ink_on(colour));
}

static void put_class_pattern(FILE *out, const char *class, struct colour colour)
{
	fprintf(out,
		"<pattern id=\"p%s\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
		"<rect width=\"6\" height=\"6\" fill=\"",
		class);
	put_colour(out, colour);
	fprintf(out, "\"/><path d=\"M-1 1l2-2M0 6l6-6M5 7l2-2\" stroke=\"#000\" stroke-opacity=\".16\"/></pattern>\n");
}

static void put_rule(FILE *out, enum svg_look look, enum state state, unsigned int shade)
{
	struct colour colour = shade_of(look, state, shade);
	char class[SVG_CLASS_BYTES];

	put_class_rule(out, svg_class(class, look, state, shade), colour, look == SVG_LOOK_KERNEL);
	if (look == SVG_LOOK_TIP) { /* strips and the legend */
		fprintf(out, "rect.c%d{fill:", (int)state);
		put_colour(out, colour);
		fprintf(out, "}\n");
	}
}

static void put_pattern(FILE *out, enum svg_look look, enum state state, unsigned int shade)
{
	char class[SVG_CLASS_BYTES];

	if (look == SVG_LOOK_KERNEL)
		put_class_pattern(out, svg_class(class, look, state, shade), shade_of(look, state, shade));
}

void svg_colours_put_style(FILE *out, uint32_t states)
{
	for_each(out, states, put_rule);
}

void svg_colours_put_patterns(FILE *out, uint32_t states)
{
	for_each(out, states, put_pattern);
	/* For the legend: a box of several states, and its strip. */
	fprintf(out, "<pattern id=\"pmix\" width=\"1\" height=\"1\"><rect width=\"12\" height=\"12\" fill=\"");
	put_colour(out, colour_of(MIXED));
	fprintf(out, "\"/>");
	for (int state = 0, n = 0; state < STATE_COUNT && n < 3; state++) {
		if (!(states & 1u << state))
			continue;
		fprintf(out, "<rect x=\"%d\" y=\"9\" width=\"4\" height=\"3\" class=\"c%d\"/>", 4 * n++, state);
	}
	fprintf(out, "</pattern>\n");
}

/* --- changes --- */

static struct colour change_colour(int level, bool kernel)
{
	double share = (double)abs(level) / SVG_CHANGE_LEVELS;
	struct colour colour = colour_of(level > 0 ? MORE : level < 0 ? LESS : SAME);

	/* The faintest is still no grey. */
	if (level)
		colour = blend(colour, 1, 0.85 * (1 - share));
	return kernel ? blend(colour, 0, 0.1) : colour;
}

const char *svg_change_class(char class[SVG_CLASS_BYTES], int level, bool kernel)
{
	snprintf(class, SVG_CLASS_BYTES, "%s%s%d", level > 0 ? "up" : level < 0 ? "dn" : "eq", kernel ? "k" : "", abs(level));
	return class;
}

void svg_changes_put_style(FILE *out)
{
	char class[SVG_CLASS_BYTES];

	for (int level = -SVG_CHANGE_LEVELS; level <= SVG_CHANGE_LEVELS; level++)
		for (int kernel = 0; kernel < 2; kernel++)
			put_class_rule(out, svg_change_class(class, level, kernel), change_colour(level, kernel), kernel);
}

void svg_changes_put_patterns(FILE *out)
{
	char class[SVG_CLASS_BYTES];

	for (int level = -SVG_CHANGE_LEVELS; level <= SVG_CHANGE_LEVELS; level++)
		put_class_pattern(out, svg_change_class(class, level, true), change_colour(level, true));
}
