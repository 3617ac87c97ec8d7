/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/unwind_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/cleanup.h"
#include "symbols/cfa_program.h"

/* Objects have a handful of CIEs and their FDEs alternate between them. */
#define CIES_CACHED 64

struct cached_cie {
	uint32_t section, offset;
	bool used, good;
	struct cie cie;
	struct cfa_state initial;
};

struct builder {
	const struct eh_frame *sections;
	const struct unwind_text *text;
	struct unwind_rules *rules;
	struct unwind_table *table;
	size_t room;      /* in table->rows */
	size_t pages;     /* how many index entries are final */
	uint64_t floor;   /* what lies below is taken */
	uint64_t budget;  /* instructions left */
	size_t n_rules;   /* how many there are in all */
	size_t new_rules; /* by this object */
	/* The last row, which the next may replace (same address) or continue (same rule). */
	uint64_t at;
	uint32_t number;
	bool pending;
	uint32_t written; /* rule of the last row in table->rows */
	uint64_t unsupported_from;
	/* The last rule that was looked up. */
	struct unwind_rule last;
	uint32_t last_number;
	struct cached_cie cies[CIES_CACHED];
};

static int grow_rows(struct builder *builder)
{
	size_t room = builder->room ? 2 * builder->room : 4096;
	uint32_t *rows;

	if (builder->room == UNWIND_ROWS_MAX)
		return -E2BIG;
	rows = reallocarray(builder->table->rows, room, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	builder->table->rows = rows;
	builder->room = room;
	return 0;
}

static void count_row(struct builder *builder)
{
	if (builder->table->n_rows && builder->written == UNWIND_RULE_UNSUPPORTED)
		builder->table->unsupported_bytes += builder->at - builder->unsupported_from;
	if (builder->number == UNWIND_RULE_UNSUPPORTED) {
		builder->table->unsupported_rows++;
		builder->unsupported_from = builder->at;
	}
}

static int write_row(struct builder *builder)
{
	struct unwind_table *table = builder->table;
	size_t page = (builder->at - table->start) >> UNWIND_PAGE_BITS;

	if (!builder->pending || (table->n_rows && builder->number == builder->written))
		return 0;
	if (table->n_rows == builder->room) {
		int err = grow_rows(builder);

		if (err)
			return err;
	}
	while (builder->pages <= page)
		table->index[builder->pages++] = table->n_rows;
	count_row(builder);
	table->rows[table->n_rows++] = UNWIND_ROW(builder->at, builder->number);
	builder->written = builder->number;
	return 0;
}

static int put(struct builder *builder, uint64_t address, uint32_t number)
{
	if (address != builder->at) {
		int err = write_row(builder);

		if (err)
			return err;
	}
	builder->at = address;
	builder->number = number;
	builder->pending = true;
	return 0;
}

/* An object must not use up the rules of all others: what it cannot have is unsupported. */
static int number_of(struct builder *builder, const struct unwind_rule *rule)
{
	int number = unwind_rules_number(builder->rules, rule);

	if (number == -ENOSPC)
		number = UNWIND_RULE_UNSUPPORTED;
	if (number < 0)
		return number;
	if ((size_t)number == builder->n_rules) {
		builder->n_rules++;
		builder->new_rules++;
	}
	builder->last = *rule;
	builder->last_number = number;
	return number;
}

static int take_row(void *context, uint64_t address, const struct unwind_rule *rule)
{
	static const struct unwind_rule unsupported = {.cfa = UNWIND_UNSUPPORTED};
	struct builder *builder = context;
	int number;

	if (memcmp(rule, &builder->last, sizeof(*rule)) == 0)
		number = builder->last_number;
	else
		number = number_of(builder, builder->new_rules < UNWIND_OBJECT_RULES_MAX ? rule : &unsupported);
	if (number < 0)
		return number;
	return put(builder, address > builder->floor ? address : builder->floor, number);
}

/* NULL when the budget is used up. */
static const struct cached_cie *find_cie(struct builder *builder, const struct fde *fde)
{
	struct cached_cie *cached = &builder->cies[(fde->cie / 8 + fde->section) % CIES_CACHED];
	int err;

	if (cached->used && cached->offset == fde->cie && cached->section == fde->section)
		return cached;
	cached->used = true;
	cached->section = fde->section;
	cached->offset = fde->cie;
	err = eh_frame_cie(&builder->sections[fde->section], fde->cie, &cached->cie);
	if (!err)
		err = cfa_program_initial(&cached->cie, &builder->budget, &cached->initial);
	cached->good = !err;
	return err == -E2BIG ? NULL : cached;
}

/* What no FDE claims, from the floor to `end`. */
static int take_gap(struct builder *builder, uint64_t end)
{
	struct unwind_gap_part parts[UNWIND_GAP_PARTS_MAX];
	size_t n = unwind_gap(builder->text, builder->floor, end, parts);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = take_row(builder, parts[i].start, &parts[i].rule);
	return err;
}

static int take_fde(struct builder *builder, const struct fde *fde)
{
	const struct unwind_rule unsupported = {.cfa = UNWIND_UNSUPPORTED};
	const struct cached_cie *cached;
	int err;

	if (fde->end <= builder->floor)
		return 0;
	if (fde->start > builder->floor) {
		err = take_gap(builder, fde->start);
		if (err)
			return err;
		builder->floor = fde->start;
	}
	cached = find_cie(builder, fde);
	if (!cached)
		return -E2BIG;
	if (cached->good)
		err = cfa_program_run(&cached->cie, &cached->initial, fde, &builder->budget, take_row, builder);
	else
		err = take_row(builder, fde->start, &unsupported);
	builder->floor = fde->end;
	return err;
}

static int finish(struct builder *builder)
{
	struct unwind_table *table = builder->table;
	uint32_t *rows;
	int err = 0;

	if (builder->floor < table->end)
		err = put(builder, builder->floor, UNWIND_RULE_NONE);
	if (!err)
		err = write_row(builder);
	if (err)
		return err;
	if (builder->written == UNWIND_RULE_UNSUPPORTED)
		table->unsupported_bytes += table->end - builder->unsupported_from;
	while (builder->pages <= table->n_pages)
		table->index[builder->pages++] = table->n_rows;
	rows = reallocarray(table->rows, table->n_rows, sizeof(*rows)); /* there is one row at least */
	if (rows)
		table->rows = rows;
	return 0;
}

static size_t run_end(const struct fde *all, size_t at, size_t count)
{
	for (at++; at < count && all[at - 1].start <= all[at].start; at++)
		;
	return at;
}

static void merge(const struct fde *a, const struct fde *a_end, const struct fde *b, const struct fde *b_end, struct fde *to)
{
	while (a < a_end && b < b_end)
		*to++ = b->start < a->start ? *b++ : *a++;
	memcpy(to, a, (a_end - a) * sizeof(*to));
	memcpy(to + (a_end - a), b, (b_end - b) * sizeof(*to));
}

/*
 * By address; of equal ones the first stays first. Merges neighbouring runs until one is left: linkers place whole runs, so that this
 * takes a few passes where qsort() takes a quarter of the whole compilation.
 */
static int sort(struct fde_list *list)
{
	struct fde *other = calloc(list->room, sizeof(*other)), *from;
	size_t runs;

	if (!other)
		return -ENOMEM;
	do {
		from = list->all;
		runs = 0;
		for (size_t at = 0, middle, end; at < list->count; at = end, runs++) {
			middle = run_end(from, at, list->count);
			end = middle < list->count ? run_end(from, middle, list->count) : middle;
			merge(from + at, from + middle, from + middle, from + end, other + at);
		}
		list->all = other;
		other = from;
	} while (runs > 1);
	free(other);
	return 0;
}

static bool in_a_range(const struct fde *fde, const struct unwind_text *text)
{
	for (size_t i = 0; i < text->n_ranges; i++) {
		if (fde->start >= text->ranges[i].start && fde->end <= text->ranges[i].end)
			return true;
	}
	return false;
}

/* Leaves what lies in the ranges, by address. `*end` is where the last ends. */
static int arrange(struct fde_list *list, const struct unwind_text *text, uint64_t *end)
{
	bool sorted = true;
	size_t kept = 0;

	*end = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct fde fde = list->all[i];

		if (!in_a_range(&fde, text)) {
			list->refused++;
			continue;
		}
		if (fde.end > *end)
			*end = fde.end;
		sorted = sorted && (kept == 0 || list->all[kept - 1].start <= fde.start);
		list->all[kept++] = fde;
	}
	list->count = kept;
	return sorted ? 0 : sort(list);
}

