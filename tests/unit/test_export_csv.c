/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values, read as RFC 4180 says: they are the account, and no name becomes a row, a column or a formula. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "flame_fixture.h"

enum {
	RUN,
	NAME,
	PROCESS,
	PID,
	THREAD,
	TID,
	SERIAL,
	IN_STATE,
	CAUSE,
	HOLDER,
	WAKER,
	COUNT,
	TIMED_OUT,
	SECONDS,
	LONGEST,
	SHARE,
	COLUMNS
};

struct table {
	char *text; /* that cells point into */
	char *(*rows)[COLUMNS];
	size_t n;
};

/* Cells end where they should, rows have all their columns, and nothing else stands there. */
static struct table table_of(const struct run *run)
{
	struct table table = {.text = exported("csv", run, NULL)};
	char *in = table.text, *out = table.text;

	table.rows = calloc(10000, sizeof(*table.rows));
	while (*in) {
		for (int column = 0; column < COLUMNS; column++) {
			bool quoted = *in == '"';

			table.rows[table.n][column] = out;
			for (in += quoted;; *out++ = *in++) {
				assert_true(*in);
				if (quoted && *in == '"' && *++in != '"')
					break;
				if (!quoted && strchr(",\r", *in))
					break;
				assert_true(quoted || *in != '"');
				assert_true((unsigned char)*in >= 0x20);
			}
			assert_int_equal(*in, column < COLUMNS - 1 ? ',' : '\r');
			in++;
			*out++ = '\0';
			assert_false(strchr("=+-@", table.rows[table.n][column][0]) && table.rows[table.n][column][0]);
		}
		assert_int_equal(*in++, '\n');
		table.n++;
	}
	assert_true(table.n > 1);
	assert_string_equal(table.rows[0][SECONDS], "seconds");
	return table;
}

static void put_away(struct table *table)
{
	free(table->rows);
	free(table->text);
}

static uint64_t ns_of(const char *seconds)
{
	const char *point = strchr(seconds, '.');

	assert_non_null(point);
	assert_int_equal(strlen(point), 10);
	return strtoull(seconds, NULL, 10) * S + strtoull(point + 1, NULL, 10);
}

/* Sum of seconds where a column is `value` and, if not NULL, the state is `in_state`. */
static uint64_t sum_of(const struct table *table, int column, const char *value, const char *in_state)
{
	uint64_t sum = 0;

	for (size_t i = 1; i < table->n; i++)
		if (!strcmp(table->rows[i][column], value) && (!in_state || !strcmp(table->rows[i][IN_STATE], in_state)))
			sum += ns_of(table->rows[i][SECONDS]);
	return sum;
}

static void test_rows_are_the_account(void **state)
{
	struct run *run = run_orders();
	struct explanation *explanation = NULL;
	struct table table;
	size_t lock = 0;

	(void)state;
	while (strcmp(run->waits[lock].symbol, "orders_lock") != 0)
		lock++;
	run->waits[lock].holder = run->waits[lock].waker = 1;
	assert_int_equal(explain_run(run, NULL, &explanation), 0);
	table = table_of(run);
	for (size_t i = 0; i < run->n_threads; i++) {
		double share = 0;
		char serial[24];

		snprintf(serial, sizeof(serial), "%zu", i + 1);
		assert_int_equal(sum_of(&table, SERIAL, serial, NULL), run->threads[i].life_ns);
		for (int j = 0; j < STATE_COUNT; j++)
			assert_int_equal(sum_of(&table, SERIAL, serial, state_info[j].name), explanation->threads[i].ns[j]);
		for (size_t j = 1; j < table.n; j++)
			if (!strcmp(table.rows[j][SERIAL], serial))
				share += strtod(table.rows[j][SHARE], NULL);
		assert_true(share > 0.999999 && share < 1.000001);
	}
	assert_int_equal(sum_of(&table, CAUSE, "log_lock", "lock"), 4 * 130 * MS);
	assert_int_equal(sum_of(&table, HOLDER, "orders/5001", "lock"), 700 * MS);
	assert_int_equal(sum_of(&table, WAKER, "orders/5001", NULL), 700 * MS);
	put_away(&table);
	explanation_free(explanation);
	run_free(run);
}

static void test_hostile_names(void **state)
{
	static const char *const names[] = {"=1+1", "+cmd", "-2",       "@SUM(A1)", " =1", "\t=1",
					    "a,b",  "a\"b", "a\r\nb,c", HOSTILE,    ""};
	struct run *run = build_run("=r", 1 * S);
	char *endless = malloc(100001);
	struct table table;

	(void)state;
	memset(endless, ',', 100000);
	endless[100000] = '\0';
	build_process(run, 0, "@p");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct run_wait *wait =
		    build_socket(run, build_thread(run, 1, i > 0, names[i], 0, 1 * S), "poll", names[i], 1, 1 * S);

		wait->waker_name = copy(names[i]);
	}
	build_rest_in_queue(run, build_thread(run, 1, 1, endless, 0, 1 * S));
	table = table_of(run);
	assert_int_equal(table.n, 1 + run->n_threads);
	assert_string_equal(table.rows[1][NAME], "'=r");
	assert_string_equal(table.rows[1][THREAD], "'=1+1");
	assert_string_equal(table.rows[1][CAUSE], "'=1+1");
	assert_string_equal(table.rows[5][THREAD], "' =1");
	assert_string_equal(table.rows[8][THREAD], "a\"b");
	assert_string_equal(table.rows[9][THREAD], "a??b,c");
	put_away(&table);
	free(endless);
	run_free(run);
}

static void test_threads_without_a_record(void **state)
{
	struct run *run = run_serial_cpu(0);
	struct table table;

	(void)state;
	run->processes[0].undelivered_threads = 1;
	run->processes[0].undelivered_life_ns = 5000;
	run->processes[0].undelivered_ns[CLASS_FUTEX] = 2000;
	run->processes[0].undelivered_ns[CLASS_USER] = 3000;
	table = table_of(run);
	assert_int_equal(sum_of(&table, THREAD, "(threads without a record)", "user"), 3000);
	assert_int_equal(sum_of(&table, THREAD, "(threads without a record)", NULL), 5000);
	put_away(&table);
	run_free(run);
}

static void test_a_full_stream_is_an_error(void **state)
{
	struct run *run = run_orders();

	(void)state;
	assert_int_equal(exported_to_full("csv", run), -ENOSPC);
	assert_int_equal(exported_nothing("csv"), -ENODATA);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_are_the_account),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_threads_without_a_record),
	    cmocka_unit_test(test_a_full_stream_is_an_error),
	};

	return cmocka_run_group_tests_name("comma-separated values", tests, NULL, NULL);
}
