/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page: that it needs nobody, and what strangers' names may not do. With `--record FILE KIND` it writes a recording
 * instead, from which tests/cli/html.bats makes pages that a browser judges: `server:INTERVALS`, `hostile`, `empty`, `plain` (no timeline), `two`.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "html_pages.h"
#include "profile/profile.h"

static void test_the_answer_needs_no_scripts(void **state)
{
	struct run *run = run_server(2000);
	struct explanation *explanation = NULL;
	char *whole = page_of(NULL, run), *page;

	(void)state;
	holds_text(whole, "</main>");
	page = strndup(whole, strstr(whole, "</main>") - whole);
	free(whole);
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	holds_text(page, "<noscript>");
	holds_text(page, "lock &quot;orders_lock&quot;");
	holds_text(page, "released by worker/");
	holds_text(page, "residual 0 ns");
	holds_text(page, "url(#h4)");
	assert_int_equal(occurrences(page, "<li>"), explanation->n_findings);
	holds_text(page, "worker/7009");
	explanation_free(explanation);
	free(page);
	run_free(run);
}

static void test_without_a_timeline(void **state)
{
	struct run *run = run_orders();
	char *page = page_of(NULL, run);

	(void)state;
	holds_text(page, "id=\"no-timeline\">This recording has no timeline");
	assert_null(strstr(page, "id=\"lanes-0\""));
	assert_null(strstr(page, "id=\"lanes-place\""));
	holds_text(page, "id=\"rows-0\"");
	holds_text(page, "\"timeline\":false");
	free(page);
	run_free(run);
}

static void test_two_runs(void **state)
{
	struct run *before = run_serial_cpu(0), *after = run_threads_cpu("GIL_lock");
	char *page = page_of(before, after);

	(void)state;
	holds_text(page, "threads-cpu beside serial-cpu");
	holds_text(page, "= progress");
	holds_text(page, "id=\"rows-0\"");
	holds_text(page, "id=\"rows-1\"");
	holds_text(page, "<dt>Speedup</dt>");
	assert_int_equal(occurrences(page, "class=\"barrow\""), 2);
	free(page);
	set_text(&before->name, "threads-cpu");
	before->interrupted = true;
	page = page_of(before, after);
	holds_text(page, "was ended before it was done");
	assert_null(strstr(page, "id=\"difference-table\""));
	free(page);
	run_free(before);
	run_free(after);
}

static void test_nothing_comes_from_elsewhere(void **state)
{
	static const char *const foreign[] = {"href=\"h", "href='", "@import", "src=",           "url(h",
					      "https:",   "<image", "<use",    "eval(",          "innerHTML",
					      "<link",    "fetch(", "<iframe", "insertAdjacent", "style=\""};
	struct run *run = run_server(2000);
	char *page = page_of(NULL, run);

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strstr(page, foreign[i]))
			fail_msg("%s", foreign[i]);
	assert_int_equal(occurrences(page, "://"), occurrences(page, "http://www.w3.org/2000/svg"));
	holds_text(page, "default-src 'none'");
	assert_null(strstr(page, "unsafe"));
	free(page);
	run_free(run);
}

/* The policy names exactly what the elements hold: the browser would run nothing else. */
static void check_hash(const char *page, const char *begin_mark, const char *end_mark)
{
	const char *begin = strstr(page, begin_mark) + strlen(begin_mark), *end = strstr(begin, end_mark);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char digits[64];

	SHA256((const unsigned char *)begin, end - begin, digest);
	EVP_EncodeBlock((unsigned char *)digits, digest, sizeof(digest));
	holds_text(page, digits);
}

static void test_the_policy_admits_this_script_alone(void **state)
{
	struct run *run = run_orders();
	char *page = page_of(NULL, run);

	(void)state;
	check_hash(page, "<style>", "</style>");
	check_hash(page, "<script type=\"module\">", "</script>");
	assert_int_equal(occurrences(page, "<script type=\"module\">"), 1);
	assert_int_equal(occurrences(page, "<script"), occurrences(page, "</script>"));
	assert_int_equal(occurrences(page, "<script"), 1 + occurrences(page, "<script type=\"application/json\"") +
							   occurrences(page, "<script type=\"text/plain\""));
	free(page);
	run_free(run);
}

/* In every place where a name can stand. */
static struct run *run_hostile(void)
{
	struct run *run = run_server(3000);

