/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run as one page that needs no network: the answer, the budget and the tables can be read without scripting; with it, lanes in time, a
 * flame graph of what is selected in them, and tables that sort. Its policy admits this style and this script alone, by their hashes:
 * were a name ever taken for markup, it still could not act.
 */
#include "export/html.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "lib/cleanup.h"
#include "lib/text.h"

/* The files as they are, one after the other: paths are the build's, as in the Makefile. None ends its element (a test looks). */
#define EMBED(name, files)                                                                                                       \
	__asm__(".pushsection .rodata\n"                                                                                         \
		".globl " #name "\n" #name ":\n" files ".byte 0\n"                                                               \
		".popsection\n");                                                                                                \
	extern const char name[]
#define FILE_OF(name) ".incbin \"user/export/" name "\"\n"
EMBED(html_css, FILE_OF("html.css"));
EMBED(html_js,
      FILE_OF("html_base.js") FILE_OF("html_run.js") FILE_OF("html_raster.js") FILE_OF("html_lanes.js") FILE_OF("html_input.js")
	  FILE_OF("html_panel.js") FILE_OF("html_tree.js") FILE_OF("html_flame.js") FILE_OF("html_waits.js") FILE_OF("html.js"));

#define HASH_BYTES 48 /* SHA-256 in base64, and its end */

static void hash(const char *text, char digits[HASH_BYTES])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock((unsigned char *)digits, digest, sizeof(digest));
}

static char *make_style(void)
{
	char *style = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&style, &length);

	if (!out)
		return NULL;
	fputs(html_css, out);
	html_put_state_rules(out);
	return fclose(out) ? NULL : style;
}

static int put_head(struct html_page *page)
{
	const struct export_options *options = page->input->options;
	_cleanup_free_ char *style = make_style();
	char of_style[HASH_BYTES], of_script[HASH_BYTES];

	if (!style)
		return -ENOMEM;
	hash(style, of_style);
	hash(html_js, of_script);
	fprintf(page->out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; script-src "
		"'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" "
		"content=\"light "
		"dark\">\n<title>",
		of_style, of_script);
	if (options && options->title)
		html_say(page, "%s", options->title);
	else
		html_say(page, "%s: concprof", page->shown->run->name);
	fprintf(page->out, "</title>\n<style>%s</style>\n</head>\n", style);
	return 0;
}

/* What scripts fill stays hidden without them; a note says what is missing. */
static void put_top(struct html_page *page)
{
	html_put_patterns(page->out);
	fputs("<a class=\"skip\" href=\"#lanes\">Skip to the lanes</a>\n<header class=\"top\"><b>concprof</b> <span>", page->out);
	html_say(page, "%s",
		 page->input->options && page->input->options->title ? page->input->options->title : page->shown->run->name);
	fputs("</span><span class=\"grow\"></span><span class=\"tools\" id=\"page-tools\"></span></header>\n<main>\n"
	      "<noscript><p class=\"trouble\">Without scripting this page has no lanes and no flame graph, and its tables do not "
	      "sort; "
	      "what it says is all here.</p></noscript>\n",
	      page->out);
}

static const char no_timeline[] =
    "This recording has no timeline, so there are no lanes, and no time can be selected: it was measured with --no-timeline, it "
    "had more waits "
    "than are kept by default (--timeline keeps them all), or an older version made it. All sums below are exact all the same.";

static void put_lanes(struct html_page *page)
{
	bool timeline = false;

	for (size_t i = 0; i < page->input->n_runs; i++)
		timeline |= !!page->input->runs[i]->timeline;
	fputs("<section id=\"lanes\" aria-labelledby=\"lanes-head\">\n<h2 id=\"lanes-head\">Threads in time</h2>\n", page->out);
	fprintf(page->out, "<p class=\"why\" id=\"no-timeline\"%s>%s</p>\n", page->shown->timeline ? " hidden" : "", no_timeline);
	if (timeline)
		fputs("<div id=\"lanes-place\" hidden></div>\n", page->out);
	fputs("</section>\n", page->out);
}

static void put_flame(struct html_page *page)
{
	fputs("<section id=\"flame\" aria-labelledby=\"flame-head\" hidden>\n<h2 id=\"flame-head\">Where the time went"
	      "<small id=\"flame-what\"></small></h2>\n<div id=\"flame-place\"></div>\n</section>\n",
	      page->out);
}

static int put_page(struct html_page *page)
{
	int err;

	errno = 0;
	err = put_head(page);
	if (err)
		return err;
	fputs("<body>\n", page->out);
	put_top(page);
	html_put_answer(page);
	html_put_budget(page);
	put_lanes(page);
	put_flame(page);
	html_put_path(page);
	html_put_functions(page);
	html_put_waits(page);
	html_put_difference(page);
	html_put_threads(page);
	html_put_checks(page);
	fputs("</main>\n", page->out);
	if (ferror(page->out))
		return errno ? -errno : -EIO;
	err = html_put_data(page);
	if (err)
		return err;
	fprintf(page->out, "<script type=\"module\">%s</script>\n</body>\n</html>\n", html_js);
	if (page->failed)
		return -ENOMEM;
	return fflush(page->out) || ferror(page->out) ? errno ? -errno : -EIO : 0;
}

static int write_html(FILE *out, const struct export_input *input)
{
	struct html_page page = {.out = out, .input = input};

	if (!input->n_runs)
		return -ENODATA;
	page.shown = input->runs[input->n_runs - 1];
	page.comparison = input->n_comparisons ? input->comparisons[0] : NULL;
	return put_page(&page);
}

const struct exporter exporter_html = {
    .name = "html",
    .gloss = "a page that needs no network: the report, lanes in time, and a flame graph of what is selected in them",
    .extension = "html",
    .write = write_html,
};
