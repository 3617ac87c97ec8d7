/* SPDX-License-Identifier: Apache-2.0 */
/* The table of models, their options, what they compute, and their ledgers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include <openssl/sha.h>

#include "models/hashing.h"
#include "models/models.h"

static int run_model(const char *name, const struct model_params *params, struct ledger *ledger, char *error, size_t error_bytes)
{
	const struct model *model = model_find(name);

	assert_non_null(model);
	*ledger = (struct ledger){0};
	error[0] = '\0';
	return model->run(params, ledger, error, error_bytes);
}

static void every_baseline_is_in_the_table_and_has_none_itself(void **state)
{
	unsigned int count = 0;

	(void)state;
	for (const struct model *const *model = models; *model; model++, count++) {
		assert_ptr_equal(model_find((*model)->name), *model);
		if ((*model)->baseline) {
			assert_non_null(model_find((*model)->baseline));
			assert_null(model_find((*model)->baseline)->baseline);
		}
	}
	assert_int_equal(count, 7);
	assert_null(model_find("no-such-model"));
}

static unsigned int field(const struct model_params *params, const struct model_option *option)
{
	unsigned int value;

	memcpy(&value, (const char *)params + option->offset, sizeof(value));
	return value;
}

static void expect_refused(const struct model_option *option, const char *value, int expected)
{
	struct model_params params, before;
	char error[256] = "", range[64];

	model_params_default(&params);
	before = params;
	assert_int_equal(model_option_set(&params, option->name, value, error, sizeof(error)), expected);
	assert_memory_equal(&params, &before, sizeof(params));
	snprintf(range, sizeof(range), "%u..%u", option->min, option->max);
	assert_non_null(strstr(error, option->name));
	assert_non_null(strstr(error, value));
	assert_non_null(strstr(error, range));
}

static void options_take_their_range_and_nothing_else(void **state)
{
	(void)state;
	for (const struct model_option *option = model_options; option->name; option++) {
		struct model_params params;
		char value[32], error[256];

		model_params_default(&params);
		assert_in_range(field(&params, option), option->min, option->max);
		snprintf(value, sizeof(value), "%u", option->min);
		assert_int_equal(model_option_set(&params, option->name, value, error, sizeof(error)), 0);
		assert_int_equal(field(&params, option), option->min);
		snprintf(value, sizeof(value), "%u", option->max);
		assert_int_equal(model_option_set(&params, option->name, value, error, sizeof(error)), 0);
		assert_int_equal(field(&params, option), option->max);
		snprintf(value, sizeof(value), "%llu", option->max + 1ull);
		expect_refused(option, value, -ERANGE);
		if (option->min) {
			snprintf(value, sizeof(value), "%u", option->min - 1);
			expect_refused(option, value, -ERANGE);
		}
		/* 2^32 + 1 must not become 1. */
		expect_refused(option, "4294967297", -ERANGE);
		expect_refused(option, "99999999999999999999999", -ERANGE);
		expect_refused(option, "-1", -EINVAL);
		expect_refused(option, "", -EINVAL);
		expect_refused(option, " 5000", -EINVAL);
		expect_refused(option, "5000x", -EINVAL);
		expect_refused(option, "many", -EINVAL);
		expect_refused(option, option->time_us ? "5m" : "5ms", -EINVAL);
	}
}

static void times_may_carry_a_unit(void **state)
{
	struct model_params params;
	char error[256];

	(void)state;
	assert_int_equal(model_option_set(&params, "switch-interval", "7ms", error, sizeof(error)), 0);
	assert_int_equal(params.switch_interval_us, 7000);
	assert_int_equal(model_option_set(&params, "switch-interval", "70us", error, sizeof(error)), 0);
	assert_int_equal(params.switch_interval_us, 70);
	assert_int_equal(model_option_set(&params, "timeout", "3s", error, sizeof(error)), 0);
	assert_int_equal(params.timeout_us, 3000000);
	assert_int_equal(model_option_set(&params, "timeout", "18446744073709551615s", error, sizeof(error)), -ERANGE);
	assert_int_equal(model_option_set(&params, "no-such-option", "1", error, sizeof(error)), -ENOENT);
}

static void the_message_reads_as_documented(void **state)
{
	struct model_params params;
	char error[256];

	(void)state;
	assert_int_equal(model_option_set(&params, "workers", "0", error, sizeof(error)), -ERANGE);
	assert_string_equal(error, "--workers: '0' is not in 1..1024");
}