	set_text(&run->name, HOSTILE);
	set_text(&run->command[0], HOSTILE);
	set_text(&run->command[1], "--></script><!--<script>alert(2)//");
	set_text(&run->processes[0].comm, HOSTILE);
	for (size_t i = 0; i < run->n_threads; i += 2)
		set_text(&run->threads[i].comm, HOSTILE);
	for (size_t i = 0; i < run->n_waits; i++) {
		if (run->waits[i].class == CLASS_POLL) {
			set_text(&run->waits[i].object, HOSTILE);
			run->waits[i].waker_name = copy(HOSTILE);
		} else if (run->waits[i].symbol[0] == 'l') {
			set_text(&run->waits[i].symbol, HOSTILE);
		}
	}
	for (size_t i = 0; i < run->n_frames; i += 3)
		set_text(&run->frames[i].function, HOSTILE);
	set_text(&run->frames[1].function, "");
	set_text(&run->frames[1].object, HOSTILE);
	build_figure(run->losses, &run->n_losses, HOSTILE, 3);
	return run;
}

static void test_hostile_names_stay_text(void **state)
{
	struct run *before = run_hostile(), *after = run_hostile();
	char *page = page_of(before, after);

	(void)state;
	holds_text(page, "&lt;script&gt;alert(1)");
	holds_text(page, "\\u003cscript\\u003ealert(1)");
	assert_null(strstr(page, "<script>"));
	assert_null(strstr(page, "</text>"
				 "<script"));
	assert_null(strstr(page, "<!--"));
	assert_int_equal(occurrences(page, "<script"), occurrences(page, "</script"));
	assert_null(strstr(page, "\xe2\x80\xae"));
	assert_null(strstr(page, "\xef\xbf\xbf"));
	for (const char *s = page; *s; s++)
		assert_true((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t');
	free(page);
	run_free(before);
	run_free(after);
}

/* A thread that lived for no time. */
static struct run *run_empty(void)
{
	struct run *run = build_run("nothing", 5 * MS);

	build_process(run, 0, "nothing");
	build_thread(run, 1, 0, "nobody", 0, 0);
	run->timeline = true;
	return run;
}

static void test_an_empty_run(void **state)
{
	struct run *run = run_empty();
	char *page = page_of(NULL, run);

	(void)state;
	assert_null(strstr(page, ">nan"));
	assert_null(strstr(page, "nan%"));
	assert_null(strstr(page, "inf%"));
	free(page);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_server(20000);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(write_to(full, NULL, run), -ENOSPC);
	assert_int_equal(write_to(full, NULL, NULL), -ENODATA);
	fclose(full);
	run_free(run);
}

static int record_both(const char *path, struct run *runs[2])
{
	static char kernel[] = "6.1.0", version[] = "v1";
	const struct host host = {.kernel = kernel, .cpus = 2, .version = version};
	struct profile *profile = NULL;
	char error[PROFILE_ERROR_BYTES] = "";
	int err = profile_create(path, -1, -1, &host, &profile, error);

	for (int i = 0; !err && i < 2 && runs[i]; i++)
		err = profile_store_run(profile, runs[i], error);
	if (!err)
		err = profile_commit(profile, error);
	if (err)
		fprintf(stderr, "%s\n", error);
	profile_close(profile);
	run_free(runs[0]);
	run_free(runs[1]);
	return !!err;
}

static int record_kind(const char *path, const char *kind)
{
	struct run *runs[2] = {NULL};

	if (!strncmp(kind, "server:", 7))
		runs[0] = run_server(strtoul(kind + 7, NULL, 10));
	else if (!strcmp(kind, "hostile"))
		runs[0] = run_hostile();
	else if (!strcmp(kind, "empty"))
		runs[0] = run_empty();
	else if (!strcmp(kind, "plain"))
		runs[0] = run_orders();
	else if (!strcmp(kind, "two"))
		runs[0] = run_server(3000), runs[1] = run_server(20000);
	else
		return 2;
	if (runs[1])
		set_text(&runs[0]->name, "few-orders");
	return record_both(path, runs);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_answer_needs_no_scripts),
	    cmocka_unit_test(test_without_a_timeline),
	    cmocka_unit_test(test_two_runs),
	    cmocka_unit_test(test_nothing_comes_from_elsewhere),
	    cmocka_unit_test(test_the_policy_admits_this_script_alone),
	    cmocka_unit_test(test_hostile_names_stay_text),
	    cmocka_unit_test(test_an_empty_run),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	};

	if (argc == 4 && !strcmp(argv[1], "--record"))
		return record_kind(argv[2], argv[3]);
	return cmocka_run_group_tests_name("the page", tests, NULL, NULL);
}