static int build(struct builder *builder, const struct fde_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		int err = take_fde(builder, &list->all[i]);

		if (err)
			return err;
	}
	return finish(builder);
}

int unwind_table_build(const struct eh_frame *sections, struct fde_list *list, const struct unwind_text *text,
		       struct unwind_rules *rules, struct unwind_table **ret)
{
	_cleanup_free_ struct builder *builder = calloc(1, sizeof(*builder));
	struct unwind_table *table;
	uint64_t end;
	int err;

	if (!builder)
		return -ENOMEM;
	err = arrange(list, text, &end);
	if (err)
		return err;
	if (list->count == 0)
		return -ENODATA;
	if (end - list->all[0].start > UNWIND_SPAN_MAX || end > UINT64_MAX - UNWIND_PAGE_BYTES)
		return -E2BIG;
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->start = list->all[0].start & -(uint64_t)UNWIND_PAGE_BYTES;
	table->end = (end + UNWIND_PAGE_BYTES - 1) & -(uint64_t)UNWIND_PAGE_BYTES;
	table->n_pages = (table->end - table->start) >> UNWIND_PAGE_BITS;
	table->n_fdes = list->count;
	table->refused = list->refused;
	table->index = calloc(table->n_pages + 1, sizeof(*table->index));
	builder->sections = sections;
	builder->rules = rules;
	builder->table = table;
	builder->text = text;
	builder->floor = builder->at = table->start;
	builder->budget = UNWIND_INSTRUCTIONS_MAX;
	unwind_rules_all(rules, &builder->n_rules);
	err = table->index ? build(builder, list) : -ENOMEM;
	if (err) {
		unwind_table_free(table);
		return err;
	}
	*ret = table;
	return 0;
}