static void a_chain_is_sha256_of_sha256(void **state)
{
	EVP_MD *md = hashing_open();
	struct hasher hasher, other;
	unsigned char data[SHA256_DIGEST_LENGTH], next[SHA256_DIGEST_LENGTH];
	uint64_t digest = 0;

	(void)state;
	assert_non_null(md);
	assert_int_equal(hasher_open(&hasher, md), 0);
	assert_int_equal(hasher_open(&other, md), 0);
	hasher_seed(&hasher, 7);
	assert_int_equal(hasher.bytes, 16);
	memcpy(data, hasher.data, 16);
	for (int i = 0; i < 100; i++) {
		SHA256(data, i ? sizeof(data) : 16, next);
		memcpy(data, next, sizeof(data));
	}
	assert_int_equal(hasher_chain(&hasher, 7, 100, &digest), 0);
	assert_memory_equal(hasher.data, data, sizeof(data));
	assert_true(digest == hasher_result(&hasher));
	hasher_seed(&hasher, 7);
	hasher_seed(&other, 8);
	assert_memory_not_equal(hasher.data, other.data, 16);
	hasher_close(&hasher);
	hasher_close(&other);
	hashing_close(md);
}

static void cpu_models_compute_the_same(void **state)
{
	struct model_params params;
	struct ledger serial, threads, free_threads, processes, longer;
	char error[256];

	(void)state;
	model_params_default(&params);
	params.workers = 3;
	params.tasks = 7;
	params.iterations = 3000;
	assert_int_equal(run_model("serial-cpu", &params, &serial, error, sizeof(error)), 0);
	assert_int_equal(run_model("threads-cpu", &params, &threads, error, sizeof(error)), 0);
	assert_int_equal(run_model("processes-cpu", &params, &processes, error, sizeof(error)), 0);
	params.no_gil = true;
	assert_int_equal(run_model("threads-cpu", &params, &free_threads, error, sizeof(error)), 0);
	params.iterations++;
	assert_int_equal(run_model("serial-cpu", &params, &longer, error, sizeof(error)), 0);

	assert_true(serial.digest != 0 && serial.digest != longer.digest);
	assert_true(threads.digest == serial.digest && processes.digest == serial.digest && free_threads.digest == serial.digest);
	assert_int_equal(serial.hashes, 7 * 3000);
	assert_true(threads.hashes == serial.hashes && processes.hashes == serial.hashes && free_threads.hashes == serial.hashes);
	assert_int_equal(free_threads.handoffs, 0);
	assert_int_equal(free_threads.lock_wait_ns, 0);
}

static void more_workers_than_tasks_and_the_other_way_round(void **state)
{
	static const char *const names[] = {"threads-cpu", "processes-cpu"};
	static const unsigned int workers[] = {1, 40, 3}, tasks[] = {5, 2, 300};
	struct model_params params;
	struct ledger serial, ledger;
	char error[256];

	(void)state;
	model_params_default(&params);
	params.iterations = 10;
	for (int i = 0; i < 3; i++) {
		params.workers = workers[i];
		params.tasks = tasks[i];
		assert_int_equal(run_model("serial-cpu", &params, &serial, error, sizeof(error)), 0);
		for (int j = 0; j < 2; j++) {
			assert_int_equal(run_model(names[j], &params, &ledger, error, sizeof(error)), 0);
			assert_true(ledger.digest == serial.digest);
			assert_int_equal(ledger.hashes, tasks[i] * 10);
		}
	}
}

static void the_lock_is_handed_over_and_waited_for(void **state)
{
	struct model_params params;
	struct ledger ledger;
	char error[256];

	(void)state;
	model_params_default(&params);
	params.workers = 4;
	params.tasks = 4;
	params.iterations = 100000;
	params.switch_interval_us = 500;
	assert_int_equal(run_model("threads-cpu", &params, &ledger, error, sizeof(error)), 0);
	assert_true(ledger.handoffs > 4);
	assert_true(ledger.forced > 0 && ledger.forced <= ledger.handoffs);
	/* One works at a time: the other three of four wait, until the first of them are done. */
	assert_true(ledger.lock_wait_ns > ledger.work_ns);
	assert_true(ledger.lock_wait_ns < 4 * ledger.work_ns);
}

