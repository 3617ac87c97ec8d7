/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the page share: html.c (the document), html_put.c (text and bars), html_answer.c, html_tables.c, html_difference.c, html_path.c
 * and html_checks.c (what can be read without scripting), html_data.c and html_packed.c (what the scripts read). Not for outside export/.
 *
 * Whatever programs are called is text: xml.h on the page, and in data JSON that cannot end its element.
 */
#ifndef CONCPROF_EXPORT_HTML_H
#define CONCPROF_EXPORT_HTML_H

#include "explain/timeline.h"
#include "export/export.h"

struct html_page {
	FILE *out;
	const struct export_input *input;
	const struct explanation *shown;     /* the last of the runs */
	const struct comparison *comparison; /* NULL: there is none */
	bool failed;                         /* memory was short */
};

/* --- html_put.c --- */

/* Formats, and writes the result as text. */
__attribute__((format(printf, 2, 3))) void html_say(struct html_page *page, const char *format, ...);
/* A table's cell: `class` may be NULL. */
__attribute__((format(printf, 3, 4))) void html_cell(struct html_page *page, const char *class, const char *format, ...);
/* "1.20 s" in a cell that sorts and copies by its nanoseconds; "-" for nothing. */
void html_time_cell(struct html_page *page, uint64_t ns);
/* Cells of both times, and of "+1.20 s". */
void html_difference_cells(struct html_page *page, uint64_t before_ns, uint64_t after_ns);
/* The state's colour and pattern, beside its name. */
void html_swatch(FILE *out, enum state state);
/*
 * Shares of a bar `full` wide, one after the other, in the order of states.def; a share of at least `named` percent bears its name. `label`: what
 * the bar says in words.
 */
void html_bar(struct html_page *page, const double values[STATE_COUNT], double full, double named, const char *label);

/* A run's name; where both runs have the same it says which. Returns `name`. */
#define HTML_NAME_BYTES 120
const char *html_run_name(char name[HTML_NAME_BYTES], const struct html_page *page, size_t run);
#define HTML_RUN_NAME(page, run) html_run_name((char[HTML_NAME_BYTES]){0}, page, run)

/* What a wait, or time on a CPU, is called: cause_label(), "for a CPU, preempted", "on a CPU, user". Returns `label`. */
const char *html_label(char label[CAUSE_LABEL_BYTES], enum state state, const char *cause);
#define HTML_LABEL(state, cause) html_label((char[CAUSE_LABEL_BYTES]){0}, state, cause)

/* "held by worker/7 71%, ended by main/1 60%, in orders_add 82%"; NULL: memory was short. Owned by the caller. */
char *html_note(const struct cause_view *cause);

/*
 * The state's pattern, so that colours are not all that tells states apart: bit 4y+x is set where a pixel of 4 x 4 is darker. 0: plain.
 */
uint16_t html_hatch(enum state state);

/* Rules for the states' colours, and the patterns that they refer to. */
void html_put_state_rules(FILE *out);
void html_put_patterns(FILE *out);

/* --- sections, from top to bottom --- */

void html_put_answer(struct html_page *page);
void html_put_budget(struct html_page *page);
void html_put_path(struct html_page *page); /* nothing without a path, nor does the next */
void html_put_path_difference(struct html_page *page);
void html_put_waits(struct html_page *page);
void html_put_threads(struct html_page *page);
void html_put_functions(struct html_page *page);
void html_put_difference(struct html_page *page);
void html_put_checks(struct html_page *page);

/* The path's segments as packed data: how many; each: thread (position + 1; 0: nobody), length; nothing without a path. */
void html_put_path_data(FILE *out, const struct explanation *explanation, size_t number);

/*
 * The runs as data: a JSON object for the page and one for each run, and what is many numbers packed (html_packed.h). 0, or a negative errno as
 * struct exporter says.
 */
int html_put_data(struct html_page *page);

#endif
