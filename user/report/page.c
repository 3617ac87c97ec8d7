/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>

#include "lib/cleanup.h"
#include "lib/text.h"
#include "report/page.h"

#define GUTTER      2
#define NOTE_INDENT 3

static const char *const inks[] = {
    [INK_PLAIN] = "", [INK_BOLD] = "\033[1m", [INK_FAINT] = "\033[2m", [INK_BAD] = "\033[1;31m", [INK_GOOD] = "\033[32m",
};

static size_t columns_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static char *format_clean(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		return NULL;
	text_clean(text);
	return text;
}

static void print_wrapped(struct page *page, unsigned int hang, char *text)
{
	size_t at = 0;
	char *rest = text, *word;

	while ((word = strsep(&rest, " "))) {
		size_t length = columns_of(word);

		if (at && at + 1 + length > page->width) {
			fprintf(page->out, "\n%*s", (int)hang, "");
			at = hang;
		} else if (word != text) {
			fputc(' ', page->out);
			at++;
		}
		fputs(word, page->out);
		at += length;
	}
}

/* Later calls forget what errno was. */
static void note_refusal(struct page *page)
{
	if (!page->err && ferror(page->out))
		page->err = errno ? -errno : -EIO;
}

void page_say(struct page *page, enum ink ink, unsigned int hang, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = format_clean(format, args);
	va_end(args);
	if (!text) {
		page->failed = true;
		return;
	}
	if (page->colour && ink != INK_PLAIN)
		fputs(inks[ink], page->out);
	print_wrapped(page, hang, text);
	if (page->colour && ink != INK_PLAIN)
		fputs("\033[0m", page->out);
	fputc('\n', page->out);
	note_refusal(page);
}

size_t page_columns(const char *text)
{
	return columns_of(text);
}

void page_gap(struct page *page)
{
	fputc('\n', page->out);
}

void table_init(struct table *table, struct page *page, size_t columns)
{
	*table = (struct table){.page = page, .columns = columns, .elastic = columns, .heads = 1};
}

void table_row(struct table *table)
{
	if (table->rows == table->room) {
		size_t room = table->room ? 2 * table->room : 16;
		char **cells = reallocarray(table->cells, room * table->columns, sizeof(*cells));
		char **notes = reallocarray(table->notes, room, sizeof(*notes));

		table->cells = cells ? cells : table->cells;
		table->notes = notes ? notes : table->notes;
		if (!cells || !notes) {
			table->page->failed = true;
			return;
		}
		table->room = room;
	}
	table->notes[table->rows] = NULL;
	memset(&table->cells[table->rows++ * table->columns], 0, table->columns * sizeof(*table->cells));
}

void table_cell(struct table *table, size_t column, const char *format, ...)
{
	char **cell;
	va_list args;

	if (!table->rows || column >= table->columns)
		return;
	cell = &table->cells[(table->rows - 1) * table->columns + column];
	free(*cell);
	va_start(args, format);
	*cell = format_clean(format, args);
	va_end(args);
	if (!*cell)
		table->page->failed = true;
}

void table_note(struct table *table, const char *format, ...)
{
	va_list args;

	if (!table->rows)
		return;
	free(table->notes[table->rows - 1]);
	va_start(args, format);
	table->notes[table->rows - 1] = format_clean(format, args);
	va_end(args);
	if (!table->notes[table->rows - 1])
		table->page->failed = true;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
	const char *cell = table->cells[row * table->columns + column];

	return cell ? cell : "";
}

/* Prints at most `width` columns of the text; what is cut off is marked. */
static void print_cell(FILE *out, const char *text, size_t width, bool left, bool last)
{
	size_t length = columns_of(text);

	if (length > width) {
		size_t shown = 0;

		for (; *text; text++) {
			if (((unsigned char)*text & 0xc0) != 0x80 && shown++ == width - 2)
				break;
			fputc(*text, out);
		}
		fputs("..", out);
		return;
	}
	if (!left)
		fprintf(out, "%*s", (int)(width - length), "");
	fputs(text, out);
	if (left && !last)
		fprintf(out, "%*s", (int)(width - length), "");
}

void page_put(struct page *page, const char *text, size_t width, bool last)
{
	print_cell(page->out, text, width, true, last);
}

static void measure(const struct table *table, unsigned int indent, size_t widths[TABLE_COLUMNS])
{
	size_t total = indent;

	for (size_t column = 0; column < table->columns; column++) {
		widths[column] = 0;
		for (size_t row = 0; row < table->rows; row++) {
			size_t length = columns_of(cell_at(table, row, column));

			widths[column] = length > widths[column] ? length : widths[column];
		}
		total += widths[column] + (column ? GUTTER : 0);
	}
	if (table->elastic < table->columns && total > table->page->width) {
		size_t excess = total - table->page->width, *width = &widths[table->elastic];

		*width = *width > excess + 12 ? *width - excess : *width < 12 ? *width : 12;
	}
}

static void print_note(const struct table *table, const char *note, unsigned int indent)
{
	bool faint = table->page->colour;

	if (!note || !note[0])
		return;
	fprintf(table->page->out, "%s%*s", faint ? inks[INK_FAINT] : "", (int)indent, "");
	print_cell(table->page->out, note, table->page->width - indent, true, true);
	fprintf(table->page->out, "%s\n", faint ? "\033[0m" : "");
}

void table_print(struct table *table, unsigned int indent)
{
	size_t widths[TABLE_COLUMNS];

	measure(table, indent, widths);
	for (size_t row = 0; row < table->rows; row++) {
		bool faint = table->page->colour && row < table->heads;
		size_t last = 0;

		for (size_t column = 0; column < table->columns; column++)
			if (cell_at(table, row, column)[0])
				last = column;
		fprintf(table->page->out, "%s%*s", faint ? inks[INK_FAINT] : "", (int)indent, "");
		for (size_t column = 0; column <= last; column++) {
			if (column)
				fprintf(table->page->out, "%*s", GUTTER, "");
			print_cell(table->page->out, cell_at(table, row, column), widths[column], table->left[column],
				   column == last);
		}
		fprintf(table->page->out, "%s\n", faint ? "\033[0m" : "");
		print_note(table, table->notes[row], indent + NOTE_INDENT);
		note_refusal(table->page);
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	for (size_t i = 0; i < table->rows; i++)
		free(table->notes[i]);
	free(table->notes);
	free(table->cells);
}