void unwind_table_free(struct unwind_table *table)
{
	if (!table)
		return;
	free(table->index);
	free(table->rows);
	free(table);
}

uint16_t unwind_table_rule(const struct unwind_table *table, uint64_t address)
{
	size_t page, low, high;

	if (address < table->start || address >= table->end)
		return UNWIND_RULE_NONE;
	page = (address - table->start) >> UNWIND_PAGE_BITS;
	low = table->index[page];
	high = table->index[page + 1];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (UNWIND_ROW_ADDRESS(table->rows[middle]) <= (address & (UNWIND_PAGE_BYTES - 1)))
			low = middle + 1;
		else
			high = middle;
	}
	return UNWIND_ROW_RULE(table->rows[low - 1]); /* the first row begins at the table's start */
}

/* A part whose first page begins under a row of an earlier page begins with that row. */
static bool needs_first_row(const struct unwind_table *table, size_t page)
{
	return table->index[page] == table->index[page + 1] || UNWIND_ROW_ADDRESS(table->rows[table->index[page]]) != 0;
}

int unwind_table_part(const struct unwind_table *table, size_t first_page, size_t room, uint32_t *words, struct unwind_part *ret)
{
	size_t pages = 0, extra, first_row;

	if (first_page >= table->n_pages)
		return -EINVAL;
	first_row = table->index[first_page];
	extra = needs_first_row(table, first_page);
	while (first_page + pages < table->n_pages &&
	       pages + 2 + extra + table->index[first_page + pages + 1] - first_row <= room)
		pages++;
	if (pages == 0)
		return -ENOSPC;
	ret->start = table->start + first_page * UNWIND_PAGE_BYTES;
	ret->end = ret->start + pages * UNWIND_PAGE_BYTES;
	ret->n_pages = pages;
	ret->n_rows = extra + table->index[first_page + pages] - first_row;
	if (!words)
		return 0;
	for (size_t i = 0; i <= pages; i++)
		words[i] = i ? extra + table->index[first_page + i] - first_row : 0;
	words += pages + 1;
	if (extra)
		*words++ = UNWIND_ROW(0, UNWIND_ROW_RULE(table->rows[first_row - 1]));
	memcpy(words, table->rows + first_row, (ret->n_rows - extra) * sizeof(*words));
	return 0;
}