static void a_planted_sleep_is_slept(void **state)
{
	struct model_params params;
	struct ledger ledger;
	char error[256];

	(void)state;
	model_params_default(&params);
	params.tasks = 5;
	params.iterations = 1;
	params.plant_sleep_us = 20000;
	assert_int_equal(run_model("serial-cpu", &params, &ledger, error, sizeof(error)), 0);
	assert_true(ledger.work_ns >= 5 * 20000 * 1000ull);
}

/* Kills the first child of this process that it finds. */
static void *assassin(void *arg)
{
	char path[64];

	(void)arg;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (int i = 0; i < 5000; i++) {
		FILE *file = fopen(path, "re");
		int pid = 0, found = file ? fscanf(file, "%d", &pid) : 0;

		if (file)
			fclose(file);
		if (found == 1 && pid > 0) {
			usleep(20000);
			kill(pid, SIGKILL);
			return NULL;
		}
		usleep(1000);
	}
	return NULL;
}

static void a_worker_process_that_dies_fails_the_run(void **state)
{
	struct model_params params;
	struct ledger ledger;
	char error[256];
	pthread_t thread;

	(void)state;
	model_params_default(&params);
	params.workers = 2;
	params.tasks = 12;
	params.iterations = 200000;
	assert_int_equal(pthread_create(&thread, NULL, assassin, NULL), 0);
	assert_true(run_model("processes-cpu", &params, &ledger, error, sizeof(error)) < 0);
	pthread_join(thread, NULL);
	assert_non_null(strstr(error, "killed by signal 9"));
}

/* Runs model_main() and reads its ledger, which must fit a pipe. */
static int ledger_of(const char *name, const struct model_params *params, uint64_t start_ns, char *text, size_t bytes)
{
	int fds[2], status;
	ssize_t got;

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	status = model_main(model_find(name), params, start_ns, fds[1]);
	got = read(fds[0], text, bytes - 1);
	assert_true(got > 0);
	text[got] = '\0';
	close(fds[0]);
	close(fds[1]);
	return status;
}

static unsigned long long line_of(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, length) && line[length] == ' ')
			return strtoull(line + length, NULL, 10);
	fail_msg("no line '%s' in the ledger", name);
	return 0;
}

static void the_ledger_is_written_by_lines(void **state)
{
	struct model_params params;
	struct timespec now;
	char text[4096];
	uint64_t start;

	(void)state;
	model_params_default(&params);
	params.tasks = 3;
	params.iterations = 1000;
	clock_gettime(CLOCK_MONOTONIC, &now);
	start = now.tv_sec * 1000000000ull + now.tv_nsec;
	assert_int_equal(ledger_of("serial-cpu", &params, start, text, sizeof(text)), 0);
	assert_true(line_of(text, "start_ns") == start);
	assert_int_equal(line_of(text, "hashes"), 3000);
	assert_true(line_of(text, "work_ns") > 0);
	assert_true(line_of(text, "wall_ns") >= line_of(text, "work_ns"));
	assert_true(line_of(text, "digest") != 0);
	assert_null(strstr(text, "error"));
}

static void a_failed_model_says_so_in_its_ledger(void **state)
{
	struct model_params params;
	char text[4096];

	(void)state;
	model_params_default(&params);
	params.url = "ftp://nowhere\nelse";
	assert_int_equal(ledger_of("serial-io", &params, 0, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "\nerror "));
	assert_non_null(strstr(text, "ftp://nowhere else"));
	assert_int_equal(line_of(text, "downloads"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_baseline_is_in_the_table_and_has_none_itself),
	    cmocka_unit_test(options_take_their_range_and_nothing_else),
	    cmocka_unit_test(times_may_carry_a_unit),
	    cmocka_unit_test(the_message_reads_as_documented),
	    cmocka_unit_test(a_chain_is_sha256_of_sha256),
	    cmocka_unit_test(cpu_models_compute_the_same),
	    cmocka_unit_test(more_workers_than_tasks_and_the_other_way_round),
	    cmocka_unit_test(the_lock_is_handed_over_and_waited_for),
	    cmocka_unit_test(a_planted_sleep_is_slept),
	    cmocka_unit_test(a_worker_process_that_dies_fails_the_run),
	    cmocka_unit_test(the_ledger_is_written_by_lines),
	    cmocka_unit_test(a_failed_model_says_so_in_its_ledger),
	};

	return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
