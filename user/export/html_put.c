/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>

#include "export/html.h"
#include "export/svg.h"
#include "export/xml.h"
#include "lib/cleanup.h"
#include "lib/text.h"

static void say(struct html_page *page, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		page->failed = true;
		return;
	}
	xml_put(page->out, text, XML_WHOLE);
}

void html_say(struct html_page *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(page, format, args);
	va_end(args);
}

void html_cell(struct html_page *page, const char *class, const char *format, ...)
{
	va_list args;

	if (class)
		fprintf(page->out, "<td class=\"%s\">", class);
	else
		fputs("<td>", page->out);
	va_start(args, format);
	say(page, format, args);
	va_end(args);
	fputs("</td>", page->out);
}

void html_time_cell(struct html_page *page, uint64_t ns)
{
	if (ns)
		fprintf(page->out, "<td class=\"n\" data-ns=\"%" PRIu64 "\" title=\"%s ns\">%s</td>", ns, FIGURE_COUNT(ns),
			FIGURE_NS(ns));
	else
		fputs("<td class=\"n none\" data-ns=\"0\">-</td>", page->out);
}

const char *html_run_name(char name[HTML_NAME_BYTES], const struct html_page *page, size_t run)
{
	const struct export_input *input = page->input;
	bool same = input->n_runs == 2 && !strcmp(input->runs[0]->run->name, input->runs[1]->run->name);

	snprintf(name, HTML_NAME_BYTES, "%.100s%s", input->runs[run]->run->name, !same ? "" : run ? " (after)" : " (before)");
	return name;
}

const char *html_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause)
{
	if (state == STATE_RUN_QUEUE)
		snprintf(label, CAUSE_LABEL_BYTES, "for a CPU%s%s", cause[0] ? ", " : "", cause);
	else if (state_info[state].group == STATE_GROUP_CPU)
		snprintf(label, CAUSE_LABEL_BYTES, "on a CPU%s%s", state == STATE_CPU ? "" : ", ",
			 state == STATE_CPU ? "" : state_info[state].name);
	else
		cause_label(label, state, cause);
	return label;
}

/* --- states: colours and patterns --- */

uint16_t html_hatch(enum state state)
{
	/* Rows of four from the top, the leftmost pixel in the lowest bit. */
	static const uint16_t queue = 0x1248, waits[] = {0x8421, 0x0401, 0x1111, 0x000f, 0x111f, 0xa5a5, 0};
	unsigned int before = 0;

	if (state_info[state].group != STATE_GROUP_WAIT)
		return state_info[state].group == STATE_GROUP_QUEUE ? queue : 0;
	for (int other = 0; other < (int)state; other++)
		before += state_info[other].group == STATE_GROUP_WAIT;
	return waits[before % (sizeof(waits) / sizeof(waits[0]))];
}

void html_put_state_rules(FILE *out)
{
	for (int state = 0; state < STATE_COUNT; state++)
		fprintf(out, ".s%d{fill:#%06x}.t%d{fill:%s}\n", state, state_info[state].colour, state, svg_ink(state));
}

void html_put_patterns(FILE *out)
{
	fputs("<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n", out);
	for (int state = 0; state < STATE_COUNT; state++) {
		uint16_t hatch = html_hatch(state);

		fprintf(out,
			"<pattern id=\"h%d\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
			"<rect class=\"s%d\" width=\"4\" height=\"4\"/><path class=\"hatch\" d=\"",
			state, state);
		for (int bit = 0; bit < 16; bit++)
			if (hatch >> bit & 1)
				fprintf(out, "M%d %dh1v1h-1z", bit % 4, bit / 4);
		fputs("\"/></pattern>\n", out);
	}
	fputs("</defs></svg>\n", out);
}

void html_swatch(FILE *out, enum state state)
{
	fprintf(out,
		"<svg class=\"swatch\" width=\"12\" height=\"12\" aria-hidden=\"true\">"
		"<rect width=\"12\" height=\"12\" rx=\"2\" fill=\"url(#h%d)\"/></svg>",
		state);
}

void html_bar(struct html_page *page, const double values[STATE_COUNT], double full, double named, const char *label)
{
	double x = 0;

	fputs("<svg class=\"bar\" width=\"100%\" height=\"18\" role=\"img\" aria-label=\"", page->out);
	xml_put(page->out, label, XML_WHOLE);
	fputs("\">", page->out);
	for (int state = 0; state < STATE_COUNT && full > 0; state++) {
		double width = 100 * values[state] / full;

		if (!(width >= 0.02))
			continue;
		fprintf(page->out,
			"<svg x=\"%.3f%%\" width=\"%.3f%%\" height=\"18\"><rect width=\"100%%\" height=\"18\" "
			"fill=\"url(#h%d)\"/><title>",
			x, width, state);
		html_say(page, "%s: %s", state_info[state].name, state_info[state].gloss);
		fputs("</title>", page->out);
		if (width >= named)
			fprintf(page->out, "<text class=\"t%d\" x=\"5\" y=\"13\">%s</text>", state, state_info[state].name);
		fputs("</svg>", page->out);
		x += width;
	}
	fputs("</svg>", page->out);
}

/* --- what is known of a cause --- */

static void add_part(struct text *text, const char *what, const char *name, uint64_t ns, const struct cause_view *cause)
{
	if (name[0] && explain_part_counts(ns, cause->total_ns))
		text_add(text, "%s%s %s %.0f%%", text->length ? ", " : "", what, name, 100.0 * ns / cause->total_ns);
}

char *html_note(const struct cause_view *cause)
{
	struct text text = {0};

	add_part(&text, "held by", PARTY_LABEL(&cause->holder), cause->holder.ns, cause);
	/* Only a thread releases: a timer ends a wait, and not the holding. */
	add_part(&text, cause->state == STATE_LOCK && cause->waker.thread ? "released by" : "ended by",
		 PARTY_LABEL(&cause->waker), cause->waker.ns, cause);
	add_part(&text, "in", cause->place ? cause->place : "", cause->place_ns, cause);
	return text_take(&text);
}
