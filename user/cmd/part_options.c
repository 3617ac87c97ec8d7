/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/part_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/verbs.h"
#include "lib/text.h"
#include "profile/window.h"

enum { KEY_FROM = 0x680, KEY_TO };

#define EDGE_MAX_NS 3.2e16 /* a year */

/* "0.5", "0.5s", "120ms", "40us", "3m"; "25%" */
static void parse_edge(struct argp_state *state, const char *option, const char *argument, struct part_edge *edge)
{
	static const struct {
		const char *name;
		double scale;
	} units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"m", 60e9}, {"%", 0.01}};
	size_t digits = strspn(argument, "0123456789.");
	char *end;

	*edge = (struct part_edge){.value = strtod(argument, &end)};
	if (digits && end == argument + digits)
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			if (strcmp(end, units[i].name))
				continue;
			edge->given = true;
			edge->relative = *end == '%';
			edge->value *= units[i].scale;
		}
	if (!edge->given || edge->value > (edge->relative ? 1 : EDGE_MAX_NS))
		argp_error(state, "%s: '%s' is no point in time: say 0.5s, 120ms, 40us or 25%%", option, argument);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct part *part = state->input;

	switch (key) {
	case KEY_FROM:
		parse_edge(state, "--from", argument, &part->from);
		return 0;
	case KEY_TO:
		parse_edge(state, "--to", argument, &part->to);
		return 0;
	case ARGP_KEY_END:
		if (part->from.given && part->to.given && part->from.relative == part->to.relative &&
		    part->from.value >= part->to.value)
			argp_error(state, "--to: that is not after --from");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "A part of the time (recordings with a timeline):", 25},
    {"from", KEY_FROM, "TIME", 0, "only what happened from then on: 0.5s, 120ms, 40us after the begin, or 25%", 0},
    {"to", KEY_TO, "TIME", 0, "only what happened until then", 0},
    {0},
};
const struct argp part_argp = {.options = options, .parser = parse};

static uint64_t edge_ns(const struct part_edge *edge, uint64_t wall_ns, uint64_t otherwise_ns)
{
	if (!edge->given)
		return otherwise_ns;
	return edge->relative ? edge->value * wall_ns : edge->value;
}

void part_say_no_timeline(const struct run *run)
{
	fprintf(
	    stderr,
	    "concprof: %s was recorded without a timeline (with --no-timeline, with more waits than are kept by default, or by "
	    "an older concprof); record it again with --timeline\n",
	    run->name);
}

int part_cut(const struct part *part, struct run **run, bool *empty)
{
	uint64_t wall_ns = (*run)->end_ns - (*run)->begin_ns;
	uint64_t from_ns = edge_ns(&part->from, wall_ns, 0), to_ns = edge_ns(&part->to, wall_ns, wall_ns);
	struct run *window;
	int err;

	*empty = false;
	if (!part->from.given && !part->to.given)
		return STATUS_OK;
	err = run_window(*run, from_ns, to_ns, &window);
	*empty = err == -ERANGE;
	if (!err) {
		run_free(*run);
		*run = window;
		return STATUS_OK;
	}
	if (err == -ENODATA)
		part_say_no_timeline(*run);
	else if (err == -ERANGE && from_ns >= wall_ns)
		fprintf(stderr, "concprof: %s took %s, so nothing of it is after %s (percentages are of any run: --from 50%%)\n",
			(*run)->name, FIGURE_NS(wall_ns), FIGURE_NS(from_ns));
	else if (err == -ERANGE)
		fprintf(stderr, "concprof: of %s, nothing is after --from, %s, and before --to, %s\n", (*run)->name,
			FIGURE_NS(from_ns), FIGURE_NS(to_ns));
	else
		fprintf(stderr, "concprof: cannot cut %s: %s\n", (*run)->name, strerror(-err));
	return STATUS_FAILED;
}
